//! Follows one connection's payload from its first byte: preambles, negotiation, then TLS or Standard
//! RDP Security. Each direction is in one lane at a time.

use std::sync::Arc;

use super::gateway::{Ends, Gateways, Link};
use super::inside::{self, Clear};
use super::{Call, Caller, Facts, Foreign, Hole, Phase};
use crate::base::{Dir, Limits, PerDir, Seen, Span, Stamp};
use crate::layers::{Framing, Keys, Preambles, RdpFraming, Stripped, TlsFraming, TlsStream};
use crate::protocol::first_bytes::{self, Guess};
use crate::protocol::mcs;
use crate::protocol::negotiation::Protocols;
use crate::protocol::x224::{self, Tpdu};
use crate::transport::{Chunk, Gap, Interest, Reader, TcpFacts};

/// What a direction's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    /// Not known yet.
    Sniffing,
    /// The beginning is not in the capture: each packet may be the first whose start is known.
    Seeking,
    /// TPKT and fast-path.
    Rdp,
    /// TLS records.
    Tls,
    /// Not read any more.
    Done,
}

/// First bytes, until it is known what they are, in the pieces that they came in.
#[derive(Debug, Default)]
struct Sniffed {
    bytes: Vec<u8>,
    /// Offset of each piece in `bytes`, and the packet that carried it.
    pieces: Vec<(usize, Stamp)>,
    /// Stream offset of the first byte.
    offset: u64,
}

/// What a connection is called that begins with TLS.
const ONLY_TLS: &str = "TLS without RDP's negotiation";

/// Reads one connection.
#[derive(Debug)]
pub struct Conversation {
    facts: Facts,
    lane: PerDir<Lane>,
    sniffed: PerDir<Sniffed>,
    /// Reads bytes that never were encrypted; `None` before the first and where no more can come.
    clear: Option<Box<inside::Reader>>,
    /// What was decrypted.
    inside_tls: Option<Box<inside::Reader>>,
    /// `None` before the first bytes of TLS.
    tls: Option<Box<TlsStream>>,
    keys: Keys,
    preambles: Preambles,
    rdp_port: bool,
    sniff_bytes: usize,
    message_bytes: usize,
    calls: Caller,
    /// How a gateway's connection is known; `None` inside of one.
    gateways: Option<Gateways>,
    /// This is, or may be, a gateway's connection.
    link: Option<Box<Link>>,
    _held: Option<Arc<()>>,
}

impl Conversation {
    /// Records of the client within which a gateway's connection begins; a head with a Kerberos ticket has five.
    const RECORDS: u64 = 8;

    /// A connection whose server port is RDP by number (`rdp_port`) is a session whatever it carries. What it
    /// asks for is told to `calls`.
    pub fn new(tcp: &TcpFacts, rdp_port: bool, limits: &Limits, keys: Keys, calls: Caller) -> Self {
        let midstream = tcp.syn.is_none() && tcp.syn_ack.is_none();
        Self::of(midstream, rdp_port, limits, keys, calls)
    }

    fn of(midstream: bool, rdp_port: bool, limits: &Limits, keys: Keys, calls: Caller) -> Self {
        let lane = if midstream { Lane::Seeking } else { Lane::Sniffing };
        Conversation {
            facts: Facts { midstream, ..Facts::default() },
            lane: PerDir { client_to_server: lane, server_to_client: lane },
            sniffed: PerDir::default(),
            clear: None,
            inside_tls: None,
            tls: None,
            keys,
            preambles: Preambles::default(),
            rdp_port,
            sniff_bytes: limits.sniff_bytes,
            message_bytes: limits.message_bytes,
            calls,
            gateways: None,
            link: None,
            _held: None,
        }
    }

    /// A session inside of a gateway's tunnel.
    pub(super) fn inner(limits: &Limits, keys: Keys, calls: Caller) -> Self {
        Self::of(false, false, limits, keys, calls)
    }

    /// Also opens the tunnels of gateways.
    pub fn opening(self, gateways: &Gateways) -> Self {
        Conversation { gateways: Some(gateways.clone()), ..self }
    }

