//! What the TLS or DTLS of a session showed: the handshake message by message, then records by direction,
//! length and time (RFC 5246, RFC 8446, RFC 6347).
//!
//! One [`Tls`] is fed by one reader for as long as its session or RDP-UDP flow lasts:
//! - where bytes come in order (TCP, reliable RDP-UDP), a [`TlsStream`]: [`Tls::stream`] with chunks whose
//!   offsets grow without holes, and [`Tls::gap`] for what the capture lacks. Data that RDP-UDP version 3 gives
//!   in two pieces is two chunks.
//! - where they may not (lossy RDP-UDP), a [`DtlsDatagrams`]: [`Tls::datagram`] with each source payload as it
//!   comes, in a chunk whose offset means nothing and whose `len` is its length on the wire. It need not be put
//!   in order, nor repeats be left out.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::base::{Chunk, Dir, Gap, PerDir, Seen, Span, Stamp, Timestamp};
use crate::layers::{DtlsDatagrams, Hides, KeyFit, Security, SecurityRecord, TlsStream};
use crate::protocol::Malformed;
use crate::protocol::certificate::{self, Certificate};
use crate::protocol::tls::{
    AlertDescription, AlertLevel, ClientHello, ContentType, HandshakeMessage, ServerHello, Version,
    cipher_name,
};

#[cfg(test)]
mod tests;

/// A readable alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Sent in this direction.
    pub dir: Dir,
    /// Warning or fatal.
    pub level: AlertLevel,
    /// What it says.
    pub description: AlertDescription,
}

impl Alert {
    /// Whether it ends the handshake by its level.
    pub fn is_fatal(&self) -> bool {
        self.level == AlertLevel::fatal
    }
}

/// Records whose content is hidden, of one direction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hidden {
    /// How many.
    pub records: u64,
    /// Bytes in their bodies, encryption overhead included.
    pub bytes: u64,
    /// The first.
    pub first: Option<Span>,
    /// The last.
    pub last: Option<Span>,
}

/// A run of hidden records in one direction, until the other end sends one.
#[derive(Clone, Copy, Debug)]
pub struct Flight {
    /// Sent in this direction.
    pub dir: Dir,
    /// How many records.
    pub records: u32,
    /// Bytes in their bodies.
    pub bytes: u64,
    /// Body length of the first record.
    pub first_len: usize,
    /// From the first to the last packet.
    pub span: Span,
}

/// One of the last records.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// Sent in this direction.
    pub dir: Dir,
    /// Content type in the header; hidden handshake and alert records of TLS 1.3 look like data.
    pub content_type: ContentType,
    /// Length of the body in bytes.
    pub length: usize,
    /// The packets that carried it.
    pub span: Span,
}

