//! A toy cloud: what a console, a login service and an operation service do with Countersign, through the public API alone.
//!
//! ```text
//! countersign key create --role verify --role enroll \
//!   --return-url http://127.0.0.1:PORT/back --return-url http://127.0.0.1:PORT/answered > KEY_FILE
//! cargo run --release --example cloud -- http://127.0.0.1:8700 KEY_FILE PORT
//! ```

mod toy;

use std::{env, error::Error, fs, process};

use ring::rand::SecureRandom as _;
use tokio::net::TcpListener;

#[allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a program of its own"
)]
fn random() -> toy::Told<[u8; 32]> {
    let mut bytes = [0; 32];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| "no randomness")?;
    Ok(bytes)
}

fn now() -> String {
    let s = i64::try_from(jsonwebtoken::get_current_timestamp()).unwrap_or(i64::MAX / 1_000);
    api::Timestamp::from_unix_ms(s * 1_000).to_string()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = <[String; 4]>::try_from(env::args().collect::<Vec<_>>());
    let Ok([_, server, key_file, port]) = arguments else {
        eprintln!("usage: cargo run --release --example cloud -- http://127.0.0.1:8700 KEY_FILE PORT");
        process::exit(2);
    };
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    let own = format!("http://{}", listener.local_addr()?);
    let means = toy::Means {
        random: Box::new(random),
        now: Box::new(now),
    };
    let cloud = toy::Cloud::new(&server, fs::read_to_string(key_file)?.trim(), &own, means);
    println!("{own}");
    Ok(axum::serve(listener, toy::router(cloud)).await?)
}
