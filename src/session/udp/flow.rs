//! Reads the datagrams of one flow: the opening, which version is spoken after it, and hands on what each says of
//! its own data, of the other end's, and of what is inside.

use std::sync::Arc;

use super::inside::{self, Payload, Tunnel};
use super::traffic::{Measured, Numbering, Sent};
use crate::base::{Dir, Limits, PerDir, Stamp, Timestamp};
use crate::layers::Keys;
use crate::protocol::rdpeudp::{self, Flags, UdpVersion};
use crate::protocol::rdpeudp2::{self, PacketType};
use crate::session::Repeats;
use crate::transport::udp::FlowReader;
use crate::transport::{Datagram, Meta};

/// What the datagrams of a flow said.
#[derive(Debug)]
pub struct Flow {
    /// The client's SYN.
    pub syn: Option<Opening>,
    /// The server's SYN+ACK.
    pub syn_ack: Option<Opening>,
    /// First datagram of each end that is not of the opening.
    pub spoke: PerDir<Option<Stamp>>,
    /// What is spoken, concluded from the datagrams where the SYN+ACK is not in the capture.
    pub concluded: Option<Speech>,
    /// What the flow carries.
    pub inside: Tunnel,
    /// What each end sent since the other's last datagram.
    pub since: PerDir<Option<Since>>,
    /// Datagrams that are none of what is spoken.
    pub odd: u32,
    traffic: Option<Box<PerDir<Sent>>>,
    limits: Arc<Limits>,
}

/// A SYN or SYN+ACK.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The datagrams: repeats keep their initial sequence number.
    pub seen: Repeats,
    /// `snInitialSequenceNumber`.
    pub initial_sequence: u32,
    /// `uUpStreamMtu` and `uDownStreamMtu`, in bytes of UDP payload.
    pub mtu: (u16, u16),
    /// The highest version that the client knows, or the one that the server chose; `None` for version 1 without
    /// saying so.
    pub version: Option<UdpVersion>,
    /// The other end's initial sequence number, in a SYN+ACK.
    pub answers: u32,
    /// Asks for a flow that may lose datagrams.
    pub lossy: bool,
    /// `uReceiveWindowSize`, in datagrams.
    pub window: u16,
    /// `uCorrelationId`.
    pub correlation_id: Option<[u8; 16]>,
    /// SHA-256 of the security cookie.
    pub cookie_hash: Option<[u8; 32]>,
    /// Length of the IP packet in bytes.
    pub ip_len: u32,
    /// Whether the last of them was sent in one piece that no router may divide.
    pub in_one_piece: bool,
}

/// What the datagrams after the opening are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// Versions 1 and 2.
    Datagrams,
    /// Version 3 (MS-RDPEUDP2).
    Packets,
}

/// Datagrams of one end since the other's last one.
#[derive(Clone, Copy, Debug)]
pub struct Since {
    /// All of them.
    pub all: Repeats,
    /// Those with data, which must be answered.
    pub data: Option<Repeats>,
}

impl Flow {
    pub(super) fn new(limits: Arc<Limits>, keys: Keys, concluded: Option<Speech>) -> Self {
        Flow {
            syn: None,
            syn_ack: None,
            spoke: PerDir::default(),
            concluded,
            inside: Tunnel::new(keys),
            since: PerDir::default(),
            odd: 0,
            traffic: None,
            limits,
        }
    }

    /// What is spoken, where that is known.
    pub fn speech(&self) -> Option<Speech> {
        match &self.syn_ack {
            Some(answer) if answer.version == Some(UdpVersion::RDPUDP_PROTOCOL_VERSION_3) => {
                Some(Speech::Packets)
            }
            Some(_) => Some(Speech::Datagrams),
            None => self.concluded,
        }
    }

    /// What became of what `dir` sent, where the other end's last datagram came at `heard`.
    pub fn measured(&self, dir: Dir, heard: Option<Timestamp>) -> Measured {
        self.traffic.as_ref().map_or_else(Measured::default, |traffic| traffic[dir].measure(heard))
    }

    /// Datagrams of `dir` that the other end, last heard at `heard`, never reported, though others arrived.
    pub fn stuck(&self, dir: Dir, heard: Option<Timestamp>) -> Option<super::traffic::Stuck> {
        let traffic = self.traffic.as_ref()?;
        let stuck = traffic[dir].stuck(heard)?;
        // Bare acknowledgements have no number; that they arrive shows in the other end.
        let calm = || traffic[dir.flip()].is_calm_after(stuck.all.first.time);
        (stuck.largest > 0 || calm()).then_some(stuck)
    }

