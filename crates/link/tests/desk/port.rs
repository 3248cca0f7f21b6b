use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use link::{Comparing, Link, LinkError, Patience, TokenStatus};
use simulator::{Board, Pty, Simulated, TornStorage, VirtualTime};

use crate::cable::{NOW_S, wanted};

/// A token on a pseudo-terminal, served by a thread until it is dropped.
struct Plugged {
    path: PathBuf,
    press: Arc<AtomicBool>,
    unplug: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Plugged {
    fn after(delay: Duration) -> Self {
        let mut pty = Pty::open().unwrap();
        let path = pty.path().to_owned();
        let (press, unplug) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (pressed, unplugged) = (press.clone(), unplug.clone());
        let thread = thread::spawn(move || {
            thread::sleep(delay);
            let world = VirtualTime::at_unix_s(NOW_S);
            let mut token = Simulated::power_on(Board::new(TornStorage::blank(&[7; 32]), Box::new(world)));
            while !unplugged.load(Ordering::Relaxed) {
                if pressed.swap(false, Ordering::Relaxed) {
                    token.press();
                    token.release();
                }
                pty.serve(&mut token, Duration::from_millis(5)).unwrap();
            }
        });
        Self {
            path,
            press,
            unplug,
            thread: Some(thread),
        }
    }

    fn link(&self) -> Link<impl std::io::Read + std::io::Write + use<>> {
        Link::new(link::open(self.path.to_str().unwrap()).unwrap(), Patience::default())
    }

    fn unplug(&mut self) {
        self.unplug.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Plugged {
    fn drop(&mut self) {
        self.unplug();
    }
}

#[test]
fn a_token_is_provisioned_over_a_real_port_and_its_button() {
    let token = Plugged::after(Duration::ZERO);
    let mut link = token.link();
    assert_eq!(link.hello().unwrap().status, TokenStatus::Blank);
    let mut press = |_| token.press.store(true, Ordering::Relaxed);
    let mut session = link.open(&[1; 32], Comparing::Yes(&mut press)).unwrap();
    let made = session.provision(&wanted("CS-000001"), &[2; 32]).unwrap();
    let mut secret = Vec::new();
    let kept = made.keep(|made, _| {
        secret = made.to_vec();
        Ok::<_, LinkError>(())
    });
    session.commit(kept.unwrap()).unwrap();
    session.prove(&secret, &[3; 32]).unwrap();
    // The next program opens the port anew.
    drop(link);
    let about = token.link().hello().unwrap();
    assert_eq!(
        (about.status, about.serial_number.as_deref()),
        (TokenStatus::Sealed, Some("CS-000001"))
    );
}

#[test]
fn a_token_that_wakes_late_is_heard() {
    let token = Plugged::after(Duration::from_millis(950));
    let mut link = token.link();
    assert_eq!(link.hello().unwrap().status, TokenStatus::Blank);
    // The answers to the questions before, which come late, disturb nobody.
    link.open(&[1; 32], Comparing::No).unwrap().status().unwrap();
}

#[test]
fn a_plug_that_is_pulled_is_noticed() {
    let mut token = Plugged::after(Duration::ZERO);
    let mut link = token.link();
    let mut session = link.open(&[1; 32], Comparing::No).unwrap();
    token.unplug();
    assert!(matches!(session.status(), Err(LinkError::Gone(_))));
}
