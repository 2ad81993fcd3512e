//! From the bytes of a gateway's connection to the session inside.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::{Gateway, Head, Transport};
use crate::base::{Chunk, Dir, PerDir, Seen, Span, Stamp};
use crate::layers::{Http, HttpRequest, HttpUnit, Keys};
use crate::protocol::Step;
use crate::protocol::tsgu::{self, Packet, PacketType};
use crate::session::{Clear, Conversation, Facts, Phase};

/// Tunnels of which a second connection may still come; a gateway of thousands of users has as many.
const TUNNELS: usize = 16 * 1024;
/// Where so many are there, those that are over are looked for once in so many.
const LOOK: usize = 256;
/// Random bytes that a gateway may send before its first packet (MS-TSGU, section 3.3.5.1); ten or a hundred in
/// practice.
const SEED: usize = 1024;

/// How connections of gateways are found: by the keys that there are, and by the ids that two of them share.
#[derive(Clone, Debug, Default)]
pub struct Gateways {
    keys: Keys,
    tunnels: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    tunnels: HashMap<Id, Weak<Mutex<Tunnel>>, ahash::RandomState>,
    /// Tunnels that were turned away since those that are over were last looked for.
    turned_away: usize,
}

/// Client, gateway and RDG-Connection-Id.
type Id = (IpAddr, SocketAddr, String);

impl Gateways {
    /// Connections that these keys open.
    pub fn new(keys: Keys) -> Self {
        Gateways { keys, ..Gateways::default() }
    }

    pub(in crate::session) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Whether there are keys of the connection whose client begins with these bytes; `None` where they are too few
    /// to tell.
    pub(in crate::session) fn opens(&self, first_bytes: &[u8]) -> Option<bool> {
        self.keys.may_open(first_bytes)
    }

    /// The tunnel of this id, or a new one.
    fn join(&self, ends: Ends, id: Option<String>, leads: bool, inner: Conversation) -> Arc<Mutex<Tunnel>> {
        let mut known = self.tunnels.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { tunnels, turned_away } = &mut *known;
        let id = id.map(|id| (ends.client.ip(), ends.server, id));
        let known = id.as_ref().and_then(|id| tunnels.get(id)?.upgrade());
        if let Some(known) = known {
            let mut tunnel = locked(&known);
            // A second connection of the same direction is another try.
            if !(leads && tunnel.leads) {
                tunnel.leads |= leads;
                drop(tunnel);
                return known;
            }
        }
        let tunnel = Arc::new(Mutex::new(Tunnel::new(ends, leads, inner)));
        let Some(id) = id else { return tunnel };
        // To look through all of them for each that comes would cost too much.
        if tunnels.len() >= TUNNELS && turned_away.is_multiple_of(LOOK) {
            tunnels.retain(|_, tunnel| tunnel.strong_count() > 0);
        }
        if tunnels.len() < TUNNELS {
            tunnels.insert(id, Arc::downgrade(&tunnel));
            *turned_away = 0;
        } else {
            *turned_away += 1;
        }
        tunnel
    }
}

/// The two ends of a connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::session) struct Ends {
    pub(in crate::session) client: SocketAddr,
    pub(in crate::session) server: SocketAddr,
    /// The connection's first packet.
    pub(in crate::session) first: Stamp,
}

fn locked(tunnel: &Mutex<Tunnel>) -> MutexGuard<'_, Tunnel> {
    tunnel.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One connection that may be, or is, a gateway's.
#[derive(Debug, Default)]
pub(in crate::session) struct Link {
    http: Http,
    /// The last request.
    request: Option<HttpRequest>,
    tunnel: Option<Arc<Mutex<Tunnel>>>,
    /// Whether it brings what the gateway says.
    leads: bool,
}

impl Link {
    /// Whether the client asked for a tunnel.
    pub(in crate::session) fn is_gateway(&self) -> bool {
        self.tunnel.is_some()
    }

    /// Whether it is told by the tunnel's other connection.
    pub(in crate::session) fn is_second(&self) -> bool {
        !self.leads && self.tunnel.as_deref().is_some_and(|tunnel| locked(tunnel).leads)
    }

    /// How far the session inside got.
    pub(in crate::session) fn phase(&self) -> Option<Phase> {
        let tunnel = locked(self.tunnel.as_deref()?);
        Some(tunnel.inner.as_ref()?.phase().max(Phase::TlsHandshake))
    }

