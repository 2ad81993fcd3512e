//! Steps over what precedes RDP: SOCKS, HTTP CONNECT, PROXY protocol, preconnection PDU. SOCKS messages
//! don't say what they are, so their order is kept here.

use std::fmt;

use crate::base::{Dir, PerDir};
use crate::protocol::Step;
use crate::protocol::first_bytes::{self, Guess, PreambleKind};
use crate::protocol::preamble::{self, Socks4Code, Socks5Code, Socks5Method, Target};

/// One message of a preamble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preamble {
    /// Who sent it.
    pub dir: Dir,
    /// Of which protocol.
    pub kind: PreambleKind,
    /// What it says, for people; holds text from the wire.
    pub text: String,
    /// The host or the machine that it names: a part of the text.
    pub names: Option<String>,
    /// The proxy refused.
    pub refused: bool,
}

impl fmt::Display for Preamble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.text)
    }
}

/// What [`Preambles::strip`] found at the start of the bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Stripped {
    /// A message of so many bytes.
    Took(Preamble, usize),
    /// The beginning of one.
    Need,
    /// None: what follows is the stream itself.
    Nothing,
}

/// What a message says, for people, and whom it names.
struct Said(String, Option<String>);

impl From<String> for Said {
    fn from(text: String) -> Self {
        Said(text, None)
    }
}

impl From<Target> for Said {
    fn from(target: Target) -> Self {
        Said(format!("client asked for {target}"), Some(target.host))
    }
}

/// What an end may say next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Any preamble may come.
    #[default]
    Start,
    Socks4Reply,
    /// The client's login, or its request.
    Socks5,
    Socks5Choice,
    Socks5LoginReply,
    Socks5Reply,
    HttpReply,
    /// The tunnel is up, or there never was one.
    Over,
}

/// The state of one connection's preambles, each end's by itself: a capture may show one end late.
#[derive(Debug, Default)]
pub struct Preambles(PerDir<State>);

impl Preambles {
    /// Looks for a message of `dir` at the start of `bytes`.
    pub fn strip(&mut self, dir: Dir, bytes: &[u8]) -> Stripped {
        use Dir::{ClientToServer as C, ServerToClient as S};
        use PreambleKind::{HttpConnect, Socks4, Socks5};
        let client = self.0[C];
        match (self.0[dir], dir, bytes.first()) {
            (State::Start, C, _) => self.start(bytes),
            (State::Socks4Reply, S, _) => self.take(S, Socks4, preamble::socks4_reply(bytes), |code| {
                (client, State::Over, format!("server answered {code}").into(), code != Socks4Code::GRANTED)
            }),
            (State::Socks5Choice, S, _) => self.take(S, Socks5, preamble::socks5_choice(bytes), |method| {
                let (client, server) = match method {
                    Socks5Method::NO_AUTHENTICATION => (client, State::Socks5Reply),
                    Socks5Method::USERNAME_PASSWORD => (client, State::Socks5LoginReply),
                    _ => (State::Over, State::Over),
                };
                (
                    client,
                    server,
                    format!("server chose {method}").into(),
                    method == Socks5Method::NO_ACCEPTABLE,
                )
            }),
            (State::Socks5LoginReply, S, _) => {
                self.take(S, Socks5, preamble::socks5_login_reply(bytes), |accepted| {
                    let both =
                        if accepted { (client, State::Socks5Reply) } else { (State::Over, State::Over) };
                    let text = if accepted { "login accepted" } else { "login refused" };
                    (both.0, both.1, text.to_owned().into(), !accepted)
                })
            }
            (State::Socks5Reply, S, _) => self.take(S, Socks5, preamble::socks5_reply(bytes), |code| {
                (client, State::Over, format!("server answered {code}").into(), code != Socks5Code::SUCCEEDED)
            }),
            (State::HttpReply, S, _) => self.take(S, HttpConnect, preamble::http_reply(bytes), |status| {
                (
                    client,
                    State::Over,
                    format!("proxy answered {status}").into(),
                    !(200..300).contains(&status),
                )
            }),
            (State::Socks5, C, Some(1)) => {
                let server = self.0[S];
                self.take(C, Socks5, preamble::socks5_login(bytes), |()| {
                    (client, server, "client logged in with a user name".to_owned().into(), false)
                })
            }
            (State::Socks5, C, Some(5)) => {
                let server = self.0[S];
                self.take(C, Socks5, preamble::socks5_request(bytes), |target| {
                    (State::Over, server, target.into(), false)
                })
            }
            _ => Stripped::Nothing,
        }
    }

