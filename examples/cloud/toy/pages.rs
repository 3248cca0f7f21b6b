//! What this cloud shows.

use serde_json::Value;

pub(super) const STYLE: &str = include_str!("style.css");

/// Every word from elsewhere goes through this.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

pub(super) fn page(title: &str, said: &str, content: &str) -> String {
    let said = match said {
        "" => String::new(),
        said => format!("<p role=\"status\">{}</p>", escaped(said)),
    };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title} · Toy cloud</title><link rel=\"icon\" href=\"data:,\">\
         <link rel=\"stylesheet\" href=\"/style.css\"></head><body><header>Toy cloud: a console to try Countersign with; \
         it forgets everything when it ends</header><main><h1>{title}</h1>{said}{content}</main></body></html>"
    )
}

pub(super) fn welcome(said: &str) -> String {
    let form = |action: &str, title: &str, autocomplete: &str| {
        format!(
            "<section><h2>{title}</h2><form method=\"post\" action=\"/{action}\">\
             <label>Name <input name=\"user\" autocomplete=\"username\" maxlength=\"40\" required></label>\
             <label>Password <input name=\"password\" type=\"password\" autocomplete=\"{autocomplete}\" \
             maxlength=\"100\" required></label><button>{title}</button></form></section>"
        )
    };
    let forms = form("register", "Register", "new-password") + &form("login", "Log in", "current-password");
    page("Welcome", said, &forms)
}

/// `told` is the API's word on the user.
pub(super) fn home<'a>(user: &str, said: &str, told: &Value, buckets: impl Iterator<Item = &'a String>) -> String {
    let devices = told["devices"].as_array().map_or(0, Vec::len);
    let protection = |name: &str| escaped(told["protection"][name].as_str().unwrap_or("none"));
    let rows: String = buckets
        .map(|id| {
            let id = escaped(id);
            format!(
                "<li>{id} <form method=\"post\" action=\"/delete\"><input type=\"hidden\" name=\"bucket\" \
                 value=\"{id}\"><button id=\"delete-{id}\">Delete {id}</button></form></li>"
            )
        })
        .collect();
    let content = format!(
        "<section><h2>Security</h2><dl><dt>MFA devices</dt><dd id=\"devices\">{devices}</dd>\
         <dt>Login protection</dt><dd id=\"login\">{login}</dd><dt>Operation protection</dt>\
         <dd id=\"operation\">{operation}</dd></dl><form method=\"post\" action=\"/settings\">\
         <button id=\"settings\">Security settings</button></form></section>\
         <section><h2>Buckets</h2><ul>{rows}</ul></section>\
         <form method=\"post\" action=\"/logout\"><button id=\"logout\">Log out</button></form>",
        login = protection("login_protection"),
        operation = protection("operation_protection"),
    );
    page(&format!("Hello, {}", escaped(user)), said, &content)
}
