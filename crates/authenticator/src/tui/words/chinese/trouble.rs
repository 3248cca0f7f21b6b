//! The errors in Chinese. No match has a `_` but those over the system's own errors, of which there is no end.

use std::{
    io::{self, ErrorKind},
    path::Path,
};

use enroll::{QrError, UriError, base32::Base32Error};
use vault::{
    AddError, ContentsError, CostError, CounterError, FileError, SaveError, SlotError, TextError, UnlockError,
    import::{ApplyError, ImportError, MissingParts, Reason},
};

use crate::{Doing, VaultFileError, picture::PictureError, prompt::MIN_NEW_LEN, tui::trouble::Trouble};

pub(super) fn trouble(trouble: &Trouble) -> String {
    match trouble {
        Trouble::NothingKnown => "这不是 otpauth URI，不是 base32 密钥，也不是文件。".into(),
        Trouble::Key(error) => key(*error),
        Trouble::NoSuchFile => "没有这个文件。".into(),
        Trouble::NotAFile => "这是目录或设备，需要的是文件。".into(),
        Trouble::File(error) => format!("无法读取文件：{}。", system(error)),
        Trouble::Picture(error) => picture(*error),
        Trouble::NoCode => "图片中没有找到二维码：请换一张更大或更清晰的。".into(),
        Trouble::PartOfCode => "图片中的二维码只是一组中的一部分，不会合并：请让来源用一个二维码显示全部内容。".into(),
        Trouble::OtherCode => "图片中的二维码不是身份验证器的。".into(),
        Trouble::Import(error) => import(*error),
        Trouble::Unusable(reasons) => match reasons.as_slice() {
            [] => "其中没有条目。".into(),
            [one] => reason(one),
            [first, ..] => format!("{} 条全都无法使用，第一条的原因：{}", reasons.len(), reason(first)),
        },
        Trouble::Apply(ApplyError::MissingParts(missing)) => {
            let missing: String = missing.iter().map(parts).collect();
            format!("没有导入。{missing}")
        }
        Trouble::Apply(ApplyError::Full(error)) | Trouble::Add(error) => match error {
            AddError::Full => "保险库已有 10000 条，不能再多：请先删除一些。".into(),
        },
        Trouble::Counter(error) => counter(*error),
        Trouble::Qr(error) => match error {
            QrError::TooLong => "内容过长，无法生成二维码：请缩短服务或账号，或使用密钥。".into(),
            QrError::PxPerModule => "每个模块应为 4 到 64 像素。".into(),
        },
        Trouble::Unlock(error) => unlock(*error),
        Trouble::ShortPassphrase => format!("新口令至少需要 {MIN_NEW_LEN} 个字符，最好是几个词。"),
        Trouble::Create(error) => create(error),
        Trouble::Save(error) => save(error),
        Trouble::VaultFile(error) => vault_file(error),
        // These are in English, and of what is not usual here: a file that the command line named, a terminal that is gone, an agent that hangs.
        Trouble::CommandLine(refusal) => format!("命令行指定的文件无法使用（{refusal}）。"),
        Trouble::Clipboard(refusal) => format!("无法复制（{refusal}）。"),
        Trouble::Agent(refusal) => {
            let remedy = refusal.remedy.as_ref().unwrap_or(&refusal.what);
            format!("代理没有应答，可能仍持有保险库的密钥（{remedy}）。")
        }
    }
}

pub(super) fn text(error: TextError) -> String {
    match error {
        TextError::TooLong { most, .. } => format!("文字过长：最多 {most} 字节。"),
        TextError::Invisible => "文字中有会扰乱终端的不可见字符，请去掉。".into(),
        TextError::Uri => "名称中有含密钥的 URI，请去掉。".into(),
    }
}

fn key(error: Base32Error) -> String {
    match error {
        Base32Error::Empty => "密钥为空：请复制完整的密钥。".into(),
        Base32Error::Character { position } => {
            format!("密钥的第 {position} 个字符不属于 base32：只有 A-Z 和 2-7（没有 0、1、8、9）。")
        }
        Base32Error::Length { characters } => {
            format!("base32 密钥不可能有 {characters} 个字符：缺少或多出了几个。")
        }
        Base32Error::TooLong => "密钥过长，不受支持：请向服务索取较短的密钥。".into(),
    }
}

