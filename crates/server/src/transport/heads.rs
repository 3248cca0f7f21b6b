//! What the HTTP library takes out of a request's head before anybody sees it, read from the same bytes.
//!
//! It drops a `Content-Length` beside `Transfer-Encoding` or beside its equal, a fragment, and line ends without CR.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The beginning of a line that is kept while its end is not there: enough for every name and length that is looked for,
/// and never so much that the secret of an API key is in it.
const KEPT_BYTES: usize = 48;

/// What is wrong with the requests of a connection. The first one counts: nothing is answered after it.
#[derive(Debug, Default)]
pub(crate) struct Flaws {
    /// The number of the request, and what is wrong in words.
    first: OnceLock<(u64, &'static str)>,
    next: AtomicU64,
}

impl Flaws {
    /// What is wrong with the next request, which the HTTP library has read now.
    pub(crate) fn of_next(&self) -> Option<&'static str> {
        let number = self.next.fetch_add(1, Relaxed);
        let (_, why) = self.first.get().filter(|(flawed, _)| *flawed <= number)?;
        Some(why)
    }
}

/// A stream whose requests are listened to as they are read.
pub(crate) struct Overheard<S> {
    stream: S,
    heads: Heads,
}

impl<S> Overheard<S> {
    pub(crate) fn new(stream: S, flaws: Arc<Flaws>) -> Self {
        let heads = Heads::new(flaws);
        Self { stream, heads }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Overheard<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        if let Some(read) = into.filled().get(before..) {
            self.heads.read(read);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Overheard<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Finds heads among bodies, in whatever pieces they come: it takes less for a request than the HTTP library does, so that
/// where it finds nothing wrong, both read the same requests.
struct Heads {
    flaws: Arc<Flaws>,
    /// Of the request that is read.
    number: u64,
    at: At,
    /// How the request goes on after its head.
    content_length: Option<u64>,
    is_chunked: bool,
    line: Line,
}

/// Where in a request the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before it, or in its first line.
    Start,
    Fields,
    /// So many bytes of a body, or of a chunk, are left.
    Body(u64),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailers,
    /// Beyond what counts.
    Lost,
}

/// A line as far as it has come.
struct Line {
    kept: [u8; KEPT_BYTES],
    /// Of all of it.
    bytes: usize,
    ends_with_cr: bool,
}

impl Line {
    const EMPTY: Self = Self {
        kept: [0; KEPT_BYTES],
        bytes: 0,
        ends_with_cr: false,
    };

    fn push(&mut self, piece: &[u8]) {
        let free = self.kept.get_mut(self.bytes..).unwrap_or_default();
        for (to, from) in free.iter_mut().zip(piece) {
            *to = *from;
        }
        self.bytes += piece.len();
        if let Some(last) = piece.last() {
            self.ends_with_cr = *last == b'\r';
        }
    }

    /// Its beginning, which is all of it where it is short.
    fn text(&self) -> &[u8] {
        let text = self.kept.get(..self.bytes).unwrap_or(&self.kept);
        text.strip_suffix(b"\r").unwrap_or(text)
    }

    fn is_long(&self) -> bool {
        self.bytes > KEPT_BYTES
    }
}

impl Heads {
    fn new(flaws: Arc<Flaws>) -> Self {
        Self {
            flaws,
            number: 0,
            at: At::Start,
            content_length: None,
            is_chunked: false,
            line: Line::EMPTY,
        }
    }

    fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.at != At::Lost {
            bytes = match self.at {
                At::Body(left) => self.skip(left, At::Start, At::Body, bytes),
                At::Chunk(left) => self.skip(left, At::ChunkEnd, At::Chunk, bytes),
                _ => self.read_line(bytes),
            };
        }
    }

    /// What stands after the bytes that count for nothing here.
    fn skip<'a>(&mut self, left: u64, then: At, still: impl Fn(u64) -> At, bytes: &'a [u8]) -> &'a [u8] {
        let here = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let left = left - here as u64;
        self.at = if left == 0 { then } else { still(left) };
        bytes.get(here..).unwrap_or_default()
    }

    fn read_line<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (piece, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
        if self.at == At::Start && piece.contains(&b'#') {
            self.refuse("what is asked for has no fragment: write a # of a name as %23");
            return &[];
        }
        self.line.push(piece);
        if end.is_none() {
            return &[];
        }
        let line = std::mem::replace(&mut self.line, Line::EMPTY);
        if line.ends_with_cr {
            self.take(&line);
        } else {
            self.refuse("each line of a request ends with CR and LF");
        }
        rest.get(1..).unwrap_or_default()
    }

    fn take(&mut self, line: &Line) {
        let text = line.text();
        match self.at {
            // Empty lines before a request are passed over, RFC 9112, 2.2.
            At::Start if text.is_empty() => {}
            At::Start => self.at = At::Fields,
            At::Fields if text.is_empty() => self.end_head(),
            At::Fields => self.take_field(line),
            At::ChunkSize => match chunk_size(text) {
                Some(0) => self.at = At::Trailers,
                Some(size) => self.at = At::Chunk(size),
                None => self.refuse("the size of a chunk is a hexadecimal number"),
            },
            At::ChunkEnd if text.is_empty() => self.at = At::ChunkSize,
            At::ChunkEnd => self.refuse("a chunk is as long as it says"),
            At::Trailers if text.is_empty() => self.at = At::Start,
            At::Trailers | At::Body(_) | At::Chunk(_) | At::Lost => {}
        }
    }

    fn take_field(&mut self, line: &Line) {
        let mut parts = line.text().splitn(2, |byte| *byte == b':');
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.is_chunked = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let length = Some(value.trim_ascii()).filter(|_| !line.is_long()).and_then(number);
            match (length, self.content_length) {
                (Some(length), None) => self.content_length = Some(length),
                (Some(_), Some(_)) => self.refuse("a body has one Content-Length"),
                (None, _) => self.refuse("a Content-Length is a number"),
            }
        }
    }

    fn end_head(&mut self) {
        self.at = match (self.content_length.take(), self.is_chunked) {
            (Some(_), true) => {
                return self.refuse("a body comes with its Content-Length or chunked, and not with both");
            }
            (None, true) => At::ChunkSize,
            (None | Some(0), false) => At::Start,
            (Some(length), false) => At::Body(length),
        };
        self.is_chunked = false;
        self.number += 1;
    }

    /// Refuses the request whose head is being read; within a body, the next one.
    fn refuse(&mut self, why: &'static str) {
        // Nothing is answered after the first.
        let _first = self.flaws.first.set((self.number, why));
        self.at = At::Lost;
    }
}

