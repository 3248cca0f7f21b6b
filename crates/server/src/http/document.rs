//! The OpenAPI document: what stands in it beside the operations, and the problems that each of them can answer with.

use std::collections::BTreeMap;

use api::{Cause, Notice, PROBLEM_JSON, Problem, ProblemCode};
use serde_json::{Value, json};
use utoipa::{
    OpenApi as _,
    openapi::{
        Content, Header, Object, OneOf, OpenApi, PathItem, Ref, RefOr, Response, Schema, Type,
        example::ExampleBuilder,
        extensions::ExtensionsBuilder,
        path::Operation,
        schema::{AdditionalProperties, Components},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::http::app::App;

/// A family's endpoints, `file::handler` each: the handler's route and its operation, with the file's `PROBLEMS`. What has
/// none does not compile.
macro_rules! endpoints {
    ($($file:ident::$handler:ident),+ $(,)?) => {
        utoipa_axum::router::OpenApiRouter::default()
            $(.routes($crate::http::document::with_problems(
                utoipa_axum::routes!($file::$handler),
                &$file::PROBLEMS,
            )))+
    };
}
pub(super) use endpoints;

/// The problems that an endpoint can answer with, beside those that all have.
pub(super) struct Problems {
    own: &'static [ProblemCode],
    open: bool,
}

impl Problems {
    /// Of an endpoint that takes an API key.
    pub(super) const fn keyed(own: &'static [ProblemCode]) -> Self {
        Self { own, open: false }
    }

    /// Of one that anybody may ask.
    pub(super) const fn open(own: &'static [ProblemCode]) -> Self {
        Self { own, open: true }
    }

    /// All of them, by status.
    fn by_status(&self, has_body: bool) -> BTreeMap<u16, Vec<ProblemCode>> {
        let mut sets = vec![ALWAYS, self.own];
        if !self.open {
            sets.push(KEYED);
        }
        if has_body {
            sets.push(WITH_BODY);
        }
        let mut by_status: BTreeMap<u16, Vec<ProblemCode>> = BTreeMap::new();
        for code in ProblemCode::ALL
            .iter()
            .filter(|code| sets.iter().any(|set| set.contains(code)))
        {
            by_status.entry(code.status()).or_default().push(*code);
        }
        by_status
    }
}

/// What breaks the rules of HTTP is refused wherever it goes.
const ALWAYS: &[ProblemCode] = &[
    ProblemCode::InvalidRequest,
    ProblemCode::RequestTimeout,
    ProblemCode::Internal,
];
const KEYED: &[ProblemCode] = &[
    ProblemCode::Unauthorized,
    ProblemCode::Forbidden,
    ProblemCode::RateLimited,
    ProblemCode::ClockUnreliable,
    ProblemCode::StorageUnavailable,
];
const WITH_BODY: &[ProblemCode] = &[ProblemCode::PayloadTooLarge, ProblemCode::UnsupportedMediaType];

/// In a description: where the table of causes is to stand.
const CAUSES: &str = "CAUSES";

const API_KEY: &str = "api_key";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Countersign", description = "Verifies MFA codes, and binds the devices that show them."),
    components(schemas(Problem, Notice)),
    tags(
        (name = "verification", description = "Is this code right?"),
        (name = "protection", description = "Must this be checked, by what, and may it go on?"),
        (name = "sessions", description = "Logins that go on, until they are ended, idle, or too old."),
        (name = "enrollments", description = "Bindings under way."),
        (name = "pages", description = "Pages that a user's browser is sent to."),
        (name = "devices", description = "What shows the codes."),
        (name = "users", description = "A user's factors as a whole."),
        (name = "support", description = "What support asks, and does, for users who are stuck."),
        (name = "tokens", description = "Hardware tokens before, while and after they are somebody's device."),
        (name = "webhooks", description = "Who is told what happens to users."),
        (name = "audit", description = "Who did what, and why it was refused."),
        (name = "probes", description = "For those who watch the service. The admin listener answers them, too."),
    ),
)]
struct Frame;

/// The document without its operations.
pub(super) fn frame() -> OpenApi {
    let mut document = Frame::openapi();
    document.info.description = document
        .info
        .description
        .map(|description| description + &conventions());
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API key, with the role named at the call."));
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme(API_KEY, SecurityScheme::Http(key.build()));
    document.extensions = Some(ExtensionsBuilder::new().add("x-webhooks", deliveries()).build());
    document
}

/// What others are asked for, who made a webhook: the way of writing it that version 3.0 had, too.
fn deliveries() -> Value {
    json!({"notice": {"post": {
        "summary": "A notice, as it is posted to a webhook",
        "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Notice"}}}},
        "responses": {"2XX": {"description": "It is taken. Anything else is tried again."}},
    }}})
}

/// The document with all of its operations.
///
/// # Panics
/// A handler was routed without its problems. The service does not start then, and no test of it passes.
pub(super) fn finished(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        for operation in operations(item) {
            let id = operation.operation_id.as_deref().unwrap_or_default();
            if let Some(description) = operation.description.as_mut().filter(|told| told.contains(CAUSES)) {
                *description = description.replace(CAUSES, &causes());
            }
            assert!(
                operation.security.is_some(),
                "{id} at {path} says nothing of a key or of its problems: route it by `endpoints!`"
            );
        }
    }
    let components = document.components.get_or_insert_with(Components::new);
    if let Some(RefOr::T(Schema::OneOf(kinds))) = components.schemas.get_mut("EnrollmentRequest") {
        close(kinds);
    }
    document
}