fn uri(error: UriError) -> String {
    match error {
        UriError::TooLong => "URI 超过 4096 字节：这不是 otpauth URI。".into(),
        UriError::NotOtpauth => "这不是 otpauth URI：应以 otpauth:// 开头。".into(),
        UriError::Migration => "这是 Google Authenticator 的导出 (otpauth-migration)，请按导出文件导入。".into(),
        UriError::AnotherUri => "其中还有另一个含密钥的 URI：请每行只放一个。".into(),
        UriError::UnknownType => "otpauth:// 之后的类型未知：可用 totp、hotp 和 steam。".into(),
        UriError::InvalidUtf8 => "URI 不是有效的 UTF-8：请重新复制，或向服务索取新的。".into(),
        UriError::ControlCharacter => "服务或账号中有控制字符：请向服务索取新的 URI。".into(),
        UriError::DuplicateParameter(name) => format!("参数 {name} 出现了两次，且值不同：请向服务索取新的 URI。"),
        UriError::MissingSecret => "URI 中没有 secret 参数：请复制完整的 URI。".into(),
        UriError::Secret(error) => key(error),
        UriError::Algorithm => "算法未知：可用 SHA1、SHA256 和 SHA512。".into(),
        UriError::Digits => "位数应为 5 到 10。".into(),
        UriError::Period => "周期应为 1 秒或以上。".into(),
        UriError::Counter => "计数器应为数字。".into(),
    }
}

fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Shape => "条目不符合其格式。".into(),
        Reason::NoSecret => "条目没有密钥。".into(),
        Reason::Secret(error) => key(*error),
        Reason::Rounded => {
            "电子表格软件已将密钥四舍五入（如 1.23457E+12），密钥已丢失：请导入另一个应用的原始导出文件。".into()
        }
        Reason::OtherPassword => "这个密码打不开此条目：它可能仍用以前的密码。".into(),
        Reason::LongSecret => "密钥超过 128 字节。".into(),
        Reason::Type(kind) => format!("类型是 {kind}：只能保存 TOTP、HOTP 和 Steam。"),
        Reason::Algorithm(name) => format!("算法是 {name}：只能计算 SHA-1、SHA-256 和 SHA-512。"),
        Reason::Digits(digits) => format!("验证码有 {digits} 位：只能显示 5 到 10 位。"),
        Reason::Period(seconds) => format!("周期是 {seconds} 秒，验证码不可能如此。"),
        Reason::Counter(counter) => format!("计数器是 {counter}，计数器不可能如此。"),
        Reason::Uri(error) => uri(*error),
        Reason::UriInName => "名称中有含密钥的 URI：请向另一应用重新导出，或修改名称。".into(),
        Reason::Trashed => "条目在另一应用的回收站中。".into(),
        Reason::NewerVersion => "由本程序的更新版本写入：请使用该版本。".into(),
        // Which part of a code that no app makes is wrong helps nobody but its maker.
        Reason::Migration(_) => "Google Authenticator 的二维码不完整或已损坏：请重新扫描。".into(),
    }
}

fn parts(missing: &MissingParts) -> String {
    let parts: Vec<String> = missing.parts.iter().map(u32::to_string).collect();
    format!("共 {} 部分，缺少第 {} 部分：请一并扫描。", missing.of, parts.join("、"))
}

