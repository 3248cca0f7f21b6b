use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    hall::{Bench, Hall, assert_none_doubled_none_lost},
    support::{Dice, soak},
};

#[test]
fn a_thousand_tokens_in_a_row() {
    const TOKENS: usize = 1_000;
    const PORTS: usize = 8;
    let bench = Bench::new();
    let hall = Hall::new(&bench, TOKENS);
    let started = Instant::now();
    let said = thread::scope(|scope| {
        let ports = hall.cradles(scope, PORTS, None);
        let _closed = hall.closed_at_the_end();
        let mut desk = bench.provision(TOKENS, &ports, &["--no-compare", "--label", "Cloud console"]);
        while !desk.ended() {
            thread::sleep(Duration::from_millis(50));
        }
        // The last ones are taken out.
        thread::sleep(Duration::from_millis(500));
        desk.wait().with_code(0)
    });
    let told: Value = serde_json::from_str(&said.out).expect("an object");
    println!(
        "{TOKENS} tokens at {PORTS} ports in {:.1} s: {:.0} ms each and port with the swap, {:.0} ms without (median)",
        started.elapsed().as_secs_f64(),
        told["seconds"].as_f64().expect("a number") * 1_000.0 * PORTS as f64 / TOKENS as f64,
        told["median_ms"].as_f64().expect("a number")
    );
    assert_eq!(
        (&told["tokens"], &told["now"]),
        (&Value::from(TOKENS), &Value::from(TOKENS))
    );
    assert!(said.err.starts_with("warning: nobody compares digits"), "{}", said.err);
    assert_none_doubled_none_lost(&bench, &hall.finished(), TOKENS);
    assert!(!bench.path("B1/seeds").exists());
    assert!(bench.path("B1/labels/CS-001000.svg").exists());
}

#[test]
fn whatever_plug_is_pulled_none_is_doubled_and_none_is_lost() {
    let (tokens, ports) = if soak() { (1_000, 8) } else { (120, 6) };
    let bench = Bench::new();
    let hall = Hall::new(&bench, tokens);
    let mut dice = Dice::new();
    let (mut killed, mut repeated) = (0, 0);
    let stuck = thread::scope(|scope| {
        let ports = hall.cradles(scope, ports, Some(dice.split()));
        // Whatever fails, the cradles end: a scope waits for its threads.
        let _closed = hall.closed_at_the_end();
        let mut last_words = String::new();
        let until = Instant::now() + Duration::from_secs(if soak() { 3_600 } else { 240 });
        loop {
            if Instant::now() >= until {
                return Some(last_words);
            }
            let mut desk = bench.provision(tokens, &ports, &["--no-compare"]);
            let life = Instant::now() + Duration::from_millis(100 + dice.below(900) as u64);
            while !desk.ended() && Instant::now() < life {
                thread::sleep(Duration::from_millis(2));
            }
            if !desk.ended() {
                // The desk's own plug.
                last_words = desk.kill();
                killed += 1;
                continue;
            }
            let ended = desk.wait();
            if ended.code() == 0 {
                break;
            }
            // Numbers are open whose tokens were pulled just then: they come back, and the desk is started again.
            assert!(
                ended.code() == 1 && ended.err.contains("cut off while being sealed"),
                "{ended:?}"
            );
            repeated += 1;
        }
        thread::sleep(Duration::from_millis(1_000));
        None
    });
    if let Some(last_words) = stuck {
        panic!(
            "it never came to an end; {} are done, on the pile: {:?}; the desk's last words: {last_words}",
            bench.done().len(),
            hall.on_the_pile()
        );
    }
    println!("{tokens} tokens; the desk was killed {killed} times, and ended {repeated} times with open numbers");
    assert_none_doubled_none_lost(&bench, &hall.finished(), tokens);
}