    /// Nothing more comes.
    pub(super) fn finish(&mut self) {
        self.inside.finish();
    }

    fn opening(&mut self, dir: Dir, meta: &Meta, datagram: &rdpeudp::Datagram<'_>, syn: &rdpeudp::Syn<'_>) {
        let known = match dir {
            Dir::ClientToServer => &mut self.syn,
            Dir::ServerToClient => &mut self.syn_ack,
        };
        if let Some(known) = known {
            known.seen.last = meta.stamp;
            known.seen.count = known.seen.count.saturating_add(1);
            known.in_one_piece = meta.dont_fragment;
            return;
        }
        *known = Some(Opening {
            seen: Repeats::once(meta.stamp),
            initial_sequence: syn.initial_sequence,
            mtu: (syn.upstream_mtu, syn.downstream_mtu),
            version: syn.extension.map(|extension| extension.version),
            answers: datagram.source_ack,
            lossy: datagram.flags.contains(Flags::SYNLOSSY),
            window: datagram.receive_window,
            correlation_id: syn.correlation_id,
            cookie_hash: syn.extension.and_then(|extension| extension.cookie_hash),
            ip_len: meta.ip_len,
            in_one_piece: meta.dont_fragment,
        });
    }

    /// The SYN or SYN+ACK that a datagram is, where its sender may send one.
    fn as_opening<'a>(&self, dir: Dir, datagram: &Datagram<'a>) -> Option<rdpeudp::Datagram<'a>> {
        let (bytes, len) = (datagram.payload, datagram.payload_len as usize);
        let looks = match dir {
            Dir::ClientToServer => rdpeudp::looks_like_syn(bytes, len),
            Dir::ServerToClient => rdpeudp::looks_like_syn_ack(bytes, len),
        };
        let parsed = if looks { rdpeudp::parse(bytes, len).ok()? } else { return None };
        let answers = self.syn.as_ref().is_none_or(|syn| syn.initial_sequence == parsed.source_ack);
        (dir == Dir::ClientToServer || answers).then_some(parsed)
    }

    /// The opening of the sender of `dir`.
    fn opened(&self, dir: Dir) -> Option<&Opening> {
        match dir {
            Dir::ClientToServer => self.syn.as_ref(),
            Dir::ServerToClient => self.syn_ack.as_ref(),
        }
    }

    /// Notes that `dir` sent something, with data or without.
    fn sent(&mut self, dir: Dir, stamp: &Stamp, data: bool) {
        self.since[dir.flip()] = None;
        let none = || Repeats { count: 0, ..Repeats::once(*stamp) };
        let since = self.since[dir].get_or_insert_with(|| Since { all: none(), data: None });
        let add = |repeats: &mut Repeats| {
            repeats.last = *stamp;
            repeats.count = repeats.count.saturating_add(1);
        };
        add(&mut since.all);
        if data {
            add(since.data.get_or_insert_with(none));
        }
    }

    /// A datagram of version 1 or 2.
    fn v1(&mut self, dir: Dir, meta: &Meta, datagram: &Datagram<'_>) {
        let stamp = meta.stamp;
        let mut parsed = rdpeudp::Datagram::default();
        if rdpeudp::parse_into(&mut parsed, datagram.payload, datagram.payload_len as usize).is_err() {
            self.odd = self.odd.saturating_add(1);
            return;
        }
        let in_order = self.syn.as_ref().is_some_and(|syn| !syn.lossy);
        let initial = self.opened(dir).map(|opening| opening.initial_sequence.wrapping_add(1));
        let traffic =
            self.traffic.get_or_insert_with(|| Box::new(PerDir::from_fn(|_| Sent::new(Numbering::Data))));
        if let Some(vector) = parsed.ack_vector {
            let delayed = parsed.flags.contains(Flags::ACKDELAYED);
            traffic[dir.flip()].acknowledged_by_vector(
                parsed.source_ack,
                vector,
                in_order,
                delayed,
                stamp.time,
            );
        }
        match parsed.payload {
            Some(rdpeudp::Payload::Source { coded, source, data, len }) => {
                let sent = &mut traffic[dir];
                sent.begins_at(initial);
                sent.sent(coded, Some(source), meta.ip_len, &meta.stamp);
                let payload = Payload { number: source, bits: 32, data, len, stamp };
                self.inside.payload(dir, &payload, initial, &self.limits);
            }
            Some(rdpeudp::Payload::Fec { coded, .. }) => {
                traffic[dir].begins_at(initial);
                traffic[dir].sent(coded, None, meta.ip_len, &meta.stamp);
            }
            None => {}
        }
        self.sent(dir, &meta.stamp, parsed.payload.is_some());
    }

    /// A packet of version 3.
    fn v3(&mut self, dir: Dir, meta: &Meta, datagram: &Datagram<'_>) {
        let stamp = meta.stamp;
        if self.ends_opening(dir, datagram) {
            return self.sent(dir, &meta.stamp, false);
        }
        let mut packet = rdpeudp2::Packet::default();
        if rdpeudp2::parse_into(&mut packet, datagram.payload, datagram.payload_len as usize).is_err() {
            self.odd = self.odd.saturating_add(1);
            return;
        }
        let traffic = self
            .traffic
            .get_or_insert_with(|| Box::new(PerDir::from_fn(|_| Sent::new(Numbering::Transmissions))));
        if let Some(from) = packet.ack_of_acks {
            traffic[dir].wants_reports_from(from);
        }
        if let Some(ack) = &packet.ack {
            traffic[dir.flip()].acknowledged_by(ack, stamp.time);
        }
        if let Some(vector) = packet.ack_vec {
            traffic[dir.flip()].acknowledged_with_holes(vector, stamp.time);
        }
        if let Some(number) = packet.data_seq {
            // A packet that was cut before its channel number is taken for a dummy: it is numbered all the same.
            let data = packet.body.filter(|_| packet.packet_type != PacketType::DUMMY);
            traffic[dir].sent(
                number.into(),
                data.map(|body| body.channel_seq.into()),
                meta.ip_len,
                &meta.stamp,
            );
        }
        if let Some(body) = packet.body.filter(|_| self.inside.is_reading()) {
            let data = inside::joined(body.data);
            let payload =
                Payload { number: body.channel_seq.into(), bits: 16, data: &data, len: body.len, stamp };
            self.inside.payload(dir, &payload, None, &self.limits);
        }
        self.sent(dir, &meta.stamp, packet.data_seq.is_some());
    }

    /// The bare acknowledgement of version 1 with which some clients end the opening of version 3.
    fn ends_opening(&self, dir: Dir, datagram: &Datagram<'_>) -> bool {
        let Some(answered) = self.opened(dir.flip()) else { return false };
        datagram.payload.get(..4) == Some(&answered.initial_sequence.to_be_bytes()[..])
            && rdpeudp::looks_like_data_v1(datagram.payload, datagram.payload_len as usize)
    }
}

