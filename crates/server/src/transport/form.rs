//! What HTTP asks of a request's form and the libraries below let pass; [`super::heads`] has what they hide.

use axum::http::{
    HeaderMap, Uri, Version,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, TRANSFER_ENCODING},
};
use hyper::Request;

/// Whether two readers of this request could take it for two different ones; the words say what is wrong, and repeat
/// nothing of it.
pub(crate) fn check<B>(request: &Request<B>) -> Result<(), &'static str> {
    host(request.headers(), request.version())?;
    authority(request.headers(), request.uri())?;
    credentials_and_type(request.headers())?;
    transfer_encoding(request.headers())?;
    escapes(request.uri())
}

/// RFC 9112, 3.2: one `Host` since HTTP/1.1, and never two.
fn host(headers: &HeaderMap, version: Version) -> Result<(), &'static str> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version < Version::HTTP_11 => Ok(()),
        (None, _) => Err("a request of HTTP/1.1 names its Host"),
        (Some(_), Some(_)) => Err("a request names one Host, and this one names two"),
        (Some(host), None) if host.as_bytes().iter().all(is_of_a_host) => Ok(()),
        (Some(_), None) => Err("what Host says is no host: a name or an address, and a port where it is another"),
    }
}

/// RFC 3986, 3.2.2 and 3.2.3; without those who would be told by `@`.
fn is_of_a_host(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(byte)
}

/// RFC 9112, 3.2: a target that names a host names the same one.
fn authority(headers: &HeaderMap, uri: &Uri) -> Result<(), &'static str> {
    let names = uri.authority().zip(headers.get(HOST));
    let agree = |host: &[u8], authority: &str| host.eq_ignore_ascii_case(authority.as_bytes());
    if names.is_none_or(|(authority, host)| agree(host.as_bytes(), authority.as_str())) {
        Ok(())
    } else {
        Err("what is asked for names another host than Host does")
    }
}

/// RFC 9110, 5.3: neither is a list. One reader takes the first, another the last.
fn credentials_and_type(headers: &HeaderMap) -> Result<(), &'static str> {
    let is_single = |name| headers.get_all(name).iter().nth(1).is_none();
    match (is_single(AUTHORIZATION), is_single(CONTENT_TYPE)) {
        (true, true) => Ok(()),
        (false, _) => Err("a request has one Authorization, and this one has two"),
        (_, false) => Err("a request has one Content-Type, and this one has two"),
    }
}

/// RFC 9112, 6.1: what we do not decode is refused, wherever `chunked` stands beside it.
fn transfer_encoding(headers: &HeaderMap) -> Result<(), &'static str> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err("a body comes with its Content-Length, or chunked and nothing else"),
    }
}

/// RFC 3986, 2.1: a `%` is the beginning of two hexadecimal digits.
fn escapes(uri: &Uri) -> Result<(), &'static str> {
    let target = uri.path_and_query().map_or("", |target| target.as_str());
    let mut pieces = target.split('%');
    pieces.next();
    let is_escape = |piece: &str| piece.len() >= 2 && piece.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if pieces.all(is_escape) {
        Ok(())
    } else {
        Err("a % in a path or query is followed by two hexadecimal digits: write a % of a name as %25")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(version: Version, target: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().version(version).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.body(()).unwrap()).is_ok()
    }

    #[test]
    fn one_host_and_no_other_coding_than_chunked() {
        let host = ("host", "example.com:8700");
        for (version, headers, good) in [
            (Version::HTTP_11, &[host][..], true),
            (Version::HTTP_11, &[("host", "[::1]:8700")], true),
            (Version::HTTP_11, &[("host", "")], true),
            (Version::HTTP_11, &[], false),
            (Version::HTTP_10, &[], true),
            (Version::HTTP_10, &[host, host], false),
            (Version::HTTP_11, &[host, host], false),
            (Version::HTTP_11, &[host, ("host", "other")], false),
            (Version::HTTP_11, &[("host", "me@example.com")], false),
            (Version::HTTP_11, &[("host", "example.com/x")], false),
            (Version::HTTP_11, &[("host", "a b")], false),
            (Version::HTTP_11, &[host, ("transfer-encoding", "Chunked")], true),
            (Version::HTTP_11, &[host, ("transfer-encoding", "gzip, chunked")], false),
            (
                Version::HTTP_11,
                &[host, ("transfer-encoding", "gzip"), ("transfer-encoding", "chunked")],
                false,
            ),
        ] {
            assert_eq!(checked(version, "/", headers), good, "{headers:?}");
        }
    }

    #[test]
    fn one_key_one_type_and_the_same_host_twice() {
        let host = ("host", "example.com:8700");
        for (target, headers, good) in [
            ("http://Example.com:8700/x", &[host][..], true),
            ("http://example.com/x", &[host], false),
            ("http://other:8700/x", &[host], false),
            ("http://me@example.com:8700/x", &[host], false),
            ("http://example.com:8700/x", &[("host", "")], false),
            ("/x", &[host, ("authorization", "a"), ("content-type", "b")], true),
            ("/x", &[host, ("authorization", "a"), ("authorization", "a")], false),
            ("/x", &[host, ("content-type", "b"), ("content-type", "b")], false),
        ] {
            assert_eq!(checked(Version::HTTP_11, target, headers), good, "{target} {headers:?}");
        }
        assert!(
            checked(Version::HTTP_10, "http://example.com/x", &[]),
            "the one host that is named"
        );
    }

    #[test]
    fn a_percent_sign_begins_two_digits() {
        for (target, good) in [
            ("/a%20b?c=%C3%a9", true),
            ("/a%zz", false),
            ("/a?b=%zz", false),
            ("/a%2", false),
            ("/a%", false),
            ("/a%%20", false),
            ("/a%2%30", false),
        ] {
            assert_eq!(checked(Version::HTTP_11, target, &[("host", "x")]), good, "{target}");
        }
    }
}
