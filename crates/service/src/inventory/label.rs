//! The label on the back of a token.

use enroll::Qr;

use crate::ServiceError;

/// A serial number as a QR code in SVG, beside which it stands as text on a label.
///
/// # Errors
/// [`ServiceError::Internal`] of a number that is longer than any of the inventory.
pub fn serial_number_qr(serial_number: &str) -> Result<String, ServiceError> {
    let code = Qr::encode(serial_number).map_err(|error| ServiceError::Internal(error.to_string()))?;
    Ok(code.to_svg().as_str().to_owned())
}
