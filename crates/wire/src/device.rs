//! The token's end: bytes in, frames out.

use zeroize::Zeroizing;

use crate::{
    About, Frame, PAYLOAD_MAX_LEN_BYTES, Payload, Receiver, Request, Response, Session, ToHost, ToToken, WhyEnded,
    message::{read, write},
    session::{End, KeyPair, Seen, commitment},
};

/// The token's application, as its end of the line calls it.
pub trait Answers {
    /// The answer to `Hello`, which everybody may know.
    fn about(&mut self) -> About<'_>;

    /// Randomness for the key of one session, whose digits somebody compares or nobody does.
    ///
    /// Whoever sees the key knows the digits, before anybody does who would compare them: each one that is shown is a
    /// guess, so there must be time between those that are compared.
    ///
    /// # Errors
    /// [`WhyEnded::NoRandomness`], [`WhyEnded::TooSoon`].
    fn random(&mut self, compare: bool) -> Result<Zeroizing<[u8; 32]>, WhyEnded>;

    /// A session began: there are digits to show if somebody compares.
    fn session_began(&mut self, session: &Session);

    /// The session is over.
    fn session_ended(&mut self);

    /// Does what is asked, or does not.
    fn answer(&mut self, request: &Request<'_>, session: &Session) -> Response<'_>;
}

/// The token's end of the line.
///
/// In a session, one frame that is not the next one of the session ends it. Only the very frame that was answered
/// last may come again, for its answer may have been lost: it gets that answer again.
pub struct Device {
    receiver: Receiver,
    state: State,
    /// The check of the frame that was answered last.
    answered: Option<u32>,
    answer: Frame,
}

enum State {
    Idle,
    Opened {
        own: KeyPair,
        commitment: [u8; 32],
        compare: bool,
    },
    Open(Session),
}

impl Device {
    /// Listens.
    pub const fn new() -> Self {
        Self {
            receiver: Receiver::new(),
            state: State::Idle,
            answered: None,
            answer: Frame::EMPTY,
        }
    }

    /// The session, while there is one.
    pub fn session(&self) -> Option<&Session> {
        match &self.state {
            State::Open(session) => Some(session),
            State::Idle | State::Opened { .. } => None,
        }
    }

    /// Ends the session, if there is one: nobody spoke for long, or somebody pressed the button for "no".
    pub fn end(&mut self, answers: &mut impl Answers) {
        if self.session().is_some() {
            answers.session_ended();
        }
        self.state = State::Idle;
        self.answered = None;
    }

    /// Takes the next byte; what is returned is to be sent.
    pub fn receive(&mut self, byte: u8, answers: &mut impl Answers) -> Option<&Frame> {
        let was_open = self.session().is_some();
        let mut plain = Zeroizing::new([0; PAYLOAD_MAX_LEN_BYTES]);
        let answer = match self.receiver.push(byte)? {
            Ok(Payload { check, .. }) if self.answered == Some(check) => return Some(&self.answer),
            Ok(Payload { bytes, check }) => {
                let answer = answered(&mut self.state, bytes, answers, &mut plain);
                // Outside of a session each question is a new one.
                self.answered = (!matches!(self.state, State::Idle)).then_some(check);
                answer
            }
            // Noise before a session is noise; in a session it is somebody.
            Err(_) if was_open => Err(WhyEnded::Broken),
            Err(_) => return None,
        };
        self.answer = answer.unwrap_or_else(|why| {
            self.state = State::Idle;
            self.answered = None;
            framed(&ToHost::Ended(why))
        });
        if was_open && self.session().is_none() {
            answers.session_ended();
        }
        Some(&self.answer)
    }
}

impl Default for Device {
    fn default() -> Self {
        Self::new()
    }
}

type Answer = Result<Frame, WhyEnded>;

/// Reads one message and brings the state on.
fn answered(
    state: &mut State,
    payload: &mut [u8],
    answers: &mut impl Answers,
    plain: &mut [u8; PAYLOAD_MAX_LEN_BYTES],
) -> Answer {
    let Some(message) = read(payload) else {
        return Err(match payload.first() {
            Some(&crate::VERSION) => WhyEnded::Broken,
            _ => WhyEnded::OtherVersion,
        });
    };
    match (message, &mut *state) {
        (ToToken::Hello, _) => {
            *state = State::Idle;
            Ok(framed(&ToHost::About(answers.about())))
        }
        (ToToken::Open { commitment, compare }, _) => {
            let own = KeyPair::of(&*answers.random(compare)?);
            let public_key = own.public;
            *state = State::Opened {
                own,
                commitment,
                compare,
            };
            Ok(framed(&ToHost::Opened { public_key }))
        }
        (
            ToToken::Reveal { public_key },
            State::Opened {
                own,
                commitment: promised,
                compare,
            },
        ) => {
            let seen = Seen {
                compare: *compare,
                host_public: &public_key,
                token_public: &own.public,
            };
            let kept = commitment(&public_key) == *promised;
            let session = kept.then(|| Session::agree(End::Token, own, &seen)).flatten();
            let mut session = session.ok_or(WhyEnded::BadKey)?;
            answers.session_began(&session);
            let ready = sealed(&mut session, &Response::Ready, plain);
            *state = State::Open(session);
            ready
        }
        (ToToken::Sealed(bytes), State::Open(session)) => {
            let sealed_request = plain.get_mut(..bytes.len()).ok_or(WhyEnded::Broken)?;
            sealed_request.copy_from_slice(bytes);
            let request = session.open(sealed_request).map_err(|_| WhyEnded::Broken)?;
            let request: Request<'_> = read(request).ok_or(WhyEnded::Broken)?;
            let response = answers.answer(&request, session);
            let mut plain = Zeroizing::new([0; PAYLOAD_MAX_LEN_BYTES]);
            sealed(session, &response, &mut plain)
        }
        (ToToken::Reveal { .. } | ToToken::Sealed(_), _) => Err(WhyEnded::OutOfOrder),
    }
}

fn sealed(session: &mut Session, response: &Response<'_>, plain: &mut [u8; PAYLOAD_MAX_LEN_BYTES]) -> Answer {
    let len = write(response, plain).map_err(|_| WhyEnded::Broken)?.len();
    let bytes = session.seal(plain, len).map_err(|_| WhyEnded::Broken)?;
    Ok(framed(&ToHost::Sealed(bytes)))
}

fn framed(message: &ToHost<'_>) -> Frame {
    let mut payload = [0; PAYLOAD_MAX_LEN_BYTES];
    // Every message of ours fits: a test writes the longest ones.
    let frame = write(message, &mut payload).ok().and_then(|payload| Frame::of(payload));
    debug_assert!(frame.is_some());
    frame.unwrap_or(Frame::EMPTY)
}