fn import(error: ImportError) -> String {
    match error {
        ImportError::TooLarge => "文件超过 16 MiB，导出文件不会这么大。".into(),
        ImportError::Unknown => "这不是任何已知的导出文件：请从另一应用重新导出为 JSON、CSV 或文本。".into(),
        ImportError::Archive => "这是压缩文件：请先解压，再添加其中的文件。".into(),
        ImportError::Picture => "这是图片：应扫描其中的二维码。".into(),
        ImportError::Locked(format) => format!(
            "{format} 的导出文件已加密：请退出，然后运行 `countersign authenticator import 文件`，它会询问密码。"
        ),
        ImportError::Age => {
            "文件已用 age 加密：请退出，然后运行 `countersign authenticator import 文件`，它会询问密码。".into()
        }
        ImportError::Encoding(of) => format!("文件的编码不受支持（{of}）：请另存为 UTF-8 后再添加。"),
        ImportError::Database => {
            "这是应用自身的数据库，无法读取：请在该应用中导出（Google 身份验证器用二维码）；Microsoft Authenticator 不能导出，请重新绑定其账户。".into()
        }
        ImportError::KeePass => "这是 KeePass 数据库：请导出为 CSV，再添加该文件。".into(),
        ImportError::OpenPgp => "文件已用 OpenPGP 加密：请先解密，再添加其内容。".into(),
        ImportError::Vault(error) => file(error),
        ImportError::VaultLocked(error) => unlock(error),
        ImportError::LockedByKeyFile => {
            "此保险库由密钥文件打开：请退出，然后运行 `countersign authenticator import 文件 --password-file 密钥文件`。".into()
        }
        ImportError::EncryptedDatabase => {
            "此密码打不开 andOTP 备份，而文件长度像是加密的数据库：Authenticator Plus 的数据库无法读取，请将其账号导出为文本。".into()
        }
        ImportError::NotEvenAndOtp => "这只可能是 2019 年以前的 andOTP 备份，而此密码打不开：请重新导出。".into(),
        ImportError::WrongPassword(format) => format!("密码错误，或者 {format} 的导出文件已损坏。"),
        ImportError::CutOff => "文件不完整，缺少结尾：请重新导出。".into(),
        ImportError::Damaged { line, column } => format!("文件在第 {line} 行第 {column} 列损坏：请重新导出。"),
        // The details are for whoever knows the format, in the words of its own fields.
        ImportError::Malformed(format, what) => format!("{format} 的导出文件不符合其格式（{what}）。"),
        ImportError::Unsupported(format, what) => format!("这种 {format} 导出文件无法读取（{what}）。"),
        ImportError::Cost(what) => format!("打开此文件的代价过高（{what}）。"),
    }
}

fn picture(error: PictureError) -> String {
    match error {
        PictureError::Unknown => "这不是 PNG、JPEG、WebP 或 BMP 图片：请对二维码截图并存为 PNG。".into(),
        PictureError::TooLarge { width, height } => {
            format!("图片有 {width} × {height} 像素，超过五千万：请裁剪出二维码部分。")
        }
        PictureError::Damaged => "图片不完整或已损坏：请重新保存。".into(),
    }
}

fn counter(error: CounterError) -> String {
    match error {
        CounterError::NoSuchEntry => "没有这个条目。".into(),
        CounterError::NotHotp => "此条目的验证码按时间变化，不按次数。".into(),
        CounterError::UsedUp => "此条目的计数器已用尽：请重新绑定。".into(),
    }
}

fn unlock(error: UnlockError) -> String {
    match error {
        UnlockError::NoSuchSlot => "此保险库没有口令：请退出，用 --key-file 指定密钥文件。".into(),
        UnlockError::Wrong => "口令不对。".into(),
        UnlockError::Altered => "没有密钥的人改动过保险库：请从备份恢复。".into(),
        UnlockError::OutOfMemory { memory_kib } => {
            format!("内存不足，无法检查口令：此保险库需要 {} MiB。", memory_kib / 1024)
        }
        UnlockError::Contents(error) => contents(error),
    }
}

fn contents(error: ContentsError) -> String {
    match error {
        ContentsError::NewerVersion => "条目由本程序的更新版本写入：请使用该版本。".into(),
        ContentsError::Layout { record } => format!("条目没有意义（记录 {record}）：它们不是本程序写入的。"),
        ContentsError::TooMany => "保险库超过 10000 条，本程序不会写入这么多。".into(),
    }
}

