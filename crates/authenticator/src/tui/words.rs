//! What the interface says, in each language. A language that lacks a sentence does not compile.

use vault::Order;

use super::form::{Field, Missing, Type};

/// A language of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    /// English
    En,
    /// 简体中文
    #[value(name = "zh-CN", alias = "zh")]
    Zh,
}

impl Language {
    /// Of a locale's name, such as `zh_CN.UTF-8`.
    pub(crate) fn of_locale(locale: &str) -> Self {
        match locale.to_ascii_lowercase().starts_with("zh") {
            true => Self::Zh,
            false => Self::En,
        }
    }

    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::En => &ENGLISH,
            Self::Zh => &CHINESE,
        }
    }
}

pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) too_small: &'static str,
    pub(super) keys: Keys,
    pub(super) gate: Gate,
    pub(super) list: List,
    pub(super) add: Add,
    pub(super) form: FormWords,
    pub(super) remove: Remove,
    pub(super) secret: SecretWords,
    pub(super) notice: Notice,
    pub(super) help: &'static [(&'static str, &'static str)],
}

/// Hints of the last line: a key, and what it does.
pub(super) struct Keys {
    pub(super) list: &'static [(&'static str, &'static str)],
    pub(super) search: &'static [(&'static str, &'static str)],
    pub(super) gate: &'static [(&'static str, &'static str)],
    pub(super) add: &'static [(&'static str, &'static str)],
    pub(super) form: &'static [(&'static str, &'static str)],
    pub(super) confirm: &'static [(&'static str, &'static str)],
    pub(super) qr: &'static [(&'static str, &'static str)],
    pub(super) help: &'static [(&'static str, &'static str)],
}

pub(super) struct Gate {
    pub(super) locked: &'static str,
    pub(super) new: &'static str,
    pub(super) passphrase: &'static str,
    pub(super) again: &'static str,
    pub(super) opening: &'static str,
    pub(super) empty: &'static str,
    pub(super) differ: &'static str,
    pub(super) wrong: &'static str,
}

pub(super) struct List {
    pub(super) empty: &'static str,
    pub(super) none_found: &'static str,
    pub(super) all_groups: &'static str,
    pub(super) next: &'static str,
    pub(super) hidden: &'static str,
    pub(super) by_use: &'static str,
    pub(super) count: fn(usize, usize) -> String,
    pub(super) order: fn(Order) -> &'static str,
    pub(super) seconds: fn(u32) -> String,
    pub(super) digits: fn(u8) -> String,
}

pub(super) struct Add {
    pub(super) title: &'static str,
    pub(super) what: &'static str,
    pub(super) prompt: &'static str,
    pub(super) no_such: &'static str,
}

pub(super) struct FormWords {
    pub(super) new: &'static str,
    pub(super) edit: &'static str,
    pub(super) field: fn(Field) -> &'static str,
    pub(super) kind: fn(Type) -> &'static str,
    pub(super) missing: fn(Missing) -> String,
}

pub(super) struct Remove {
    pub(super) question: fn(&str) -> String,
    pub(super) warning: &'static str,
}

pub(super) struct SecretWords {
    pub(super) question: fn(&str) -> String,
    pub(super) warning: &'static str,
    pub(super) key: &'static str,
    pub(super) too_small: fn(usize, usize) -> String,
    pub(super) needs_passphrase: &'static str,
}

pub(super) struct Notice {
    pub(super) copied: fn(&str, u64) -> String,
    pub(super) added: fn(&str) -> String,
    pub(super) added_many: fn(usize) -> String,
    pub(super) left_out: fn(usize) -> String,
    pub(super) edited: &'static str,
    pub(super) removed: fn(&str) -> String,
    pub(super) restored: fn(&str) -> String,
    pub(super) nothing_to_undo: &'static str,
    pub(super) idle: fn(u64) -> String,
    pub(super) reloaded: &'static str,
    pub(super) gone: &'static str,
    pub(super) edited_meanwhile: &'static str,
    pub(super) double: fn(&str) -> String,
    pub(super) not_saved: fn(&str) -> String,
    pub(super) rekeyed: &'static str,
    pub(super) too_long: &'static str,
    pub(super) clipboard_emptied: &'static str,
}

