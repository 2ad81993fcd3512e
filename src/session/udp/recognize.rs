//! Which datagrams are RDP-UDP, on any port: by the structure of an opening, or, where that is not in the capture,
//! by several datagrams both ways whose numbers agree.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use super::flow::{Flow, Speech};
use crate::base::Limits;
use crate::layers::Keys;
use crate::protocol::{rdpeudp, rdpeudp2};
use crate::transport::udp::{self, Opened};
use crate::transport::{Datagram, Meta};

/// The port of RDP.
const PORT: u16 = 3389;

/// See the module's description.
#[derive(Debug)]
pub struct Recognizer {
    limits: Arc<Limits>,
    keys: Keys,
    /// Flows that may be some whose opening is not in the capture. Each has one place, so that a capture full of
    /// look-alikes costs no more than this, and no search.
    suspects: Vec<Suspect>,
}

/// A flow that may be RDP-UDP.
#[derive(Clone, Copy, Debug, Default)]
struct Suspect {
    /// Hash of its ends; 0 for none.
    ends: u64,
    /// As versions 1 and 2.
    datagrams: Agreement,
    /// As version 3.
    packets: Agreement,
}

/// How well the numbers of the two ends agree under one reading, the lower end's first.
#[derive(Clone, Copy, Debug, Default)]
struct Agreement {
    /// The newest number of data of each end; acknowledgements name it.
    newest: [Option<u32>; 2],
    /// Acknowledgements by each end of what the other was seen to send.
    agrees: [u8; 2],
    /// Datagrams with data that went on where the one before ended.
    follows: u8,
    /// Something was no datagram of this kind, or named what was not sent.
    broken: bool,
}

impl Agreement {
    /// Acknowledgements and numbers in sequence that no other protocol has by chance: each is one in a thousand.
    const ENOUGH: u8 = 4;
    /// How far behind the newest an acknowledgement may be, and how far the next number ahead.
    const NEAR: u32 = 64;

    fn number(&mut self, side: usize, number: u32, mask: u32) {
        if let Some(newest) = self.newest[side] {
            let ahead = number.wrapping_sub(newest) & mask;
            if ahead == 0 {
                return;
            }
            if ahead <= Self::NEAR {
                self.follows = self.follows.saturating_add(1);
            } else if (newest.wrapping_sub(number) & mask) <= Self::NEAR {
                // A repeat, or late.
                return;
            } else {
                self.broken = true;
            }
        }
        self.newest[side] = Some(number);
    }

    fn acknowledges(&mut self, side: usize, number: u32, mask: u32) {
        // Nothing to compare with yet.
        let Some(newest) = self.newest[1 - side] else { return };
        let behind = newest.wrapping_sub(number) & mask;
        let ahead = number.wrapping_sub(newest) & mask;
        if behind <= Self::NEAR {
            self.agrees[side] = self.agrees[side].saturating_add(1);
        } else if ahead > Self::NEAR {
            // What is a little ahead the capture missed.
            self.broken = true;
        }
    }

    fn is_enough(&self) -> bool {
        let agrees = self.agrees[0].saturating_add(self.agrees[1]);
        let both = self.newest.iter().filter(|newest| newest.is_some()).count()
            + usize::from(self.agrees[0] > 0)
            + usize::from(self.agrees[1] > 0);
        !self.broken && agrees >= Self::ENOUGH && self.follows >= Self::ENOUGH && both >= 2
    }
}

impl Recognizer {
    /// Places for suspects.
    const SUSPECTS: usize = 1024;

    /// Recognizes nothing yet.
    pub fn new(limits: &Limits, keys: Keys) -> Self {
        Recognizer { limits: Arc::new(limits.clone()), keys, suspects: Vec::new() }
    }

    fn flow(&self, concluded: Option<Speech>) -> Flow {
        Flow::new(Arc::clone(&self.limits), self.keys.clone(), concluded)
    }

    /// What a datagram adds to what is suspected of its flow; what it is, if that is enough.
    fn suspect(&mut self, meta: &Meta, datagram: &Datagram<'_>) -> Option<Speech> {
        let (bytes, len) = (datagram.payload, datagram.payload_len as usize);
        let v1 = rdpeudp::looks_like_data_v1(bytes, len);
        let v3 = rdpeudp2::looks_like_packet(bytes, len);
        if !(v1 || v3) && self.suspects.is_empty() {
            return None;
        }
        if self.suspects.is_empty() {
            self.suspects = vec![Suspect::default(); Self::SUSPECTS];
        }
        let source: (IpAddr, u16) = (meta.src, datagram.src_port);
        let target: (IpAddr, u16) = (meta.dst, datagram.dst_port);
        let side = usize::from(source > target);
        // The same in every run: flows that share a place drive each other out of it, which shows.
        let mut hasher = DefaultHasher::new();
        (source.min(target), source.max(target)).hash(&mut hasher);
        let ends = hasher.finish().max(1);
        let place = self.suspects.get_mut(ends as usize % Self::SUSPECTS)?;
        if !(v1 || v3) {
            if place.ends == ends {
                *place = Suspect::default();
            }
            return None;
        }
        if place.ends != ends {
            *place = Suspect { ends, ..Suspect::default() };
        }
        place.datagrams.broken |= !v1;
        place.packets.broken |= !v3;
        if v1 && let Ok(parsed) = rdpeudp::parse(bytes, len) {
            place.datagrams.acknowledges(side, parsed.source_ack, u32::MAX);
            if let Some(rdpeudp::Payload::Source { source, .. }) = parsed.payload {
                place.datagrams.number(side, source, u32::MAX);
            }
        }
        if v3 && let Ok(packet) = rdpeudp2::parse(bytes, len) {
            if let Some(ack) = packet.ack {
                place.packets.acknowledges(side, ack.seq.into(), 0xFFFF);
            }
            if let Some(number) = packet.data_seq {
                place.packets.number(side, number.into(), 0xFFFF);
            }
        }
        let found = match (place.datagrams.is_enough(), place.packets.is_enough()) {
            (true, false) => Some(Speech::Datagrams),
            (false, true) => Some(Speech::Packets),
            _ => None,
        };
        if found.is_some() || place.datagrams.broken && place.packets.broken {
            *place = Suspect::default();
        }
        found
    }
}

impl udp::Recognizer<Flow> for Recognizer {
    fn opens(&mut self, _: &Meta, datagram: &Datagram<'_>) -> Option<Opened<Flow>> {
        let (bytes, len) = (datagram.payload, datagram.payload_len as usize);
        let by_client = rdpeudp::looks_like_syn(bytes, len);
        (by_client || rdpeudp::looks_like_syn_ack(bytes, len))
            .then(|| Opened { by_client, reader: self.flow(None) })
    }

    fn continues(&mut self, meta: &Meta, datagram: &Datagram<'_>) -> Option<Opened<Flow>> {
        let speech = self.suspect(meta, datagram)?;
        // The end without RDP's port, else with the higher one.
        let (source, target) = (datagram.src_port, datagram.dst_port);
        let by_client = if (source == PORT) == (target == PORT) { target <= source } else { target == PORT };
        Some(Opened { by_client, reader: self.flow(Some(speech)) })
    }
}
