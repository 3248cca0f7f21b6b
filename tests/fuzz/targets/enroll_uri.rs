//! Whatever URI can be read, and may be issued, says the same when it is written and read again.

use enroll::{Account, Entry, Issuer, totp_uri};

/// One input of the fuzzer, or of a property test.
pub fn run(data: &[u8]) {
    let Ok(entry) = Entry::parse(data) else { return };
    let Some(parameters) = entry.parameters() else { return };
    let Ok(issuer) = Issuer::new(entry.issuer().unwrap_or_default()) else {
        return;
    };
    let Ok(account) = Account::new(entry.account()) else {
        return;
    };
    let uri = totp_uri(&issuer, &account, entry.secret(), parameters);
    let again = Entry::parse(uri.as_bytes()).expect("what is written can be read");
    assert_eq!(again.parameters(), Some(parameters));
    assert_eq!(again.secret().expose_secret(), entry.secret().expose_secret());
    assert_eq!(
        (again.issuer_prefix(), again.issuer_parameter()),
        (entry.issuer(), entry.issuer())
    );
    assert_eq!(again.account(), entry.account());
}
