//! What the capture showed of a server before a session ended: bounded, read-only for the rules.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::Verdict;
use crate::base::Stamp;
use crate::protocol::tls::{Version, cipher_name};
use crate::session::Session;

/// What a rule may know beside its session.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// Earlier sessions of the same server; `None` where there were none.
    pub server: Option<&'a ServerHistory>,
    /// Only code and outcome are asked for: a rule may say so in short ([`Verdict::short`]).
    pub short: bool,
}

/// Earlier sessions of one server.
#[derive(Clone, Debug, Default)]
pub struct ServerHistory {
    /// The last TLS handshake that succeeded: version, cipher suite and frame.
    pub established: Option<(Version, u16, Stamp)>,
    /// Sessions ended by a RST right after the ClientHello.
    pub reset_after_hello: u32,
    /// Sessions ended by a FIN right after the ClientHello.
    pub closed_after_hello: u32,
    /// Client address of the first of those, to tell one client from many.
    broken_client: Option<std::net::IpAddr>,
    /// Whether those came from more than one client.
    pub many_clients: bool,
    used: u64,
}

impl ServerHistory {
    /// "TLS 1.2 with TLS_... (frame 12)" of the last handshake that succeeded.
    pub fn accepted(&self) -> Option<String> {
        let (version, cipher, stamp) = self.established?;
        let cipher = cipher_name(cipher).map_or_else(|| format!("{cipher:#06x}"), str::to_owned);
        Some(format!("{version} with {cipher} (frame {})", stamp.at.number()))
    }
}

/// The histories of the servers seen last.
#[derive(Debug, Default)]
pub struct History {
    servers: HashMap<SocketAddr, ServerHistory, ahash::RandomState>,
    clock: u64,
}

impl History {
    /// Servers kept. A capture with more is a scan, whose servers tell nothing of each other.
    const SERVERS: usize = 4096;

    /// What is known when `session` ends.
    pub fn context(&self, session: &Session) -> Context<'_> {
        Context { server: self.servers.get(&session.tcp.server), short: false }
    }

    /// Remembers a session that got as far as TLS.
    pub fn learn(&mut self, session: &Session, verdict: &Verdict) {
        let Some(tls) = &session.facts.tls else { return };
        self.clock += 1;
        if self.servers.len() >= Self::SERVERS && !self.servers.contains_key(&session.tcp.server) {
            let oldest =
                self.servers.iter().min_by_key(|(_, history)| history.used).map(|(server, _)| *server);
            if let Some(oldest) = oldest {
                self.servers.remove(&oldest);
            }
        }
        let history = self.servers.entry(session.tcp.server).or_default();
        history.used = self.clock;
        if let (Some(established), Some(hello)) = (tls.established, &tls.server_hello) {
            history.established = Some((hello.value.version, hello.value.cipher, established.last));
        }
        let client = session.tcp.client.ip();
        match verdict.code {
            "tls-reset-after-client-hello" => history.reset_after_hello += 1,
            "tls-closed-after-client-hello" => history.closed_after_hello += 1,
            _ => return,
        }
        history.many_clients |= *history.broken_client.get_or_insert(client) != client;
    }
}
