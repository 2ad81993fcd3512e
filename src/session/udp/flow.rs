//! Reads the datagrams of one flow: the opening, and which version is spoken after it.

use crate::base::{Dir, PerDir, Stamp};
use crate::protocol::rdpeudp::{self, Flags, UdpVersion};
use crate::session::Repeats;
use crate::transport::udp::FlowReader;
use crate::transport::{Datagram, Meta};

/// What the datagrams of a flow said.
#[derive(Debug, Default)]
pub struct Flow {
    /// The client's SYN.
    pub syn: Option<Opening>,
    /// The server's SYN+ACK.
    pub syn_ack: Option<Opening>,
    /// First datagram of each end that is not of the opening.
    pub spoke: PerDir<Option<Stamp>>,
    /// The flow's opening is not in the capture; what it speaks was concluded from its datagrams.
    pub midstream: Option<Speech>,
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
}

/// What the datagrams after the opening are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// Versions 1 and 2.
    Datagrams,
    /// Version 3 (MS-RDPEUDP2).
    Packets,
}

impl Flow {
    /// What is spoken, where that is known.
    pub fn speech(&self) -> Option<Speech> {
        match &self.syn_ack {
            Some(answer) if answer.version == Some(UdpVersion::RDPUDP_PROTOCOL_VERSION_3) => {
                Some(Speech::Packets)
            }
            Some(_) => Some(Speech::Datagrams),
            None => self.midstream,
        }
    }

    fn opening(&mut self, dir: Dir, meta: &Meta, datagram: &rdpeudp::Datagram<'_>, syn: &rdpeudp::Syn<'_>) {
        let known = match dir {
            Dir::ClientToServer => &mut self.syn,
            Dir::ServerToClient => &mut self.syn_ack,
        };
        if let Some(known) = known {
            known.seen.last = meta.stamp;
            known.seen.count = known.seen.count.saturating_add(1);
            return;
        }
        *known = Some(Opening {
            seen: Repeats::once(meta.stamp),
            initial_sequence: syn.initial_sequence,
            mtu: (syn.upstream_mtu, syn.downstream_mtu),
            version: syn.extension.map(|extension| extension.version),
            lossy: datagram.flags.contains(Flags::SYNLOSSY),
            window: datagram.receive_window,
            correlation_id: syn.correlation_id,
            cookie_hash: syn.extension.and_then(|extension| extension.cookie_hash),
            ip_len: meta.ip_len,
        });
    }

    /// The SYN or SYN+ACK that a datagram is, where its sender may send one.
    fn as_opening<'a>(&self, dir: Dir, datagram: &Datagram<'a>) -> Option<rdpeudp::Datagram<'a>> {
        let (bytes, len) = (datagram.payload, datagram.payload_len as usize);
        let looks = match dir {
            Dir::ClientToServer => rdpeudp::looks_like_syn(bytes, len),
            Dir::ServerToClient => rdpeudp::looks_like_syn_ack(bytes, len),
        };
        let parsed = rdpeudp::parse(bytes, len).ok().filter(|_| looks)?;
        let answers = self.syn.as_ref().is_none_or(|syn| syn.initial_sequence == parsed.source_ack);
        (dir == Dir::ClientToServer || answers).then_some(parsed)
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
        number.is_some() && self.syn.as_ref().map(|syn| syn.initial_sequence) != number
    }

    fn datagram(&mut self, dir: Dir, meta: &Meta, datagram: &Datagram<'_>) {
        if let Some(parsed) = self.as_opening(dir, datagram)
            && let Some(syn) = &parsed.syn
        {
            self.opening(dir, meta, &parsed, syn);
            return;
        }
        self.spoke[dir].get_or_insert(meta.stamp);
    }

    fn is_open(&self) -> bool {
        self.syn_ack.is_some() || self.midstream.is_some()
    }
}
