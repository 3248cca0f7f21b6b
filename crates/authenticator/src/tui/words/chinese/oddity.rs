//! What there is to know of an entry that was added, in Chinese.

use vault::import::Oddity;

pub(super) fn oddity(oddity: &Oddity) -> String {
    match oddity {
        Oddity::NoName => "条目没有名称：请为它命名。".into(),
        Oddity::NameTidied => "名称过长或含不可见字符，已去掉这部分。".into(),
        Oddity::NoteTidied => "备注过长或含不可见字符，已去掉这部分。".into(),
        Oddity::OtherIssuer { other } => format!("服务的名称有两种写法，另一种是 {other}。"),
        Oddity::ShortSecret { len_bytes } => format!("密钥只有 {len_bytes} 字节：请让服务更换密钥。"),
        Oddity::DigitsForSteam => "服务是 Steam，但按另一个应用的说法验证码是数字：如被拒绝，类型应为 steam。".into(),
        Oddity::RoundedName => {
            "电子表格软件已将其名称中的数字四舍五入（如 1.23457E+12）：请修改，或导入另一个应用的原始导出文件。".into()
        }
        Oddity::SameSecret { other } => {
            format!("{other} 的密钥与它相同，验证码也相同：如果是同一个账号，请删除其中一条。")
        }
        Oddity::OddLength => {
            "密钥的最后一个字符凑不成一个字节，已像其他应用那样略去：如验证码被拒绝，说明密钥缺了一部分。".into()
        }
        Oddity::CodePage => "文件不是 UTF-8，已按 Windows-1252 读取：如名称有误，请修改。".into(),
        Oddity::ExtrasLost => "备注、标签和是否置顶无法读取，未予导入。".into(),
        Oddity::Unended => "文件在此处结束且没有换行：如文件被截断，此条目就是错的，请先试用它的验证码。".into(),
        Oddity::SharedLine => "同一行中还有另一个 URI：请试用它的验证码，并让每个 URI 各占一行。".into(),
        Oddity::SharedCounter => "验证码按使用次数变化：请只在此处或另一个应用中使用，不要两处同时用。".into(),
    }
}
