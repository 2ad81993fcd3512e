//! TLS as it shows in clear: records, alerts and the handshake up to its encryption (RFC 8446, RFC 5246;
//! SSL 2.0's ClientHello as in RFC 5246, appendix E.2). Numbers are big-endian.
//!
//! Hello extensions are read by tls-parser, which knows the registry; the walks around them are lax, so
//! that one odd extension hides no other. This is the only file that names tls-parser.

use nom::Parser;
use nom::bytes::streaming::take;
use nom::combinator::rest;
use nom::multi::length_data;
use nom::number::streaming::{be_u8, be_u16, be_u24};
use tls_parser::{
    TlsCipherSuite, TlsExtension, parse_tls_extension_alpn_content,
    parse_tls_extension_ec_point_formats_content, parse_tls_extension_elliptic_curves_content,
    parse_tls_extension_signature_algorithms_content, parse_tls_extension_sni_content,
};

use super::wire::{Parsed, inside, run, text, whole, wrong};
use super::{Malformed, Step};

mod names;
mod record;
mod suite;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) mod vectors;

pub use names::{
    AlertDescription, AlertLevel, ContentType, HandshakeType, NamedGroup, SignatureScheme, Version,
};
pub use record::{
    Alert, RECORD_HEADER_LEN, RECORD_MAX, Record, RecordHeader, parse_alert, parse_record,
    parse_record_header,
};
pub use suite::{Cipher, Mac, Suite};

/// Bytes of a host name that are kept (RFC 1035, section 2.3.4, allows 255).
const NAME_LIMIT: usize = 512;
/// Application protocols that are kept, each of 255 bytes at most.
const ALPN_LIMIT: usize = 64;

/// A handshake message, with the facts that tell why a handshake fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandshakeMessage<'a> {
    /// The client's offer.
    ClientHello(ClientHello),
    /// The server's choice.
    ServerHello(ServerHello),
    /// A ServerHello that asks for another ClientHello (RFC 8446, section 4.1.4).
    HelloRetryRequest(ServerHello),
    /// DTLS: the client is to show that it gets what is sent to its address.
    HelloVerifyRequest(HelloVerifyRequest),
    /// TLS 1.2 and older: a chain of DER certificates, the sender's own first; none where a client has
    /// none.
    Certificate(Vec<&'a [u8]>),
    /// The server's part of an ephemeral key exchange.
    ServerKeyExchange,
    /// The server wants a client certificate.
    CertificateRequest,
    /// The server's turn is over.
    ServerHelloDone,
    /// Proof of a certificate's key.
    CertificateVerify,
    /// The client's part of the key exchange.
    ClientKeyExchange,
    /// Always encrypted, save in a broken peer.
    Finished,
    /// For a later resumption.
    NewSessionTicket,
    /// An OCSP response.
    CertificateStatus,
    /// Another message.
    Other(HandshakeType),
}

/// What a client offers. Lists are in the order of the wire, GREASE (RFC 8701) included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// Whether it came in SSL 2.0's format, as clients of the 2000s send for compatibility.
    pub ssl2_format: bool,
    /// The version field, at most TLS 1.2.
    pub legacy_version: Version,
    /// The random; key logs name the session by it. Zeros before the challenge in SSL 2.0's format.
    pub random: [u8; 32],
    /// Bytes of the session id; above 0 where the client resumes, or speaks TLS 1.3.
    pub session_id_len: usize,
    /// Bytes of DTLS's cookie: 0 in a first hello, and in TLS.
    pub cookie_len: usize,
    /// Cipher suites.
    pub ciphers: Vec<u16>,
    /// Ids of the extensions.
    pub extensions: Vec<u16>,
    /// Versions of the extension supported_versions.
    pub supported_versions: Vec<Version>,
    /// The host name of server_name.
    pub sni: Option<String>,
    /// Application protocols.
    pub alpn: Vec<Vec<u8>>,
    /// Groups of supported_groups.
    pub groups: Vec<NamedGroup>,
    /// Groups of key_share.
    pub key_shares: Vec<NamedGroup>,
    /// Signature algorithms.
    pub signature_schemes: Vec<SignatureScheme>,
    /// EC point formats.
    pub point_formats: Vec<u8>,
    /// Whether it offers a pre-shared key: a TLS 1.3 resumption.
    pub psk: bool,
}

