//! Times in which nothing was captured: between two captures that are read as one.

use std::collections::VecDeque;

use super::bare::Bare;
use super::facts::{Ended, TcpFacts};
use super::udp::UdpFacts;
use crate::base::Timestamp;

/// When capturing stopped, to go on later.
///
/// What had its last packet before a pause was watched only until the pause, so that no silence is claimed for a
/// time of which the captures know nothing.
#[derive(Debug, Default)]
pub struct Pauses(VecDeque<Timestamp>);

impl Pauses {
    /// Pauses kept, the oldest out first: an interface may go up and down for weeks, and what a session needs is the
    /// first one after its last packet.
    const MOST: usize = 4096;

    /// Nothing was captured from `since` to the next frame. Earlier than the last one is no news.
    pub fn add(&mut self, since: Timestamp) {
        if self.0.back().is_none_or(|last| *last < since) {
            if self.0.len() >= Self::MOST {
                self.0.pop_front();
            }
            self.0.push_back(since);
        }
    }

    /// Ends what is known of a TCP connection at the first pause after its last packet.
    pub fn cut(&self, tcp: &mut TcpFacts) {
        self.end(tcp.last.time, &mut tcp.ended, &mut tcp.observed_until);
    }

    /// The same for a connection without payload.
    pub fn cut_bare(&self, bare: &mut Bare) {
        self.end(bare.embryo.last(), &mut bare.ended, &mut bare.until);
    }

    /// The same for an RDP-UDP flow.
    pub fn cut_udp(&self, udp: &mut UdpFacts) {
        self.end(udp.last.time, &mut udp.ended, &mut udp.observed_until);
    }

    #[inline]
    fn end(&self, last: Timestamp, ended: &mut Ended, until: &mut Timestamp) {
        let next = self.0.partition_point(|since| *since < last);
        if let Some(&since) = self.0.get(next).filter(|since| **since < *until) {
            *until = since;
            if *ended == Ended::Idle {
                *ended = Ended::CaptureEnded;
            }
        }
    }
}
