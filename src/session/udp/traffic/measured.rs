//! What became of all that one end sent.

use super::window::{Fate, READINGS};
use super::{ENOUGH, Numbering, Sent, Transmission};
use crate::base::Timestamp;

/// What was decided.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    /// Lost behind the capture point, by reading.
    pub(super) lost: [u64; READINGS],
    /// Never seen, and not reported received, by reading.
    pub(super) holes: [u64; READINGS],
    /// Never seen and reported received, by reading: lost by the capture.
    pub(super) missed: [u64; READINGS],
    /// Seen, reported missing, and received in the end without having been sent again, by reading.
    pub(super) mended: [u64; READINGS],
    /// Seen, and nobody tells what became of it, by reading.
    pub(super) idle: [u64; READINGS],
}

impl Totals {
    pub(super) fn add(&mut self, fate: Fate) {
        for reading in 0..READINGS {
            self.idle[reading] += u64::from(fate.is_idle(reading));
            if fate.is_received(reading) {
                self.missed[reading] += u64::from(!fate.is_seen());
                self.mended[reading] +=
                    u64::from(fate.is_seen() && fate.is_missing(reading) && !fate.is_repeated());
            } else if !fate.is_seen() {
                self.holes[reading] += 1;
            } else if fate.is_repeated() || fate.is_missing(reading) {
                self.lost[reading] += 1;
            }
        }
    }
}

/// What is known at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Numbered datagrams that were sent, seen or not.
    pub sent: u64,
    /// Of those, how many were lost on the way.
    pub lost: u64,
    /// Whether more may have been lost: error correction mended it before anybody reported it.
    pub at_least: bool,
    /// Datagrams that the capture lacks though the other end has them.
    pub missed: u64,
    /// Datagrams that carried data again.
    pub repeats: u64,
    /// Datagrams that carried error correction, or nothing (dummies).
    pub extra: u64,
    /// Round trip from the capture point to the receiver and back, in nanoseconds.
    pub rtt: Option<i64>,
}

impl Measured {
    /// Loss in per cent; `None` where nothing was numbered, or where it is not known.
    pub fn loss_pct(&self) -> Option<f64> {
        (self.sent > 0 && !self.at_least).then(|| self.lost as f64 * 100.0 / self.sent as f64)
    }

    /// Ten lost, and two per cent: what users feel.
    pub const fn is_lossy(&self) -> bool {
        self.lost >= 10 && self.lost.saturating_mul(50) >= self.sent
    }
}

impl Sent {
    /// What is known, where the other end's last datagram came at `heard`: what was sent later met a dead path or a
    /// capture that ended, and nothing is known of it.
    pub(in super::super) fn measure(&self, heard: Option<Timestamp>) -> Measured {
        let mut totals = self.totals;
        let late = |sent: &Transmission| sent.fate.is_seen() && heard.is_some_and(|heard| sent.time > heard);
        let mut cut = self.numbers.end();
        for (number, sent) in self.numbers.iter() {
            if late(sent) {
                cut = number;
                break;
            }
            totals.add(sent.fate);
        }
        let reports_data = self.numbering == Numbering::Data;
        let reading = usize::from(self.contradictions[1] < self.contradictions[0]);
        let sent = if self.first == 0 { 0 } else { (cut - self.first).saturating_sub(self.passed_by) };
        let missed = totals.missed[reading];
        // With error correction, what arrived may have been lost on its way all the same.
        let known = if reports_data && self.extra == 0 { missed } else { 0 };
        let holes = totals.holes[reading].saturating_sub(known);
        let mended = reports_data && self.extra > 0;
        // What error correction mended was lost all the same.
        let behind = totals.lost[reading] + if mended { totals.mended[reading] } else { 0 };
        // What nobody reports is taken to be lost as often as the rest: error correction, and repeats of what had
        // arrived.
        let unknown = totals.idle[reading] + if mended { self.extra } else { 0 };
        let seen = sent.saturating_sub(holes);
        let behind = behind * seen / seen.saturating_sub(unknown).max(1);
        // Acknowledgements that are not marked as delayed may be delayed all the same.
        let percentile = if reports_data { 10 } else { 50 };
        let at_least = mended && behind > 0;
        Measured {
            at_least,
            sent,
            lost: (holes + behind).min(sent),
            missed,
            repeats: self.repeats,
            extra: self.extra,
            rtt: self.rtt.percentile(percentile).filter(|_| self.rtt.count() >= ENOUGH),
        }
    }
}
