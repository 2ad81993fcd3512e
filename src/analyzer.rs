//! The engine: frames in, diagnosed sessions out. Opens nothing, reads no clock, starts no thread.

mod held;
mod over;
mod udp;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use crate::base::{Dir, Frame, Limits, PerDir, Stamp, Timestamp};
use crate::diagnosis::{Context, Diagnosis, History, diagnose, with_udp};
use crate::layers::Keys;
use crate::packet::{Body, Datagram, Decoder, Meta, Undecoded};
use crate::protocol::dtls::looks_like_dtls;
use crate::protocol::gateway_udp;
use crate::session::{Conversation, Flow, Gateways, Phase, Session, UdpSession};
use crate::transport::udp::FlowReader as _;
use crate::transport::{Config, Connections, Finished, Open, Pauses, TcpFacts};

pub use crate::transport::GivenUp;

/// IP's numbers of them.
const TCP: u8 = 6;
const UDP: u8 = 17;

use held::Held;
pub use over::{Lent, Over, Told, Whole};
use udp::UdpDesk;

/// One session and what is wrong with it.
#[derive(Debug)]
pub struct Diagnosed {
    /// What happened.
    pub session: Session,
    /// Why it ended.
    pub diagnosis: Diagnosis,
    /// Its RDP-UDP flows, in the order of their first packets.
    pub udp: Vec<DiagnosedUdp>,
}

/// One RDP-UDP flow and what is wrong with it.
#[derive(Debug)]
pub struct DiagnosedUdp {
    /// What happened.
    pub session: UdpSession,
    /// Why it ended.
    pub diagnosis: Diagnosis,
}

impl Diagnosed {
    /// A session of which `own` is known without its flows.
    fn new(session: Session, udp: Vec<DiagnosedUdp>, own: Diagnosis) -> Self {
        let flows: Vec<_> = udp.iter().map(|udp| (&udp.session, &udp.diagnosis.verdict)).collect();
        let diagnosis = with_udp(&session, own, &flows);
        Diagnosed { session, diagnosis, udp }
    }
}

impl From<UdpSession> for DiagnosedUdp {
    fn from(session: UdpSession) -> Self {
        let diagnosis = diagnose(&session, Context::default());
        DiagnosedUdp { session, diagnosis }
    }
}

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Server ports that are RDP by number beside 3389.
    pub ports: Vec<u16>,
    /// Bounds.
    pub limits: Limits,
    /// Whether [`Analyzer::touched`] is asked.
    pub follow: bool,
    /// Secrets that may open TLS; more may be added while the engine runs.
    pub keys: Keys,
}

/// A connection, or an RDP-UDP flow, that still runs.
#[derive(Clone, Copy, Debug)]
pub struct Touched<'a> {
    /// The end that opened it, as far as known.
    pub client: SocketAddr,
    /// The other end.
    pub server: SocketAddr,
    /// Its first packet: what it is known by until it is over, and after that as `session.tcp.first` or
    /// `session.udp.first`.
    pub first: Stamp,
    what: Running<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Running<'a> {
    Tcp { on_port: bool, reader: Option<&'a Conversation> },
    Udp(&'a Flow),
}

impl Touched<'_> {
    /// Whether it is an RDP-UDP flow. It belongs to a TCP session, or is told as one of its own.
    pub fn is_udp(&self) -> bool {
        matches!(self.what, Running::Udp(_))
    }

    /// Whether it will be listed as a session, or with one, as far as is known.
    pub fn is_session(&self) -> bool {
        match self.what {
            Running::Tcp { on_port, reader } => on_port || reader.is_some_and(Conversation::is_recognized),
            Running::Udp(_) => true,
        }
    }

    /// Whether it is beyond its opening: carried payload, or both ends of a flow have opened it.
    pub fn has_spoken(&self) -> bool {
        match self.what {
            Running::Tcp { reader, .. } => reader.is_some(),
            Running::Udp(flow) => flow.is_open(),
        }
    }

    /// How far a TCP session got. Costs a look at the first records of one that is not active yet.
    pub fn phase(&self) -> Phase {
        match self.what {
            Running::Tcp { reader, .. } => reader.map_or(Phase::TcpConnect, Conversation::phase),
            Running::Udp(_) => Phase::UdpConnect,
        }
    }
}