fn create(error: &SlotError<String>) -> String {
    match error {
        SlotError::Entropy(why) => format!("没有随机数（{why}）。"),
        SlotError::EmptyPassphrase => "口令为空，请输入。".into(),
        SlotError::KeyFileLength { len_bytes } => {
            format!("密钥文件应有 32 字节到 1 MiB，此文件有 {len_bytes} 字节：请用随机字节生成一个。")
        }
        SlotError::Label => "标签最多 64 字节，且不含控制字符。".into(),
        SlotError::TooMany => "此保险库已有 8 种打开方式：请先删除一种。".into(),
        SlotError::NoSuchSlot { index } => format!("此保险库没有打开方式 {index}。"),
        SlotError::Last => "这是打开此保险库的唯一方式：请先添加另一种。".into(),
        SlotError::Cost(error) => cost(*error),
        SlotError::OutOfMemory => "内存不足，无法设置口令。".into(),
    }
}

fn cost(error: CostError) -> String {
    match error {
        CostError::TooLow => "口令的代价低于 Argon2 的下限。".into(),
        CostError::Memory { memory_kib } => format!("口令需要 {} MiB 内存：最多 1024 MiB。", memory_kib / 1024),
        CostError::Lanes { lanes } => format!("口令需要 {lanes} 条通道：最多 16 条。"),
        CostError::Work => "检查口令需要几分钟：内存乘以次数最多 8 GiB。".into(),
    }
}

fn save(error: &SaveError<String>) -> String {
    match error {
        SaveError::Entropy(why) => format!("没有随机数（{why}）。"),
        SaveError::TooLarge => "保险库将超过 16 MiB：请缩短备注。".into(),
    }
}

fn vault_file(error: &VaultFileError) -> String {
    let shown = |path: &Path| path.display().to_string();
    match error {
        VaultFileError::Missing(path) => format!("{} 处已没有保险库。", shown(path)),
        VaultFileError::Exists(path) => format!("{} 已经存在，不会覆盖：请移开它，或指定其他文件。", shown(path)),
        VaultFileError::NotAFile(path) => format!("{} 不是文件。", shown(path)),
        VaultFileError::Unusable { path, error } => format!("{}：{}", shown(path), file(*error)),
        VaultFileError::Busy { path, holder } => {
            let holder = holder.map_or_else(|| "其他进程".to_owned(), |id| format!("进程 {id} "));
            format!("{holder}正在修改 {}：请等它结束后重试。", shown(path))
        }
        VaultFileError::Io { path, doing, error } => {
            let doing = match doing {
                Doing::Lock => "锁定",
                Doing::Read => "读取",
                Doing::Write => "写入",
            };
            format!("无法{doing} {}：{}。", shown(path), system(error))
        }
        VaultFileError::Unsynced { path, error } => format!(
            "{} 已保存，但断电后可能变回旧内容：{}。请复制到其他磁盘。",
            shown(path),
            system(error)
        ),
    }
}

fn file(error: FileError) -> String {
    match error {
        FileError::NotAVault => "这不是保险库，或者开头已损坏。".into(),
        FileError::TooLarge => "文件超过 16 MiB，保险库不会这么大。".into(),
        FileError::Damaged => "保险库已损坏或不完整：请从备份恢复。".into(),
        FileError::NewerVersion => "保险库由本程序的更新版本写入：请使用该版本。".into(),
        FileError::Layout => "保险库的头部没有意义：它不是本程序写入的。".into(),
        FileError::Cost(error) => cost(error),
    }
}

/// An error of the system; a rare one in its own words, which people search for.
fn system(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "文件或目录不存在".into(),
        ErrorKind::PermissionDenied => "没有权限".into(),
        ErrorKind::StorageFull => "磁盘空间已满".into(),
        ErrorKind::QuotaExceeded => "超出磁盘配额".into(),
        ErrorKind::ReadOnlyFilesystem => "文件系统是只读的".into(),
        ErrorKind::FileTooLarge => "文件过大".into(),
        ErrorKind::IsADirectory => "这是目录".into(),
        ErrorKind::NotADirectory => "路径中有一部分不是目录".into(),
        ErrorKind::AlreadyExists => "已经存在".into(),
        ErrorKind::OutOfMemory => "内存不足".into(),
        ErrorKind::InvalidFilename => "文件名无效".into(),
        _ => error.to_string(),
    }
}
