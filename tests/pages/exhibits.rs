//! Pages with one fault each, and one with none: what the browser's checks must find, and what they must leave alone.

use std::net::SocketAddr;

use axum::{
    Router,
    http::{HeaderMap, header},
    response::{Html, IntoResponse},
    routing::get,
};
use enroll::Qr;
use tokio::{net::TcpListener, runtime::Runtime};

/// As strict as our own pages' policy.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'";

/// What the QR code of the exhibit says.
pub(crate) const URI: &str = "otpauth://totp/ACME:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=ACME";

/// A server of exhibits, as long as the test needs it.
pub(crate) struct Gallery {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Gallery {
    pub(crate) fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(async { axum::serve(listener, rooms()).await });
        Self {
            address,
            _runtime: runtime,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn rooms() -> Router {
    Router::new()
        .route("/style.css", get(([(header::CONTENT_TYPE, "text/css")], STYLE)))
        .route("/live.js", get(([(header::CONTENT_TYPE, "text/javascript")], LIVE)))
        .route("/", get(sound).post(answered))
        .route("/qr", get(|| async { page("A code to scan", &qr()) }))
        .route(
            "/codes.txt",
            get((
                [(header::CONTENT_DISPOSITION, "attachment; filename=codes.txt")],
                "1111 2222",
            )),
        )
        .route(
            "/sideways",
            get(|| async { page("Too wide", "<div class=wide>a bar</div>") }),
        )
        .route(
            "/cut",
            get(|| async { page("Cut off", "<p class=cut>Serial number CS-0000000000000001</p>") }),
        )
        .route(
            "/hanging",
            get(|| async { page("Hanging out", "<p class=narrow>CS-0000000000000001</p>") }),
        )
        .route(
            "/heap",
            get(|| async { page("A heap", "<p>Serial number</p><p class=up>CS-1</p>") }),
        )
        .route(
            "/elsewhere",
            get(|| async { page("A picture", "<img alt=one src='http://localhost:1/one.png'>") }),
        )
        .route(
            "/chatty",
            get(|| async { page("Chatty", "<p role=status>Left: <time id=count>9</time></p>") }),
        )
        .route(
            "/calm",
            get(|| async {
                page(
                    "Calm",
                    "<p>Left: <time id=count>9</time></p><p role=status></p><button id=copy>Copy</button>",
                )
            }),
        )
        .route("/field", get(|| async { page("A narrow field", NARROW_FIELD) }))
        .route(
            "/pale",
            get(|| async { page("Pale", "<p class=pale>It can hardly be read</p>") }),
        )
        .route(
            "/unlabelled",
            get(|| async { page("No label", "<form><input name=code></form>") }),
        )
        .route(
            "/dark",
            get(|| async { page("Dark on dark", "<p class=forgotten>Only light was thought of</p>") }),
        )
        .route(
            "/foreign",
            get(|| async { page("Inline", "<p style='color: red'>Red</p>") }),
        )
        .route(
            "/throws",
            get(|| async { page("Throws", "<script src='/throws.js'></script>") }),
        )
        .route(
            "/throws.js",
            get(([(header::CONTENT_TYPE, "text/javascript")], "nobody.knows()")),
        )
        .route("/choices", get(|| async { page("Choices", CHOICES) }))
        .route(
            "/large",
            get(|| async {
                page(
                    "Large",
                    &format!("<!--{}--><p>There is not much on it</p>", "x".repeat(60_000)),
                )
            }),
        )
        .route(
            "/unseen",
            get(|| async { page("Focus unseen", "<p><a href='/' class=unseen>back</a></p>") }),
        )
}

/// The page with no fault: it greets in the reader's language and counts down where it may run a script.
async fn sound(asked: HeaderMap) -> impl IntoResponse {
    let languages = asked.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let chinese = languages.is_some_and(|languages| languages.starts_with("zh"));
    let greeting = if chinese {
        "绑定多因素认证设备"
    } else {
        "Bind an MFA device"
    };
    let lang = if chinese { "zh-CN" } else { "en" };
    in_language(lang, greeting, FORM)
}

async fn answered(body: String) -> impl IntoResponse {
    let mut form = url::form_urlencoded::parse(body.as_bytes());
    let code = form
        .find(|(name, _)| name == "code")
        .map_or_else(String::new, |(_, value)| value.into());
    assert!(
        code.bytes().all(|byte| byte.is_ascii_digit() || byte == b' '),
        "the tests type digits"
    );
    page("Answered", &format!("<p id=answer>The code was {code}</p>"))
}

fn page(title: &str, content: &str) -> impl IntoResponse + use<> {
    in_language("en", title, content)
}

fn in_language(lang: &str, title: &str, content: &str) -> impl IntoResponse + use<> {
    let html = format!(
        "<!doctype html><html lang={lang}><head><meta charset=utf-8><title>{title}</title>\
         <meta name=viewport content='width=device-width, initial-scale=1'>\
         <link rel=icon href='data:,'><link rel=stylesheet href='/style.css'>\
         <script type=module src='/live.js'></script></head>\
         <body><main><h1>{title}</h1>{content}</main></body></html>"
    );
    let cookie = "__Host-exhibit=1; Path=/; Secure; HttpOnly; SameSite=Lax";
    let headers = [(header::CONTENT_SECURITY_POLICY, POLICY), (header::SET_COOKIE, cookie)];
    (headers, Html(html))
}

fn qr() -> String {
    let code = Qr::encode(URI).expect("it fits");
    let picture = data_encoding::BASE64.encode(&code.to_png(4).expect("a picture"));
    format!("<img class=card alt='QR code' src='data:image/png;base64,{picture}'>")
}

const FORM: &str = "<form method=post><p><label for=code>Code</label> \
    <input id=code name=code inputmode=numeric autocomplete=one-time-code></p>\
    <p><button>Confirm</button> <a href='/codes.txt'>Download</a></p></form>\
    <p id=live>waiting</p><noscript><p id=still>The page works without scripts</p></noscript>\
    <p class=scrolling tabindex=0 role=region aria-label=Key>GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ</p>\
    <p class=readers>only for readers of screens</p>";

const NARROW_FIELD: &str = "<form><label for=code>Code</label> \
    <input id=code class=tiny value='492 039 492 039'></form>";

const CHOICES: &str = "<form><p><input type=radio name=colour id=red checked><label for=red>Red</label> \
    <input type=radio name=colour id=green><label for=green>Green</label> \
    <input type=radio name=colour id=blue><label for=blue>Blue</label></p>\
    <p><label for=list>List</label><select id=list><option value=first>1<option value=second>2<option value=third>3</select></p>\
    <p><input type=checkbox id=tick><label for=tick>Tick</label></p>\
    <p><label for=field>Field</label><input id=field value=old></p></form>";

const LIVE: &str = "const live = document.getElementById('live'); if (live) live.textContent = 'counting';
const count = document.getElementById('count'); let left = 9;
if (count) setInterval(() => { count.textContent = --left; }, 100);
document.getElementById('copy')?.addEventListener('click', () => navigator.clipboard.writeText('492 039'));
";

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #111; --paper: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #eee; --paper: #111; } }
body { margin: 0; font: 16px/1.5 'DejaVu Sans', 'Noto Sans CJK SC', sans-serif; color: var(--ink); background: var(--paper); }
main { padding: 16px; }
input, button { font: inherit; min-height: 32px; max-width: 100%; box-sizing: border-box; }
:focus-visible { outline: 3px solid #06c; outline-offset: 2px; }
a { color: inherit; }
.card { background: #fff; padding: 16px; }
.wide { width: 2000px; background: #06c; color: #fff; }
.cut { width: 90px; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
.narrow { width: 90px; white-space: nowrap; }
.up { margin-top: -40px; }
.tiny { width: 40px; }
.pale { color: #ccc; background: #fff; }
.forgotten { color: #222; }
.unseen:focus-visible { outline: none; }
.scrolling { overflow-x: auto; white-space: nowrap; }
.readers { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
";
