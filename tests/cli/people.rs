//! A person at a terminal.

use crate::{
    judges,
    support::{
        now_step,
        process::{Running, Served},
        step_that_lasts,
    },
};

#[test]
fn binding_asks_until_the_code_is_right() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let mut binding = Running::on_a_terminal(&service.user(&["bind", "acme", "张三", "--issuer", "Example"]));
    let (phone, uri) = judges::scan(&binding.hear("Code that the app shows: "));
    assert!(
        uri.contains("issuer=Example") && uri.contains("%E5%BC%A0%E4%B8%89"),
        "{uri}"
    );

    // Enter alone is no code.
    binding.type_in("\n");
    binding.hear_times("Code that the app shows: ", 2);
    let step = step_that_lasts(10);
    binding.type_in(&format!("{}\n", phone.wrong_code(step)));
    binding.hear("the code was refused; 4 tries left");
    binding.hear_times("Code that the app shows: ", 3);
    // A phone that is five minutes late hears of it (rule B7).
    binding.type_in(&format!("{}\n", phone.code(step - 10)));
    binding.hear("the app's clock is 300 s behind");
    binding.hear_times("Code that the app shows: ", 4);
    let code = phone.code(now_step());
    binding.type_in(&format!("{} {}\n", &code[..3], &code[3..]));
    let ended = binding.wait().with_code(0);
    assert!(ended.out.contains("bound: device "), "{}", ended.out);
}

#[test]
fn the_fifth_wrong_code_ends_the_binding() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let mut binding = Running::on_a_terminal(&service.user(&["bind", "acme", "alice"]));
    let (phone, _) = judges::scan(&binding.hear("Code that the app shows: "));
    for attempt in 1..=5 {
        binding.hear_times("Code that the app shows: ", attempt);
        binding.type_in(&format!("{}\n", phone.wrong_code(now_step())));
    }
    let ended = binding.wait().with_code(1);
    assert!(
        ended.out.contains("1 try left") && ended.out.contains("that was the last try"),
        "{}",
        ended.out
    );
    assert_eq!(
        ended.out.matches("Code that the app shows: ").count(),
        5,
        "{}",
        ended.out
    );
    assert!(!ended.out.contains("bound: device"), "{}", ended.out);
}

#[test]
fn unbinding_says_what_it_ends() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    let step = step_that_lasts(5);
    let (_, phone) = service.api().bind("alice", step);
    let mut unbinding = Running::on_a_terminal(&service.user(&["unbind", "acme", "alice"]));
    let said = unbinding.hear("Code of the device, to go on: ");
    assert!(said.contains("login and operation protection"), "{said}");
    unbinding.type_in(&format!("{}\n", phone.code(step + 1)));
    assert!(unbinding.wait().with_code(0).out.contains("unbound"));
}

#[test]
fn no_input_asks_nothing_even_at_a_terminal() {
    let home = tempfile::tempdir().expect("a directory");
    let service = Served::start(&home.path().join("data"));
    for asking in ["verify", "bind"] {
        let asked = service.user(&[asking, "acme", "alice", "--no-input"]);
        let ended = Running::on_a_terminal(&asked).wait().with_code(2);
        assert!(
            ended.out.contains("no code was given") && ended.out.contains("--code-file"),
            "{}",
            ended.out
        );
        assert!(
            !ended.out.contains("type the key"),
            "nothing is begun that no code can complete: {}",
            ended.out
        );
    }
}