impl FlowReader for Flow {
    fn begins_anew(&self, dir: Dir, datagram: &Datagram<'_>) -> bool {
        if dir != Dir::ClientToServer
            || !rdpeudp::looks_like_syn(datagram.payload, datagram.payload_len as usize)
        {
            return false;
        }
        let parsed = rdpeudp::parse(datagram.payload, datagram.payload_len as usize).ok();
        let number = parsed.and_then(|parsed| parsed.syn).map(|syn| syn.initial_sequence);
        let known = match (&self.syn, &self.syn_ack) {
            (Some(syn), _) => Some(syn.initial_sequence),
            // Of its own SYN the SYN+ACK came first.
            (None, Some(answer)) => Some(answer.answers),
            (None, None) => None,
        };
        number.is_some() && known != number
    }

    fn datagram(&mut self, dir: Dir, meta: &Meta, datagram: &Datagram<'_>) {
        if let Some(parsed) = self.as_opening(dir, datagram)
            && let Some(syn) = &parsed.syn
        {
            self.sent(dir, &meta.stamp, true);
            return self.opening(dir, meta, &parsed, syn);
        }
        self.spoke[dir].get_or_insert(meta.stamp);
        if self.speech().is_none() {
            let (bytes, len) = (datagram.payload, datagram.payload_len as usize);
            self.concluded =
                match (rdpeudp::looks_like_data_v1(bytes, len), rdpeudp2::looks_like_packet(bytes, len)) {
                    (true, false) => Some(Speech::Datagrams),
                    (false, true) => Some(Speech::Packets),
                    _ => None,
                };
        }
        match self.speech() {
            Some(Speech::Datagrams) => self.v1(dir, meta, datagram),
            Some(Speech::Packets) => self.v3(dir, meta, datagram),
            None => self.odd = self.odd.saturating_add(1),
        }
    }

    fn is_open(&self) -> bool {
        self.syn_ack.is_some() || self.concluded.is_some()
    }
}