/// The TLS of one session.
#[derive(Debug, Default)]
pub struct Tls {
    /// First ClientHello.
    pub client_hello: Option<Seen<ClientHello>>,
    /// HelloVerifyRequest: DTLS asked for a second ClientHello, with a cookie.
    pub hello_verify: Option<Span>,
    /// HelloRetryRequest.
    pub retry: Option<Seen<ServerHello>>,
    /// Second ClientHello, after a HelloRetryRequest or HelloVerifyRequest.
    pub second_client_hello: Option<Span>,
    /// ServerHello.
    pub server_hello: Option<Seen<ServerHello>>,
    /// The server's certificates, its own first; not visible in TLS 1.3.
    pub certificates: Option<Seen<Vec<Arc<Certificate>>>>,
    /// A Certificate message that could not be read.
    pub certificate_unreadable: Option<Seen<String>>,
    /// The server asked for a client certificate.
    pub certificate_request: Option<Span>,
    /// ServerHelloDone (TLS 1.2 and before).
    pub server_hello_done: Option<Span>,
    /// ClientKeyExchange (TLS 1.2 and before).
    pub client_key_exchange: Option<Span>,
    /// ChangeCipherSpec.
    pub change_cipher_spec: PerDir<Option<Span>>,
    /// Finished: the first encrypted handshake record; in TLS 1.3, of the client, its first hidden record
    /// after the ServerHello, where that is no alert by its length.
    pub finished: PerDir<Option<Span>>,
    /// The client sent an alert-sized hidden record in place of its Finished (TLS 1.3).
    pub hidden_refusal: Option<Span>,
    /// Readable alerts, in order, at most eight.
    pub alerts: Vec<Seen<Alert>>,
    /// First hidden alert.
    pub hidden_alert: PerDir<Option<Span>>,
    /// The first packet of each direction that carried TLS, be its record whole or not.
    pub begun: PerDir<Option<Stamp>>,
    /// First record of each direction.
    pub first_record: PerDir<Option<Span>>,
    /// Application data of each direction; in TLS 1.3, without what belongs to the handshake.
    pub data: PerDir<Hidden>,
    /// When the handshake was over.
    pub established: Option<Span>,
    /// The first records of application data, at most [`Tls::OPENING`].
    pub opening: Vec<Record>,
    /// The last records, oldest first, at most [`Tls::RECENT`].
    pub recent: VecDeque<Record>,
    /// What the keys that were given are to it.
    pub key_fit: KeyFit,
    /// Whether keys opened its records.
    pub decrypted: bool,
    /// Records that the keys of the connection did not open.
    pub unopened: u64,
    /// What records of application data held, in order, until [`Tls::take_clear`].
    clear: Vec<(Vec<u8>, u64, Span)>,
    /// Handshake bytes that made no sense.
    pub malformed: Option<Seen<String>>,
    /// Records were not where they were due, or where they begin is not in the capture: neither their number nor
    /// their order can be believed.
    pub misframed: bool,
    protection: Protection,
}

impl Tls {
    /// First records kept: the whole connection sequence has about forty, and two more a channel.
    pub const OPENING: usize = 96;
    /// Last records kept, both directions together.
    pub const RECENT: usize = 16;
    /// MAC, padding and initialization vector of the costliest suite.
    const OVERHEAD: usize = 48 + 16 + 16;
    const ALERTS: usize = 8;
    /// Body of a TLS 1.3 record that hides an alert: two bytes, the inner content type, the tag.
    const HIDDEN_ALERT_13: usize = 19;

    /// The version agreed on, where the ServerHello was seen.
    pub fn version(&self) -> Option<Version> {
        self.server_hello.as_ref().map(|hello| hello.value.version)
    }

    /// Whether TLS 1.3 or DTLS 1.3 was agreed on.
    pub fn is_13(&self) -> bool {
        self.version().is_some_and(Version::is_13)
    }

    /// Whether any part of the handshake is in the capture.
    pub fn shows_handshake(&self) -> bool {
        self.client_hello.is_some()
            || self.server_hello.is_some()
            || self.retry.is_some()
            || Dir::BOTH
                .into_iter()
                .any(|dir| self.change_cipher_spec[dir].is_some() || self.finished[dir].is_some())
    }

    /// The first fatal alert sent in `dir`.
    pub fn fatal_alert(&self, dir: Dir) -> Option<&Seen<Alert>> {
        self.alerts.iter().find(|alert| alert.value.dir == dir && alert.value.is_fatal())
    }

    /// Whether an alert of `dir` that can be read is in these packets.
    pub fn alert_at(&self, dir: Dir, span: &Span) -> bool {
        self.alerts.iter().any(|alert| alert.value.dir == dir && alert.span == *span)
    }

    /// Whether any of it was seen.
    pub fn has_begun(&self) -> bool {
        Dir::BOTH.into_iter().any(|dir| self.begun[dir].is_some())
    }

