use std::{future::Future, pin::pin, sync::Arc, task::{Context, Poll, Wake, Waker}, thread::{self, Thread}};
use countersign_store_sqlite::*;

use ::store::*; use ::store::audit::Trail as _;

struct T(Thread);
impl Wake for T { fn wake(self: Arc<Self>) { self.0.unpark() } }
fn block<F: Future>(f: F) -> F::Output { let mut f = pin!(f); let w = Waker::from(Arc::new(T(thread::current()))); let mut c = Context::from_waker(&w); loop { match f.as_mut().poll(&mut c) { Poll::Ready(v) => return v, Poll::Pending => thread::park() } } }
fn open(d: &std::path::Path) -> Sqlite {
    Sqlite::open(d, Options { writer: "serve/h/1".into(), opened_at: verify::UnixMs::new(1), sign: &|_| vec![1], owner: true }).unwrap()
}
#[test]
fn smoke() {
    use verify::*;
    let dir = tempfile::tempdir().unwrap();
    let s = open(dir.path());
    let owner = Owner::new("a", "u");
    let id = Id::from_u128(7);
    let st = DeviceState::bound(otp::Step::new(5), 0, UnixMs::new(3));
    let ev = || audit::Event { at: UnixMs::new(3), salt: [1; 16], payload: "{}".into() };
    let dev = Device { id, owner: owner.clone(), kind: Kind::Virtual, serial_number: None, label: "l".into(), parameters: otp::Parameters::DEFAULT, sealed: Some(Sealed { key_id: 1, bytes: vec![9; 48] }), bound_at: UnixMs::new(3), unbound_at: None };
    assert_eq!(block(s.commit(vec![Change { writes: vec![Write::Bind { device: Box::new(dev), state: st }], events: vec![ev()] }])), Ok(vec![Outcome::Done]));
    let next = DeviceState { version: 2, ..st };
    let c = Change { writes: vec![Write::State { owner: owner.clone(), device: id, expected: 1, next }], events: vec![ev()] };
    assert_eq!(block(s.commit(vec![c.clone(), c])), Ok(vec![Outcome::Done, Outcome::Missed]));
    assert!(block(s.bound(vec![owner.clone()])).unwrap()[0][0].state == next);
    drop(s);
    let s = open(dir.path());
    assert!(block(s.bound(vec![owner.clone()])).unwrap()[0][0].state == next);
    assert_eq!(block(s.chains()).unwrap().len(), 2);
    s.close().unwrap();
    let s = open(dir.path());
    assert!(block(s.bound(vec![owner])).unwrap()[0][0].state == next);
}
