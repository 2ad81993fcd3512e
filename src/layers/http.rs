//! HTTP/1.1 as a Remote Desktop Gateway speaks it (RFC 9112; MS-TSGU, section 3.3): heads, and bodies as one stream
//! of bytes, whether they come by length, in chunks, until the end, or in frames of a WebSocket.
//!
//! Credentials in a head are looked at only for whether they are there; nothing of them is kept.

use super::websocket::Frames;
use crate::base::{Dir, PerDir};

/// What one direction showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpUnit<'a> {
    /// Head of a request.
    Request(HttpRequest),
    /// Head of a response.
    Response(HttpResponse),
    /// Bytes of a body, or of a WebSocket's messages.
    Body(&'a [u8]),
    /// A WebSocket's Close frame, with its status code.
    Close(Option<u16>),
}

/// Head of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// As it stands there, its first 40 bytes.
    pub method: String,
    /// RDG-Connection-Id, which ties the two connections of a tunnel (MS-TSGU, section 2.2.3.2.1).
    pub connection_id: Option<String>,
    /// The authentication scheme that its Authorization field names, if it is one of those known.
    pub scheme: Option<&'static str>,
    /// Whether it asks for a WebSocket.
    pub websocket: bool,
}

/// Head of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Whether an authentication goes on: WWW-Authenticate brings a token.
    pub challenges: bool,
}

/// Authentication schemes. Any other first word of an Authorization field may be a credential.
const SCHEMES: [&str; 7] = ["NTLM", "Negotiate", "Kerberos", "SSPI_NTLM", "Basic", "Digest", "Bearer"];
/// Bytes of a method and a connection id that are kept.
const METHOD: usize = 40;
/// Bytes of a head that are waited for; Kerberos tickets with many groups stay below.
const HEAD: usize = 72 * 1024;
/// Fields of a head.
const FIELDS: usize = 64;
/// Bytes of a chunk's first line, its extensions included.
const CHUNK_LINE: usize = 256;

/// Reads both directions of one connection.
#[derive(Debug, Default)]
pub struct Http {
    lanes: PerDir<Lane>,
}

#[derive(Debug, Default)]
struct Lane {
    /// An unfinished head, or the first line of a chunk.
    pending: Vec<u8>,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Head,
    /// A body of so many more bytes.
    Sized(u64),
    ChunkLine,
    Chunk(u64),
    /// The lines after the last chunk.
    Trailer,
    /// A body that ends with the connection.
    Endless,
    WebSocket(Frames),
    /// Nothing can be told any more.
    Lost,
}

