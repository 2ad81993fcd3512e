//! What TLS and DTLS show, in one vocabulary: whoever reads it need not know which of them it was.

use crate::base::Seen;
use crate::protocol::Malformed;
use crate::protocol::tls::{ContentType, HandshakeMessage};

/// One thing that TLS or DTLS showed.
#[derive(Clone, Debug)]
pub enum Security<'a> {
    /// A record; what it shows follows.
    Record(SecurityRecord<'a>),
    /// A handshake message in clear, out of one record or several.
    Message(HandshakeMessage<'a>),
    /// Handshake bytes that are no message.
    Malformed(Malformed),
}

/// One record of TLS or DTLS.
#[derive(Clone, Copy, Debug)]
pub struct SecurityRecord<'a> {
    /// What its header says that it carries.
    pub content_type: ContentType,
    /// Bytes in its body, on the wire.
    pub length: usize,
    /// Whether it is encrypted. TLS does not say so in its records: see [`super::TlsStream`].
    pub sealed: bool,
    /// Its body, where it is in clear and the capture has all of it.
    pub body: Option<&'a [u8]>,
    /// What it hides.
    pub hides: Hides<'a>,
}

/// What an encrypted record hides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hides<'a> {
    /// There are no keys for the connection, or nothing is hidden.
    Unknown,
    /// The keys did not open it, or the capture lacks a part of it.
    Unopened,
    /// What it really carries, and its content.
    Opened(ContentType, &'a [u8]),
}

/// Takes what was shown, with the packets that showed it.
pub trait Show: FnMut(Seen<Security<'_>>) {}

impl<F: FnMut(Seen<Security<'_>>)> Show for F {}