    /// Takes what TLS hid. `false` where this is no gateway's connection.
    pub(in crate::session) fn push(
        &mut self,
        gateways: &Gateways,
        ends: Ends,
        dir: Dir,
        clear: &Clear<'_>,
        inner: impl Fn() -> Conversation,
    ) -> bool {
        let Link { http, request, tunnel, leads } = self;
        let &Clear { data, len, span } = clear;
        let mut is_other = false;
        let whole = data.len() as u64 == len;
        let result = http.push(dir, data, |unit| match unit {
            HttpUnit::Request(head) => {
                is_other |= tunnel.is_none() && !matches!(head.method.as_str(), OUT | IN);
                if is_other {
                    return;
                }
                let tunnel = tunnel.get_or_insert_with(|| {
                    *leads = head.method == OUT;
                    gateways.join(ends, head.connection_id.clone(), *leads, inner())
                });
                let mut tunnel = locked(tunnel);
                if !*leads {
                    tunnel.gateway.incoming = Some(Seen::new(ends.client, ends.first));
                }
                let (method, scheme) = (head.method.clone(), head.scheme);
                tunnel.head(Head::Request { method, scheme }, span);
                *request = Some(head);
            }
            HttpUnit::Response(head) => {
                let (Some(tunnel), Some(request)) = (tunnel.as_deref(), &request) else { return };
                let mut tunnel = locked(tunnel);
                if head.status == 101 && request.websocket {
                    tunnel.gateway.transport = Transport::WebSocket;
                }
                if *leads {
                    // Until a success bodies are pages that say what went wrong.
                    tunnel.lanes[dir].open = matches!(head.status, 200..300 | 101);
                }
                let (method, scheme) = (request.method.clone(), request.scheme);
                let (status, challenges) = (head.status, head.challenges);
                tunnel.head(Head::Response { method, scheme, status, challenges }, span);
            }
            HttpUnit::Body(bytes) => {
                if let Some(tunnel) = tunnel.as_deref() {
                    locked(tunnel).body(dir, *leads, bytes, span);
                }
            }
            HttpUnit::Close(code) => {
                if let Some(tunnel) = tunnel.as_deref() {
                    locked(tunnel).gateway.closed.get_or_insert(Seen::new((dir, code), span));
                }
            }
        });
        if result.is_err() || !whole {
            self.lose(dir);
        }
        let nothing = self.tunnel.is_none() && (result.is_err() || !whole);
        !(is_other || nothing)
    }

    /// The capture lacks bytes of `dir`, or what they are is not known.
    pub(in crate::session) fn lose(&self, dir: Dir) {
        if let Some(tunnel) = self.tunnel.as_deref() {
            locked(tunnel).lose(dir);
        }
    }

    /// The session inside, `outer` being what the connection itself showed.
    pub(in crate::session) fn into_facts(self, outer: Facts) -> Facts {
        let Some(tunnel) = self.tunnel else { return outer };
        let mut tunnel = locked(&tunnel);
        let mut gateway = std::mem::take(&mut tunnel.gateway);
        let readable = tunnel.is_readable(gateway.transport);
        let inner = tunnel.inner.take().filter(|_| readable);
        gateway.tls = outer.tls;
        let mut facts = inner.map(Conversation::into_facts).unwrap_or_default();
        facts.preambles.splice(0..0, outer.preambles);
        facts.holes.extend(outer.holes);
        facts.malformed.splice(0..0, outer.malformed);
        facts.gateway = Some(Box::new(gateway));
        facts
    }
}

const OUT: &str = "RDG_OUT_DATA";
const IN: &str = "RDG_IN_DATA";

/// What the connections of one tunnel share.
#[derive(Debug)]
struct Tunnel {
    ends: Ends,
    gateway: Gateway,
    lanes: PerDir<Lane>,
    /// The session inside; `None` once it was handed out.
    inner: Option<Box<Conversation>>,
    /// Whether the connection was seen that brings what the gateway says.
    leads: bool,
}

/// One direction of the tunnel's packets.
#[derive(Debug, Default)]
struct Lane {
    /// An unfinished packet.
    pending: Vec<u8>,
    since: Option<Stamp>,
    /// How many bytes it has, as far as that is known.
    need: usize,
    /// Whether bodies are the tunnel's.
    open: bool,
    /// Whether the first packet came.
    begun: bool,
    lost: bool,
    /// Bytes of the session inside.
    inner: u64,
}

impl Tunnel {
    fn new(ends: Ends, leads: bool, inner: Conversation) -> Self {
        Tunnel {
            ends,
            gateway: Gateway::default(),
            lanes: PerDir::default(),
            inner: Some(Box::new(inner)),
            leads,
        }
    }

