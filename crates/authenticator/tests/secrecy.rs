//! What a command does before it has a secret.

use authenticator::{Authenticator, Machine};
use clap::Parser;
use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    authenticator: Authenticator,
}

#[test]
fn no_core_is_dumped_and_nobody_may_look_in_whatever_the_command() {
    let machine = Machine {
        locale: String::new(),
        unix_ms: || 0,
        entropy: |_| Err("there is none".into()),
        home_dir: None,
        data_dir: None,
        runtime_dirs: Vec::new(),
        executable: "/nowhere".into(),
        connect: |_| unreachable!("it is asked for no service"),
        no_color: true,
    };
    assert_ne!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable, "before");
    let home = tempfile::tempdir().unwrap();
    let vault = home.path().join("none");
    let words = ["countersign", "list", "--vault", vault.to_str().unwrap()];
    let refused = Program::parse_from(words).authenticator.run(&machine).unwrap_err();
    assert!(refused.what.starts_with("there is no vault at "), "{refused}");
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    let core = getrlimit(Resource::Core);
    assert_eq!((core.current, core.maximum), (Some(0), Some(0)));
}
