//! A receiver of notices that keeps what it was sent, and answers what a test wants.

use std::{
    io::{BufRead as _, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// A delivery as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    /// In lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Delivered {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// It listens until the test's process ends.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    delivered: Arc<Mutex<Vec<Delivered>>>,
    connections: Arc<Mutex<usize>>,
}

impl Receiver {
    /// Answers every delivery so.
    pub(crate) fn answering(answer: &str) -> Self {
        let answer = answer.to_owned();
        Self::start(move |stream| {
            let delivered = read(stream)?;
            stream.write_all(answer.as_bytes()).ok()?;
            Some(delivered)
        })
    }

    /// Takes connections, and says nothing.
    pub(crate) fn silent() -> Self {
        Self::start(|_| {
            thread::sleep(Duration::from_secs(60));
            None
        })
    }

    /// Answers before anything was read, and hangs up.
    pub(crate) fn lying() -> Self {
        Self::start(|stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()?;
            None
        })
    }

    fn start(talk: impl Fn(&mut TcpStream) -> Option<Delivered> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let receiver = Self {
            address: listener.local_addr().expect("an address"),
            delivered: Arc::default(),
            connections: Arc::default(),
        };
        let (delivered, connections) = (receiver.delivered.clone(), receiver.connections.clone());
        let talk = Arc::new(talk);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                *connections.lock().expect("a lock") += 1;
                let (talk, delivered) = (talk.clone(), delivered.clone());
                thread::spawn(move || {
                    if let Some(one) = talk(&mut stream) {
                        delivered.lock().expect("a lock").push(one);
                    }
                });
            }
        });
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/notices", self.address)
    }

    pub(crate) fn delivered(&self) -> Vec<Delivered> {
        self.delivered.lock().expect("a lock").clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().expect("a lock")
    }
}

fn read(stream: &mut TcpStream) -> Option<Delivered> {
    let mut reader = BufReader::new(stream);
    let mut headers = Vec::new();
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let mut delivered = Delivered {
        headers,
        body: Vec::new(),
    };
    let length = delivered.header("content-length").parse().ok()?;
    delivered.body.resize(length, 0);
    reader.read_exact(&mut delivered.body).ok()?;
    Some(delivered)
}
