//! The TLS of one stream, both directions: a TCP connection, or an RDP-UDP flow that loses nothing.

use super::handshake::Handshakes;
use super::security::{Security, SecurityRecord, Show};
use super::{Framer, Framing, TlsFraming, Unit};
use crate::base::{Chunk, Dir, Gap, Limits, PerDir, Seen};
use crate::protocol::Malformed;
use crate::protocol::tls::{ContentType, HandshakeMessage};

/// Reads in-order bytes as TLS.
///
/// Which records are encrypted only their order tells: application data always is, an alert is after
/// encrypted records of its sender, a handshake record is after its sender's ChangeCipherSpec; in TLS 1.3
/// that one means nothing, and what is hidden looks like application data.
#[derive(Debug)]
pub struct TlsStream {
    lanes: PerDir<Lane>,
    /// A ServerHello of TLS 1.3, or a HelloRetryRequest, was seen.
    is_13: bool,
    message_bytes: usize,
}

#[derive(Debug, Default)]
struct Lane {
    framer: Framer<TlsFraming>,
    handshakes: Handshakes,
    changed_cipher_spec: bool,
    sealed: bool,
}

impl TlsStream {
    /// A stream of which nothing was read yet.
    pub fn new(limits: &Limits) -> Self {
        TlsStream { lanes: PerDir::default(), is_13: false, message_bytes: limits.message_bytes }
    }

    /// Whether `data` may begin with a record of a handshake or an alert. No TPKT or fast-path PDU begins
    /// so.
    pub fn begins(data: &[u8]) -> bool {
        matches!(data, [0x15 | 0x16] | [0x15 | 0x16, 3, ..])
    }

    /// Whether the next byte of `dir` begins a record.
    pub fn at_boundary(&self, dir: Dir) -> bool {
        self.lanes[dir].framer.at_boundary()
    }

    /// Takes the next bytes of `dir` and shows what they finish.
    ///
    /// # Errors
    /// A header that cannot be one. The boundaries are lost until a later chunk starts with one.
    pub fn push(&mut self, dir: Dir, chunk: &Chunk<'_>, mut show: impl Show) -> Result<(), Malformed> {
        let (framer, mut records) = self.lane(dir);
        framer.push(chunk, |unit| records.read(&unit, &mut show))
    }

    /// Steps over bytes of `dir` that the capture lacks.
    pub fn gap(&mut self, dir: Dir, gap: &Gap, mut show: impl Show) {
        let (framer, mut records) = self.lane(dir);
        framer.gap(gap, |unit| records.read(&unit, &mut show));
    }

    fn lane(&mut self, dir: Dir) -> (&mut Framer<TlsFraming>, Records<'_>) {
        let Lane { framer, handshakes, changed_cipher_spec, sealed } = &mut self.lanes[dir];
        let (is_13, limit) = (&mut self.is_13, self.message_bytes);
        (framer, Records { handshakes, changed_cipher_spec, sealed, is_13, limit })
    }

    /// Bytes of `dir` since the last call that belong to no record, because their boundaries are unknown.
    pub fn take_unframed(&mut self, dir: Dir) -> u64 {
        self.lanes[dir].framer.take_skipped()
    }
}

/// Reads the records of one direction.
struct Records<'a> {
    handshakes: &'a mut Handshakes,
    changed_cipher_spec: &'a mut bool,
    sealed: &'a mut bool,
    is_13: &'a mut bool,
    limit: usize,
}

impl Records<'_> {
    fn read(&mut self, unit: &Unit<'_, <TlsFraming as Framing>::Header>, show: &mut impl Show) {
        let content_type = unit.header.content_type;
        let sealed = match content_type {
            ContentType::handshake => *self.changed_cipher_spec && !*self.is_13,
            ContentType::alert => *self.sealed,
            ContentType::application_data => true,
            _ => false,
        };
        *self.sealed |= sealed;
        *self.changed_cipher_spec |= content_type == ContentType::change_cipher_spec;
        let body = unit.body.filter(|_| !sealed);
        let record = SecurityRecord { content_type, length: unit.header.length, sealed, body };
        show(Seen::new(Security::Record(record), unit.span));
        let Some(body) = body.filter(|_| content_type == ContentType::handshake) else { return };
        let result = self.handshakes.push(body, unit.span, self.limit, |message| {
            *self.is_13 |= match &message.value {
                HandshakeMessage::ServerHello(hello) => hello.version.is_13(),
                HandshakeMessage::HelloRetryRequest(_) => true,
                _ => false,
            };
            show(message.map(Security::Message));
        });
        if let Err(malformed) = result {
            show(Seen::new(Security::Malformed(malformed), unit.span));
        }
    }
}