/// Bytes that are no HTTP/1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no sound {0} of HTTP/1.1")]
pub struct NoHttp(&'static str);

impl Http {
    /// Takes the next bytes of `dir`.
    ///
    /// # Errors
    /// What is no HTTP: nothing after it in this direction is read.
    pub fn push(&mut self, dir: Dir, data: &[u8], emit: impl FnMut(HttpUnit<'_>)) -> Result<(), NoHttp> {
        let result = self.read(dir, data, emit);
        if result.is_err() {
            self.lanes[dir] = Lane { pending: Vec::new(), state: State::Lost };
        }
        result
    }

    fn read(&mut self, dir: Dir, mut data: &[u8], mut emit: impl FnMut(HttpUnit<'_>)) -> Result<(), NoHttp> {
        while !data.is_empty() {
            let lane = &mut self.lanes[dir];
            match &mut lane.state {
                State::Head => {
                    let Some((unit, after)) = lane.head(dir, &mut data)? else { return Ok(()) };
                    lane.state = after;
                    let upgraded = matches!(&unit, HttpUnit::Response(response) if response.status == SWITCHING_PROTOCOLS);
                    if upgraded {
                        for dir in Dir::BOTH {
                            self.lanes[dir].state = State::WebSocket(Frames::default());
                        }
                    }
                    emit(unit);
                }
                State::Sized(left) => {
                    let body = take(&mut data, left);
                    if *left == 0 {
                        lane.state = State::Head;
                    }
                    emit(HttpUnit::Body(body));
                }
                State::ChunkLine => {
                    let Some(size) = lane.chunk_line(&mut data)? else { return Ok(()) };
                    lane.state = if size == 0 { State::Trailer } else { State::Chunk(size) };
                }
                State::Chunk(left) => {
                    let body = take(&mut data, left);
                    if *left == 0 {
                        lane.state = State::ChunkLine;
                    }
                    emit(HttpUnit::Body(body));
                }
                State::Trailer => {
                    let Some(line) = lane.line(&mut data)? else { return Ok(()) };
                    if line.is_empty() {
                        lane.state = State::Head;
                    }
                }
                State::Endless => emit(HttpUnit::Body(std::mem::take(&mut data))),
                State::WebSocket(frames) => frames.push(std::mem::take(&mut data), &mut emit),
                State::Lost => return Ok(()),
            }
        }
        Ok(())
    }
}

const SWITCHING_PROTOCOLS: u16 = 101;

/// At most `left` bytes from the front.
fn take<'a>(data: &mut &'a [u8], left: &mut u64) -> &'a [u8] {
    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(data.len());
    let (taken, rest) = data.split_at(count);
    *data = rest;
    *left -= count as u64;
    taken
}

impl Lane {
    /// A head, and what follows it.
    fn head(&mut self, dir: Dir, data: &mut &[u8]) -> Result<Option<(HttpUnit<'static>, State)>, NoHttp> {
        const WHAT: NoHttp = NoHttp("head");
        // Line by line: each byte is looked at and copied once, however small the pieces or the heads are.
        while !self.pending.ends_with(b"\r\n\r\n") {
            if data.is_empty() {
                return Ok(None);
            }
            let end = data.iter().position(|byte| *byte == b'\n').map_or(data.len(), |at| at + 1);
            let (line, rest) = data.split_at(end);
            if self.pending.len() + line.len() > HEAD {
                return Err(WHAT);
            }
            self.pending.extend_from_slice(line);
            *data = rest;
        }
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let head = self.pending.as_slice();
        let told = if dir == Dir::ClientToServer {
            let mut request = httparse::Request::new(&mut fields);
            request.parse(head).ok().filter(httparse::Status::is_complete).ok_or(WHAT)?;
            told_request(&request)
        } else {
            let mut response = httparse::Response::new(&mut fields);
            response.parse(head).ok().filter(httparse::Status::is_complete).ok_or(WHAT)?;
            told_response(&response)
        };
        self.pending.clear();
        Ok(Some(told))
    }

    fn chunk_line(&mut self, data: &mut &[u8]) -> Result<Option<u64>, NoHttp> {
        loop {
            let Some(line) = self.line(data)? else { return Ok(None) };
            // The end of the chunk before.
            if line.is_empty() {
                continue;
            }
            let size = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
            let size = std::str::from_utf8(size).ok().and_then(|size| u64::from_str_radix(size, 16).ok());
            return size.map(Some).ok_or(NoHttp("chunk"));
        }
    }

    /// A line, without its end.
    fn line(&mut self, data: &mut &[u8]) -> Result<Option<Vec<u8>>, NoHttp> {
        let end = data.iter().position(|byte| *byte == b'\n');
        let (now, rest) = data.split_at(end.map_or(data.len(), |end| end + 1));
        if self.pending.len() + now.len() > CHUNK_LINE {
            return Err(NoHttp("line"));
        }
        self.pending.extend_from_slice(now);
        *data = rest;
        if end.is_none() {
            return Ok(None);
        }
        let line = std::mem::take(&mut self.pending);
        Ok(Some(line.trim_ascii_end().to_vec()))
    }
}

fn told_request(request: &httparse::Request<'_, '_>) -> (HttpUnit<'static>, State) {
    let kept = |text: &str| text.chars().take(METHOD).collect::<String>();
    let field = |name| field(request.headers, name);
    let scheme = field("Authorization").map(|value| {
        let first = value.split_ascii_whitespace().next().unwrap_or_default();
        SCHEMES.into_iter().find(|scheme| scheme.eq_ignore_ascii_case(first)).unwrap_or("an unknown scheme")
    });
    let told = HttpRequest {
        method: kept(request.method.unwrap_or_default()),
        connection_id: field("RDG-Connection-Id").map(kept),
        scheme,
        websocket: field("Upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket")),
    };
    (HttpUnit::Request(told), body(request.headers).unwrap_or(State::Head))
}

