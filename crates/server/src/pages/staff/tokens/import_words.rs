//! What became of a seed file, in words: why it cannot be read, why a token cannot come in, what was assumed.

use service::{
    Encoding, IMPORT_MAX, ImportRemark, NewImport, Receipt, Refused, SeedFileError, SeedPlace, SeedProblem,
    SeedReadError, SeedReason, SeedRemark, SeedSaid, ServiceError, TokenRefusal,
};

use super::{search::told, seed_problem};
use crate::pages::{frame::Frame, staff::visit::StaffVisit};

/// A token that cannot come in.
pub(super) struct Row {
    /// Where it stands in the file.
    pub(super) line: Option<u32>,
    pub(super) serial_number: Option<String>,
    pub(super) why: String,
}

/// A refusal in words.
pub(super) fn row(frame: &Frame, refused: Refused) -> Row {
    Row {
        line: refused.place.map(|place| place.line),
        serial_number: refused.serial_number,
        why: cause(frame, &refused.cause),
    }
}

fn cause(frame: &Frame, cause: &TokenRefusal) -> String {
    match cause {
        TokenRefusal::Read(reason) => reason_said(frame, reason),
        TokenRefusal::NoSerialNumber => frame.t("staff_import.no_serial_number"),
        TokenRefusal::LongSerialNumber => frame.t("staff_import.long_serial_number"),
        TokenRefusal::UnfitSerialNumber => frame.t("staff_import.unfit_serial_number"),
        TokenRefusal::SerialNumberIsUri => frame.t("staff_import.serial_number_uri"),
        TokenRefusal::ShortSecret { bits } => frame.t1("staff_import.short_secret", "bits", bits),
        TokenRefusal::GuessableSecret { bits } => frame.t1("staff_import.guessable_secret", "bits", bits),
        TokenRefusal::CounterEnds => frame.t("staff_import.counter_ends"),
        TokenRefusal::Expired => frame.t("staff_import.expired"),
        TokenRefusal::UnfitText { name: "manufacturer" } => frame.t("staff_import.unfit_manufacturer"),
        TokenRefusal::UnfitText { name: "model" } => frame.t("staff_import.unfit_model"),
        TokenRefusal::UnfitText { .. } => frame.t("staff_import.unfit_label"),
        TokenRefusal::Contested => frame.t("staff_import.contested"),
        TokenRefusal::AnothersSecret => frame.t("staff_import.anothers_secret"),
        TokenRefusal::OldSecret => frame.t("staff_import.old_secret"),
        TokenRefusal::Lost => frame.t("staff_import.lost"),
        TokenRefusal::Retired => frame.t("staff_import.retired"),
    }
}

fn reason_said(frame: &Frame, reason: &SeedReason) -> String {
    match reason {
        SeedReason::NoSerialNumber => frame.t("staff_import.no_serial_number"),
        SeedReason::NoSecret => frame.t("staff_import.no_secret"),
        SeedReason::ShortSecret { bits } => frame.t1("staff_import.guessable_secret", "bits", bits),
        SeedReason::LongSecret => frame.t("staff_import.long_secret"),
        SeedReason::Algorithm(name) => frame.t1("staff_import.algorithm", "name", name),
        SeedReason::Hash => frame.t("staff_import.hash"),
        SeedReason::Kind => frame.t("staff_import.kind"),
        SeedReason::Contradiction { said, wanted } => {
            let [said, wanted] = [said, wanted].map(|said| setting(frame, *said));
            frame.t2("staff_import.contradiction", &("said", &said), &("wanted", &wanted))
        }
        SeedReason::Rounded { what: "secret" } => frame.t("staff_import.rounded_secret"),
        SeedReason::Rounded { .. } => frame.t("staff_import.rounded"),
        SeedReason::UnsureSerialNumber => frame.t("staff_import.unsure_serial_number"),
        SeedReason::Response => frame.t("staff_import.response"),
        SeedReason::Period => frame.t("staff_import.period"),
        SeedReason::Challenge => frame.t("staff_import.challenge"),
        SeedReason::Epoch => frame.t("staff_import.epoch"),
        SeedReason::Policy(_) => frame.t("staff_import.policy"),
        SeedReason::Repeated { first_line } => frame.t1("staff_import.repeated", "line", first_line),
        SeedReason::Conflict { other_line } => frame.t1("staff_import.conflict", "line", other_line),
    }
}

/// What a file or the import says of a token.
fn setting(frame: &Frame, said: SeedSaid) -> String {
    match said {
        SeedSaid::Hash(hash) => hash.name().to_owned(),
        SeedSaid::Digits(digits) => frame.t1("staff_import.said_digits", "count", digits.get()),
        SeedSaid::Period(period) => frame.t1("staff_import.said_period", "count", period.get_s()),
        SeedSaid::CountsEvents => "HOTP".to_owned(),
    }
}