    /// Takes the next bytes of `dir` in a stream.
    ///
    /// # Errors
    /// Bytes that are no record where one was due. What follows is read from where a record begins again.
    pub fn stream(&mut self, reader: &mut TlsStream, dir: Dir, chunk: &Chunk<'_>) -> Result<(), Malformed> {
        if reader.at_boundary(dir) && TlsStream::begins(chunk.data) {
            self.begun[dir].get_or_insert(chunk.stamp);
        }
        let result = reader.push(dir, chunk, |shown| self.shown(dir, shown));
        self.key_fit = reader.key_fit();
        let unframed = reader.take_unframed(dir);
        self.misframed |= result.is_err() || unframed > 0;
        self.unframed(dir, unframed);
        result
    }

    /// Steps over bytes of `dir` in a stream that the capture lacks.
    pub fn gap(&mut self, reader: &mut TlsStream, dir: Dir, gap: &Gap) {
        reader.gap(dir, gap, |shown| self.shown(dir, shown));
        self.key_fit = reader.key_fit();
    }

    /// Takes one datagram of `dir`: what one source payload of a lossy RDP-UDP flow holds.
    ///
    /// # Errors
    /// Bytes that are no record of DTLS; what precedes them was taken.
    pub fn datagram(
        &mut self,
        reader: &mut DtlsDatagrams,
        dir: Dir,
        chunk: &Chunk<'_>,
    ) -> Result<(), Malformed> {
        let result = reader.push(dir, chunk, |shown| self.shown(dir, shown));
        self.key_fit = reader.key_fit();
        result
    }

    #[inline(always)]
    fn shown(&mut self, dir: Dir, shown: Seen<Security<'_>>) {
        match shown.value {
            Security::Record(record) => self.record(dir, &record, shown.span),
            Security::Message(message) => self.message(dir, Seen::new(message, shown.span)),
            Security::Malformed(malformed) => {
                self.malformed.get_or_insert(Seen::new(malformed.to_string(), shown.span));
            }
        }
    }

    #[inline(always)]
    fn record(&mut self, dir: Dir, record: &SecurityRecord<'_>, span: Span) {
        let &SecurityRecord { content_type, length, sealed, .. } = record;
        self.first_record[dir].get_or_insert(span);
        self.begun[dir].get_or_insert(span.first);
        if self.recent.len() == Self::RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(Record { dir, content_type, length, span });
        match record.hides {
            Hides::Unknown => {}
            Hides::Opened(ContentType::alert, &[level, description]) => {
                self.said(dir, level, description, span);
            }
            Hides::Opened(ContentType::application_data, clear) => {
                self.decrypted = true;
                self.clear.push((clear.to_vec(), clear.len() as u64, span));
            }
            Hides::Opened(..) => self.decrypted = true,
            Hides::Unopened => {
                self.unopened += 1;
                // TLS 1.3 hides its handshake as data.
                let handshake = self.is_13() && self.finished[dir].is_none();
                if self.decrypted && content_type == ContentType::application_data && !handshake {
                    self.clear.push((Vec::new(), self.hides_at_most(length) as u64, span));
                }
            }
        }
        match content_type {
            ContentType::handshake if sealed => {
                self.finished[dir].get_or_insert(span);
                if self.finished[dir.flip()].is_some() {
                    self.established.get_or_insert(span);
                }
            }
            ContentType::change_cipher_spec => {
                self.change_cipher_spec[dir].get_or_insert(span);
            }
            ContentType::alert => self.alert(dir, record, span),
            ContentType::application_data => self.hidden(dir, length, span),
            _ => {}
        }
    }

    /// Bytes whose records are unknown, since the capture lacks a header: data, once data has come.
    fn unframed(&mut self, dir: Dir, bytes: u64) {
        if self.data[dir].records > 0 {
            self.data[dir].bytes += bytes;
        }
    }

