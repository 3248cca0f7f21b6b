//! A diagnosis in words that support can read to the user, in English and Chinese.

use store::Words;
use verify::{Cause, Kind, Moving, UnixMs};

use crate::support::finding::{DeviceName, Fate, Finding};

pub(super) fn words(finding: &Finding, now: UnixMs) -> Words {
    let (en, zh) = match finding {
        Finding::OfDevice(device, fate) => of_device(device, fate, now),
        Finding::UnfinishedEntry => (
            "This code is of an entry that was scanned, and whose binding was not completed. Complete the binding with a \
             code of it, or delete it in the app and use the entry of before."
                .to_owned(),
            "这个验证码来自一个已扫码但尚未完成绑定的条目。请用它的验证码完成绑定，或在应用中删除它，改用原来的条目。".to_owned(),
        ),
        Finding::OlderEntry => (
            "This code is of an older QR code, in whose place a newer one was shown. Delete that entry in the app, and scan \
             the newest QR code."
                .to_owned(),
            "这个验证码来自较早的二维码，它已被新的二维码取代。请在应用中删除该条目，并扫描最新的二维码。".to_owned(),
        ),
        Finding::Nothing {
            digits,
            unbound_at,
            counters,
            clocks,
            locked,
        } => {
            let (en, zh) = nothing((digits, *clocks), *unbound_at, *locked, now);
            match counters {
                true => (en + AHEAD_EN, zh + AHEAD_ZH),
                false => (en, zh),
            }
        }
        Finding::NoDevice { unbound_at } => no_device(*unbound_at, now),
    };
    Words { en, zh }
}

const AHEAD_EN: &str = " A token whose button was pressed often without a code being typed is ahead: resync it by two codes in a \
                        row.";
const AHEAD_ZH: &str = "令牌的按键如果多次按下而未输入验证码，它会超前：请用连续两个验证码重新同步。";

type Both = (String, String);

fn of_device(device: &DeviceName, fate: &Fate, now: UnixMs) -> Both {
    let (name_en, name_zh) = name(device);
    match fate {
        Fate::Used { at, from } => {
            let (at_en, at_zh) = time(*at, now);
            let (from_en, from_zh) = from.as_ref().map_or(Both::default(), |from| {
                (format!(" from {from}"), format!("，来自 {from}"))
            });
            let (next_en, next_zh) = match device.moving {
                Moving::Time => ("Wait for the next one", "请等待下一个"),
                Moving::Counter => ("Press the button for the next one", "请按下按键获取下一个"),
            };
            (
                format!(
                    "This code of {name_en} was used {at_en}{from_en}: each code is accepted once. {next_en}; if \
                     that was not the user, somebody else has their codes."
                ),
                format!(
                    "{name_zh}的这个验证码已在{at_zh}使用过{from_zh}：每个验证码只能使用一次。{next_zh}；如果当时不是用户本人，说明有他人掌握其验证码。"
                ),
            )
        }
        Fate::Passed => (
            format!(
                "This code of {name_en} comes before the last one that was accepted: it was used, or passed over. Press the \
                 button for a new one; if new ones are refused too, resync the token by two codes in a row."
            ),
            format!(
                "{name_zh}的这个验证码早于最近一次被接受的验证码：它已使用过，或已被跳过。请按下按键获取新的验证码；如果新的也被拒绝，请用连续两个验证码重新同步。"
            ),
        ),
        Fate::ClockOff { s, refused_at } => clock_off(device, *s, *refused_at, now),
        Fate::OtherEntry { asked_at } => {
            let (at_en, at_zh) = time(*asked_at, now);
            (
                format!(
                    "This is a code of {name_en}, where a code of another device of the user was asked for {at_en}. Read the \
                     code of that other entry."
                ),
                format!(
                    "这是{name_zh}的验证码，而在{at_zh}要求的是该用户另一台设备的验证码。请读取另一个条目的验证码。"
                ),
            )
        }
        Fate::Locked { until, lost } => locked(&name_en, &name_zh, *until, *lost, now),
        Fate::Misconfigured(cause) => misconfigured(&name_en, &name_zh, *cause),
    }
}