    /// Whether both directions of the session inside were read, or were until it was active.
    fn is_readable(&self, transport: Transport) -> bool {
        let lost = Dir::BOTH.into_iter().any(|dir| self.lanes[dir].lost);
        let both = transport == Transport::WebSocket || self.leads && self.lanes.client_to_server.begun;
        let active = |inner: &Conversation| inner.facts().active_since(&inner.facts().shape()).is_some();
        both && (!lost || self.inner.as_deref().is_some_and(active))
    }

    fn head(&mut self, head: Head, span: Span) {
        if self.gateway.heads.len() < Gateway::HEADS {
            self.gateway.heads.push(Seen::new(head, span));
        }
    }

    fn lose(&mut self, dir: Dir) {
        self.lanes[dir] = Lane { lost: true, ..Lane::default() };
    }

    /// Bytes of a body: of the client on the one connection, of the gateway on the other, or of both on a WebSocket.
    fn body(&mut self, dir: Dir, leads: bool, bytes: &[u8], span: Span) {
        let ours = self.gateway.transport == Transport::WebSocket || leads == (dir == Dir::ServerToClient);
        let lane = &mut self.lanes[dir];
        if !ours || lane.lost || dir == Dir::ServerToClient && !lane.open {
            return;
        }
        let first = lane.since.take().unwrap_or(span.first);
        let known = lane.pending.len();
        if known == 0 {
            return self.packets(dir, bytes, 0, first, span);
        }
        lane.pending.extend_from_slice(bytes);
        // However small the pieces are, a packet is looked at when it may be whole.
        if lane.pending.len() < lane.need {
            lane.since = Some(first);
            return;
        }
        let joined = std::mem::take(&mut lane.pending);
        self.packets(dir, &joined, known, first, span);
    }

    /// Reads what is whole of packets, and keeps the rest. `known` bytes came earlier, from `first` on, the others now.
    fn packets(&mut self, dir: Dir, bytes: &[u8], known: usize, mut first: Stamp, span: Span) {
        let lane = &mut self.lanes[dir];
        let mut rest = bytes;
        if !lane.begun && dir == Dir::ServerToClient {
            match tsgu::after_seed(rest) {
                Some(at) => {
                    rest = rest.get(at..).unwrap_or_default();
                    if at >= known {
                        first = span.first;
                    }
                }
                None if rest.len() > SEED => return self.lose(dir),
                None => return lane.keep(rest, first, 0),
            }
        }
        lane.begun = true;
        let mut need = 0;
        while !rest.is_empty() && !self.lanes[dir].lost {
            need = match tsgu::parse_header(rest) {
                Step::Done(header, _) => header.length,
                Step::Need(need) => need,
                Step::Broken(_) => return self.lose(dir),
            };
            let Some((packet, after)) = rest.split_at_checked(need) else { break };
            self.packet(dir, packet, Span { first, last: span.last });
            (rest, first) = (after, span.first);
        }
        if !rest.is_empty() && !self.lanes[dir].lost {
            self.lanes[dir].keep(rest, first, need);
        }
    }

    fn packet(&mut self, dir: Dir, bytes: &[u8], span: Span) {
        let packet = match tsgu::parse(bytes) {
            Step::Done(packet, _) => packet,
            Step::Need(_) | Step::Broken(_) => return self.lose(dir),
        };
        let gateway = &mut self.gateway;
        match packet {
            Packet::Other(PacketType::DATA) => {
                let Some(data) = tsgu::data(bytes) else { return self.lose(dir) };
                gateway.data[dir].get_or_insert(span);
                let offset = self.lanes[dir].inner;
                self.lanes[dir].inner += data.len() as u64;
                if let Some(inner) = self.inner.as_mut().filter(|_| !data.is_empty()) {
                    // A message is where the packet is that completes it.
                    let chunk = Chunk { offset, data, len: data.len() as u64, stamp: span.last };
                    inner.take(|| self.ends, dir, &chunk);
                }
            }
            Packet::Other(PacketType::KEEPALIVE) => {}
            packet => {
                // A status that comes late goes before what is in its way.
                if gateway.packets.len() >= Gateway::PACKETS && packet.status().is_some() {
                    gateway.packets.pop();
                }
                if gateway.packets.len() < Gateway::PACKETS {
                    gateway.packets.push(Seen::new((dir, packet), span));
                }
            }
        }
    }
}

impl Lane {
    fn keep(&mut self, bytes: &[u8], since: Stamp, need: usize) {
        self.pending = bytes.to_vec();
        self.since = Some(since);
        self.need = need;
    }
}