    #[inline(never)]
    fn message(&mut self, dir: Dir, message: Seen<HandshakeMessage<'_>>) {
        let span = message.span;
        match message.value {
            HandshakeMessage::ClientHello(hello) => {
                if self.client_hello.is_none() {
                    self.client_hello = Some(Seen::new(hello, span));
                } else {
                    self.second_client_hello.get_or_insert(span);
                }
            }
            HandshakeMessage::ServerHello(hello) if self.server_hello.is_none() => {
                self.protection = Protection::of(&hello);
                self.server_hello = Some(Seen::new(hello, span));
            }
            HandshakeMessage::HelloVerifyRequest(_) => {
                self.hello_verify.get_or_insert(span);
            }
            HandshakeMessage::HelloRetryRequest(hello) => {
                self.retry.get_or_insert(Seen::new(hello, span));
            }
            HandshakeMessage::Certificate(chain) if dir == Dir::ServerToClient => {
                let mut parsed = Vec::new();
                for der in chain.iter().take(8) {
                    match certificate::parse_again(der) {
                        Ok(certificate) => parsed.push(certificate),
                        Err(error) => {
                            self.certificate_unreadable.get_or_insert(Seen::new(error.to_string(), span));
                            break;
                        }
                    }
                }
                self.certificates.get_or_insert(Seen::new(parsed, span));
            }
            HandshakeMessage::CertificateRequest => {
                self.certificate_request.get_or_insert(span);
            }
            HandshakeMessage::ServerHelloDone => {
                self.server_hello_done.get_or_insert(span);
            }
            HandshakeMessage::ClientKeyExchange => {
                self.client_key_exchange.get_or_insert(span);
            }
            _ => {}
        }
    }

    fn alert(&mut self, dir: Dir, record: &SecurityRecord<'_>, span: Span) {
        match (record.length, record.body) {
            (2, Some(&[level, description])) => self.said(dir, level, description, span),
            (2, None) if !record.sealed => {}
            _ => {
                self.hidden_alert[dir].get_or_insert(span);
            }
        }
    }

    fn said(&mut self, dir: Dir, level: u8, description: u8, span: Span) {
        if self.alerts.len() < Self::ALERTS {
            let alert = Alert { dir, level: AlertLevel(level), description: AlertDescription(description) };
            self.alerts.push(Seen::new(alert, span));
        }
    }

    /// Whether [`Tls::take_clear`] has anything to give.
    #[inline]
    pub fn has_clear(&self) -> bool {
        !self.clear.is_empty()
    }

    /// What was decrypted since the last call: content, how much there was on the wire, and the packets.
    pub fn take_clear(&mut self) -> Vec<(Vec<u8>, u64, Span)> {
        std::mem::take(&mut self.clear)
    }

    /// A record of type application data.
    #[inline(always)]
    fn hidden(&mut self, dir: Dir, length: usize, span: Span) {
        // Only TLS 1.3 hides a record of the client before its handshake is over; where the capture shows
        // it before the ServerHello, frames are out of order.
        let early = dir == Dir::ClientToServer
            && self.client_hello.is_some()
            && self.server_hello.is_none()
            && self.finished[dir].is_none();
        if (self.is_13() || early) && self.established.is_none() {
            match (dir, self.finished[Dir::ClientToServer]) {
                // EncryptedExtensions, Certificate, CertificateVerify, Finished.
                (Dir::ServerToClient, None) => {
                    self.finished[dir] = Some(span);
                    return;
                }
                (Dir::ClientToServer, None) => {
                    if length == Self::HIDDEN_ALERT_13 {
                        self.hidden_refusal.get_or_insert(span);
                        self.hidden_alert[dir].get_or_insert(span);
                    } else if self.hidden_refusal.is_none() {
                        self.finished[dir] = Some(span);
                    }
                    return;
                }
                (Dir::ServerToClient, Some(_)) => self.established = Some(span),
                (Dir::ClientToServer, Some(_)) => {}
            }
        } else if self.established.is_none() && self.version().is_some() {
            // Application data proves that the handshake was over, wherever its end was not captured.
            self.established = Some(span);
        }
        if self.is_13() && length == Self::HIDDEN_ALERT_13 {
            // No RDP message has two bytes.
            self.hidden_alert[dir].get_or_insert(span);
            return;
        }
        let data = &mut self.data[dir];
        data.records += 1;
        data.bytes += length as u64;
        data.first.get_or_insert(span);
        data.last = Some(span);
        if self.opening.len() < Self::OPENING {
            self.opening.push(Record { dir, content_type: ContentType::application_data, length, span });
        }
    }