    /// Holds a token as long as the connection may be RDP.
    pub fn holding(self, token: Arc<()>) -> Self {
        Conversation { _held: Some(token), ..self }
    }

    /// What it showed so far.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Whether it is a session. A connection that keys open need not have said yet what it is, and one of a
    /// tunnel's two is told by the other.
    pub fn is_session(&self) -> bool {
        match &self.link {
            None => true,
            Some(link) if link.is_gateway() => !link.is_second(),
            Some(_) => self.rdp_port,
        }
    }

    /// Whether RDP was recognized in it so far.
    pub fn is_recognized(&self) -> bool {
        self.facts.is_rdp() || self.is_tunnel()
    }

    /// How far it got. Costs a look at the first records of a session that is not active yet.
    pub fn phase(&self) -> Phase {
        let tunnel = self.link.as_ref().and_then(|link| link.phase());
        tunnel.unwrap_or_else(|| self.facts.phase(&self.facts.shape()))
    }

    /// Whether it is a gateway's, and not told by another one.
    fn is_tunnel(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.is_gateway() && !link.is_second())
    }

    /// What it showed.
    pub fn into_facts(mut self: Box<Self>) -> Facts {
        match self.link.take() {
            Some(link) if link.is_gateway() => return link.into_facts(self.facts),
            Some(_) => self.only_tls(),
            None => {}
        }
        self.facts
    }

    fn interest(&self) -> Interest {
        if self.link.as_ref().is_some_and(|link| !link.is_gateway()) {
            return Interest::WatchSetup;
        }
        let idle = Dir::BOTH.iter().all(|&dir| self.lane[dir] == Lane::Done);
        if idle && !self.rdp_port && !self.facts.is_rdp() {
            Interest::Ignore
        } else if self.facts.is_secured() {
            Interest::WatchSecured
        } else {
            Interest::Watch
        }
    }

    // ---- first bytes ----

    fn sniff(&mut self, dir: Dir, chunk: &Chunk<'_>) {
        let sniffed = &mut self.sniffed[dir];
        if sniffed.bytes.is_empty() {
            sniffed.offset = chunk.offset;
        }
        sniffed.pieces.push((sniffed.bytes.len(), chunk.stamp));
        sniffed.bytes.extend_from_slice(chunk.data);
        let cut = chunk.len > chunk.data.len() as u64;
        let full = cut || sniffed.bytes.len() >= self.sniff_bytes;
        loop {
            let sniffed = &self.sniffed[dir];
            if sniffed.bytes.is_empty() {
                if cut {
                    self.lane[dir] = Lane::Done;
                }
                return;
            }
            // A chain of proxies has fewer.
            if self.facts.preambles.len() >= Facts::KEPT {
                break;
            }
            match self.preambles.strip(dir, &sniffed.bytes) {
                Stripped::Took(preamble, used) => {
                    let span = self.sniffed[dir].drop_front(used);
                    self.facts.preambles.extend(span.map(|span| Seen::new(preamble, span)));
                }
                Stripped::Need if !full => return,
                Stripped::Need | Stripped::Nothing => break,
            }
        }
        let sniffed = &self.sniffed[dir];
        let guess = first_bytes::recognize(dir == Dir::ClientToServer, &sniffed.bytes);
        if dir == Dir::ServerToClient && matches!(guess, Guess::Rdp | Guess::RdpData) {
            // A server that answers in RDP was asked in RDP, however broken the request looks.
            self.facts.foreign.take_if(|foreign| foreign.value.name.is_none());
        }
        let lane = match guess {
            Guess::NeedMore if !full => return,
            // The snapshot length took what would tell.
            Guess::NeedMore if cut => Lane::Done,
            Guess::Rdp | Guess::RdpData => Lane::Rdp,
            // Where the confirm was not captured, TLS after a request speaks for itself.
            Guess::Tls if self.facts.request.is_some() || self.facts.confirm.is_some() => Lane::Tls,
            Guess::Tls if self.facts.is_direct() => Lane::Tls,
            Guess::Tls => match self.may_be_gateway(dir) {
                None if !full => return,
                Some(true) => Lane::Tls,
                None | Some(false) => self.foreign(dir, Some(ONLY_TLS)),
            },
            Guess::Other(name) => self.foreign(dir, Some(name)),
            Guess::Preamble(kind) => self.foreign(dir, Some(kind.as_str())),
            Guess::NeedMore | Guess::Unknown => self.foreign(dir, None),
        };
        self.lane[dir] = lane;
        let sniffed = std::mem::take(&mut self.sniffed[dir]);
        let extra = chunk.len - chunk.data.len() as u64;
        sniffed.replay(extra, |piece| self.read(dir, &piece));
    }

    /// Whether TLS that RDP's negotiation does not precede may be a gateway's, and opened.
    fn may_be_gateway(&mut self, dir: Dir) -> Option<bool> {
        let Some(gateways) = self.gateways.as_ref().filter(|_| self.link.is_none()) else {
            return Some(self.link.is_some());
        };
        let opens = dir == Dir::ClientToServer && gateways.opens(&self.sniffed[dir].bytes)?;
        self.link = opens.then(Box::default);
        Some(opens)
    }

    /// The first bytes are not RDP's. With a name, one end's are enough: what the other says no longer
    /// counts. Without one, the server may still turn out to speak RDP.
    fn foreign(&mut self, dir: Dir, name: Option<&'static str>) -> Lane {
        if let Some(span) = self.sniffed[dir].span() {
            if name.is_none() {
                self.facts.odd(format!("the {}'s first bytes are no message of RDP", dir.sender()), span);
            }
            if name.is_some() || dir == Dir::ServerToClient || self.facts.confirm.is_none() {
                self.facts.foreign.get_or_insert(Seen::new(Foreign { dir, name }, span));
            }
        }
        // Whether the client asked for RDP all the same decides whether it is a failure.
        let matters =
            self.rdp_port && dir == Dir::ServerToClient || name.is_none() && self.facts.request.is_some();
        if !(matters || name.is_none() && self.rdp_port) {
            self.lane[dir.flip()] = Lane::Done;
        }
        Lane::Done
    }

    /// In the middle of a session: the first packet that begins with a header tells.
    fn seek(&mut self, dir: Dir, chunk: &Chunk<'_>) {
        if !self.rdp_port && self.facts.request.is_none() && self.facts.confirm.is_none() {
            self.lane = PerDir { client_to_server: Lane::Done, server_to_client: Lane::Done };
            return;
        }
        let lane = if TlsFraming::resumes(chunk.data, chunk.len) {
            Lane::Tls
        } else if !RdpFraming::resumes(chunk.data, chunk.len) {
            return;
        } else {
            Lane::Rdp
        };
        self.lane[dir] = lane;
        self.read(dir, chunk);
    }

    // ---- lanes ----

    fn read(&mut self, dir: Dir, chunk: &Chunk<'_>) {
        match self.lane[dir] {
            Lane::Rdp => {
                // The TLS handshake begins right after the negotiation, on a boundary.
                let at_boundary = self.clear.as_ref().is_none_or(|clear| clear.at_boundary(dir));
                if at_boundary && TlsStream::begins(chunk.data) {
                    self.lane[dir] = Lane::Tls;
                    return self.read(dir, chunk);
                }
                self.read_rdp(dir, chunk);
            }
            Lane::Tls => {
                let at_boundary = self.tls.as_ref().is_none_or(|tls| tls.at_boundary(dir));
                if at_boundary && self.clear_ultimatum(dir, chunk) {
                    return;
                }
                self.read_tls(dir, chunk);
            }
            Lane::Sniffing | Lane::Seeking | Lane::Done => {}
        }
    }

    #[inline(always)]
    fn tls_stream(&mut self) -> &mut TlsStream {
        self.tls.get_or_insert_with(|| Box::new(TlsStream::bounded(self.message_bytes, self.keys.clone())))
    }

    #[inline(always)]
    fn read_tls(&mut self, dir: Dir, chunk: &Chunk<'_>) {
        let mut tls = self.facts.tls.take().unwrap_or_default();
        let result = tls.stream(self.tls_stream(), dir, chunk);
        self.facts.tls = Some(tls).filter(|tls| tls.has_begun());
        if let Err(malformed) = result {
            self.facts.odd(format!("no TLS record where one was due: {malformed}"), chunk.stamp.into());
        }
    }

    fn read_rdp(&mut self, dir: Dir, chunk: &Chunk<'_>) {
        let clear = Clear { data: chunk.data, len: chunk.len, span: chunk.stamp.into() };
        let keys = &self.keys;
        let reader = self.clear.get_or_insert_with(|| Box::new(inside::Reader::of_plain(keys.clone())));
        reader.push(&mut self.facts, dir, &clear);
        if self.facts.selected().is_some_and(|selected| selected.value != Protocols::RDP) {
            self.lane = self.lane.map(|lane| if *lane == Lane::Rdp { Lane::Tls } else { *lane });
            self.clear = None;
        }
    }

    /// Reads what records of TLS held.
    fn decrypted(&mut self, ends: Ends, dir: Dir) {
        let Some(tls) = &mut self.facts.tls else { return };
        for (data, len, span) in tls.take_clear() {
            if self.link.is_some() {
                self.tunnelled(ends, dir, &Clear { data: &data, len, span });
            } else {
                let limit = self.message_bytes;
                let inside = self.inside_tls.get_or_insert_with(|| Box::new(inside::Reader::of_tls(limit)));
                inside.push(&mut self.facts, dir, &Clear { data: &data, len, span });
            }
        }
        let said = self.facts.tls.as_ref().map_or(0, |tls| tls.data[Dir::ClientToServer].records);
        if said > Self::RECORDS && self.link.as_ref().is_some_and(|link| !link.is_gateway()) {
            self.only_tls();
        }
    }

    /// Reads HTTP of what may be a gateway's connection.
    fn tunnelled(&mut self, ends: Ends, dir: Dir, clear: &Clear<'_>) {
        let (Some(link), Some(gateways)) = (&mut self.link, &self.gateways) else { return };
        let limits =
            Limits { sniff_bytes: self.sniff_bytes, message_bytes: self.message_bytes, ..Limits::default() };
        let inner = || Self::inner(&limits, gateways.keys().clone(), self.calls.clone());
        if !link.push(gateways, ends, dir, clear, inner) {
            self.only_tls();
        }
    }

    /// Keys open the connection, and it is no gateway's.
    fn only_tls(&mut self) {
        self.link = None;
        let begun = self.facts.tls.take().and_then(|tls| tls.first_record[Dir::ClientToServer]);
        if let Some(span) = begun {
            let foreign = Foreign { dir: Dir::ClientToServer, name: Some(ONLY_TLS) };
            self.facts.foreign.get_or_insert(Seen::new(foreign, span));
        }
        self.lane = PerDir { client_to_server: Lane::Done, server_to_client: Lane::Done };
    }

    /// xrdp says goodbye in clear on a connection that has turned to TLS.
    fn clear_ultimatum(&mut self, dir: Dir, chunk: &Chunk<'_>) -> bool {
        let Some(tpkt) = crate::protocol::tpkt::parse(chunk.data).done() else { return false };
        let Ok(Tpdu::Data { payload, .. }) = x224::parse(tpkt.payload) else { return false };
        if !matches!(mcs::parse(payload), Ok(mcs::Pdu::DisconnectProviderUltimatum { .. })) {
            return false;
        }
        self.facts.clear_ultimatum.get_or_insert(Seen::new(dir, chunk.stamp));
        true
    }

    /// Takes the next bytes of a direction. `ends` is seldom asked.
    #[inline(always)]
    pub(super) fn take(&mut self, ends: impl Fn() -> Ends, dir: Dir, chunk: &Chunk<'_>) {
        let asked = self.facts.request.is_some();
        match self.lane[dir] {
            Lane::Sniffing => self.sniff(dir, chunk),
            Lane::Seeking => self.seek(dir, chunk),
            Lane::Rdp | Lane::Tls => self.read(dir, chunk),
            Lane::Done => {}
        }
        if self.link.is_some() || self.facts.tls.as_ref().is_some_and(|tls| tls.has_clear()) {
            self.decrypted(ends(), dir);
        }
        if let Some(request) = self.facts.request.as_ref().filter(|_| !asked) {
            let Ends { client, server, .. } = ends();
            // Who no longer listens does not care.
            self.calls.call(Call { client, server, request: request.clone() });
        }
    }
}