/// What comes in, or came.
pub(super) fn outcome(frame: &Frame, receipt: &Receipt, wanted: &NewImport) -> String {
    let (count, usable) = (receipt.count, receipt.usable);
    let key = match (usable, receipt.is_whole(), wanted.dry_run) {
        (_, true, true) => "staff_import.can_come_in",
        (_, true, false) => "staff_import.came_in",
        (0, false, _) => "staff_import.none_can",
        (_, false, true) if wanted.skip_unusable => "staff_import.some_can",
        (_, false, false) if wanted.skip_unusable => "staff_import.some_came",
        (_, false, _) => "staff_import.held_back",
    };
    let (count, usable) = (count.to_string(), usable.to_string());
    frame.t2(key, &("count", &count), &("usable", &usable))
}

/// A remark in words; what comes in is said above all of them.
pub(super) fn remark(frame: &Frame, remark: ImportRemark) -> Option<String> {
    Some(match remark {
        ImportRemark::ShortSecrets(count) => frame.t1("staff_import.short_secrets", "count", count),
        ImportRemark::Nothing { .. } | ImportRemark::Skipped { .. } => return None,
        ImportRemark::Repeated { count, lines: None } => frame.t1("staff_import.repeats", "count", count),
        ImportRemark::Repeated {
            count,
            lines: Some((line, first)),
        } => {
            let (line, first) = (line.to_string(), first.to_string());
            let example = frame.t2("staff_import.repeats_line", &("line", &line), &("first", &first));
            frame.t1("staff_import.repeats", "count", count) + &example
        }
        ImportRemark::Read(remark) => match remark {
            SeedRemark::AmbiguousEncoding(encoding) => {
                let name = match encoding {
                    Encoding::Base64 => "base64",
                    Encoding::Hex => "hex",
                    Encoding::Base32 => "base32",
                };
                frame.t1("staff_import.ambiguous", "name", name)
            }
            SeedRemark::AssumedTotp => frame.t("staff_import.assumed_totp"),
            SeedRemark::AssumedHotp => frame.t("staff_import.assumed_hotp"),
            SeedRemark::AssumedSha1 => frame.t("staff_import.assumed_sha1"),
            SeedRemark::AssumedSha256 => frame.t("staff_import.assumed_sha256"),
            SeedRemark::AssumedSha512 => frame.t("staff_import.assumed_sha512"),
            SeedRemark::AssumedTimeBased => frame.t("staff_import.assumed_time_based"),
            SeedRemark::AssumedEventBased => frame.t("staff_import.assumed_event_based"),
            SeedRemark::AssumedDigits => frame.t("staff_import.assumed_digits"),
            SeedRemark::AssumedPeriod => frame.t("staff_import.assumed_period"),
            SeedRemark::Recoded(encoding) => frame.t1("staff_import.recoded", "name", encoding),
            SeedRemark::KeysBeside(count) => frame.t1("staff_import.keys_beside", "count", count),
            SeedRemark::UsersIgnored => frame.t("staff_import.users_ignored"),
            SeedRemark::SignatureIgnored => frame.t("staff_import.signature_ignored"),
            SeedRemark::Unauthenticated => frame.t("staff_import.unauthenticated"),
        },
    })
}

/// Why a file gave nothing.
pub(super) fn unread(frame: &Frame, visit: &StaffVisit, error: &ServiceError) -> String {
    let ServiceError::SeedFile(error) = error else {
        return told(visit, error);
    };
    match error {
        SeedFileError::Empty => frame.t("staff_import.empty"),
        SeedFileError::TooMany => frame.t1("staff_import.too_many", "count", IMPORT_MAX),
        SeedFileError::Read(error) => unreadable(frame, error),
    }
}

fn unreadable(frame: &Frame, error: &SeedReadError) -> String {
    match error {
        SeedReadError::TooLarge => frame.t("staff_import.too_long"),
        SeedReadError::NotText => frame.t("staff_import.not_text"),
        SeedReadError::Encoding(name) => frame.t1("staff_import.encoding_unread", "name", name),
        SeedReadError::Unknown(_) => frame.t("staff_import.unknown"),
        SeedReadError::Locked(_) => frame.t("staff_import.locked"),
        SeedReadError::WrongKey(place) => frame.t1("staff_import.wrong_key", "line", place.line),
        SeedReadError::Malformed { place, problem } => at_its_place(frame, "staff_import.malformed", place, problem),
        SeedReadError::Unsupported { place, problem } => {
            at_its_place(frame, "staff_import.unsupported", place, problem)
        }
    }
}

fn at_its_place(frame: &Frame, key: &str, place: &SeedPlace, problem: &SeedProblem) -> String {
    let line = place.line.to_string();
    let element = match &*place.element {
        "" => String::new(),
        element => format!(" ({element})"),
    };
    let problem = seed_problem::said(frame, problem);
    let places = [("line", &*line), ("element", &*element), ("problem", &*problem)];
    frame.lang.say(key, &places)
}