const ENGLISH: Words = Words {
    title: "Countersign",
    too_small: "20×6 needed",
    keys: Keys {
        list: &[
            ("Enter", "copy"),
            ("?", "help"),
            ("/", "search"),
            ("q", "quit"),
            ("a", "add"),
            ("e", "edit"),
            ("d", "remove"),
            ("Space", "show"),
            ("L", "lock"),
        ],
        search: &[
            ("Enter", "copy"),
            ("Esc", "clear"),
            ("↑↓", "choose"),
            ("Tab", "to the list"),
        ],
        gate: &[("Enter", "open"), ("Esc", "quit")],
        add: &[("Enter", "add"), ("Esc", "back"), ("Ctrl-R", "show what is typed")],
        form: &[
            ("Enter", "save"),
            ("Esc", "back"),
            ("Tab", "next line"),
            ("←→", "choose"),
        ],
        confirm: &[("y", "yes"), ("n", "no")],
        qr: &[("Esc", "hide"), ("i", "invert")],
        help: &[("Esc", "back"), ("↑↓", "scroll")],
    },
    gate: Gate {
        locked: "The vault is locked.",
        new: "There is no vault yet. Choose a passphrase for a new one: nobody can open it without.",
        passphrase: "Passphrase",
        again: "The same again",
        opening: "Opening…",
        empty: "The passphrase is empty: type one.",
        differ: "The two are not the same: type both again.",
        wrong: "That is not it.",
    },
    list: List {
        empty: "No entries yet. Press a, then paste an otpauth URI, or name a picture of a QR code.",
        none_found: "Nothing matches. Esc clears the search, Tab goes through the groups.",
        all_groups: "all groups",
        next: "next",
        hidden: "Space shows it",
        by_use: "Space takes the next",
        count: |shown, all| match shown == all {
            true if all == 1 => "1 entry".into(),
            true => format!("{all} entries"),
            false => format!("{shown} of {all}"),
        },
        order: |order| match order {
            Order::Name => "by name",
            Order::Use => "by use",
            Order::Added => "as added",
        },
        seconds: |seconds| format!("{seconds} s"),
        digits: |digits| format!("{digits} digits"),
    },
    add: Add {
        title: "Add",
        what: "Paste an otpauth URI, or type the key that the service shows, or the path of a picture of its QR code \
               or of what another app exported.",
        prompt: "URI, key or path",
        no_such: "This is no otpauth URI, no key in base32, and no file.",
    },
    form: FormWords {
        new: "Add by hand",
        edit: "Edit",
        field: |field| match field {
            Field::Issuer => "Service",
            Field::Account => "Account",
            Field::Groups => "Groups",
            Field::Note => "Note",
            Field::Type => "Codes",
            Field::Algorithm => "Hash",
            Field::Digits => "Digits",
            Field::Period => "Seconds",
            Field::Counter => "Counter",
        },
        kind: |kind| match kind {
            Type::Totp => "by time (TOTP)",
            Type::Hotp => "by use (HOTP)",
            Type::Steam => "Steam",
        },
        missing: |missing| match missing {
            Missing::AName => "Say the service or the account, or both.".into(),
            Missing::Period => "The seconds are a number above 0, 30 as a rule.".into(),
            Missing::Counter => "The counter is a number, 0 as a rule.".into(),
            Missing::Text(error) => error.to_string(),
        },
    },
    remove: Remove {
        question: |title| format!("Remove {title}?"),
        warning: "Turn off its second factor at the service first, or you may be locked out. Until you lock or quit, u undoes it.",
    },
    secret: SecretWords {
        question: |title| format!("Show the secret of {title}?"),
        warning: "Whoever sees the QR code can make its codes for ever. Is nobody looking, and no screen shared?",
        key: "Key",
        too_small: |width, height| {
            format!("The QR code takes {width}×{height}: make the terminal larger, or type the key.")
        },
        needs_passphrase: "The agent opened the vault: to see secrets, lock it with L and type the passphrase.",
    },
    notice: Notice {
        copied: |title, seconds| format!("Copied {title}; the clipboard is emptied in {seconds} s."),
        added: |title| format!("Added {title}."),
        added_many: |count| format!("Added {count} entries."),
        left_out: |count| format!("{count} left out: here already, or unusable."),
        edited: "Saved.",
        removed: |title| format!("Removed {title}. u undoes it."),
        restored: |title| format!("{title} is back."),
        nothing_to_undo: "There is nothing to undo.",
        idle: |minutes| format!("Locked after {minutes} min without a key."),
        reloaded: "Changed by another process, and read again.",
        gone: "Another process removed this entry.",
        edited_meanwhile: "Another process changed the same words: Esc shows them, then edit again.",
        double: |title| format!("It is here already: {title}."),
        not_saved: |why| format!("Not saved: {why}"),
        rekeyed: "Another process changed the passphrase or the file.",
        too_long: "That is too long: at most 16 KiB are taken.",
        clipboard_emptied: "The clipboard is empty.",
    },
    help: &[
        ("Enter  c", "copy the code; HOTP: take the next one first"),
        ("Space", "show or hide the code; HOTP: take the next one"),
        ("n", "HOTP: take another code"),
        ("/", "search as you type"),
        ("↑↓  j k", "choose"),
        ("g  G", "first, last"),
        ("Tab", "go through the groups"),
        ("o", "order: by use, by name, as added"),
        ("f", "favourite: always first"),
        ("a", "add: URI, key, picture, file"),
        ("e", "edit names, groups, note"),
        ("d", "remove"),
        ("u", "undo the last removal"),
        ("v", "QR code and key, for another device"),
        ("h", "hide all codes, or show them"),
        ("L", "lock"),
        ("q", "quit"),
        ("Ctrl-Z", "to the shell; fg comes back"),
        ("Ctrl-L", "draw anew"),
    ],
};