impl Reader for Conversation {
    #[inline(always)]
    fn data(&mut self, tcp: &TcpFacts, dir: Dir, chunk: Chunk<'_>) -> Interest {
        self.take(|| Ends { client: tcp.client, server: tcp.server, first: tcp.first }, dir, &chunk);
        self.interest()
    }

    fn gap(&mut self, tcp: &TcpFacts, dir: Dir, gap: Gap) -> Interest {
        if self.facts.holes.len() < Facts::KEPT {
            self.facts.holes.push(Seen::new(Hole { dir, offset: gap.offset, len: gap.len }, gap.stamp));
        }
        match self.lane[dir] {
            Lane::Sniffing => {
                self.facts.midstream |= self.facts.request.is_none() && self.facts.confirm.is_none();
                self.sniffed[dir] = Sniffed::default();
                self.lane[dir] = Lane::Seeking;
            }
            Lane::Tls => {
                let mut tls = self.facts.tls.take().unwrap_or_default();
                tls.gap(self.tls_stream(), dir, &gap);
                self.facts.tls = Some(tls).filter(|tls| tls.has_begun());
                self.link.iter().for_each(|link| link.lose(dir));
            }
            Lane::Rdp => {
                let keys = &self.keys;
                let reader =
                    self.clear.get_or_insert_with(|| Box::new(inside::Reader::of_plain(keys.clone())));
                reader.gap(&mut self.facts, dir, &gap);
            }
            Lane::Seeking | Lane::Done => {}
        }
        self.decrypted(Ends { client: tcp.client, server: tcp.server, first: tcp.first }, dir);
        self.interest()
    }
}

