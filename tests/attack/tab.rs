//! A browser's tab without a browser: cookies, forms, and what a page answered, to the byte.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use url::{Url, form_urlencoded};

use crate::world::World;

/// What a browser says of a form of the page's own.
pub(crate) const OWN: &[(&str, &str)] = &[("sec-fetch-site", "same-origin")];

/// A tab.
pub(crate) struct Tab<'w> {
    world: &'w World,
    agent: ureq::Agent,
    pub(crate) cookies: RefCell<BTreeMap<String, String>>,
}

/// A page, as it came.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Seen {
    /// Where it leads.
    pub(crate) fn location(&self) -> &str {
        self.headers.get("location").map(String::as_str).unwrap_or_default()
    }

    /// What the address that it leads to says by this name.
    pub(crate) fn said(&self, name: &str) -> Option<String> {
        let url = Url::parse(self.location()).ok()?;
        let mut pairs = url.query_pairs();
        pairs.find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
    }

    /// The form token of its forms.
    pub(crate) fn form_token(&self) -> String {
        let after = self.body.split("name=\"form_token\" value=\"").nth(1);
        let token = after.and_then(|rest| rest.split('"').next());
        token.unwrap_or_else(|| panic!("no form: {}", self.body)).to_owned()
    }
}

impl<'w> Tab<'w> {
    pub(crate) fn of(world: &'w World) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Self {
            world,
            agent: config.into(),
            cookies: RefCell::default(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Seen {
        let url = format!("http://{}{path}", self.world.address());
        let asked = self.agent.get(url).header("Cookie", self.cookie());
        self.seen(asked.call())
    }

    /// Posts a form of the page's own.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Seen {
        self.post_as(path, fields, OWN)
    }

    /// Posts a form as a browser says where it came from.
    pub(crate) fn post_as(&self, path: &str, fields: &[(&str, &str)], said: &[(&str, &str)]) -> Seen {
        let url = format!("http://{}{path}", self.world.address());
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let mut asked = self.agent.post(url).header("Cookie", self.cookie());
        asked = asked.header("Content-Type", "application/x-www-form-urlencoded");
        for (name, value) in said {
            asked = asked.header(*name, *value);
        }
        self.seen(asked.send(body))
    }

    fn cookie(&self) -> String {
        let cookies = self.cookies.borrow();
        let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn seen(&self, answered: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Seen {
        let mut response = answered.expect("an answer");
        for set in response.headers().get_all("set-cookie") {
            let set = set.to_str().expect("ASCII");
            let (pair, said) = set.split_once(';').expect("a cookie says how it is kept");
            let (name, value) = pair.split_once('=').expect("a cookie");
            match said.contains("Max-Age=0") {
                true => self.cookies.borrow_mut().remove(name),
                false => self.cookies.borrow_mut().insert(name.into(), value.into()),
            };
        }
        let headers = response.headers().iter();
        let text = |value: &ureq::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        Seen {
            status: response.status().as_u16(),
            headers: headers
                .map(|(name, value)| (name.as_str().to_owned(), text(value)))
                .collect(),
            body: response.body_mut().read_to_string().expect("text"),
        }
    }
}