fn clock_off(device: &DeviceName, s: i64, refused_at: Option<UnixMs>, now: UnixMs) -> Both {
    let (name_en, name_zh) = name(device);
    let (off_en, off_zh) = duration(s.unsigned_abs());
    let (way_en, way_zh) = if s < 0 { ("slow", "慢") } else { ("fast", "快") };
    let (what_en, what_zh) = match refused_at {
        Some(at) => {
            let ((at_en, at_zh), (side_en, side_zh)) =
                (time(at, now), if s < 0 { ("older", "早") } else { ("newer", "晚") });
            (
                format!(
                    "When it was refused {at_en}, this code of {name_en} was {off_en} {side_en} than that: its clock \
                     is {way_en}."
                ),
                format!(
                    "{name_zh}的这个验证码在{at_zh}被拒绝时，比当时的时间{side_zh}了{off_zh}：它的时钟{way_zh}了。"
                ),
            )
        }
        None => (
            format!("This code of {name_en} is of {off_en} ago. If it was read just now, the clock is slow by that."),
            format!("{name_zh}的这个验证码是{off_zh}前的。如果是刚刚读取的，说明时钟慢了这么多。"),
        ),
    };
    let (mend_en, mend_zh) = match device.kind {
        Kind::Virtual => (
            "Have the phone set its time and time zone automatically.",
            "请让手机自动设置时间和时区。",
        ),
        Kind::Hardware => (
            "Resync the token by two codes in a row that it shows after so long a wait.",
            "请等待相同的时长后，用令牌连续显示的两个验证码重新同步。",
        ),
    };
    (format!("{what_en} {mend_en}"), format!("{what_zh}{mend_zh}"))
}

fn locked(name_en: &str, name_zh: &str, until: Option<UnixMs>, lost: bool, now: UnixMs) -> Both {
    let (en, zh) = match until {
        _ if lost => (
            "it was reported lost, and nothing of it is accepted any more: the user replaces it by a recovery code"
                .to_owned(),
            "它已被报告丢失，不再接受其任何验证码：请用户用恢复码更换设备".to_owned(),
        ),
        Some(until) => {
            let (until_en, until_zh) = duration(u64::try_from(until.since(now) / UnixMs::SECOND).unwrap_or(0));
            (
                format!("it is locked for another {until_en} after too many wrong codes"),
                format!("因错误次数过多，它还将锁定{until_zh}"),
            )
        }
        None => (
            "it is suspended after too many wrong codes, until support unlocks it: somebody may have the password"
                .to_owned(),
            "因错误次数过多，它已被停用，需由客服解锁：可能有他人知道密码".to_owned(),
        ),
    };
    (
        format!("This code of {name_en} was right, but {en}."),
        format!("{name_zh}的这个验证码是正确的，但{zh}。"),
    )
}

fn misconfigured(name_en: &str, name_zh: &str, cause: Cause) -> Both {
    match cause {
        Cause::OtherPeriod(period) => {
            let s = period.get_s();
            (
                format!(
                    "The app with the secret of {name_en} renews its code every {s} seconds, which is not what it \
                     was told. Scan the QR code with another app, or set the period there."
                ),
                format!(
                    "使用{name_zh}密钥的应用每 {s} 秒更新一次验证码，与要求不符。请换一个应用扫描二维码，或在其中设置正确的周期。"
                ),
            )
        }
        Cause::OtherAlgorithm(algorithm) => {
            let algorithm = algorithm.name();
            (
                format!(
                    "The app with the secret of {name_en} computes with {algorithm}, which is not what it was told. \
                     Scan the QR code with another app, or set the algorithm there."
                ),
                format!(
                    "使用{name_zh}密钥的应用以 {algorithm} 计算验证码，与要求不符。请换一个应用扫描二维码，或在其中设置正确的算法。"
                ),
            )
        }
        _ => Both::default(),
    }
}

fn nothing(
    (digits, clocks): (&[u8], bool),
    unbound_at: Option<UnixMs>,
    locked: Option<Option<UnixMs>>,
    now: UnixMs,
) -> Both {
    let (mut en, mut zh) = match digits {
        // A counter's code to come is never told, however long somebody waits.
        [] if !clocks => (
            "This is no code of the user's devices that may be told: it is wrong, or still to come.".to_owned(),
            "这不是该用户设备的可查询验证码：它是错误的，或尚未到来。".to_owned(),
        ),
        [] => (
            "This is no code of the user's devices that may be told: it is wrong, or of this moment, or still to come. If it \
             was right, ask with the same code in two minutes."
                .to_owned(),
            "这不是该用户设备的可查询验证码：它是错误的，或是此刻的，或尚未到来。如果它是正确的，请两分钟后用同一验证码再查询。".to_owned(),
        ),
        [first, ..] => (
            format!("The user's device shows {first} digits, and this code has another number: it is of something \
                     else."),
            format!("该用户的设备显示 {first} 位数字，而这个验证码的位数不同：它属于别的条目。"),
        ),
    };
    if let Some(at) = unbound_at {
        let (at_en, at_zh) = time(at, now);
        en += &format!(
            " A device of the user ended {at_en}: its entry may still be in an app, and its codes are known to nobody."
        );
        zh += &format!("该用户的一台设备已在{at_zh}解绑：其条目可能仍在应用中，而其验证码已无法识别。");
    }
    match locked {
        Some(Some(until)) => {
            let (until_en, until_zh) = duration(u64::try_from(until.since(now) / UnixMs::SECOND).unwrap_or(0));
            en += &format!(" No code is judged for another {until_en}.");
            zh += &format!("在接下来的{until_zh}内不会验证任何验证码。");
        }
        Some(None) => {
            en += " No code is judged until somebody acts: the devices are suspended or lost.";
            zh += "在有人处理之前不会验证任何验证码：设备已停用或丢失。";
        }
        None => {}
    }
    (en, zh)
}

