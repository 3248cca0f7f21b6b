//! Notices (P8): from the service to a program that is not ours, which believes what is signed, in time and in order.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
};

use serde_json::{Value, json};

use crate::support::{
    process::{Running, Served, bare, run, serve},
    receiver::{Delivered, Receiver},
    step_that_lasts, until, write_private,
};

const TAKEN: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// A service that may send to this machine.
pub(crate) fn served(home: &Path) -> Served {
    let config = home.join("countersign.toml");
    fs::write(&config, "[webhooks]\nallow_networks = [\"127.0.0.0/8\"]\n").expect("a file");
    let dir = home.join("data");
    Served::greeting(Running::start(serve(&dir).arg("--config").arg(&config)), &dir)
}

fn webhook(service: &Served, args: &[&str]) -> Command {
    let mut command = service.beside(&["webhook"]);
    command.args(args).args(["--server", &service.url]);
    command
}

/// The example, with this secret.
struct Example {
    running: Running,
    port: u16,
}

impl Example {
    fn start(home: &Path, secret: &str) -> Self {
        let file = home.join("secret");
        write_private(&file, secret).expect("a file");
        // Free a moment ago.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = free.expect("a port").port();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/webhook_receiver.py");
        let mut python = bare("/usr/bin/python3");
        let running = Running::start(python.arg(source).arg(file).arg(port.to_string()));
        until("it listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { running, port }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// What it has acted on.
    fn acted_on(&self) -> Vec<Value> {
        let out = self.running.out();
        let whole = out.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }

    /// Its answer to a delivery that somebody else sends.
    fn judge(&self, delivered: &Delivered) -> u16 {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build();
        let mut request = ureq::Agent::from(config).post(self.url());
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            request = request.header(name, delivered.header(name));
        }
        request.send(&delivered.body[..]).expect("an answer").status().as_u16()
    }
}

fn with_header(delivered: &Delivered, name: &str, value: &str) -> Delivered {
    let mut changed = delivered.clone();
    for header in &mut changed.headers {
        if header.0 == name {
            value.clone_into(&mut header.1);
        }
    }
    changed
}

#[test]
fn p8_a_receiver_in_python_believes_what_the_service_sends_and_nothing_else() {
    let home = tempfile::tempdir().expect("a directory");
    let service = served(home.path());
    let witness = Receiver::answering(TAKEN);
    let create = ["create", &witness.url(), "--event", "device.bound,device.unbound"];
    let made = run(&mut webhook(&service, &create), "").with_code(0);
    let example = Example::start(home.path(), &made.out);
    // The same secret is not to be had for two: the witness passes on what it was sent.
    let direct = run(
        &mut webhook(&service, &["create", &example.url(), "--event", "device.bound"]),
        "",
    )
    .with_code(0);
    assert_ne!(made.out, direct.out);

    let api = service.api();
    let step = step_that_lasts(5);
    let (device, phone) = api.bind("alice", step);
    api.unbind("alice", &device, &phone.code(step + 1))
        .expect("an answer")
        .with_status(204);
    until("both are there", || witness.delivered().len() == 2);
    let [bound, unbound] = &witness.delivered()[..] else {
        panic!("two deliveries");
    };
    assert_eq!(bound.json()["data"]["device_id"], json!(device));
    assert_eq!(bound.header("content-type"), "application/json");

    let mut forged = bound.clone();
    forged.body = String::from_utf8(bound.body.clone())
        .expect("text")
        .replace("alice", "mallo")
        .into();
    assert_eq!(example.judge(&forged), 401, "changed");
    let later = bound.header("webhook-timestamp").parse::<u64>().expect("seconds") + 1;
    assert_eq!(
        example.judge(&with_header(bound, "webhook-timestamp", &later.to_string())),
        401
    );
    assert_eq!(example.judge(&with_header(bound, "webhook-id", "another")), 401);
    assert_eq!(example.judge(&with_header(bound, "webhook-signature", "")), 401);
    let until_here = example.acted_on();
    assert_eq!(
        until_here,
        Vec::<Value>::new(),
        "signed with another webhook's secret, or by nobody"
    );

    assert_eq!(example.judge(unbound), 204);
    assert_eq!(
        example.judge(bound),
        409,
        "an older notice of the same user after a newer one"
    );
    assert_eq!(example.judge(unbound), 204, "a repeat is taken");
    until("it acts on something", || !example.acted_on().is_empty());
    assert_eq!(example.acted_on(), [unbound.json()], "and acted on once");
    service.end().with_code(0);
}

#[test]
fn p8_the_command_makes_rotates_replays_and_ends() {
    let home = tempfile::tempdir().expect("a directory");
    let service = served(home.path());
    let receiver = Receiver::answering("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n");
    let create = ["create", &receiver.url(), "--event", "device.bound", "--json"];
    let made = run(&mut webhook(&service, &create), "").with_code(0).json();
    let id = made["id"].as_str().expect("an id");
    let secret = made["secret"].as_str().expect("a secret");
    assert!(secret.starts_with("whsec_"));
    let listed = run(&mut webhook(&service, &["list"]), "").with_code(0).out;
    assert!(
        listed.contains(id) && listed.contains("device.bound") && !listed.contains("whsec_"),
        "{listed}"
    );
    let rotated = run(&mut webhook(&service, &["rotate", id, "--overlap-hours", "1"]), "")
        .with_code(0)
        .out;
    assert!(rotated.starts_with("whsec_") && rotated.trim() != secret, "{rotated}");

    service.api().bind("alice", step_that_lasts(5));
    until("it is refused", || !receiver.delivered().is_empty());
    let signatures = receiver.delivered()[0].header("webhook-signature").to_owned();
    assert_eq!(
        signatures.split(' ').filter(|one| one.starts_with("v1,")).count(),
        2,
        "{signatures}"
    );
    let pending = || {
        let told = run(
            &mut webhook(&service, &["deliveries", id, "--state", "pending", "--json"]),
            "",
        );
        told.with_code(0).json()
    };
    until("it is told", || pending()[0]["last_status"] == 500);
    let delivery = pending()[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(receiver.delivered()[0].header("webhook-id"), delivery);
    let before = receiver.delivered().len();
    run(&mut webhook(&service, &["replay", id, &delivery]), "").with_code(0);
    until("it is sent again", || receiver.delivered().len() > before);

    run(&mut webhook(&service, &["delete", id]), "").with_code(0);
    assert_eq!(
        run(&mut webhook(&service, &["list", "--json"]), "").with_code(0).json()["items"],
        json!([])
    );
    run(&mut webhook(&service, &["deliveries", id]), "").with_code(1);
    let unknown = run(
        &mut webhook(&service, &["create", &receiver.url(), "--event", "device.lost"]),
        "",
    )
    .with_code(2);
    assert!(unknown.err.contains("device.bound"), "{}", unknown.err);
}