impl ClientHello {
    /// A hello without extensions.
    const fn bare(version: Version, random: [u8; 32], session_id_len: usize, ciphers: Vec<u16>) -> Self {
        ClientHello {
            ssl2_format: false,
            legacy_version: version,
            random,
            session_id_len,
            cookie_len: 0,
            ciphers,
            extensions: Vec::new(),
            supported_versions: Vec::new(),
            sni: None,
            alpn: Vec::new(),
            groups: Vec::new(),
            key_shares: Vec::new(),
            signature_schemes: Vec::new(),
            point_formats: Vec::new(),
            psk: false,
        }
    }

    /// The versions on offer, GREASE left out: supported_versions, or else the version field, which
    /// then means "this or older".
    pub fn versions(&self) -> Vec<Version> {
        let listed: Vec<Version> =
            self.supported_versions.iter().copied().filter(|version| !is_grease(version.0)).collect();
        if listed.is_empty() { vec![self.legacy_version] } else { listed }
    }

    /// The cipher suites on offer, GREASE left out.
    pub fn suites(&self) -> Vec<u16> {
        let mut suites = self.ciphers.clone();
        suites.retain(|&cipher| !is_grease(cipher));
        suites
    }
}

/// What a server chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerHello {
    /// The version chosen: that of supported_versions if there is one, else the version field.
    pub version: Version,
    /// The version field.
    pub legacy_version: Version,
    /// The random.
    pub random: [u8; 32],
    /// Bytes of the session id.
    pub session_id_len: usize,
    /// The cipher suite.
    pub cipher: u16,
    /// Ids of the extensions.
    pub extensions: Vec<u16>,
    /// The group of key_share.
    pub key_share: Option<NamedGroup>,
    /// The application protocol.
    pub alpn: Option<Vec<u8>>,
    /// Whether a pre-shared key was taken: a TLS 1.3 resumption.
    pub psk: bool,
}

/// A server's question whether the client is where it says (RFC 6347, section 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloVerifyRequest {
    /// DTLS 1.0, whatever will be agreed on.
    pub version: Version,
    /// Bytes of the cookie that the client is to send back.
    pub cookie_len: usize,
}

/// The random that makes a ServerHello a HelloRetryRequest (RFC 8446, section 4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91, //
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

/// Parses the handshake message at the start of `input`, the fragments of handshake records put
/// together: `type u8 · length u24 · body` (RFC 8446, section 4).
pub fn parse_handshake(input: &[u8]) -> Step<HandshakeMessage<'_>> {
    run(input, |i| {
        let (i, kind) = be_u8(i)?;
        let (i, length) = be_u24(i)?;
        let (i, body) = take(length)(i)?;
        Ok((i, message(HandshakeType(kind), body, i, false)?))
    })
}

/// Parses the body of a handshake message of DTLS, its fragments put together (RFC 6347, section 4.2.2).
pub(super) fn parse_dtls_message(
    kind: HandshakeType,
    body: &[u8],
) -> Result<HandshakeMessage<'_>, Malformed> {
    whole("handshake message", body, |i| Ok((&[], message(kind, i, &[], true)?)))
}

/// What a message of `kind` says, whose end is known and which `after` follows.
fn message<'a>(
    kind: HandshakeType,
    body: &'a [u8],
    after: &[u8],
    datagrams: bool,
) -> Result<HandshakeMessage<'a>, nom::Err<Malformed>> {
    Ok(match kind {
        HandshakeType::client_hello => {
            let hello = inside("ClientHello", body, after, |i| client_hello(i, datagrams))?;
            HandshakeMessage::ClientHello(hello)
        }
        HandshakeType::server_hello => {
            let hello = inside("ServerHello", body, after, server_hello)?;
            if hello.random == RETRY_RANDOM {
                HandshakeMessage::HelloRetryRequest(hello)
            } else {
                HandshakeMessage::ServerHello(hello)
            }
        }
        HandshakeType::hello_verify_request if datagrams => {
            HandshakeMessage::HelloVerifyRequest(inside("HelloVerifyRequest", body, after, hello_verify)?)
        }
        HandshakeType::certificate => {
            HandshakeMessage::Certificate(inside("Certificate", body, after, certificates)?)
        }
        HandshakeType::server_key_exchange => HandshakeMessage::ServerKeyExchange,
        HandshakeType::certificate_request => HandshakeMessage::CertificateRequest,
        HandshakeType::server_hello_done => HandshakeMessage::ServerHelloDone,
        HandshakeType::certificate_verify => HandshakeMessage::CertificateVerify,
        HandshakeType::client_key_exchange => HandshakeMessage::ClientKeyExchange,
        HandshakeType::finished => HandshakeMessage::Finished,
        HandshakeType::new_session_ticket => HandshakeMessage::NewSessionTicket,
        HandshakeType::certificate_status => HandshakeMessage::CertificateStatus,
        other => HandshakeMessage::Other(other),
    })
}

