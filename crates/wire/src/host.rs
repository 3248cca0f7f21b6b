//! The host's end: what to send next, and what the bytes that come mean.

use zeroize::Zeroizing;

use crate::{
    About, ComparisonDigits, Frame, PAYLOAD_MAX_LEN_BYTES, Receiver, Request, Response, Session, ToHost, ToToken,
    WhyEnded,
    message::{read, write},
    session::{End, KeyPair, Seen, commitment},
};

/// The host's end of the line: one question at a time, each with one answer.
///
/// [`frame`](Self::frame) is what was said last; when no answer comes it may be sent again as it is.
pub struct Host {
    receiver: Receiver,
    state: State,
    frame: Frame,
    /// The check of the frame that was heard last.
    heard: Option<u32>,
    /// Where an answer is opened and borrowed from.
    plain: Zeroizing<[u8; PAYLOAD_MAX_LEN_BYTES]>,
}

enum State {
    Idle,
    /// Has asked who is there.
    Asking,
    /// Has promised a key.
    Opening {
        own: KeyPair,
        compare: bool,
    },
    /// Has shown it.
    Revealed(Session),
    /// The session stands, and nothing is under way.
    Ready(Session),
    /// A request is under way.
    Waiting(Session),
}

/// An answer of the token, as the host heard it.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// Who it is.
    About(About<'a>),
    /// Send [`Host::frame`], which is a new one.
    Next,
    /// The session stands. These digits are on the token's display too, if they are compared.
    Session(ComparisonDigits),
    /// The answer to the request.
    Response(Response<'a>),
    /// The session is over, as the token says.
    Ended(WhyEnded),
    /// The session is over, for what came is not what the token of this session would say.
    Broken,
}

/// There is no session, or no moment, for this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostError;

impl Host {
    /// A host that has said nothing yet.
    pub fn new() -> Self {
        Self {
            receiver: Receiver::new(),
            state: State::Idle,
            frame: Frame::EMPTY,
            heard: None,
            plain: Zeroizing::new([0; PAYLOAD_MAX_LEN_BYTES]),
        }
    }

    /// The frame to be sent, or sent again.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The session, while there is one.
    pub fn session(&self) -> Option<&Session> {
        match &self.state {
            State::Ready(session) | State::Waiting(session) => Some(session),
            State::Idle | State::Asking | State::Opening { .. } | State::Revealed(_) => None,
        }
    }

    /// Asks who is there; ends a session.
    pub fn hello(&mut self) -> &Frame {
        self.say(&ToToken::Hello, State::Asking)
    }

    /// Begins a session with this randomness, which is used for nothing else.
    pub fn open(&mut self, random: &[u8; 32], compare: bool) -> &Frame {
        let own = KeyPair::of(random);
        let commitment = commitment(&own.public);
        self.say(&ToToken::Open { commitment, compare }, State::Opening { own, compare })
    }

    /// Asks something inside the session.
    pub fn request(&mut self, request: &Request<'_>) -> Result<&Frame, HostError> {
        match core::mem::replace(&mut self.state, State::Idle) {
            State::Ready(mut session) => {
                let Ok(len) = write(request, &mut *self.plain).map(|payload| payload.len()) else {
                    // Nothing was said, so the session stands.
                    self.state = State::Ready(session);
                    return Err(HostError);
                };
                let bytes = session.seal(&mut *self.plain, len).map_err(|_| HostError)?;
                self.frame = framed(&ToToken::Sealed(bytes)).ok_or(HostError)?;
                self.state = State::Waiting(session);
                Ok(&self.frame)
            }
            other => {
                self.state = other;
                Err(HostError)
            }
        }
    }

    /// Takes the next byte of the line.
    pub fn receive(&mut self, byte: u8) -> Option<Heard<'_>> {
        let payload = match self.receiver.push(byte)? {
            Ok(payload) => payload,
            // The answer is lost; asking again gets it again.
            Err(_) => return None,
        };
        // Who was asked twice answers twice.
        if self.heard.replace(payload.check) == Some(payload.check) && !matches!(self.state, State::Asking) {
            return None;
        }
        let message: Option<ToHost<'_>> = read(payload.bytes);
        let state = core::mem::replace(&mut self.state, State::Idle);
        match (message, state) {
            (Some(ToHost::About(_)), State::Asking) => {
                // Read again from where it may stay borrowed.
                let kept = self.plain.get_mut(..payload.bytes.len())?;
                kept.copy_from_slice(payload.bytes);
                match read(kept) {
                    Some(ToHost::About(about)) => Some(Heard::About(about)),
                    _ => Some(Heard::Broken),
                }
            }
            (Some(ToHost::Opened { public_key }), State::Opening { own, compare }) => {
                let seen = Seen {
                    compare,
                    host_public: &own.public,
                    token_public: &public_key,
                };
                let Some(session) = Session::agree(End::Host, &own, &seen) else {
                    return Some(Heard::Broken);
                };
                let public_key = own.public;
                self.say(&ToToken::Reveal { public_key }, State::Revealed(session));
                Some(Heard::Next)
            }
            (Some(ToHost::Sealed(bytes)), State::Revealed(mut session)) => {
                match opened(&mut session, bytes, &mut self.plain) {
                    Some(Response::Ready) => {
                        let digits = session.digits();
                        self.state = State::Ready(session);
                        Some(Heard::Session(digits))
                    }
                    _ => Some(Heard::Broken),
                }
            }
            (Some(ToHost::Sealed(bytes)), State::Waiting(mut session)) => {
                match opened(&mut session, bytes, &mut self.plain) {
                    Some(response) => {
                        self.state = State::Ready(session);
                        Some(Heard::Response(response))
                    }
                    None => Some(Heard::Broken),
                }
            }
            (Some(ToHost::Ended(why)), state) if !matches!(state, State::Idle) => Some(Heard::Ended(why)),
            // Too late for what was asked before.
            (_, state @ (State::Idle | State::Asking | State::Opening { .. } | State::Ready(_))) => {
                self.state = state;
                None
            }
            (_, State::Revealed(_) | State::Waiting(_)) => Some(Heard::Broken),
        }
    }

    fn say(&mut self, message: &ToToken<'_>, state: State) -> &Frame {
        // Both messages have one length, which fits.
        self.frame = framed(message).unwrap_or(Frame::EMPTY);
        self.state = state;
        &self.frame
    }
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

fn opened<'p>(session: &mut Session, bytes: &[u8], plain: &'p mut [u8; PAYLOAD_MAX_LEN_BYTES]) -> Option<Response<'p>> {
    let sealed = plain.get_mut(..bytes.len())?;
    sealed.copy_from_slice(bytes);
    read(session.open(sealed).ok()?)
}

fn framed(message: &ToToken<'_>) -> Option<Frame> {
    let mut payload = [0; PAYLOAD_MAX_LEN_BYTES];
    Frame::of(write(message, &mut payload).ok()?)
}