/// Adds what an operation has in common with others: the key and the problems.
pub(super) fn with_problems(
    (schemas, mut paths, router): UtoipaMethodRouter<App>,
    problems: &Problems,
) -> UtoipaMethodRouter<App> {
    for operation in paths.paths.values_mut().flat_map(operations) {
        let scopes: [&str; 0] = [];
        operation.security = Some(if problems.open {
            vec![]
        } else {
            vec![SecurityRequirement::new(API_KEY, scopes)]
        });
        for (status, codes) in problems.by_status(operation.request_body.is_some()) {
            let responses = &mut operation.responses.responses;
            responses.insert(status.to_string(), RefOr::T(response(&codes)));
        }
    }
    (schemas, paths, router)
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let methods = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.options,
        &mut item.head,
        &mut item.patch,
        &mut item.trace,
        &mut item.query,
    ];
    methods.into_iter().flatten()
}

/// Says that each kind refuses unknown fields, which utoipa says of structs only.
fn close(kinds: &mut OneOf) {
    for kind in &mut kinds.items {
        if let RefOr::T(Schema::Object(kind)) = kind {
            kind.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
}

fn response(codes: &[ProblemCode]) -> Response {
    let mut content = Content::new(Some(Ref::from_schema_name("Problem")));
    let mut lines = Vec::with_capacity(codes.len());
    for code in codes {
        lines.push(format!("`{}`: {}", code.name(), code.remedy()));
        let problem = serde_json::json!(Problem::new(*code, code.title()));
        let example = ExampleBuilder::new().summary(code.title()).value(Some(problem)).build();
        content.examples.insert(code.name().into(), RefOr::T(example));
    }
    let mut response = Response::new(lines.join("\n\n"));
    if codes.contains(&ProblemCode::RateLimited) {
        let mut header = Header::new(Object::with_type(Type::Integer));
        header.description = Some("Seconds to wait, where waiting helps.".into());
        response.headers.insert("Retry-After".into(), RefOr::T(header));
    }
    response.content.insert(PROBLEM_JSON.into(), RefOr::T(content));
    response
}

fn causes() -> String {
    let mut text = String::from("| `cause` | meaning | 含义 |\n|---|---|---|\n");
    for cause in Cause::ALL {
        text += &format!("| `{}` | {} | {} |\n", cause.name, cause.en, cause.zh);
    }
    text + "\nAny other is the name of an external method."
}

fn conventions() -> String {
    let mut text = String::from(
        "\n\nJSON is snake_case. Fields that a request should not have are refused; answers may gain fields, and leave out \
         what is not there. Times are RFC 3339, in answers UTC with milliseconds. `account` and `user` are the caller's own \
         names, percent-encoded in paths. **They are compared byte for byte**, after Unicode's normalization form C: \
         `joe` and `Joe` are two users, and what protects the one asks the other for nothing (the ground of that is \
         `unknown_user`). For a directory that does not tell them apart, the setting `user_names = \"case_insensitive\"` \
         folds the case of users' names, by Unicode's full case folding: then they are one user, whom answers, grants \
         and notices call by the folded name, `joe`. Accounts are compared byte for byte always. Calls that change something carry `actor`; DELETE takes no body, \
         and has `actor_id`, `actor_kind` and, where it is known, `actor_ip` in its query.\n\n\
         A problem is `application/problem+json` (RFC 9457) with a stable `code`:\n\n\
         | code | status | what to do |\n|---|---|---|\n",
    );
    for code in ProblemCode::ALL {
        text += &format!("| `{}` | {} | {} |\n", code.name(), code.status(), code.remedy());
    }
    text
}

#[cfg(test)]
mod tests {
    use utoipa_axum::{router::OpenApiRouter, routes};

    use super::*;

    #[utoipa::path(get, path = "/v1/new")]
    async fn undeclared() {}

    #[test]
    #[should_panic(
        expected = "undeclared at /v1/new says nothing of a key or of its problems: route it by `endpoints!`"
    )]
    fn an_operation_without_its_problems_stops_the_service() {
        let router = OpenApiRouter::<App>::with_openapi(frame()).routes(routes!(undeclared));
        finished(router.into_openapi());
    }

    #[test]
    fn an_endpoint_has_its_own_problems_and_those_that_all_like_it_have() {
        let statuses = |problems: Problems, has_body| problems.by_status(has_body).into_keys().collect::<Vec<_>>();
        assert_eq!(statuses(Problems::open(&[]), false), [400, 408, 500]);
        let keyed = [400, 401, 403, 404, 408, 429, 500, 503];
        assert_eq!(statuses(Problems::keyed(&[ProblemCode::NotFound]), false), keyed);
        assert_eq!(statuses(Problems::open(&[]), true), [400, 408, 413, 415, 500]);
    }
}
