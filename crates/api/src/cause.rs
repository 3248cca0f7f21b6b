//! Causes of the audit trail: what each means, in both languages, and what a user is told who asks why.

use crate::Words;

/// One row of the tables below for each cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The name in an event's `cause`; where an event has none, its `outcome`.
    pub name: &'static str,
    /// The meaning, in English.
    pub en: &'static str,
    /// The meaning, in Chinese.
    pub zh: &'static str,
    /// What to tell the user, in English; empty where there is nothing to tell.
    pub tell: &'static str,
}

const fn refusal(name: &'static str, en: &'static str, zh: &'static str, tell: &'static str) -> Cause {
    Cause { name, en, zh, tell }
}

const fn reason(name: &'static str, en: &'static str, zh: &'static str) -> Cause {
    refusal(name, en, zh, "")
}

impl Cause {
    /// All that this version writes into events, and knows how to explain; the names of external methods beside them.
    pub const ALL: &[Self] = CAUSES;

    /// The cause of this name; `None` for the name of an external method, and for what a newer version wrote.
    pub fn named(name: &str) -> Option<&'static Self> {
        CAUSES.iter().find(|cause| cause.name == name)
    }

    /// The meaning, in both languages.
    pub fn explanation(&self) -> Words {
        Words {
            en: self.en.to_owned(),
            zh: self.zh.to_owned(),
        }
    }
}

