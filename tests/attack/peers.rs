//! Callers from many addresses of this machine: all of 127.0.0.0/8 is its own.

use std::{
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream},
    os::fd::OwnedFd,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use rustix::{
    net::{AddressFamily, SocketFlags, SocketType},
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

use crate::{
    raw::{Answer, Line},
    support::process::{Running, Served, serve},
};

/// Whoever is answered is answered by then, whatever others do.
pub(crate) const SOON: Duration = Duration::from_secs(5);

/// An address of this machine, for `number` below 253 one of 127.0.0.2 to 127.0.0.254.
pub(crate) fn peer(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, 2 + u8::try_from(number % 253).expect("it is below 253"))
}

/// Where a service listens.
pub(crate) fn address(url: &str) -> SocketAddr {
    let (_, address) = url.split_once("://").expect("a URL");
    address.parse().expect("an address and a port")
}

/// A connection that comes from this address; `None` where it is turned away as it comes.
pub(crate) fn try_from(peer: Ipv4Addr, to: SocketAddr) -> Option<TcpStream> {
    // Not for the processes that other tests start meanwhile.
    let flags = SocketFlags::CLOEXEC;
    let socket: OwnedFd =
        rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).expect("a socket");
    rustix::net::bind(&socket, &SocketAddrV4::new(peer, 0)).expect("an address of this machine");
    rustix::net::connect(&socket, &to).ok()?;
    Some(TcpStream::from(socket))
}

pub(crate) fn from(peer: Ipv4Addr, to: SocketAddr) -> TcpStream {
    try_from(peer, to).expect("the service listens")
}

/// Asks from this address on a connection of its own; panics unless it is answered soon.
#[track_caller]
pub(crate) fn ask_from(peer: Ipv4Addr, to: SocketAddr, request: &[u8]) -> Answer {
    let began = Instant::now();
    let mut line = Line::over(from(peer, to));
    assert!(line.send(request), "{peer} may ask");
    let answer = line.answer().unwrap_or_else(|| panic!("{peer} gets no answer"));
    assert!(began.elapsed() < SOON, "{peer} waited {:?}", began.elapsed());
    answer
}

/// How many of these connections the service has not ended.
pub(crate) fn open(lines: &[TcpStream]) -> usize {
    let is_open = |stream: &&TcpStream| {
        stream.set_nonblocking(true).expect("it can be asked without waiting");
        let read = stream.peek(&mut [0]);
        stream.set_nonblocking(false).expect("it can be waited for");
        read.map_or_else(
            |error| error.kind() == std::io::ErrorKind::WouldBlock,
            |count| count > 0,
        )
    };
    lines.iter().filter(is_open).count()
}

/// A test that holds thousands of connections needs as many files.
pub(crate) fn many_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("up to its maximum it may be raised");
}

/// A service with this in its configuration.
pub(crate) fn configured(home: &Path, config: &str) -> Served {
    let file = home.join("config.toml");
    std::fs::write(&file, config).expect("a file");
    let dir = home.join("data");
    let mut command: Command = serve(&dir);
    Served::greeting(Running::start(command.arg("--config").arg(file)), &dir)
}

/// The first key of a service.
pub(crate) fn key(service: &Served) -> String {
    let key = std::fs::read_to_string(service.dir.join("admin.key")).expect("the first key's file");
    key.trim().to_owned()
}
