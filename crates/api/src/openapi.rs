//! The document: what the operations say of themselves, and the problems that each can answer with.

use utoipa::{
    OpenApi as _,
    openapi::{
        Content, Header, Object, OneOf, OpenApi, Ref, RefOr, Response, Schema, Type,
        example::ExampleBuilder,
        path::Operation as Described,
        schema::{AdditionalProperties, Components},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use crate::{
    PROBLEM_JSON, Problem, ProblemCode, audit, batch, device, enrollment, export, import, operation::Operation, probe,
    protection, recovery, token, user, verify,
};

const OPERATIONS: [&[Operation]; 12] = [
    verify::OPERATIONS,
    enrollment::OPERATIONS,
    device::OPERATIONS,
    user::OPERATIONS,
    recovery::OPERATIONS,
    protection::OPERATIONS,
    token::OPERATIONS,
    import::OPERATIONS,
    batch::OPERATIONS,
    export::OPERATIONS,
    audit::OPERATIONS,
    probe::OPERATIONS,
];

const API_KEY: &str = "api_key";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Countersign", description = "Verifies MFA codes, and binds the devices that show them."),
    paths(
        verify::verify,
        verify::verify_batch,
        enrollment::start_enrollment,
        enrollment::get_enrollment_qr,
        enrollment::abandon_enrollment,
        enrollment::confirm_enrollment,
        device::get_device,
        device::unbind_device,
        device::resync_device,
        device::unlock_device,
        user::get_user,
        user::close_user,
        recovery::renew_recovery_codes,
        protection::get_protection,
        import::import_tokens,
        token::list_tokens,
        token::get_token,
        token::change_token,
        token::find_token_by_code,
        batch::list_batches,
        batch::create_batch,
        batch::get_batch,
        batch::change_batch,
        export::request_export,
        export::get_export,
        export::approve_export,
        export::fetch_export,
        export::withdraw_export,
        audit::list_audit,
        audit::get_audit_heads,
        probe::healthz,
        probe::readyz,
    ),
    components(schemas(Problem)),
    tags(
        (name = "verification", description = "Is this code right?"),
        (name = "enrollments", description = "Bindings under way."),
        (name = "devices", description = "What shows the codes."),
        (name = "users", description = "A user's factors as a whole."),
        (name = "tokens", description = "Hardware tokens before, while and after they are somebody's device."),
        (name = "audit", description = "Who did what, and why it was refused."),
        (name = "probes", description = "For those who watch the service. The admin listener answers them, too."),
    ),
)]
struct Paths;

/// The document of every call there is: OpenAPI 3.1.
pub fn openapi() -> OpenApi {
    let mut document = Paths::openapi();
    document.info.description = document
        .info
        .description
        .map(|description| description + &conventions());
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API key, with the role named at the call."));
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme(API_KEY, SecurityScheme::Http(key.build()));
    if let Some(RefOr::T(Schema::OneOf(kinds))) = components.schemas.get_mut("EnrollmentRequest") {
        close(kinds);
    }
    for item in document.paths.paths.values_mut() {
        let methods = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ];
        for described in methods.into_iter().flatten() {
            complete(described);
        }
    }
    document
}

/// Says that each kind refuses unknown fields, which utoipa says of structs only.
fn close(kinds: &mut OneOf) {
    for kind in &mut kinds.items {
        if let RefOr::T(Schema::Object(kind)) = kind {
            kind.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
}

/// Adds what is the same everywhere: the key and the problems.
fn complete(described: &mut Described) {
    let named = |operation: &&Operation| described.operation_id.as_deref() == Some(operation.id);
    let Some(operation) = OPERATIONS.iter().copied().flatten().find(named) else {
        return;
    };
    let scopes: [&str; 0] = [];
    described.security = Some(if operation.open {
        vec![]
    } else {
        vec![SecurityRequirement::new(API_KEY, scopes)]
    });
    for (status, codes) in operation.by_status(described.request_body.is_some()) {
        described
            .responses
            .responses
            .insert(status.to_string(), RefOr::T(response(&codes)));
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

fn conventions() -> String {
    let mut text = String::from(
        "\n\nJSON is snake_case. Fields that a request should not have are refused; answers may gain fields, and leave out \
         what is not there. Times are RFC 3339, in answers UTC with milliseconds. `account` and `user` are the caller's own \
         names, percent-encoded in paths. Calls that change something carry `actor`, DELETE too, in a JSON body.\n\n\
         A problem is `application/problem+json` (RFC 9457) with a stable `code`:\n\n\
         | code | status | what to do |\n|---|---|---|\n",
    );
    for code in ProblemCode::ALL {
        text += &format!("| `{}` | {} | {} |\n", code.name(), code.status(), code.remedy());
    }
    text
}
