//! The fresh code that some changes take (U5): a device's, or a recovery code.

use service::{Factor, Method, ServiceError, typed};
use zeroize::Zeroizing;

use crate::pages::{said, words::Lang};

/// The two fields of a form that asks for it.
#[derive(Clone, Copy)]
pub(crate) struct FreshFields {
    /// The digits after which the form sends itself: an app's codes have six, a token's may have others.
    pub(crate) digits: Option<u8>,
    /// A recovery code would do.
    pub(crate) has_paper: bool,
    /// One was typed.
    pub(crate) by_recovery_code: bool,
}

/// What was typed into one of the two fields, if anything was.
pub(crate) fn factor(code: &str, recovery_code: &str) -> Option<Factor> {
    let one = |text: &str, method| {
        (!typed::trimmed(text).is_empty()).then(|| Factor::Code {
            code: Zeroizing::new(text.to_owned()),
            method,
        })
    };
    one(recovery_code, Method::RecoveryCode).or_else(|| one(code, Method::Totp))
}

/// Why a change that may take a fresh code was refused.
pub(crate) fn refused(lang: Lang, has_device: bool, error: &ServiceError) -> String {
    match error {
        ServiceError::PreconditionFailed => lang.say("fresh.changed_meanwhile", &[]),
        // Only a device's code can be typed here: what else checks a user, the console asks for.
        ServiceError::FactorRequired(_) if !has_device => lang.say("fresh.only_elsewhere", &[]),
        _ => said::refused(lang, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u5_what_was_typed_is_a_devices_code_or_a_recovery_code() {
        assert!(factor(" ", "").is_none());
        let method = |code, recovery| match factor(code, recovery) {
            Some(Factor::Code { method, .. }) => Some(method),
            _ => None,
        };
        assert_eq!(method("492 039", ""), Some(Method::Totp));
        assert_eq!(method("", "ABCD-EFGH"), Some(Method::RecoveryCode));
        assert_eq!(method("492039", "ABCD-EFGH"), Some(Method::RecoveryCode));
    }
}