    fn start(&mut self, bytes: &[u8]) -> Stripped {
        use Dir::ClientToServer as C;
        let kind = match first_bytes::recognize(true, bytes) {
            Guess::Preamble(kind) => kind,
            // Too few bytes: the caller asks again with more.
            Guess::NeedMore => return Stripped::Need,
            _ => {
                self.0 = PerDir { client_to_server: State::Over, server_to_client: State::Over };
                return Stripped::Nothing;
            }
        };
        match kind {
            PreambleKind::Socks4 => self.take(C, kind, preamble::socks4_request(bytes), |target| {
                (State::Over, State::Socks4Reply, target.into(), false)
            }),
            PreambleKind::Socks5 => self.take(C, kind, preamble::socks5_methods(bytes), |methods| {
                let text = format!("client offered {} methods", methods.len());
                (State::Socks5, State::Socks5Choice, text.into(), false)
            }),
            PreambleKind::HttpConnect => self.take(C, kind, preamble::http_connect(bytes), |target| {
                (State::Over, State::HttpReply, target.into(), false)
            }),
            // Another preamble may follow these two.
            PreambleKind::Proxy => self.take(C, kind, preamble::proxy_header(bytes), |header| {
                let text = header
                    .addresses
                    .map_or("no addresses".to_owned(), |(from, to)| format!("connection of {from} to {to}"));
                (State::Start, State::Start, text.into(), false)
            }),
            PreambleKind::Preconnection => self.take(C, kind, preamble::preconnection(bytes), |pdu| {
                let text = pdu.blob.clone().unwrap_or_else(|| format!("id {}", pdu.id));
                (State::Start, State::Start, Said(text, pdu.blob), false)
            }),
        }
    }

    /// `read` gives what client and server may say next, and what the message says.
    fn take<T>(
        &mut self,
        dir: Dir,
        kind: PreambleKind,
        step: Step<T>,
        read: impl FnOnce(T) -> (State, State, Said, bool),
    ) -> Stripped {
        match step {
            Step::Done(message, used) => {
                let (client_to_server, server_to_client, Said(text, names), refused) = read(message);
                self.0 = PerDir { client_to_server, server_to_client };
                Stripped::Took(Preamble { dir, kind, text, names, refused }, used)
            }
            Step::Need(_) => Stripped::Need,
            Step::Broken(_) => {
                self.0 = PerDir { client_to_server: State::Over, server_to_client: State::Over };
                Stripped::Nothing
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(stripped: Stripped) -> (String, bool, usize) {
        match stripped {
            Stripped::Took(preamble, used) => (preamble.to_string(), preamble.refused, used),
            other => panic!("{other:?}"),
        }
    }

    const C: Dir = Dir::ClientToServer;
    const S: Dir = Dir::ServerToClient;
    /// An X.224 Connection Request, as much as recognition needs.
    const REQUEST: [u8; 11] = [3, 0, 0, 11, 6, 0xE0, 0, 0, 0, 0, 0];

    #[test]
    fn socks5_with_a_login_is_stepped_over_message_by_message() {
        let mut preambles = Preambles::default();
        assert_eq!(took(preambles.strip(C, &[5, 1, 2])).2, 3);
        assert_eq!(took(preambles.strip(S, &[5, 2])).2, 2);
        assert_eq!(took(preambles.strip(C, &[1, 1, b'u', 1, b'p'])).2, 5);
        assert_eq!(took(preambles.strip(S, &[1, 0])).2, 2);
        let (text, _, used) = took(preambles.strip(C, &[5, 1, 0, 1, 10, 0, 0, 1, 0x0D, 0x3D]));
        assert_eq!((text.as_str(), used), ("SOCKS5: client asked for 10.0.0.1:3389", 10));
        assert_eq!(preambles.strip(S, &[5, 0, 0, 1]), Stripped::Need);
        let (text, refused, _) = took(preambles.strip(S, &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
        assert_eq!((text.as_str(), refused), ("SOCKS5: server answered SUCCEEDED", false));
        assert_eq!(preambles.strip(C, &REQUEST), Stripped::Nothing);
    }

    #[test]
    fn a_proxy_header_may_precede_an_http_connect() {
        let mut preambles = Preambles::default();
        let header = b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 3389\r\n";
        assert_eq!(took(preambles.strip(C, header)).2, header.len());
        let connect = b"CONNECT host:3389 HTTP/1.1\r\nHost: host\r\n\r\n";
        assert_eq!(took(preambles.strip(C, connect)).2, connect.len());
        let (text, refused, _) = took(preambles.strip(S, b"HTTP/1.1 403 Forbidden\r\n\r\n"));
        assert_eq!((text.as_str(), refused), ("HTTP CONNECT: proxy answered 403", true));
    }

    #[test]
    fn rdp_without_a_preamble_is_left_alone() {
        let mut preambles = Preambles::default();
        assert_eq!(preambles.strip(C, &REQUEST), Stripped::Nothing);
        assert_eq!(preambles.strip(S, &[5, 0]), Stripped::Nothing);
    }
}