/// What the last frame belongs to: the ends of a connection or flow, or a datagram of which fragments are missing.
#[derive(Clone, Copy, Debug)]
enum Last {
    Tcp(SocketAddr, SocketAddr),
    Udp(SocketAddr, SocketAddr),
    Fragment,
}

/// How much the engine keeps of what runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depths {
    /// TCP connections, at most [`Limits::flows`].
    pub connections: usize,
    /// Those of them that are kept in full, at most [`Limits::watched`].
    pub in_full: usize,
    /// RDP-UDP flows.
    pub udp_flows: usize,
    /// Sessions that are over, and wait for their client to come back.
    pub held_back: usize,
}

/// What [`Analyzer::poll`] and [`Analyzer::overview`] are made from.
#[derive(Debug)]
pub struct Analyzer {
    limits: Limits,
    ports: Vec<u16>,
    decoder: Decoder,
    connections: Connections<Conversation>,
    udp: UdpDesk,
    history: History,
    held: Held,
    pauses: Pauses,
    done: VecDeque<Over>,
    overview: Overview,
    conversed: HashMap<(IpAddr, SocketAddr, bool), Conversed, ahash::RandomState>,
    order: u64,
    now: Timestamp,
    finished: bool,
    follow: bool,
    keys: Keys,
    gateways: Gateways,
    last: Option<Last>,
}

impl Analyzer {
    /// The port of RDP.
    pub const PORT: u16 = 3389;

    /// A fresh engine.
    pub fn new(options: Options) -> Self {
        let Options { mut ports, limits, follow, keys } = options;
        ports.push(Self::PORT);
        Analyzer {
            decoder: Decoder::new(&limits),
            connections: Connections::new(&limits, Config { ports: ports.clone() }),
            udp: UdpDesk::new(&limits, keys.clone()),
            history: History::default(),
            held: Held::default(),
            pauses: Pauses::default(),
            done: VecDeque::new(),
            overview: Overview::default(),
            conversed: HashMap::default(),
            order: 0,
            now: Timestamp(i64::MIN),
            finished: false,
            follow,
            gateways: Gateways::new(keys.clone()),
            keys,
            last: None,
            limits,
            ports,
        }
    }