const CAUSES: &[Cause] = &[
    // Codes.
    refusal(
        "wrong",
        "The code is none of this device's; for a few minutes this stands for a code that came too early, too.",
        "验证码不属于该设备；几分钟之内，过早的验证码也显示为此项。",
        "Type the code that the token, or the right entry in the app, shows now. If it stays wrong, the phone's clock may be off: set it to automatic; a hardware token is measured anew by a resync.",
    ),
    refusal(
        "wrong_recovery_code",
        "It is none of the user's recovery codes, or one that was used.",
        "不是该用户的恢复码，或该恢复码已被使用。",
        "Take a recovery code of the newest sheet that was not used yet.",
    ),
    refusal(
        "wrong_passcode",
        "It is not the temporary passcode of this user, or that one was used or is over.",
        "不是该用户的临时通行码，或该通行码已使用、已失效。",
        "Type the eight digits as support read them out; after ten minutes or five wrong ones support issues a new one.",
    ),
    refusal(
        "used",
        "The code was right, and had been used, or is older than one that was; `steps` says by how much.",
        "验证码本来正确，但已使用过，或早于已使用的验证码；`steps` 为相差的步数。",
        "Type the next code, once the app or the token shows it: each one works once.",
    ),
    refusal(
        "too_early",
        "The device's clock is ahead by `steps` time steps.",
        "设备的时钟快了 `steps` 个时间步。",
        "Set the phone's clock to automatic; a hardware token is measured anew by a resync.",
    ),
    refusal(
        "too_late",
        "The code belongs to a time that is past: the device's clock is behind by `steps` time steps, or it was typed late.",
        "验证码属于过去的时间：设备的时钟慢了 `steps` 个时间步，或输入太迟。",
        "Set the phone's clock to automatic, and type the code while it is shown; a hardware token is measured anew by a resync.",
    ),
    refusal(
        "other_algorithm",
        "The app computes with another algorithm than the entry says.",
        "应用使用的算法与条目不符。",
        "Use another authenticator app, or bind the device anew.",
    ),
    refusal(
        "other_period",
        "The device renews its code at another period than the entry says.",
        "设备更新验证码的周期与条目不符。",
        "Use another authenticator app, or bind the device anew.",
    ),
    refusal(
        "other_digits",
        "What was typed has another number of digits than the device shows.",
        "输入的位数与设备显示的不同。",
        "Type all digits of the code, and nothing else.",
    ),
    refusal(
        "clock_off",
        "Support had the code looked at: it belongs to another time, the device's clock is off.",
        "客服查验了该验证码：它属于其他时间，设备的时钟不准。",
        "Set the phone's clock to automatic; a hardware token is measured anew by a resync.",
    ),
    refusal(
        "other_entry",
        "Support had the code looked at: it is of another entry of this user than the one that was asked for.",
        "客服查验了该验证码：它属于该用户的另一个条目。",
        "Read the other entry in the app, and type the code that it shows.",
    ),
    refusal(
        "older_enrollment",
        "Support had the code looked at: it is of a QR code in whose place a newer one was shown.",
        "客服查验了该验证码：它属于已被新二维码取代的旧二维码。",
        "Delete the older entry in the app, and use the newest one.",
    ),
    refusal(
        "right_but_locked",
        "Support had the code looked at: it was right, and nothing was judged, for the device is locked, suspended or lost.",
        "客服查验了该验证码：验证码正确，但设备已锁定、暂停或挂失，因此未作判断。",
        "Wait until the lock ends, or have support lift it.",
    ),
    refusal(
        "malformed",
        "What was typed is no code.",
        "输入的内容不是验证码。",
        "Type the digits that the app shows.",
    ),
    refusal(
        "repeated",
        "The same wrong code again, which counts once.",
        "同一个错误的验证码再次提交，只计一次。",
        "Wait for the next code, and type that.",
    ),
    refusal(
        "locked",
        "Nothing was judged: too many wrong codes came before, or the road is suspended.",
        "未作判断：此前错误的验证码过多，或该途径已被暂停。",
        "Wait until the lock ends. If the wrong codes were not the user's own, somebody has the password: change it.",
    ),
    refusal(
        "no_device",
        "No device is bound for this user.",
        "该用户没有绑定设备。",
        "Bind a device first; the names of account and user are told apart by every letter.",
    ),
    refusal(
        "contended",
        "Other requests of the same user were faster, again and again; nothing was decided.",
        "同一用户的其他请求一再抢先；未作决定。",
        "Try once more with the next code.",
    ),
    refusal(
        "closing",
        "The user is being closed: nobody logs in meanwhile.",
        "该用户正在注销，期间不能登录。",
        "The closing can be taken back until it is over.",
    ),
    refusal(
        "grant",
        "The grant is none of ours, was used, has expired, or is for something else.",
        "授权无效、已使用、已过期或用于其他用途。",
        "Go through the check once more.",
    ),
    refusal(
        "method_not_proven",
        "The method that was reported is not registered for this user.",
        "所报告的方式没有为该用户登记。",
        "Prove the method first, or choose another one.",
    ),
    refusal(
        "other_identity",
        "The report names another identity than the registered one.",
        "报告的身份与登记的不同。",
        "Use the phone number, address or account that is registered.",
    ),
    // Enrollments.
    refusal(
        "token_unknown",
        "No token in the inventory has this serial number.",
        "库存中没有该序列号的令牌。",
        "Compare the serial number with the token's back.",
    ),
    refusal(
        "token_bound",
        "The token is somebody's device already.",
        "该令牌已绑定。",
        "Compare the serial number with the token's back; a token serves one user.",
    ),
    refusal(
        "token_without_secret",
        "The token waits for a new secret.",
        "该令牌等待写入新的密钥。",
        "Ask for another token.",
    ),
    refusal(
        "token_assigned",
        "The token is meant for somebody else.",
        "该令牌已分配给他人。",
        "Use the token that was handed to this user.",
    ),
    refusal(
        "batch_not_open",
        "The token's batch is not open to this user.",
        "该令牌所属批次未向该用户开放。",
        "Bind an authenticator app, or ask for a token of an open batch.",
    ),
    refusal(
        "token_not_yet_valid",
        "The token's life has not begun.",
        "该令牌尚未到启用时间。",
        "Ask for another token.",
    ),
    refusal(
        "token_expired",
        "The token's life is over.",
        "该令牌已过有效期。",
        "Ask for another token.",
    ),
    refusal(
        "token_secret_short",
        "The token's secret is too short to be bound.",
        "该令牌的密钥过短，不能绑定。",
        "Ask for another token.",
    ),
    // Who or what did it.
    reason(
        "totp",
        "A code of the user's device paid for it.",
        "由用户设备的验证码授权。",
    ),
    reason("recovery_code", "A recovery code paid for it.", "由恢复码授权。"),
    reason(
        "identity_grant",
        "An identity grant, which a device or a recovery code gave, paid for it.",
        "由身份验证的授权许可。",
    ),
    reason(
        "administrator",
        "An administrator of the account approved it by their own code: `detail.approver` is their number.",
        "由账号管理员以其本人的验证码批准：`detail.approver` 为其编号。",
    ),
    reason(
        "first",
        "The first time, by the API key alone.",
        "首次设置，仅凭 API 密钥。",
    ),
    reason("replaced", "Another device took its place.", "被另一设备替换。"),
    reason(
        "handed_over",
        "The account was handed to another holder.",
        "账号已移交给新的持有人。",
    ),
    reason("user_closed", "The user was closed.", "用户已注销。"),
    reason("closing_over", "The closing is over.", "注销期已满。"),
    reason("user_left", "The user left.", "用户已离开。"),
    reason("user_gone", "The user was closed, or left.", "用户已注销或离开。"),
    reason("asked", "Somebody asked for it.", "应请求。"),
    reason(
        "too_many",
        "There were as many as a user may have: the oldest ended.",
        "数量已达上限：最早的一个被结束。",
    ),
    reason(
        "in_doubt",
        "It was not known whether it had ended.",
        "此前不能确定是否已结束。",
    ),
    reason("accepted", "The operator accepted it.", "由运营者确认。"),
    reason(
        "synchronised",
        "The system says that its clock is synchronised.",
        "系统确认其时钟已同步。",
    ),
    // Grounds of decisions.
    reason(
        "unknown_user",
        "Nobody ever bound a device or set a protection for this user.",
        "该用户从未绑定设备或设置保护。",
    ),
    reason(
        "not_protected",
        "The user's settings ask for nothing here.",
        "该用户的设置在此不要求验证。",
    ),
    reason(
        "not_sensitive",
        "The operation is listed as one that is not protected.",
        "该操作不属于敏感操作。",
    ),
    reason(
        "grant_alive",
        "A pass for operations in this session was still alive.",
        "该会话的操作授权仍然有效。",
    ),
    reason(
        "trusted_device",
        "The user was checked in this browser lately, and trusts it.",
        "用户近期在该浏览器验证过并信任它。",
    ),
    reason("protected", "The user's own setting asks.", "用户自己的设置要求验证。"),
    reason(
        "required_by_account",
        "The account requires it of its users.",
        "账号要求其用户验证。",
    ),
    reason(
        "identity_always",
        "The operation is checked even where operation protection is off.",
        "该操作总是要求验证身份。",
    ),
    reason("identity", "A check of identity asks always.", "身份验证总是要求验证。"),
    reason("risk_reported", "The caller reported a risk.", "调用方报告了风险。"),
    reason(
        "unusual_city",
        "The login came from outside the user's usual cities.",
        "登录来自非常用城市。",
    ),
    refusal(
        "no_method",
        "A check is asked for, and the user has nothing to answer it with.",
        "需要验证，但用户没有可用的方式。",
        "Bind a device, or prove a method that the account permits.",
    ),
    refusal(
        "recently_recovered",
        "Support switched the user's method lately, and what is always checked waits for 72 hours.",
        "客服近期为该用户更换了验证方式，总需验证的操作须等待 72 小时。",
        "Wait: 72 hours after the switch it goes on.",
    ),
    // What two persons of support did.
    reason(
        "passcode",
        "By a temporary passcode, which support issued under four eyes.",
        "使用客服经双人复核签发的临时通行码。",
    ),
    reason(
        "unbind_request",
        "By an unbind request of support, which the user finished.",
        "由用户完成的客服解绑申请所致。",
    ),
    reason(
        "four_eyes",
        "Another person approved, with a code of their own.",
        "由另一人以本人验证码批准。",
    ),
];
