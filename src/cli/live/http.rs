//! A small HTTP server for those who ask how it goes: a few clients at a time, each of them for a short time and with
//! little to say, so that none can hold up or fill anything.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Clients at a time; beyond them, who comes is sent away.
const CLIENTS: usize = 16;
/// Time for all of one client, from its first byte to our last.
const TIME: Duration = Duration::from_secs(2);
/// Bytes and headers of a request.
const REQUEST: usize = 8192;
const HEADERS: usize = 64;
/// A client's thread needs little.
const STACK: usize = 128 << 10;

/// What is answered.
pub(super) struct Answer {
    pub(super) status: &'static str,
    pub(super) kind: &'static str,
    pub(super) body: String,
}

impl Answer {
    /// A line of text.
    pub(super) fn text(status: &'static str, line: &str) -> Self {
        Answer { status, kind: "text/plain; charset=utf-8", body: format!("{line}\n") }
    }
}

/// Answers on threads of its own, for as long as the program runs. `answer` is asked with the path of each GET.
pub(super) fn serve(
    listener: TcpListener,
    answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> io::Result<()> {
    let answer = Arc::new(answer);
    thread::Builder::new().name("metrics".to_owned()).spawn(move || {
        loop {
            match listener.accept() {
                // One reference is ours, each other a client's.
                Ok((client, _)) if Arc::strong_count(&answer) <= CLIENTS => {
                    let answer = answer.clone();
                    let client = move || drop(talk(client, &*answer));
                    let thread = thread::Builder::new().name("metrics client".to_owned()).stack_size(STACK);
                    drop(thread.spawn(client));
                }
                Ok((client, _)) => drop(client),
                // Nothing may be left to open; that passes.
                Err(_) => thread::sleep(Duration::from_millis(100)),
            }
        }
    })?;
    Ok(())
}

fn talk(mut client: TcpStream, answer: &dyn Fn(&str) -> Answer) -> io::Result<()> {
    let until = Instant::now() + TIME;
    let mut bytes = [0; REQUEST];
    let mut len = 0;
    let (answer, head) = loop {
        let Some(room) = bytes.get_mut(len..).filter(|room| !room.is_empty()) else {
            break (Answer::text("431 Request Header Fields Too Large", "too much"), false);
        };
        client.set_read_timeout(Some(rest(until)?))?;
        let read = client.read(room)?;
        if read == 0 {
            return Ok(());
        }
        len += read;
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(bytes.get(..len).unwrap_or_default()) {
            Ok(httparse::Status::Partial) => {}
            Ok(httparse::Status::Complete(_)) => {
                let path = request.path.unwrap_or_default();
                let path = path.split_once('?').map_or(path, |(path, _)| path);
                break match request.method {
                    Some("GET") => (answer(path), false),
                    Some("HEAD") => (answer(path), true),
                    _ => (Answer::text("405 Method Not Allowed", "only GET and HEAD"), false),
                };
            }
            Err(_) => break (Answer::text("400 Bad Request", "that is no HTTP request"), false),
        }
    };
    let Answer { status, kind, body } = answer;
    let mut text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
        body.len()
    );
    if !head {
        text.push_str(&body);
    }
    let mut left = text.as_bytes();
    while !left.is_empty() {
        client.set_write_timeout(Some(rest(until)?))?;
        let written = client.write(left)?;
        left = left.get(written..).unwrap_or_default();
    }
    client.shutdown(Shutdown::Write)
}

/// The time that is left.
fn rest(until: Instant) -> io::Result<Duration> {
    let rest = until.saturating_duration_since(Instant::now());
    if rest.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(rest) }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn started() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        serve(listener, |path| match path {
            "/" => Answer::text("200 OK", "here"),
            "/much" => Answer::text("200 OK", &"much".repeat(16 << 20)),
            _ => Answer::text("404 Not Found", "not here"),
        })
        .unwrap();
        address
    }

    fn ask(address: SocketAddr, request: &[u8]) -> String {
        let mut client = TcpStream::connect(address).unwrap();
        let _ = client.write_all(request);
        let mut answer = Vec::new();
        let _ = client.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }

    #[test]
    fn answers_what_is_asked() {
        let at = started();
        let get = ask(at, b"GET /?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(get.starts_with("HTTP/1.1 200 OK\r\n") && get.ends_with("\r\n\r\nhere\n"), "{get}");
        let head = ask(at, b"HEAD / HTTP/1.0\r\n\r\n");
        assert!(head.contains("Content-Length: 5\r\n") && head.ends_with("\r\n\r\n"), "{head}");
        assert!(ask(at, b"GET /../etc/passwd HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
        assert!(ask(at, b"POST / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
        assert!(ask(at, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").starts_with("HTTP/1.1 400 "));
        assert_eq!(ask(at, b"GET / HTTP/1.1\r\nX: "), "", "it waits for the rest, but not long");
    }

    #[test]
    fn slow_and_greedy_clients_hold_nothing_up() {
        let at = started();
        // More than there are places: they say nothing, drip, or don't read what they asked for.
        let mut slow: Vec<TcpStream> = Vec::new();
        for n in 0..2 * CLIENTS {
            let mut client = TcpStream::connect(at).unwrap();
            let said: &[u8] = if n % 2 == 0 { b"GET /much HTTP/1.1\r\n\r\n" } else { b"G" };
            let _ = client.write_all(said);
            slow.push(client);
        }
        let begun = Instant::now();
        while ask(at, b"GET / HTTP/1.1\r\n\r\n").is_empty() {
            assert!(begun.elapsed() < 2 * TIME, "nobody else is heard");
            thread::sleep(Duration::from_millis(50));
        }
        let mut long = TcpStream::connect(at).unwrap();
        let _ = long.write_all(b"GET / HTTP/1.1\r\n");
        let header = [b'x'; 1024];
        // No header ever ends, and the server does not listen forever.
        let sent = (0..10_000).take_while(|_| long.write_all(&header).is_ok()).count();
        assert!(sent < 10_000);
    }
}