    /// Takes the next frame.
    pub fn push(&mut self, frame: &Frame<'_>) {
        self.order += 1;
        self.overview.frames += 1;
        if frame.time > self.now {
            self.now = frame.time;
            self.connections.advance(self.now);
            if self.udp.may_expire(self.now) {
                // A session that is over takes its flows before they are over by themselves.
                self.collect();
            }
            self.udp.advance(self.now);
        }
        self.last = None;
        let plain = self.decoder.plain(frame, self.order);
        let layered;
        let decoded = if let Some(packet) = &plain {
            Ok(packet)
        } else {
            layered = self.decoder.by_layers(frame, self.order);
            layered.as_ref()
        };
        match decoded {
            Ok(packet) => match &packet.body {
                Body::Tcp(segment) => {
                    self.overview.tcp += 1;
                    if self.follow {
                        let source = SocketAddr::new(packet.meta.src, segment.src_port);
                        let target = SocketAddr::new(packet.meta.dst, segment.dst_port);
                        self.last = Some(Last::Tcp(source, target));
                    }
                    let (ports, limits, held) = (&self.ports, &self.limits, &self.held);
                    let (keys, gateways, udp) = (&self.keys, &self.gateways, &mut self.udp);
                    self.connections.segment(&packet.meta, segment, &mut |tcp| {
                        let rdp_port = ports.contains(&tcp.server.port());
                        let token = udp.token(tcp.client.ip(), tcp.server.ip());
                        let new = Conversation::new(tcp, rdp_port, limits, keys.clone(), held.caller());
                        new.opening(gateways).holding(token)
                    });
                }
                Body::Udp(datagram) => {
                    self.overview.udp += 1;
                    if self.udp.datagram(&packet.meta, datagram) {
                        if self.follow {
                            let source = SocketAddr::new(packet.meta.src, datagram.src_port);
                            let target = SocketAddr::new(packet.meta.dst, datagram.dst_port);
                            self.last = Some(Last::Udp(source, target));
                        }
                    } else {
                        if [datagram.src_port, datagram.dst_port].contains(&gateway_udp::PORT) {
                            self.overview.gateway(&packet.meta, datagram);
                        }
                        let conversed = Conversed::in_datagram(&packet.meta, datagram);
                        self.converse(conversed);
                    }
                }
                Body::IcmpError(error) => {
                    self.connections.icmp(&packet.meta, error);
                    self.udp.icmp(&packet.meta, error);
                    if self.follow {
                        let source = SocketAddr::new(error.src, error.src_port);
                        let target = SocketAddr::new(error.dst, error.dst_port);
                        self.last = match error.protocol {
                            TCP => Some(Last::Tcp(source, target)),
                            UDP => Some(Last::Udp(source, target)),
                            _ => None,
                        };
                    }
                }
                Body::Other(_) => {}
            },
            Err(why) => match why {
                Undecoded::LinkType => self.overview.unknown_link += 1,
                Undecoded::NotIp => self.overview.not_ip += 1,
                Undecoded::Cut => self.overview.cut += 1,
                Undecoded::Malformed => self.overview.malformed += 1,
                Undecoded::Fragment => self.last = self.follow.then_some(Last::Fragment),
            },
        }
        self.collect();
    }

