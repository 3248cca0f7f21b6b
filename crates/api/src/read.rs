//! Reading of a request: JSON bodies and queries, with an error that names the field and repeats no value.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::{Problem, ProblemCode};

/// Reads the body of a request.
///
/// # Errors
/// An `invalid_request` that says what is wrong and, where it is known, in which field. It repeats no value of the
/// body, which serde's own messages do, and a name only if it looks like the name of a field.
pub fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // serde would take an array for an object, field by field.
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Err(invalid("the body is empty: a JSON object is expected")),
        Some(b'[') => return Err(invalid("the body is an array: a JSON object is expected")),
        Some(_) => {}
    }
    serde_json::from_slice(body).or_else(|_wrong| read_again::<T>(body))
}

/// The same once more, slower, watching the path: only refused bodies pay for it.
fn read_again<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        explain(&error.into_inner(), Some(path).filter(|path| is_path(path)))
    })?;
    deserializer.end().map_err(|error| explain(&error, None))?;
    Ok(value)
}

fn explain(error: &serde_json::Error, field: Option<String>) -> Problem {
    let message = error.to_string();
    if error.classify() != Category::Data {
        return invalid(format!("the body is not JSON: {message}"));
    }
    let message = message
        .rsplit_once(" at line ")
        .map_or(message.as_str(), |(message, _position)| message);
    problem(message, field)
}

/// What is wrong with the query of a request, from what serde said of it: where and, after a colon, what. It repeats no
/// value either.
pub fn query_problem(said: &str) -> Problem {
    let (field, message) = match said.split_once(": ") {
        Some((field, message)) if is_field_name(field) => (Some(field.to_owned()), message),
        _ if said.starts_with("unknown field `") || is_duplicate(said) || missing_field(said).is_some() => (None, said),
        _ => return invalid("the query has a field that is none here, or is no name=value&name=value"),
    };
    problem(message, field)
}

fn problem(message: &str, field: Option<String>) -> Problem {
    let what = without_values(message);
    if let Some(missing) = missing_field(message) {
        let within = field.map_or_else(String::new, |field| field + ".");
        return invalid(what).with_field(within + missing);
    }
    let about_a_name = ["unknown field", "duplicate field"]
        .iter()
        .any(|name| what.starts_with(name));
    match field {
        Some(field) if about_a_name => invalid(what).with_field(field),
        Some(field) => invalid(format!("{field} {what}")).with_field(field),
        None if about_a_name => invalid(what),
        None => invalid(format!("the body {what}")),
    }
}

fn is_duplicate(message: &str) -> bool {
    let name = message.strip_prefix("duplicate field `");
    name.and_then(|name| name.strip_suffix('`')).is_some_and(is_field_name)
}

/// The field's name, which is ours.
fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

/// What serde says, less the values it repeats. What was expected comes last and is ours.
fn without_values(message: &str) -> String {
    let expected = message
        .rsplit_once(", expected ")
        .map_or("", |(_found, expected)| expected);
    let expected = if expected.starts_with("struct ") {
        "an object"
    } else {
        expected
    };
    let of = |prefix: &str| message.strip_prefix(prefix);
    if let Some(found) = of("invalid type: ").or_else(|| of("invalid value: ")) {
        format!("is {}, expected {expected}", noun(found))
    } else if let Some(found) = of("invalid length ") {
        let length = found.split(',').next().unwrap_or_default();
        format!("has length {length}, expected {expected}")
    } else if of("unknown variant ").is_some() {
        format!("is unknown, expected {expected}")
    } else if let Some(rest) = of("unknown field `") {
        let name = rest.split('`').next().filter(|name| is_field_name(name));
        let expected = if expected.is_empty() { "none here" } else { expected };
        name.map_or_else(
            || format!("unknown field, expected {expected}"),
            |name| format!("unknown field `{name}`, expected {expected}"),
        )
    } else if of("UUID parsing failed").is_some() {
        "is not a UUID".into()
    } else if of("provided string was not `true` or `false`").is_some() {
        "is neither true nor false".into()
    } else if of("invalid IP address").is_some() {
        "is not an IP address".into()
    } else {
        message.into()
    }
}

/// The kind of a found value, without the value.
fn noun(found: &str) -> &'static str {
    const NOUNS: [(&str, &str); 7] = [
        ("boolean", "a boolean"),
        ("integer", "a number"),
        ("floating point", "a number"),
        ("string", "a string"),
        ("null", "null"),
        ("sequence", "an array"),
        ("map", "an object"),
    ];
    NOUNS
        .iter()
        .find(|(start, _noun)| found.starts_with(start))
        .map_or("something else", |(_start, noun)| noun)
}

/// Whether a name of the caller's may be repeated: no code and no secret looks like it.
fn is_field_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() < 32
        && bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a path is made of such names and of places in lists.
fn is_path(path: &str) -> bool {
    path.split('.').all(|segment| {
        let name = segment.split('[').next().unwrap_or_default();
        is_field_name(name)
            && segment[name.len()..]
                .bytes()
                .all(|byte| matches!(byte, b'[' | b']' | b'0'..=b'9'))
    })
}

fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(ProblemCode::InvalidRequest, detail)
}