fn told_response(response: &httparse::Response<'_, '_>) -> (HttpUnit<'static>, State) {
    let status = response.code.unwrap_or_default();
    let mut offers =
        response.headers.iter().filter(|field| field.name.eq_ignore_ascii_case("WWW-Authenticate"));
    let challenges = offers.any(|offer| {
        let offer = String::from_utf8_lossy(offer.value);
        let mut words = offer.split_ascii_whitespace();
        let scheme = words.next().unwrap_or_default();
        let tokens = ["NTLM", "Negotiate", "Kerberos"];
        words.next().is_some() && tokens.iter().any(|token| scheme.eq_ignore_ascii_case(token))
    });
    let after = match status {
        100..200 | 204 | 304 => State::Head,
        _ => body(response.headers).unwrap_or(State::Endless),
    };
    (HttpUnit::Response(HttpResponse { status, challenges }), after)
}

/// How the body comes, where the head says so.
fn body(fields: &[httparse::Header<'_>]) -> Option<State> {
    if field(fields, "Transfer-Encoding").is_some_and(|value| value.to_ascii_lowercase().contains("chunked"))
    {
        return Some(State::ChunkLine);
    }
    match field(fields, "Content-Length")?.trim().parse().ok()? {
        0 => Some(State::Head),
        length => Some(State::Sized(length)),
    }
}

fn field<'a>(fields: &[httparse::Header<'a>], name: &str) -> Option<&'a str> {
    let field = fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(field.value).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq)]
    enum Told {
        Request(HttpRequest),
        Response(HttpResponse),
        Close(Option<u16>),
        Body,
    }

    /// Heads in order, and all bytes of the bodies.
    fn read(http: &mut Http, dir: Dir, bytes: &[u8], sizes: &[usize]) -> (Vec<Told>, Vec<u8>) {
        let (mut told, mut body) = (Vec::new(), Vec::new());
        let mut rest = bytes;
        for size in sizes.iter().cycle() {
            let (now, after) = rest.split_at((*size).min(rest.len()));
            http.push(dir, now, |unit| {
                let now = match unit {
                    HttpUnit::Request(request) => Told::Request(request),
                    HttpUnit::Response(response) => Told::Response(response),
                    HttpUnit::Close(code) => Told::Close(code),
                    HttpUnit::Body(bytes) => {
                        body.extend_from_slice(bytes);
                        Told::Body
                    }
                };
                if now != Told::Body || told.last() != Some(&Told::Body) {
                    told.push(now);
                }
            })
            .unwrap();
            rest = after;
            if rest.is_empty() {
                return (told, body);
            }
        }
        (told, body)
    }

    fn request(method: &str, scheme: Option<&'static str>, websocket: bool) -> Told {
        Told::Request(HttpRequest {
            method: method.to_owned(),
            connection_id: Some("{1}".to_owned()),
            scheme,
            websocket,
        })
    }

    const IN: &[u8] = b"RDG_IN_DATA /remoteDesktopGateway/ HTTP/1.1\r\nHost: gw\r\nRDG-Connection-Id: {1}\r\n\
        Authorization: NTLM TlRMTVNTUAABAAAA\r\nContent-Length: 0\r\n\r\n\
        RDG_IN_DATA /remoteDesktopGateway/ HTTP/1.1\r\nrdg-connection-id: {1}\r\nTransfer-Encoding: chunked\r\n\r\n\
        3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n\
        GET / HTTP/1.1\r\nRDG-Connection-Id: {1}\r\n\r\n";
    const OUT: &[u8] =
        b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM TlRM\r\nContent-Length: 4\r\n\r\nno!!\
        HTTP/1.1 200 OK\r\nDate: now\r\n\r\nto the end\r\n\r\n";

    #[test]
    fn heads_and_bodies() {
        for sizes in [&[usize::MAX][..], &[1], &[7, 2]] {
            let (told, body) = read(&mut Http::default(), Dir::ClientToServer, IN, sizes);
            let first = request("RDG_IN_DATA", Some("NTLM"), false);
            let last = request("GET", None, false);
            assert_eq!(told, [first, request("RDG_IN_DATA", None, false), Told::Body, last]);
            assert_eq!(body, b"abc0123456789");
            let (told, body) = read(&mut Http::default(), Dir::ServerToClient, OUT, sizes);
            let refused = Told::Response(HttpResponse { status: 401, challenges: true });
            let taken = Told::Response(HttpResponse { status: 200, challenges: false });
            assert_eq!(told, [refused, Told::Body, taken, Told::Body]);
            assert_eq!(body, b"no!!to the end\r\n\r\n");
        }
    }

    #[test]
    fn no_credential_is_taken_for_a_scheme() {
        let ask =
            b"RDG_IN_DATA / HTTP/1.1\r\nRDG-Connection-Id: {1}\r\nAuthorization: dXNlcjpzZWNyZXQ=\r\n\r\n";
        let (told, _) = read(&mut Http::default(), Dir::ClientToServer, ask, &[9]);
        assert_eq!(told, [request("RDG_IN_DATA", Some("an unknown scheme"), false)]);
    }

    #[test]
    fn a_websocket_takes_both_directions() {
        let mut http = Http::default();
        let asks = b"RDG_OUT_DATA / HTTP/1.1\r\nRDG-Connection-Id: {1}\r\nUpgrade: websocket\r\n\r\n";
        let (told, _) = read(&mut http, Dir::ClientToServer, asks, &[5]);
        assert_eq!(told, [request("RDG_OUT_DATA", None, true)]);
        let answers = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x82\x02hi";
        let (told, body) = read(&mut http, Dir::ServerToClient, answers, &[9]);
        assert_eq!(told.first(), Some(&Told::Response(HttpResponse { status: 101, challenges: false })));
        assert_eq!(body, b"hi");
        let masked = b"\x82\x82\x01\x02\x03\x04ij\x88\x82\x00\x00\x00\x00\x03\xe8";
        let (told, body) = read(&mut http, Dir::ClientToServer, masked, &[3]);
        assert_eq!((told.last(), body.as_slice()), (Some(&Told::Close(Some(1000))), &b"hh"[..]));
    }

    #[test]
    fn what_is_none_is_refused_once() {
        let mut http = Http::default();
        let none = http.push(Dir::ClientToServer, b"\0\0\r\n\r\n", |_| panic!("no unit"));
        assert_eq!(none, Err(NoHttp("head")));
        let mut http = Http::default();
        let long = http.push(Dir::ServerToClient, &vec![b'a'; HEAD + 1], |_| panic!("no unit"));
        assert_eq!(long, Err(NoHttp("head")));
        assert_eq!(http.push(Dir::ServerToClient, b"HTTP/1.1 200 OK\r\n\r\n", |_| panic!("no unit")), Ok(()));
        assert!(http.lanes.server_to_client.pending.is_empty());
        let empty = Http::default().push(Dir::ServerToClient, b"\r\n\r\n", |_| panic!("no unit"));
        assert_eq!(empty, Err(NoHttp("head")));
        let chunk = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n";
        assert_eq!(Http::default().push(Dir::ServerToClient, chunk, |_| {}), Err(NoHttp("chunk")));
    }

    proptest! {
        #[test]
        fn never_panics(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..20), at in 0..3) {
            let mut http = Http::default();
            let start: &[u8] = [
                &b"HTTP/1.1 101 x\r\n\r\n"[..],
                b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"HTTP/1.1 200 x\r\nContent-Length: 100\r\n\r\n",
            ][at as usize];
            for piece in std::iter::once(start).chain(pieces.iter().map(Vec::as_slice)) {
                let _ = http.push(Dir::ServerToClient, piece, |_| {});
            }
        }
    }
}
