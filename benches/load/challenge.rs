//! Challenges: the bodies of what is asked, and the second request of those that have to be answered.

use std::io::Write as _;

use crate::{
    Any,
    expected::Expected,
    population::{self, Device},
    request::Asker,
};

/// Writes what is asked about a login of this user: nothing protects it.
pub(crate) fn login(body: &mut Vec<u8>, number: u32) {
    challenge(
        body,
        number,
        r#""purpose":"login","first_factor":{"method":"password"}"#,
    );
}

/// Writes what is asked for a proof of identity, which has to be given whatever protects the user.
pub(crate) fn identity(body: &mut Vec<u8>, number: u32) {
    challenge(
        body,
        number,
        r#""purpose":"identity","operation":"accounts/bind-mfa-token""#,
    );
}

fn challenge(body: &mut Vec<u8>, number: u32, purpose: &str) {
    let (account, user) = (population::account(number), population::user(number));
    let client = r#"{"ip":"203.0.113.7","user_agent":"load"}"#;
    write!(
        body,
        r#"{{"account":"{account}","user":"{user}",{purpose},"client":{client}}}"#
    )
    .expect("a Vec takes all");
}

/// Sends the challenge of the asker's body, and then the code of the device that has to answer it. How many answers were wrong,
/// and the first of them.
pub(crate) async fn ask_and_answer(asker: &mut Asker<'_>, expected: &Expected) -> Any<Option<(u32, String)>> {
    let Asker {
        heads,
        shots,
        connection,
        body,
        ..
    } = asker;
    let Expected::Answered(turn, moves) = *expected else {
        return Err("no challenge that has to be answered".into());
    };
    let (status, asked) = connection.post(&heads.challenge, body).await?;
    let Some(path) = path(asked).filter(|_| status == 201) else {
        return Ok(Some((1, format!("{status} {}", String::from_utf8_lossy(asked)))));
    };
    let code = Device::of(shots.number(turn.into())).shown(population::step(moves));
    body.clear();
    let mut digits = [0; 8];
    write!(body, r#"{{"method":"totp","code":"{}"}}"#, code.text(&mut digits))?;
    let (status, answer) = connection.post(&heads.at(&path), body).await?;
    Ok(expected.errors(shots, status, answer))
}

/// Where a challenge is answered.
fn path(asked: &[u8]) -> Option<String> {
    let (_, id) = str::from_utf8(asked).ok()?.split_once(r#""id":""#)?;
    let (id, _) = id.split_once('"')?;
    Some(format!("/v1/challenges/{id}/answer"))
}