/// Digits and nothing else.
fn number(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Before an extension, where there is one.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let digits = std::str::from_utf8(size.trim_ascii_end()).ok()?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which request is refused, however the bytes come.
    #[track_caller]
    fn assert_flawed(bytes: &str, expected: Option<u64>) {
        for piece in [1, 2, 3, 7, bytes.len()] {
            let flaws = Arc::<Flaws>::default();
            let mut heads = Heads::new(flaws.clone());
            for piece in bytes.as_bytes().chunks(piece) {
                heads.read(piece);
            }
            let flawed = flaws.first.get().map(|(number, _)| *number);
            assert_eq!(flawed, expected, "{bytes:?} in pieces of {piece}");
        }
    }

    #[test]
    fn what_the_library_hides_is_found_in_the_head_where_it_stands() {
        let long = "x".repeat(5_000);
        let good = [
            "GET /a HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            format!("\r\n\r\nGET /{long} HTTP/1.1\r\nX-Long: {long}\r\n\r\n"),
            "POST / HTTP/1.1\r\ncontent-LENGTH:\t 16 \r\n\r\nGET /# x\n\nabc\n#\n".to_owned(),
            "POST / HTTP/1.1\r\nContent-Length: 0\r\nX-Content-Length: 7\r\n\r\n".to_owned(),
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\n#\n\n\r\n\r\n00A \r\n0123456789\r\n0\r\nX: y\r\n\r\n"
                .to_owned(),
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        ];
        // As long as a number can be; its body never ends.
        assert_flawed(
            "POST / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n#\n",
            None,
        );
        let bad = [
            "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            format!("GET /{long}#b HTTP/1.1\r\nHost: a\r\n\r\n"),
            "GET /a HTTP/1.1\nHost: a\r\n\r\n".to_owned(),
            format!("GET /a HTTP/1.1\r\nHost: {long}\n\r\n"),
            "GET /a HTTP/1.1\r\nHost: a\r\n\n".to_owned(),
            "\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
            "POST / HTTP/1.1\r\nTransfer-encoding: chunked\r\nContent-length: 1\r\n\r\n".to_owned(),
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n1".to_owned(),
            "POST / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n".to_owned(),
            "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n1".to_owned(),
            format!("POST / HTTP/1.1\r\nContent-Length: {}1\r\n\r\n1", " ".repeat(100)),
            "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n1".to_owned(),
            "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n1".to_owned(),
        ];
        for good_one in &good {
            assert_flawed(good_one, None);
            for other in &good {
                assert_flawed(&format!("{good_one}{other}"), None);
            }
            for bad in &bad {
                assert_flawed(bad, Some(0));
                assert_flawed(&format!("{good_one}{bad}"), Some(1));
                assert_flawed(&format!("{good_one}{good_one}{bad}{good_one}"), Some(2));
            }
        }
        // A body that could end in two places spoils what stands behind it.
        for chunks in [
            "2\n{}\r\n0\r\n\r\n",
            "2\r\n{}}\r\n0\r\n\r\n",
            "x\r\n",
            "\r\n",
            "0\r\nX: y\n\r\n",
            "-1\r\n",
        ] {
            let request = format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
            assert_flawed(&request, Some(1));
        }
    }

    #[test]
    fn the_flawed_one_is_refused_and_nothing_after_it() {
        let flaws = Arc::<Flaws>::default();
        let mut heads = Heads::new(flaws.clone());
        heads.read(b"GET / HTTP/1.1\r\n\r\nGET /# HTTP/1.1\r\n\r\n");
        assert_eq!(flaws.of_next(), None);
        assert!(flaws.of_next().is_some() && flaws.of_next().is_some());
    }
}
