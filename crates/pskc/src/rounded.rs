//! Numbers that a spreadsheet program has rounded.

/// True of a number as spreadsheet programs show long ones, `1.23457E+12`: its last digits are lost. (Their comma for the
/// point is that of many countries.)
pub(crate) fn is_rounded(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    whole.len() == 1 && digits(whole) && digits(fraction) && exponent.strip_prefix('+').is_some_and(digits)
}