fn no_device(unbound_at: Option<UnixMs>, now: UnixMs) -> Both {
    match unbound_at {
        Some(at) => {
            let (at_en, at_zh) = time(at, now);
            (
                format!("The user has no device: the last one ended {at_en}. No code is right until one is bound."),
                format!("该用户没有设备：最后一台已在{at_zh}解绑。绑定设备之前，任何验证码都不正确。"),
            )
        }
        None => (
            "The user has no device: none was bound under this name. Check account and user; names are told apart by every \
             letter."
                .to_owned(),
            "该用户没有设备：此名称下从未绑定过设备。请核对账号和用户名；名称区分每个字符。".to_owned(),
        ),
    }
}

fn name(device: &DeviceName) -> Both {
    let DeviceName {
        kind,
        label,
        serial_number,
        ..
    } = device;
    match (kind, serial_number) {
        (Kind::Hardware, Some(number)) => (format!("the token {number}"), format!("令牌 {number} ")),
        (Kind::Hardware, None) => (format!("the token “{label}”"), format!("令牌“{label}”")),
        (Kind::Virtual, _) => (format!("the app entry “{label}”"), format!("应用条目“{label}”")),
    }
}

/// So long, as people say it.
fn duration(s: u64) -> Both {
    let (minutes, hours) = ((s + 30) / 60, s / 3_600);
    match s {
        0..=120 => (format!("{s} seconds"), format!(" {s} 秒")),
        121..=7_199 => (format!("{minutes} minutes"), format!(" {minutes} 分钟")),
        7_200..=172_799 => {
            let minutes = s % 3_600 / 60;
            match minutes {
                0 => (format!("{hours} hours"), format!(" {hours} 小时")),
                _ => (
                    format!("{hours} hours and {minutes} minutes"),
                    format!(" {hours} 小时 {minutes} 分钟"),
                ),
            }
        }
        _ => {
            let days = s / 86_400;
            (format!("{days} days"), format!(" {days} 天"))
        }
    }
}

/// When it was: the time of the day, and how long ago.
fn time(at: UnixMs, now: UnixMs) -> Both {
    let s = at.get().div_euclid(UnixMs::SECOND);
    let (hour, minute) = (s.div_euclid(3_600).rem_euclid(24), s.div_euclid(60).rem_euclid(60));
    let (ago_en, ago_zh) = duration(u64::try_from(now.since(at) / UnixMs::SECOND).unwrap_or(0));
    (
        format!("at {hour:02}:{minute:02} UTC ({ago_en} ago)"),
        format!(" UTC {hour:02}:{minute:02}（{ago_zh}前）", ago_zh = ago_zh.trim_start()),
    )
}

#[cfg(test)]
mod tests {
    use store::Id;

    use super::*;

    const NOW: UnixMs = UnixMs::new(1_795_219_200_000);

    fn app() -> DeviceName {
        DeviceName {
            id: Id::from_u128(1),
            kind: Kind::Virtual,
            moving: Moving::Time,
            label: "acme:alice".into(),
            serial_number: None,
        }
    }

    #[test]
    fn d5_a_slow_clock_in_words() {
        let fate = Fate::ClockOff {
            s: -90,
            refused_at: None,
        };
        let told = words(&Finding::OfDevice(app(), fate), NOW);
        assert_eq!(
            told.en,
            "This code of the app entry “acme:alice” is of 90 seconds ago. If it was read just now, the clock is slow by \
             that. Have the phone set its time and time zone automatically."
        );
        assert_eq!(
            told.zh,
            "应用条目“acme:alice”的这个验证码是 90 秒前的。如果是刚刚读取的，说明时钟慢了这么多。请让手机自动设置时间和时区。"
        );
    }

    #[test]
    fn d5_a_used_code_in_words() {
        let fate = Fate::Used {
            at: NOW.plus(-5 * UnixMs::MINUTE),
            from: Some("203.0.113.7".into()),
        };
        let told = words(&Finding::OfDevice(app(), fate), NOW);
        assert!(
            told.en.starts_with(
                "This code of the app entry “acme:alice” was used at 23:55 UTC (5 minutes ago) from 203.0.113.7: \
                 each code"
            ),
            "{}",
            told.en
        );
    }

    #[test]
    fn so_long_as_people_say_it() {
        let said = [94, 121, 3_600, 7_200, 8_999, 200_000].map(|s| duration(s).0);
        let expected = [
            "94 seconds",
            "2 minutes",
            "60 minutes",
            "2 hours",
            "2 hours and 29 minutes",
            "2 days",
        ];
        assert_eq!(said, expected);
    }
}
