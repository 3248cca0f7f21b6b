//! A form with a file (RFC 7578). Its fields stand before the file, and nothing of that is read unless they are right.

use axum::{
    body::Body,
    extract::{FromRequest as _, Multipart, multipart::Field},
    http::{HeaderMap, Request, header},
};
use http_body_util::Limited;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::{
    answer::same,
    http::{App, Collected, Room},
    pages::{
        form::{FORM_BYTES, decoded},
        frame::{self, Refusal},
        visit::Visitor,
    },
};

/// The longest name of a file that is shown again.
const FILE_NAME_CHARS: usize = 128;
/// A file's buffer begins so long.
const FIRST_BYTES: usize = 64 << 10;

/// A form and its file, that a page of this visitor posted.
pub(crate) struct Uploaded<T> {
    pub(crate) form: T,
    /// What the file is called where it comes from.
    pub(crate) file_name: String,
    /// Empty where none was chosen.
    pub(crate) file: Zeroizing<Vec<u8>>,
    /// What the file takes, while this lives.
    pub(crate) _room: Room,
}

/// Reads a form of a visitor's page, whose right to it was checked: the form token first, the file last.
pub(crate) async fn read<V: Visitor, T: DeserializeOwned>(
    app: &App,
    visit: &V,
    request: Request<Body>,
) -> Result<Uploaded<T>, Refusal> {
    let browser = visit.browser();
    let refused = |key: &str, status| frame::refusal(app, browser, key, status);
    if !browser.is_from_here {
        return Err(refused("error.other_form", 403));
    }
    let announced = length(request.headers());
    if announced.is_some_and(|length| length > app.imports.bytes()) {
        return Err(refused("staff_import.too_long", 413));
    }
    let room = app.imports.room(announced).await;
    let room = room.ok_or_else(|| refused("error.rate_limited", 429))?;
    let unread = |_error| refused("error.form", 400);
    // Whatever it is made of, it is no longer than this.
    let request = request.map(|body| Body::new(Limited::new(body, app.imports.bytes())));
    let multipart = Multipart::from_request(request, &()).await;
    let mut multipart = multipart.map_err(|_no_form| refused("error.form", 400))?;

    let mut fields = Fields::default();
    let mut file = None;
    while let Some(field) = multipart.next_field().await.map_err(unread)? {
        if field.file_name().is_none() {
            fields.take(field).await.ok_or_else(|| refused("error.form", 400))?;
            continue;
        }
        if !same(fields.form_token.as_bytes(), visit.visitor().form_token.as_bytes()) {
            return Err(refused("error.other_form", 403));
        }
        let counted = app
            .service
            .act_on_page(&visit.visitor().caller, visit.visitor().id)
            .await;
        counted.map_err(|error| frame::refusal_of(app, browser, &error))?;
        let file_name = field.file_name().unwrap_or_default();
        let file_name = file_name.chars().take(FILE_NAME_CHARS).collect();
        let bytes = collected(field, app.imports.bytes()).await;
        file = Some((file_name, bytes.ok_or_else(|| refused("staff_import.too_long", 413))?));
        // What follows the file is nothing of ours.
        break;
    }
    let (file_name, file) = file.ok_or_else(|| refused("error.form", 400))?;
    Ok(Uploaded {
        form: decoded(app, browser, fields.text.as_bytes())?,
        file_name,
        file,
        _room: room,
    })
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The fields before the file, as a form without one would have sent them.
struct Fields {
    form_token: Zeroizing<String>,
    text: Zeroizing<String>,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            form_token: Zeroizing::default(),
            // Passwords are among them: growing would leave copies behind.
            text: Zeroizing::new(String::with_capacity(FORM_BYTES)),
        }
    }
}

impl Fields {
    /// Takes a field; `None` of one that is no text, or is one too much.
    async fn take(&mut self, field: Field<'_>) -> Option<()> {
        let name = field.name()?.to_owned();
        let value = collected(field, FORM_BYTES).await?;
        let value = std::str::from_utf8(&value).ok()?;
        if name == "form_token" {
            value.clone_into(&mut self.form_token);
            return Some(());
        }
        let pair = Zeroizing::new(serde_urlencoded::to_string([(&*name, value)]).ok()?);
        if self.text.len() + pair.len() >= FORM_BYTES {
            return None;
        }
        if !self.text.is_empty() {
            self.text.push('&');
        }
        self.text.push_str(&pair);
        Some(())
    }
}

/// All of a field, unless it is longer, or does not arrive whole.
async fn collected(mut field: Field<'_>, most: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut collected = Collected::with_room_for(FIRST_BYTES.min(most));
    let mut length = 0;
    while let Some(chunk) = field.chunk().await.ok()? {
        length += chunk.len();
        if length > most {
            return None;
        }
        collected.push(&chunk);
    }
    Some(collected.into_bytes())
}