const CHINESE: Words = Words {
    title: "Countersign",
    too_small: "至少需要 20×6",
    keys: Keys {
        list: &[
            ("Enter", "复制"),
            ("?", "帮助"),
            ("/", "搜索"),
            ("q", "退出"),
            ("a", "添加"),
            ("e", "编辑"),
            ("d", "删除"),
            ("空格", "显示"),
            ("L", "锁定"),
        ],
        search: &[("Enter", "复制"), ("Esc", "清除"), ("↑↓", "选择"), ("Tab", "回到列表")],
        gate: &[("Enter", "打开"), ("Esc", "退出")],
        add: &[("Enter", "添加"), ("Esc", "返回"), ("Ctrl-R", "显示输入内容")],
        form: &[("Enter", "保存"), ("Esc", "返回"), ("Tab", "下一项"), ("←→", "选择")],
        confirm: &[("y", "是"), ("n", "否")],
        qr: &[("Esc", "隐藏"), ("i", "反色")],
        help: &[("Esc", "返回"), ("↑↓", "滚动")],
    },
    gate: Gate {
        locked: "保险库已锁定。",
        new: "还没有保险库。请为新保险库设置口令：没有口令，谁也打不开它。",
        passphrase: "口令",
        again: "再次输入",
        opening: "正在打开…",
        empty: "口令为空，请输入。",
        differ: "两次输入不一致，请重新输入。",
        wrong: "口令不对。",
    },
    list: List {
        empty: "还没有条目。按 a，然后粘贴 otpauth URI，或输入二维码图片的路径。",
        none_found: "没有匹配的条目。Esc 清除搜索，Tab 切换分组。",
        all_groups: "全部分组",
        next: "下一个",
        hidden: "按空格显示",
        by_use: "按空格取下一个",
        count: |shown, all| match shown == all {
            true => format!("{all} 条"),
            false => format!("{shown} / {all} 条"),
        },
        order: |order| match order {
            Order::Name => "按名称",
            Order::Use => "按使用",
            Order::Added => "按添加顺序",
        },
        seconds: |seconds| format!("{seconds} 秒"),
        digits: |digits| format!("{digits} 位"),
    },
    add: Add {
        title: "添加",
        what: "粘贴 otpauth URI，或输入服务显示的密钥，或输入二维码图片、其他应用导出文件的路径。",
        prompt: "URI、密钥或路径",
        no_such: "这不是 otpauth URI，不是 base32 密钥，也不是文件。",
    },
    form: FormWords {
        new: "手动添加",
        edit: "编辑",
        field: |field| match field {
            Field::Issuer => "服务",
            Field::Account => "账号",
            Field::Groups => "分组",
            Field::Note => "备注",
            Field::Type => "验证码",
            Field::Algorithm => "哈希",
            Field::Digits => "位数",
            Field::Period => "秒数",
            Field::Counter => "计数器",
        },
        kind: |kind| match kind {
            Type::Totp => "按时间 (TOTP)",
            Type::Hotp => "按次数 (HOTP)",
            Type::Steam => "Steam",
        },
        missing: |missing| match missing {
            Missing::AName => "请填写服务或账号。".into(),
            Missing::Period => "秒数应大于 0，通常为 30。".into(),
            Missing::Counter => "计数器应为数字，通常为 0。".into(),
            Missing::Text(vault::TextError::TooLong { most, .. }) => format!("文字过长：最多 {most} 字节。"),
            Missing::Text(vault::TextError::Invisible) => "文字中有会扰乱终端的不可见字符，请去掉。".into(),
        },
    },
    remove: Remove {
        question: |title| format!("删除 {title}？"),
        warning: "请先在该服务关闭两步验证，否则可能无法登录。锁定或退出之前可按 u 撤销。",
    },
    secret: SecretWords {
        question: |title| format!("显示 {title} 的密钥？"),
        warning: "任何人看到二维码，都能永久生成它的验证码。确定无人旁观、没有共享屏幕吗？",
        key: "密钥",
        too_small: |width, height| format!("二维码需要 {width}×{height}：请放大终端，或手动输入密钥。"),
        needs_passphrase: "保险库由代理打开：要查看密钥，请按 L 锁定后输入口令。",
    },
    notice: Notice {
        copied: |title, seconds| format!("已复制 {title}，剪贴板将在 {seconds} 秒后清空。"),
        added: |title| format!("已添加 {title}。"),
        added_many: |count| format!("已添加 {count} 条。"),
        left_out: |count| format!("{count} 条未添加：已存在或无法使用。"),
        edited: "已保存。",
        removed: |title| format!("已删除 {title}。按 u 撤销。"),
        restored: |title| format!("已恢复 {title}。"),
        nothing_to_undo: "没有可撤销的操作。",
        idle: |minutes| format!("{minutes} 分钟无按键，已锁定。"),
        reloaded: "其他进程修改了保险库，已重新读取。",
        gone: "此条目已被其他进程删除。",
        edited_meanwhile: "其他进程修改了同样的内容：按 Esc 查看后再编辑。",
        double: |title| format!("已经存在：{title}。"),
        not_saved: |why| format!("未保存：{why}"),
        rekeyed: "其他进程修改了口令或文件。",
        too_long: "内容过长：最多 16 KiB。",
        clipboard_emptied: "剪贴板已清空。",
    },
    help: &[
        ("Enter  c", "复制验证码；HOTP 先取下一个"),
        ("空格", "显示或隐藏验证码；HOTP 取下一个"),
        ("n", "HOTP：再取一个"),
        ("/", "边输入边搜索"),
        ("↑↓  j k", "选择"),
        ("g  G", "第一条、最后一条"),
        ("Tab", "切换分组"),
        ("o", "排序：按使用、按名称、按添加顺序"),
        ("f", "收藏：总在最前"),
        ("a", "添加：URI、密钥、图片、文件"),
        ("e", "编辑名称、分组、备注"),
        ("d", "删除"),
        ("u", "撤销上次删除"),
        ("v", "二维码和密钥，供其他设备使用"),
        ("h", "隐藏或显示全部验证码"),
        ("L", "锁定"),
        ("q", "退出"),
        ("Ctrl-Z", "回到 shell，fg 返回"),
        ("Ctrl-L", "重绘屏幕"),
    ],
};