/// `version u16 · cookie, length u8` (RFC 6347, section 4.3.2).
fn hello_verify(i: &[u8]) -> Parsed<'_, HelloVerifyRequest> {
    let (i, version) = be_u16(i)?;
    let (i, cookie) = length_data(be_u8).parse(i)?;
    Ok((i, HelloVerifyRequest { version: Version(version), cookie_len: cookie.len() }))
}

/// `version u16 · random 32 bytes · session id, length u8`, which both hellos begin with.
fn hello_head(i: &[u8]) -> Parsed<'_, (Version, [u8; 32], usize)> {
    let (i, version) = be_u16(i)?;
    let (i, random) = take(32_usize)(i)?;
    let (i, session_id) = length_data(be_u8).parse(i)?;
    let random = <[u8; 32]>::try_from(random).unwrap_or_default();
    Ok((i, (Version(version), random, session_id.len())))
}

/// ClientHello (RFC 8446, section 4.1.2); DTLS has a cookie after the session id (RFC 6347, section 4.2.1).
fn client_hello(i: &[u8], datagrams: bool) -> Parsed<'_, ClientHello> {
    let (mut i, (legacy_version, random, session_id_len)) = hello_head(i)?;
    let mut cookie_len = 0;
    if datagrams {
        let (after, cookie) = length_data(be_u8).parse(i)?;
        (i, cookie_len) = (after, cookie.len());
    }
    let (i, ciphers) = length_data(be_u16).parse(i)?;
    let (i, _compression) = length_data(be_u8).parse(i)?;
    let (i, extension_block) = rest(i)?;
    let mut hello = ClientHello::bare(legacy_version, random, session_id_len, numbers(ciphers));
    hello.cookie_len = cookie_len;
    for (id, data) in extensions(extension_block) {
        hello.extensions.push(id);
        match id {
            0 => hello.sni = server_name(data),
            10 => {
                if let Ok((_, TlsExtension::EllipticCurves(groups))) =
                    parse_tls_extension_elliptic_curves_content(data)
                {
                    hello.groups = groups.iter().map(|group| NamedGroup(group.0)).collect();
                }
            }
            11 => {
                if let Ok((_, TlsExtension::EcPointFormats(formats))) =
                    parse_tls_extension_ec_point_formats_content(data)
                {
                    hello.point_formats = formats.to_vec();
                }
            }
            13 => {
                if let Ok((_, TlsExtension::SignatureAlgorithms(schemes))) =
                    parse_tls_extension_signature_algorithms_content(data)
                {
                    hello.signature_schemes = schemes.into_iter().map(SignatureScheme).collect();
                }
            }
            16 => hello.alpn = protocols(data),
            41 => hello.psk = true,
            43 => {
                let versions = whole("supported_versions", data, |i| length_data(be_u8).parse(i));
                hello.supported_versions =
                    numbers(versions.unwrap_or_default()).into_iter().map(Version).collect();
            }
            51 => hello.key_shares = key_shares(data),
            _ => {}
        }
    }
    Ok((i, hello))
}

/// ServerHello (RFC 8446, section 4.1.3).
fn server_hello(i: &[u8]) -> Parsed<'_, ServerHello> {
    let (i, (legacy_version, random, session_id_len)) = hello_head(i)?;
    let (i, cipher) = be_u16(i)?;
    let (i, _compression) = be_u8(i)?;
    let (i, extension_block) = rest(i)?;
    let mut hello = ServerHello {
        version: legacy_version,
        legacy_version,
        random,
        session_id_len,
        cipher,
        extensions: Vec::new(),
        key_share: None,
        alpn: None,
        psk: false,
    };
    for (id, data) in extensions(extension_block) {
        hello.extensions.push(id);
        let number = numbers(data).first().copied();
        match id {
            16 => hello.alpn = protocols(data).into_iter().next(),
            41 => hello.psk = true,
            43 => hello.version = number.map_or(legacy_version, Version),
            51 => hello.key_share = number.map(NamedGroup),
            _ => {}
        }
    }
    Ok((i, hello))
}

