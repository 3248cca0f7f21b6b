use std::{
    collections::VecDeque,
    io::{self, Read, Write},
};

use link::{Comparing, Link, LinkError, TokenStatus};
use wire::{Frame, ToHost, WhyEnded, write};

use crate::cable::{IMPATIENT, TestLine, To, link, provisioned};

/// Says this, once something was said to it.
struct Parrot(Vec<u8>, VecDeque<u8>);

impl Write for Parrot {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.extend(if self.0 == b"echo" { bytes } else { &self.0 });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Parrot {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.1.read(into) {
            Ok(0) => Err(io::ErrorKind::TimedOut.into()),
            other => other,
        }
    }
}

fn hello(said: &[u8]) -> LinkError {
    let parrot = Parrot(said.to_vec(), VecDeque::new());
    Link::new(parrot, IMPATIENT).hello().expect_err("no token")
}

#[test]
fn what_is_no_token_is_told_from_silence_and_from_another_version() {
    assert!(matches!(hello(b""), LinkError::Silent));
    assert!(matches!(hello(b"AT OK\r\n"), LinkError::NotAToken));
    assert!(matches!(hello(b"\0\0\0garbage\0\xFF\xFF"), LinkError::NotAToken));
    assert!(matches!(hello(b"echo"), LinkError::NotAToken));
    let newer = Frame::of(&[99, 0, 1, 2, 3]).unwrap();
    assert!(matches!(hello(newer.as_bytes()), LinkError::OtherVersion));
    let mut buffer = [0; 16];
    let said = write(&ToHost::Ended(WhyEnded::OtherVersion), &mut buffer).unwrap();
    assert!(matches!(
        hello(Frame::of(said).unwrap().as_bytes()),
        LinkError::OtherVersion
    ));
}

/// Loses the n-th portion of bytes that goes this way.
fn losing(way: To, lost: usize) -> impl FnMut(To, &mut Vec<u8>) {
    let mut count = 0;
    move |to, bytes| {
        if to == way && !bytes.is_empty() {
            if count == lost {
                bytes.clear();
            }
            count += 1;
        }
    }
}

#[test]
fn whatever_one_message_is_lost_the_token_is_provisioned_once() {
    for way in [To::Token, To::Host] {
        for lost in 0..6 {
            let line = TestLine::blank(7);
            line.borrow_mut().tamper = Box::new(losing(way, lost));
            provisioned(&line, "CS-000001");
            assert_eq!(
                link(&line).hello().unwrap().status,
                TokenStatus::Sealed,
                "{way:?} {lost}"
            );
        }
    }
}

#[test]
fn noise_before_a_session_is_noise() {
    let line = TestLine::blank(7);
    line.borrow_mut().tamper = Box::new(|_, bytes| {
        if !bytes.is_empty() {
            bytes.splice(0..0, *b"\x12\x34\0\x55\0");
        }
    });
    assert_eq!(link(&line).hello().unwrap().status, TokenStatus::Blank);
}

#[test]
fn hello_ends_a_session_that_somebody_left_open() {
    let line = TestLine::blank(7);
    let mut left = link(&line);
    left.open(&[1; 32], Comparing::No).unwrap();
    // Half a frame of it is still in the line.
    line.borrow_mut().token.receive(&[0, 1, 2, 3]);
    assert_eq!(link(&line).hello().unwrap().status, TokenStatus::Blank);
    provisioned(&line, "CS-000001");
}
