//! An HTTP/1.1 client that costs next to nothing, for it shares the machine with the server.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A connection that is kept, with one request at a time.
pub(crate) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            request: Vec::new(),
            response: Vec::with_capacity(4_096),
        })
    }

    /// What the last answer said under this name, in lower case.
    #[allow(dead_code, reason = "pages alone have cookies")]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let head = &self.response[..find(&self.response, b"\r\n\r\n")?];
        let mut lines = str::from_utf8(head).ok()?.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Sends `body` under this head (everything up to `Content-Length: `) and gives the status and the answer.
    pub(crate) async fn post(&mut self, head: &[u8], body: &[u8]) -> io::Result<(u16, &[u8])> {
        self.request.clear();
        self.request.extend(head);
        self.request.extend(body.len().to_string().as_bytes());
        self.request.extend(b"\r\n\r\n");
        self.request.extend(body);
        self.stream.write_all(&self.request).await?;
        self.response.clear();
        let (status, begin, end) = loop {
            if self.stream.read_buf(&mut self.response).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(found) = parsed(&self.response)? {
                break found;
            }
        };
        while self.response.len() < end {
            self.response.reserve(end - self.response.len());
            if self.stream.read_buf(&mut self.response).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok((status, &self.response[begin..end]))
    }
}

/// Everything of a request but the body's length and the body.
pub(crate) fn head(address: SocketAddr, key: &str, path: &str) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: "
    );
    head.into_bytes()
}

/// Status, and where the body begins and ends, once the header is whole.
fn parsed(response: &[u8]) -> io::Result<Option<(u16, usize, usize)>> {
    let Some(header_end) = find(response, b"\r\n\r\n") else {
        return Ok(None);
    };
    let strange = || io::Error::new(io::ErrorKind::InvalidData, "this is no HTTP/1.1 answer with a length");
    let header = str::from_utf8(&response[..header_end]).map_err(|_| strange())?;
    let status = header
        .get(9..12)
        .and_then(|status| status.parse().ok())
        .ok_or_else(strange)?;
    let length = header
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.parse::<usize>().ok())
        .ok_or_else(strange)?;
    Ok(Some((status, header_end + 4, header_end + 4 + length)))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