/// Certificate of TLS 1.2 and older (RFC 5246, section 7.4.2): lengths of 24 bits.
fn certificates(i: &[u8]) -> Parsed<'_, Vec<&[u8]>> {
    let (i, mut list) = length_data(be_u24).parse(i)?;
    let mut chain = Vec::new();
    while !list.is_empty() {
        let (tail, certificate) = length_data(be_u24).parse(list)?;
        chain.push(certificate);
        list = tail;
    }
    Ok((i, chain))
}

/// Parses an SSL 2.0 ClientHello at the start of `input`: `length u16 with the top bit set · type u8 = 1 ·
/// version u16 · lengths of cipher specs, session id and challenge, u16 each · those` (RFC 5246,
/// appendix E.2). Cipher specs have three bytes; those that start with 0 are TLS cipher suites.
pub fn parse_ssl2_client_hello(input: &[u8]) -> Step<ClientHello> {
    run(input, |start| {
        let (at, length) = be_u16(start)?;
        if length & 0x8000 == 0 {
            return wrong("SSL 2.0 record length", start, 0x8000, u64::from(length));
        }
        let (_, kind) = be_u8(at)?;
        if kind != HandshakeType::client_hello.0 {
            return wrong("SSL 2.0 message type", at, 1, u64::from(kind));
        }
        let (i, body) = take(length & 0x7FFF)(at)?;
        Ok((i, inside("SSL 2.0 ClientHello", body, i, ssl2_client_hello)?))
    })
}

fn ssl2_client_hello(i: &[u8]) -> Parsed<'_, ClientHello> {
    let (i, _kind) = be_u8(i)?;
    let (i, version) = be_u16(i)?;
    let (i, specs_len) = be_u16(i)?;
    let (i, session_id_len) = be_u16(i)?;
    let (i, challenge_len) = be_u16(i)?;
    let (i, specs) = take(specs_len)(i)?;
    let (i, _session_id) = take(session_id_len)(i)?;
    let (i, challenge) = take(challenge_len)(i)?;
    let suite = |spec: &[u8]| match spec {
        [0, high, low] => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    };
    let mut random = [0; 32];
    for (to, from) in random.iter_mut().rev().zip(challenge.iter().rev()) {
        *to = *from;
    }
    let ciphers = specs.chunks_exact(3).filter_map(suite).collect();
    let hello = ClientHello::bare(Version(version), random, usize::from(session_id_len), ciphers);
    let hello = ClientHello { ssl2_format: true, ..hello };
    Ok((i, hello))
}

/// Whether a number is reserved to keep peers tolerant and means nothing (RFC 8701).
pub const fn is_grease(number: u16) -> bool {
    let [high, low] = number.to_be_bytes();
    high == low && low & 0x0F == 0x0A
}

/// The registered name of a cipher suite.
pub fn cipher_name(id: u16) -> Option<&'static str> {
    TlsCipherSuite::from_id(id).map(|suite| suite.name)
}

/// A list of 16-bit numbers; an odd byte at its end is left out.
fn numbers(list: &[u8]) -> Vec<u16> {
    let (pairs, _) = list.as_chunks::<2>();
    pairs.iter().copied().map(u16::from_be_bytes).collect()
}

/// The extensions of a hello, `length u16` before them: `id u16 · length u16 · data` each. Ends where
/// they make no sense.
fn extensions(block: &[u8]) -> Vec<(u16, &[u8])> {
    let mut left = block.get(2..).unwrap_or_default();
    let mut found = Vec::new();
    while let Ok((tail, (id, data))) = extension(left) {
        found.push((id, data));
        left = tail;
    }
    found
}

fn extension(i: &[u8]) -> Parsed<'_, (u16, &[u8])> {
    let (i, id) = be_u16(i)?;
    let (i, data) = length_data(be_u16).parse(i)?;
    Ok((i, (id, data)))
}