    /// The connection or RDP-UDP flow that the last frame belongs to, for those who follow sessions while they run;
    /// needs [`Options::follow`]. `None` where it is over, or no session for all that is known.
    pub fn touched(&self) -> Option<Touched<'_>> {
        match self.last? {
            Last::Tcp(one, other) => {
                let Open { client, server, first, on_port, reader } =
                    self.connections.open_between(one, other)?;
                Some(Touched { client, server, first, what: Running::Tcp { on_port, reader } })
            }
            Last::Udp(one, other) => {
                let (udp, flow) = self.udp.open_between(one, other)?;
                let (client, server, first) = (udp.client, udp.server, udp.first);
                Some(Touched { client, server, first, what: Running::Udp(flow) })
            }
            Last::Fragment => None,
        }
    }

    /// Whether the last frame is a fragment of a datagram that is not whole yet: what it belongs to shows when
    /// the last one comes. Needs [`Options::follow`].
    pub fn awaits_fragments(&self) -> bool {
        matches!(self.last, Some(Last::Fragment))
    }

    /// Lets time pass where no frame came: idle connections are handed out.
    pub fn advance(&mut self, now: Timestamp) {
        if now > self.now {
            self.now = now;
            self.connections.advance(now);
            self.collect();
            self.udp.advance(now);
            self.collect();
        }
    }

    /// Nothing was captured from `since` to the frame that comes next: no silence is claimed there.
    pub fn paused(&mut self, since: Timestamp) {
        self.pauses.add(since);
    }

    /// Gives up what tells least of what is kept, for a caller that counts its memory: connections without their
    /// security, then sessions that are held back, then RDP-UDP flows, then sessions; the longest idle first.
    /// [`Analyzer::poll_over`] hands it out as far as it got. `false` where only small things are kept.
    pub fn give_up(&mut self) -> bool {
        let any = self.connections.give_up(false)
            || self.held.give_up(&mut self.done)
            || self.udp.give_up()
            || self.connections.give_up(true);
        self.collect();
        any
    }

    /// How much is kept of what runs.
    pub fn depths(&self) -> Depths {
        Depths {
            connections: self.connections.len(),
            in_full: self.connections.in_full(),
            udp_flows: self.udp.len(),
            held_back: self.held.len(),
        }
    }

    /// What was given up so far, here or since it passed the [`Limits`].
    pub fn given_up(&self) -> GivenUp {
        GivenUp { udp: self.udp.given_up(), ..self.connections.given_up() }
    }

    /// The capture ended: what is open is handed out by [`Analyzer::poll`].
    pub fn finish(&mut self) {
        self.connections.finish();
        self.finished = true;
    }

    /// The next TCP session that is over, with its verdict. RDP-UDP flows whose TCP session is not in the capture
    /// are left out.
    #[inline]
    pub fn poll(&mut self) -> Option<Diagnosed> {
        loop {
            if let Some(told) = self.poll_over()?.whole.into_told() {
                return Some(told);
            }
        }
    }

    /// The next session that is over, TCP or UDP, told when it is asked for.
    #[inline]
    pub fn poll_over(&mut self) -> Option<Over> {
        // Nearly every packet ends nothing.
        if self.done.is_empty() && !self.finished { None } else { self.next_over() }
    }

    fn next_over(&mut self) -> Option<Over> {
        loop {
            if let Some(done) = self.done.pop_front() {
                return Some(done);
            }
            // One by one: at the end of a capture everything that is open comes at once.
            let Some(finished) = self.connections.poll() else {
                if self.finished {
                    self.udp.finish();
                    self.held.look(Timestamp(i64::MAX), &self.history, &mut self.done);
                    self.alone();
                    if !self.done.is_empty() {
                        continue;
                    }
                    self.sum_up();
                }
                return None;
            };
            self.take(finished);
        }
    }

    /// What the capture held; complete when [`Analyzer::poll`] gave `None` after [`Analyzer::finish`].
    pub fn overview(&self) -> &Overview {
        &self.overview
    }

    #[inline]
    fn collect(&mut self) {
        if self.connections.any_over() {
            self.take_over();
        }
        self.held.look(self.now, &self.history, &mut self.done);
        if self.udp.any_alone() {
            self.alone();
        }
    }

    #[inline(never)]
    fn take_over(&mut self) {
        while let Some(finished) = self.connections.poll() {
            self.take(finished);
        }
    }

    /// Flows whose TCP session is not in the capture.
    fn alone(&mut self) {
        while let Some(mut flow) = self.udp.poll() {
            self.pauses.cut_udp(&mut flow.udp);
            self.done.push_back(DiagnosedUdp::from(flow).into());
        }
    }

    fn take(&mut self, finished: Finished<Conversation>) {
        match finished {
            Finished::Bare(mut bare) => {
                self.pauses.cut_bare(&mut bare);
                self.done.push_back(Over::bare(bare));
            }
            Finished::Session { facts: tcp, reader }
                if reader.as_ref().is_some_and(|reader| !reader.is_session()) =>
            {
                self.converse(Conversed::of(&tcp));
            }
            Finished::Session { facts: mut tcp, reader } => {
                self.pauses.cut(&mut tcp);
                let facts = reader.map(Conversation::into_facts).unwrap_or_default();
                self.held.hear(&self.history, &mut self.done);
                let session = Session::new(tcp, facts);
                let udp = self.udp.of(&session);
                if udp.is_empty() && Over::is_early(&session) {
                    return self.done.push_back(Over::early(session));
                }
                let diagnosis = diagnose(&session, self.history.context(&session));
                self.history.learn(&session, &diagnosis.verdict);
                let udp = udp.into_iter().map(|mut flow| {
                    self.pauses.cut_udp(&mut flow.udp);
                    DiagnosedUdp::from(flow)
                });
                let udp = udp.collect();
                let diagnosed = Diagnosed::new(session, udp, diagnosis);
                self.held.take(diagnosed, &self.history, &mut self.done);
            }
            Finished::Other { client, server, packets, bytes } => {
                self.converse(Conversed { client: client.ip(), server, udp: false, packets, bytes });
            }
        }
    }

    fn sum_up(&mut self) {
        let more = self.conversed.drain().map(|(_, conversed)| conversed);
        self.overview.conversations.extend(more);
        self.overview
            .conversations
            .sort_by_key(|c| (std::cmp::Reverse(c.total_bytes()), c.server, c.client, c.udp));
    }

    fn converse(&mut self, conversed: Conversed) {
        let key = (conversed.client, conversed.server, conversed.udp);
        if let Some(known) = self.conversed.get_mut(&key) {
            known.add(&conversed);
        } else if self.conversed.len() < self.limits.conversations {
            self.conversed.insert(key, conversed);
        } else {
            self.overview.uncounted += 1;
        }
    }
}