    /// The first runs of application data.
    pub fn flights(&self) -> Vec<Flight> {
        let mut flights: Vec<Flight> = Vec::with_capacity(self.opening.len());
        for &Record { dir, length, span, .. } in &self.opening {
            match flights.last_mut() {
                Some(flight) if flight.dir == dir => {
                    flight.records += 1;
                    flight.bytes += length as u64;
                    flight.span.last = span.last;
                }
                _ => flights.push(Flight { dir, records: 1, bytes: length as u64, first_len: length, span }),
            }
        }
        flights
    }

    /// Whether the server's certificate is outside its validity at `time`; `None` where it is not visible.
    pub fn certificate_outside_validity(&self, time: Timestamp) -> Option<bool> {
        let certificate = self.certificates.as_ref()?.value.first()?;
        Some(time < certificate.not_before || time > certificate.not_after)
    }

    /// Whether a hidden record has the size of a Disconnect Provider Ultimatum: 9 bytes of plaintext.
    pub fn may_be_ultimatum(&self, record: &Record) -> bool {
        const ULTIMATUM: usize = 9;
        record.content_type == ContentType::application_data && self.may_hide(record.length, ULTIMATUM)
    }

    /// Most bytes that a record body of `length` bytes may hide.
    pub fn hides_at_most(&self, length: usize) -> usize {
        (length.saturating_sub(Self::OVERHEAD)..=length)
            .rev()
            .find(|&plain| self.may_hide(length, plain))
            .unwrap_or(0)
    }

    /// Whether a record body of `length` bytes hides no fewer than `plain` bytes.
    pub fn hides_at_least(&self, length: usize, plain: usize) -> bool {
        length >= plain + Self::OVERHEAD
    }

    /// Whether a record body of `length` bytes may hide `plain` bytes under the suite agreed on: exact for
    /// AEAD suites, padded to whole blocks for CBC.
    pub fn may_hide(&self, length: usize, plain: usize) -> bool {
        self.protection.may_hide(length, plain)
    }
}

/// What a suite makes of a record's plaintext (RFC 5246, section 6.2.3; RFC 8446, section 5.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Protection {
    /// No ServerHello was seen.
    #[default]
    Unknown,
    /// Adds so many bytes.
    Adds(usize),
    /// Adds one of these MACs, padding to whole blocks, and an initialization vector.
    Blocks { macs: [usize; 2], iv: usize },
}

impl Protection {
    fn of(hello: &ServerHello) -> Self {
        let name = cipher_name(hello.cipher).unwrap_or_default();
        let iv = if hello.version <= Version::TLS1_0 { 0 } else { 16 };
        if hello.version.is_13() {
            Protection::Adds(17)
        } else if name.contains("CHACHA20") {
            Protection::Adds(16)
        } else if name.contains("GCM") || name.contains("CCM") {
            Protection::Adds(24)
        } else if name.ends_with("SHA384") {
            Protection::Blocks { macs: [48, 48], iv }
        } else if name.ends_with("SHA256") {
            Protection::Blocks { macs: [32, 32], iv }
        } else {
            Protection::Blocks { macs: [20, 16], iv }
        }
    }

    fn may_hide(self, length: usize, plain: usize) -> bool {
        match self {
            Protection::Unknown => [17, 24, 16].contains(&length.saturating_sub(plain)),
            Protection::Adds(bytes) => length == plain + bytes,
            Protection::Blocks { macs, iv } => {
                macs.iter().any(|mac| length == (plain + mac + 1).next_multiple_of(16) + iv)
            }
        }
    }
}
