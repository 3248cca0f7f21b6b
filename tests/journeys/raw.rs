//! A connection with nothing between the test and the bytes.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// How long a test waits for a server that should answer or hang up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Line {
    pub(crate) stream: TcpStream,
    /// What came beyond the last answer.
    rest: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

impl Line {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).expect("the server listens"))
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
        stream.set_write_timeout(Some(PATIENCE)).expect("a time-out can be set");
        stream.set_nodelay(true).expect("bytes go out as they are written");
        Self {
            stream,
            rest: Vec::new(),
        }
    }

    /// False when the server has hung up already.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// The next answer; `None` when the server hangs up instead.
    pub(crate) fn answer(&mut self) -> Option<Answer> {
        let end = self.until(|rest| rest.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4))?;
        let head: Vec<u8> = self.rest.drain(..end).collect();
        let head = String::from_utf8(head).expect("a head is ASCII");
        let status = head
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {head}"));
        let lower = head.to_ascii_lowercase();
        let length = lower
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.split("\r\n").next());
        let length = length.map_or(0, |length| length.parse().expect("a length"));
        self.until(|rest| (rest.len() >= length).then_some(length))?;
        let body = self.rest.drain(..length).collect();
        Some(Answer { status, head, body })
    }

    /// Everything until the server hangs up; panics if it does not.
    pub(crate) fn drain(&mut self) -> Vec<u8> {
        self.until(|_| None::<usize>);
        std::mem::take(&mut self.rest)
    }

    /// Reads until enough is there; `None` when the line ends before.
    fn until(&mut self, enough: impl Fn(&[u8]) -> Option<usize>) -> Option<usize> {
        let mut buffer = [0; 16 * 1_024];
        loop {
            if let Some(length) = enough(&self.rest) {
                return Some(length);
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => self.rest.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("the server neither answers nor hangs up: {error}"),
            }
        }
    }
}

/// A request with a JSON body, as bytes.
pub(crate) fn post(path: &str, key: &str, body: &Value) -> Vec<u8> {
    request("POST", path, Some(key), body.to_string().as_bytes())
}

pub(crate) fn request(method: &str, path: &str, key: Option<&str>, body: &[u8]) -> Vec<u8> {
    let authorization = key.map_or_else(String::new, |key| format!("Authorization: Bearer {key}\r\n"));
    // A PUT stands on what was read: here on nothing that was ever changed.
    let if_match = if method == "PUT" { "If-Match: \"0\"\r\n" } else { "" };
    let length = body.len();
    let mut bytes = format!(
        "{method} {path} HTTP/1.1\r\nHost: test\r\n{authorization}{if_match}\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