/// Packets and bytes between two ends, for captures without RDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversed {
    /// The end that opened it, or the higher port.
    pub client: IpAddr,
    /// The other end.
    pub server: SocketAddr,
    /// UDP rather than TCP.
    pub udp: bool,
    /// Packets each way.
    pub packets: PerDir<u64>,
    /// Payload bytes each way.
    pub bytes: PerDir<u64>,
}

/// What the capture held, RDP or not.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// Frames pushed.
    pub frames: u64,
    /// TCP segments.
    pub tcp: u64,
    /// UDP datagrams.
    pub udp: u64,
    /// Frames that are no IP.
    pub not_ip: u64,
    /// Frames of link types that are not read.
    pub unknown_link: u64,
    /// Frames that the snapshot length cut before the transport header.
    pub cut: u64,
    /// Frames whose headers contradict themselves.
    pub malformed: u64,
    /// The conversations counted, largest first.
    pub conversations: Vec<Conversed>,
    /// Conversations beyond the bound.
    pub uncounted: u64,
    /// Datagrams of DTLS to or from the UDP port of a Remote Desktop Gateway, by gateway.
    pub gateways: BTreeMap<SocketAddr, u64>,
}

impl Overview {
    /// The UDP side channel of a Remote Desktop Gateway: bare DTLS, which is no session of its own.
    fn gateway(&mut self, meta: &Meta, datagram: &Datagram<'_>) {
        /// Gateways named; a capture with more holds something else.
        const GATEWAYS: usize = 64;
        let gateways = &mut self.gateways;
        let ends = [(meta.dst, datagram.dst_port), (meta.src, datagram.src_port)];
        let Some(end) = ends.into_iter().find(|(_, port)| *port == gateway_udp::PORT) else { return };
        let end = SocketAddr::from(end);
        if (gateways.len() < GATEWAYS || gateways.contains_key(&end))
            && looks_like_dtls(datagram.payload, datagram.payload_len as usize)
        {
            *gateways.entry(end).or_default() += 1;
        }
    }
}

impl Conversed {
    /// Payload bytes, both ways.
    pub fn total_bytes(&self) -> u64 {
        self.bytes.client_to_server + self.bytes.server_to_client
    }

    #[inline(never)]
    fn in_datagram(meta: &Meta, datagram: &Datagram<'_>) -> Self {
        let source = SocketAddr::new(meta.src, datagram.src_port);
        let target = SocketAddr::new(meta.dst, datagram.dst_port);
        // The lower port is the service's.
        let up = target.port() <= source.port();
        let (client, server) = if up { (source, target) } else { (target, source) };
        let each =
            |n| PerDir { client_to_server: if up { n } else { 0 }, server_to_client: if up { 0 } else { n } };
        let (packets, bytes) = (each(1), each(u64::from(datagram.payload_len)));
        Conversed { client: client.ip(), server, udp: true, packets, bytes }
    }

    fn of(tcp: &TcpFacts) -> Self {
        let (packets, bytes) = (tcp.dir.map(|dir| dir.packets), tcp.dir.map(|dir| dir.bytes));
        Conversed { client: tcp.client.ip(), server: tcp.server, udp: false, packets, bytes }
    }

    fn add(&mut self, more: &Conversed) {
        for dir in Dir::BOTH {
            self.packets[dir] += more.packets[dir];
            self.bytes[dir] += more.bytes[dir];
        }
    }
}
