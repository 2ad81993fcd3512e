//! Clients that come back. A Server Redirection inside TLS can't be read; it shows in what its client does next:
//! it leaves before the session is active and comes back with a token, with RDSTLS, or elsewhere (MS-RDPBCGR,
//! sections 1.3.8 and 5.4.5.3).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Phase, Session};
use crate::base::{Dir, Seen, Timestamp};
use crate::protocol::negotiation::{ConnectionRequest, Protocols};

/// A Connection Request, as the sessions that its client had before want to know it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who asks.
    pub client: SocketAddr,
    /// Whom.
    pub server: SocketAddr,
    /// For what.
    pub request: Seen<ConnectionRequest>,
}

/// How a client came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Return {
    /// To which server.
    pub server: SocketAddr,
    /// With a routing token that it did not have before.
    pub token: bool,
    /// Asking for RDSTLS, which it did not ask for before.
    pub rdstls: bool,
    /// With the cookie that it had before.
    pub same_cookie: bool,
}

impl Session {
    /// Longest time in nanoseconds after which a client that comes back was sent.
    pub const RETURN: i64 = 10 * Timestamp::SECOND;

    /// Whether the client itself ended the setup, after the client info and with nothing of the server's that
    /// says why: it may have been redirected.
    pub fn may_return(&self) -> bool {
        let left =
            self.tcp.closing.is_some() && self.left().is_some_and(|left| left.dir == Dir::ClientToServer);
        let told = self.facts.clear_ultimatum.is_some()
            || self.facts.inside.as_ref().is_some_and(|inside| {
                inside.ultimatum.is_some() || inside.error_info.is_some() || inside.redirection.is_some()
            });
        left && !told && self.in_setup() && self.phase() >= Phase::ClientInfo
    }

    /// Whether, and how, the client of this session came back with `call`.
    pub fn returned_with(&self, call: &Call) -> Option<Seen<Return>> {
        let left = self.left()?.stamp;
        let came = call.request.span.first;
        let in_time = (0..=Self::RETURN).contains(&came.time.since(left.time));
        if !in_time || call.client.ip() != self.tcp.client.ip() || !left.before(&came) {
            return None;
        }
        let (before, now) = (self.facts.request.as_ref().map(|request| &request.value), &call.request.value);
        let token = |request: &ConnectionRequest| request.routing_token.clone();
        let cookie = before.and_then(|request| request.cookie.as_ref());
        let back = Return {
            server: call.server,
            token: now.routing_token.is_some() && before.and_then(token) != now.routing_token,
            rdstls: asks_for_rdstls(now) && !before.is_some_and(asks_for_rdstls),
            same_cookie: cookie.is_some() && cookie == now.cookie.as_ref(),
        };
        // Another user behind the same address goes elsewhere, too.
        let another_user = cookie.is_some() && now.cookie.is_some() && !back.same_cookie;
        let elsewhere = call.server != self.tcp.server && !another_user;
        (back.token || back.rdstls || elsewhere).then_some(Seen::new(back, call.request.span))
    }

    /// Remembers how the client came back.
    pub fn came_back(&mut self, back: Seen<Return>) {
        // What looked like the Demand Active was the redirection.
        self.shape.entered.retain(|(phase, _)| *phase < Phase::Capabilities);
        self.returned = Some(back);
    }
}

fn asks_for_rdstls(request: &ConnectionRequest) -> bool {
    request.negotiation.is_some_and(|negotiation| negotiation.protocols.contains(Protocols::RDSTLS))
}

/// Where conversations say what was asked.
#[derive(Clone, Debug, Default)]
pub struct Caller(Arc<Said>);

#[derive(Debug, Default)]
struct Said {
    /// Whether there is anything to hear, which is asked with every packet.
    any: AtomicBool,
    calls: Mutex<VecDeque<Call>>,
}

impl Caller {
    /// Says it.
    pub fn call(&self, call: Call) {
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner).push_back(call);
        self.0.any.store(true, Ordering::Release);
    }
}

/// The Connection Requests of a run, as they come.
#[derive(Debug, Default)]
pub struct Calls {
    caller: Caller,
    recent: VecDeque<Call>,
}

impl Calls {
    /// Requests kept. A session is known to be over two seconds after its end, when its client may have come
    /// back long ago; five hundred logons a second are beyond any server farm.
    const RECENT: usize = 1024;

    /// Where conversations say what was asked.
    pub fn caller(&self) -> Caller {
        self.caller.clone()
    }

    /// Whether there is one that was not heard yet.
    #[inline]
    pub fn any(&self) -> bool {
        self.caller.0.any.load(Ordering::Acquire)
    }

    /// The next one that was not heard yet.
    pub fn hear(&mut self) -> Option<&Call> {
        if !self.any() {
            return None;
        }
        let Said { any, calls } = &*self.caller.0;
        let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
        let call = calls.pop_front();
        any.store(!calls.is_empty(), Ordering::Release);
        drop(calls);
        let call = call?;
        if self.recent.len() >= Self::RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(call);
        self.recent.back()
    }

    /// Whether, and how, the client of `session` came back so far.
    pub fn back(&self, session: &Session) -> Option<Seen<Return>> {
        self.recent.iter().find_map(|call| session.returned_with(call))
    }
}