/// The first host name of server_name (RFC 6066, section 3).
fn server_name(data: &[u8]) -> Option<String> {
    match parse_tls_extension_sni_content(data) {
        Ok((_, TlsExtension::SNI(names))) => {
            names.iter().find(|(kind, _)| kind.0 == 0).map(|(_, name)| text(name, NAME_LIMIT))
        }
        _ => None,
    }
}

/// The names of application_layer_protocol_negotiation (RFC 7301, section 3.1).
fn protocols(data: &[u8]) -> Vec<Vec<u8>> {
    match parse_tls_extension_alpn_content(data) {
        Ok((_, TlsExtension::ALPN(names))) => {
            names.into_iter().take(ALPN_LIMIT).map(<[u8]>::to_vec).collect()
        }
        _ => Vec::new(),
    }
}

/// The groups of a client's key_share: `length u16`, then `group u16 · length u16 · key` each (RFC 8446,
/// section 4.2.8).
fn key_shares(data: &[u8]) -> Vec<NamedGroup> {
    extensions(data).into_iter().map(|(group, _)| NamedGroup(group)).collect()
}

/// The DER certificates of a Certificate message of TLS 1.3, the sender's own first: `context, length u8 ·
/// list, length u24, of (certificate, length u24 · extensions, length u16)` (RFC 8446, section 4.4.2). As many
/// as can be read.
pub fn certificates_13(body: &[u8]) -> Vec<&[u8]> {
    fn entry(i: &[u8]) -> Parsed<'_, &[u8]> {
        let (i, certificate) = length_data(be_u24).parse(i)?;
        let (i, _extensions) = length_data(be_u16).parse(i)?;
        Ok((i, certificate))
    }
    fn list(i: &[u8]) -> Parsed<'_, &[u8]> {
        let (i, _context) = length_data(be_u8).parse(i)?;
        length_data(be_u24).parse(i)
    }
    let Ok((_, mut rest)) = list(body) else { return Vec::new() };
    let mut chain = Vec::new();
    while let Ok((after, certificate)) = entry(rest) {
        chain.push(certificate);
        rest = after;
    }
    chain
}

impl Suite {
    /// The suite of this number; `None` where it is unknown, or encrypts in a way that is not opened here.
    pub fn of(id: u16) -> Option<Self> {
        use tls_parser::{TlsCipherEnc as Enc, TlsCipherEncMode as Mode, TlsCipherMac, TlsPRF};

        let suite = TlsCipherSuite::from_id(id)?;
        let short = suite.name.ends_with("CCM_8");
        let cipher = match (&suite.enc, &suite.enc_mode, suite.enc_size) {
            (Enc::Aes, Mode::Cbc, 128) => Cipher::Aes128Cbc,
            (Enc::Aes, Mode::Cbc, 256) => Cipher::Aes256Cbc,
            (Enc::TripleDes, Mode::Cbc, _) => Cipher::TripleDesCbc,
            (Enc::Aes, Mode::Gcm, 128) => Cipher::Aes128Gcm,
            (Enc::Aes, Mode::Gcm, 256) => Cipher::Aes256Gcm,
            (Enc::Aes, Mode::Ccm, 128) if short => Cipher::Aes128Ccm8,
            (Enc::Aes, Mode::Ccm, 256) if short => Cipher::Aes256Ccm8,
            (Enc::Aes, Mode::Ccm, 128) => Cipher::Aes128Ccm,
            (Enc::Aes, Mode::Ccm, 256) => Cipher::Aes256Ccm,
            (Enc::Chacha20_Poly1305, ..) => Cipher::ChaCha20Poly1305,
            _ => return None,
        };
        let mac = match suite.mac {
            TlsCipherMac::HmacMd5 => Mac::Md5,
            TlsCipherMac::HmacSha256 => Mac::Sha256,
            TlsCipherMac::HmacSha384 => Mac::Sha384,
            _ => Mac::Sha1,
        };
        let prf = if matches!(suite.prf, TlsPRF::Sha384) || suite.name.ends_with("SHA384") {
            Mac::Sha384
        } else {
            Mac::Sha256
        };
        Some(Suite { cipher, mac, prf })
    }
}