impl Sniffed {
    fn span(&self) -> Option<Span> {
        Some(Span { first: self.pieces.first()?.1, last: self.pieces.last()?.1 })
    }

    /// Drops the first `used` bytes and says which packets carried them.
    fn drop_front(&mut self, used: usize) -> Option<Span> {
        let used = used.min(self.bytes.len());
        let carried =
            |at: usize| self.pieces.iter().rev().find(|(start, _)| *start <= at).map(|piece| piece.1);
        let first = carried(0);
        let last = carried(used.saturating_sub(1));
        self.bytes.drain(..used);
        self.offset += used as u64;
        let keep = self.pieces.iter().rposition(|(start, _)| *start <= used).unwrap_or(0);
        self.pieces.drain(..keep);
        for (start, _) in &mut self.pieces {
            *start = start.saturating_sub(used);
        }
        Some(Span { first: first?, last: last? })
    }

    /// Hands the pieces out again as the chunks that they were; the last one had `extra` bytes more on
    /// the wire.
    fn replay(self, extra: u64, mut read: impl FnMut(Chunk<'_>)) {
        for (index, (start, stamp)) in self.pieces.iter().enumerate() {
            let next = self.pieces.get(index + 1);
            let end = next.map_or(self.bytes.len(), |(start, _)| *start);
            let data = self.bytes.get(*start..end).unwrap_or_default();
            let missing = if next.is_none() { extra } else { 0 };
            if !data.is_empty() || missing > 0 {
                let offset = self.offset + *start as u64;
                read(Chunk { offset, data, len: data.len() as u64 + missing, stamp: *stamp });
            }
        }
    }
}
