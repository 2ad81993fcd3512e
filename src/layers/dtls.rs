//! The DTLS of one RDP-UDP flow that may lose datagrams (RFC 6347), both directions: each datagram by
//! itself, in whatever order, as often as it came.

use super::Keys;
use super::fragments::Fragments;
use super::opener::{Opened, Sealed};
use super::opening::{KeyFit, Opening};
use super::security::{Hides, Security, SecurityRecord, Show};
use crate::base::{Chunk, Dir, Limits, PerDir, Seen, Span};
use crate::protocol::tls::ContentType;
use crate::protocol::{Malformed, Step, dtls};

/// Reads datagrams as DTLS.
#[derive(Debug)]
pub struct DtlsDatagrams {
    lanes: PerDir<Lane>,
    message_bytes: usize,
    opening: Opening,
}

#[derive(Debug, Default)]
struct Lane {
    fragments: Fragments,
    replays: Replays,
}

impl DtlsDatagrams {
    /// A flow of which nothing was read yet, and the keys that may open it.
    pub fn new(limits: &Limits, keys: Keys) -> Self {
        DtlsDatagrams {
            lanes: PerDir::default(),
            message_bytes: limits.message_bytes,
            opening: Opening::new(keys),
        }
    }

    /// What the keys are to this flow.
    pub fn key_fit(&self) -> KeyFit {
        self.opening.fit()
    }

    /// Takes one datagram of `dir`, all of which `chunk` is, and shows what it holds and finishes. Its offset
    /// means nothing. Repeats of encrypted records and of handshake messages are left out.
    ///
    /// # Errors
    /// A record that cannot be one; what precedes it was shown.
    pub fn push(&mut self, dir: Dir, chunk: &Chunk<'_>, mut show: impl Show) -> Result<(), Malformed> {
        let Lane { fragments, replays } = &mut self.lanes[dir];
        let span = Span::from(chunk.stamp);
        for record in dtls::records(chunk.data, usize::try_from(chunk.len).unwrap_or(usize::MAX)) {
            let record = record?;
            let sealed = record.is_sealed();
            if sealed && record.sequence.is_some_and(|sequence| !replays.is_new(record.epoch, sequence)) {
                continue;
            }
            let (content_type, length) = (record.content_type, record.length);
            let body = record.fragment.filter(|_| !sealed);
            let opened = sealed.then(|| open(&mut self.opening, dir, &record)).flatten();
            let hides = match &opened {
                Some(Opened { content_type, clear }) => Hides::Opened(*content_type, clear),
                None if sealed && self.opening.known().is_some() => Hides::Unopened,
                None => Hides::Unknown,
            };
            let shown = SecurityRecord { content_type, length, sealed, body, hides };
            show(Seen::new(Security::Record(shown), span));
            let Some(mut body) = body.filter(|_| content_type == ContentType::handshake) else { continue };
            // Several messages may share a record.
            let malformed = loop {
                match dtls::parse_fragment(body) {
                    _ if body.is_empty() => break None,
                    Step::Done(fragment, used) => {
                        let result = fragments.push(&fragment, chunk.stamp, self.message_bytes, |message| {
                            self.opening.hello(&message.value);
                            show(message.map(Security::Message));
                        });
                        if let Err(malformed) = result {
                            break Some(malformed);
                        }
                        body = body.get(used.max(1)..).unwrap_or_default();
                    }
                    Step::Need(need) => {
                        let (need, have) = (need as u64, body.len() as u64);
                        break Some(Malformed { what: "DTLS fragment", offset: body.len(), need, have });
                    }
                    Step::Broken(malformed) => break Some(malformed),
                }
            };
            if let Some(malformed) = malformed {
                show(Seen::new(Security::Malformed(malformed), span));
            }
        }
        Ok(())
    }
}

/// A record's number is its epoch and sequence number together (RFC 6347, section 4.1.2.1).
fn open(opening: &mut Opening, dir: Dir, record: &dtls::Record<'_>) -> Option<Opened> {
    let number = u64::from(record.epoch) << 48 | record.sequence?;
    let sealed =
        Sealed { content_type: record.content_type, version: record.version, body: record.fragment? };
    // Keys that a later handshake agreed on are in its encrypted messages.
    opening.opener().filter(|_| record.epoch == 1)?.open_at(dir, number, sealed)
}

/// Which encrypted records of a direction came already: those of the latest epoch, as far back as a
/// receiver looks (RFC 6347, section 4.1.2.6). Older ones are taken for repeats.
#[derive(Clone, Copy, Debug, Default)]
struct Replays {
    epoch: u16,
    highest: u64,
    /// Bit n: `highest` - n came.
    window: u64,
}

impl Replays {
    fn is_new(&mut self, epoch: u16, sequence: u64) -> bool {
        if epoch > self.epoch {
            *self = Replays { epoch, highest: sequence, window: 1 };
            return true;
        }
        if epoch < self.epoch {
            return false;
        }
        if sequence > self.highest {
            let ahead = sequence - self.highest;
            self.window = if ahead < 64 { self.window << ahead | 1 } else { 1 };
            self.highest = sequence;
            return true;
        }
        let behind = self.highest - sequence;
        let fresh = behind < 64 && self.window >> behind & 1 == 0;
        if fresh {
            self.window |= 1 << behind;
        }
        fresh
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod vectors;
