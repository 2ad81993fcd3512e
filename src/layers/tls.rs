//! The TLS of one stream, both directions: a TCP connection, or an RDP-UDP flow that loses nothing.

use super::handshake::Handshakes;
use super::opener::Sealed;
use super::opening::{KeyFit, Opening};
use super::security::{Hides, Security, SecurityRecord, Show};
use super::{Framer, Framing, Keys, TlsFraming, Unit};
use crate::base::{Chunk, Dir, Gap, Limits, PerDir, Seen, Span};
use crate::protocol::Malformed;
use crate::protocol::tls::{self, ContentType, HandshakeMessage, HandshakeType};

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
    opening: Opening,
}

#[derive(Debug, Default)]
struct Lane {
    framer: Framer<TlsFraming>,
    handshakes: Handshakes,
    changed_cipher_spec: bool,
    sealed: bool,
    /// Handshake bytes that were encrypted and are no whole message yet.
    hidden: Vec<u8>,
}

impl TlsStream {
    /// A stream of which nothing was read yet, and the keys that may open it.
    pub fn new(limits: &Limits, keys: Keys) -> Self {
        Self::bounded(limits.message_bytes, keys)
    }

    /// The same, where an unfinished message has at most `message_bytes`.
    pub fn bounded(message_bytes: usize, keys: Keys) -> Self {
        TlsStream { lanes: PerDir::default(), is_13: false, message_bytes, opening: Opening::new(keys) }
    }

    /// What the keys are to this connection.
    pub fn key_fit(&self) -> KeyFit {
        self.opening.fit()
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
    #[inline(always)]
    pub fn push(&mut self, dir: Dir, chunk: &Chunk<'_>, mut show: impl Show) -> Result<(), Malformed> {
        // What the server's first packet holds beside its hello is already encrypted in TLS 1.3.
        let keep = self.opening.may_open();
        let (framer, mut records) = self.lane(dir);
        framer.keep_all(keep);
        let result = framer.push(chunk, |unit| records.read(&unit, &mut show));
        self.settle(dir, chunk.len > chunk.data.len() as u64 || result.is_err());
        result
    }

    /// Steps over bytes of `dir` that the capture lacks.
    pub fn gap(&mut self, dir: Dir, gap: &Gap, mut show: impl Show) {
        let (framer, mut records) = self.lane(dir);
        framer.gap(gap, |unit| records.read(&unit, &mut show));
        self.settle(dir, true);
    }

    /// Where boundaries were lost, records may be.
    fn settle(&mut self, dir: Dir, missing: bool) {
        if missing
            && self.lanes[dir].framer.is_lost()
            && let Some(opener) = self.opening.known()
        {
            opener.skip(dir);
        }
    }

    #[inline(always)]
    fn lane(&mut self, dir: Dir) -> (&mut Framer<TlsFraming>, Records<'_>) {
        let Lane { framer, handshakes, changed_cipher_spec, sealed, hidden } = &mut self.lanes[dir];
        let (is_13, limit, opening) = (&mut self.is_13, self.message_bytes, &mut self.opening);
        (framer, Records { dir, handshakes, changed_cipher_spec, sealed, hidden, is_13, limit, opening })
    }

    /// Bytes of `dir` since the last call that belong to no record, because their boundaries are unknown.
    pub fn take_unframed(&mut self, dir: Dir) -> u64 {
        self.lanes[dir].framer.take_skipped()
    }
}

/// Reads the records of one direction.
struct Records<'a> {
    dir: Dir,
    handshakes: &'a mut Handshakes,
    changed_cipher_spec: &'a mut bool,
    sealed: &'a mut bool,
    hidden: &'a mut Vec<u8>,
    is_13: &'a mut bool,
    limit: usize,
    opening: &'a mut Opening,
}

impl Records<'_> {
    #[inline(always)]
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
        let length = unit.header.length;
        let Some(body) = unit.body.filter(|_| !sealed) else {
            let record = SecurityRecord { content_type, length, sealed, body: None, hides: Hides::Unknown };
            return if sealed && self.opening.may_open() {
                self.open(unit, record, show);
            } else {
                show(shown(record, unit.span));
            };
        };
        let record = SecurityRecord { content_type, length, sealed, body: Some(body), hides: Hides::Unknown };
        show(shown(record, unit.span));
        if content_type == ContentType::handshake {
            self.handshake(unit, body, show);
        }
    }

    #[inline(never)]
    fn handshake(
        &mut self,
        unit: &Unit<'_, <TlsFraming as Framing>::Header>,
        body: &[u8],
        show: &mut impl Show,
    ) {
        let Records { handshakes, is_13, limit, opening, .. } = self;
        let result = handshakes.push(body, unit.span, *limit, |message| {
            **is_13 |= match &message.value {
                HandshakeMessage::ServerHello(hello) => hello.version.is_13(),
                HandshakeMessage::HelloRetryRequest(_) => true,
                _ => false,
            };
            opening.hello(&message.value);
            show(message.map(Security::Message));
        });
        if let Err(malformed) = result {
            show(Seen::new(Security::Malformed(malformed), unit.span));
        }
    }

    #[inline(never)]
    fn open(
        &mut self,
        unit: &Unit<'_, <TlsFraming as Framing>::Header>,
        record: SecurityRecord<'_>,
        show: &mut impl Show,
    ) {
        let Some(opener) = self.opening.opener() else { return show(shown(record, unit.span)) };
        let Some(body) = unit.body else {
            opener.miss(self.dir);
            return show(shown(SecurityRecord { hides: Hides::Unopened, ..record }, unit.span));
        };
        let sealed = Sealed { content_type: record.content_type, version: unit.header.version, body };
        let Some(opened) = opener.open(self.dir, sealed) else {
            return show(shown(SecurityRecord { hides: Hides::Unopened, ..record }, unit.span));
        };
        let hides = Hides::Opened(opened.content_type, &opened.clear);
        show(shown(SecurityRecord { hides, ..record }, unit.span));
        if *self.is_13 && opened.content_type == ContentType::handshake {
            self.messages_13(&opened.clear, unit.span, show);
        }
    }

    /// Messages that TLS 1.3 encrypts: they show the certificate, and when keys change.
    fn messages_13(&mut self, clear: &[u8], span: Span, show: &mut impl Show) {
        self.hidden.extend_from_slice(clear);
        let mut at = 0;
        while let Some(&[kind, a, b, c, ref rest @ ..]) = self.hidden.get(at..) {
            let len = u32::from_be_bytes([0, a, b, c]) as usize;
            if len > self.limit {
                return self.hidden.clear();
            }
            let Some(body) = rest.get(..len) else { break };
            match HandshakeType(kind) {
                HandshakeType::certificate => {
                    let chain = HandshakeMessage::Certificate(tls::certificates_13(body));
                    show(Seen::new(Security::Message(chain), span));
                }
                HandshakeType::finished => {
                    self.opening.known().into_iter().for_each(|opener| opener.finished(self.dir));
                }
                HandshakeType::key_update => {
                    self.opening.known().into_iter().for_each(|opener| opener.key_update(self.dir));
                }
                _ => {}
            }
            at += len + 4;
        }
        self.hidden.drain(..at);
    }
}

#[inline(always)]
fn shown(record: SecurityRecord<'_>, span: Span) -> Seen<Security<'_>> {
    Seen::new(Security::Record(record), span)
}

#[cfg(test)]
mod tests;
