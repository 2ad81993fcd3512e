//! What protocol a stream speaks, from its first bytes. Conservative: a name is given only where the
//! bytes leave little doubt.

use super::{tls, tpkt, x224};
use crate::base::Dir;

/// What the first bytes look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// RDP: a TPKT with an X.224 connection request or confirm.
    Rdp,
    /// A TPKT with an MCS PDU in an X.224 data TPDU: RDP whose start is not in the capture.
    RdpData,
    /// TLS, or SSL 2.0's ClientHello.
    Tls,
    /// Something that may precede RDP.
    Preamble(PreambleKind),
    /// Another protocol, by name.
    Other(&'static str),
    /// Nothing known.
    Unknown,
    /// Too few bytes yet to tell.
    NeedMore,
}

/// What may precede RDP on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreambleKind {
    /// SOCKS 4 or 4a.
    Socks4,
    /// SOCKS 5.
    Socks5,
    /// An HTTP CONNECT request.
    HttpConnect,
    /// A PROXY protocol header, version 1 or 2.
    Proxy,
    /// An RDP preconnection PDU.
    Preconnection,
}

impl PreambleKind {
    /// Its name for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            PreambleKind::Socks4 => "SOCKS4",
            PreambleKind::Socks5 => "SOCKS5",
            PreambleKind::HttpConnect => "HTTP CONNECT",
            PreambleKind::Proxy => "PROXY protocol",
            PreambleKind::Preconnection => "RDP preconnection PDU",
        }
    }
}

/// Guesses from the first bytes that the client (or else the server) sent. No more than 64 are looked at.
pub fn recognize(dir_is_client: bool, bytes: &[u8]) -> Guess {
    let bytes = bytes.get(..64).unwrap_or(bytes);
    let dir = if dir_is_client { Dir::ClientToServer } else { Dir::ServerToClient };
    match bytes {
        [] => return Guess::NeedMore,
        [tpkt::VERSION, 0, ..] => return in_tpkt(bytes),
        [tpkt::VERSION] => return Guess::NeedMore,
        _ => {}
    }
    let mut open = false;
    for fit in [record(bytes), ssl2(dir, bytes), socks(dir, bytes), preconnection(dir, bytes)] {
        match fit {
            Fit::Yes(guess) => return guess,
            Fit::Open => open = true,
            Fit::No => {}
        }
    }
    for sign in SIGNS.iter().filter(|sign| sign.from.is_none_or(|from| from == dir)) {
        match sign.fit(bytes) {
            Fit::Yes(guess) => return guess,
            Fit::Open => open = true,
            Fit::No => {}
        }
    }
    if open { Guess::NeedMore } else { Guess::Unknown }
}

/// How bytes fit a protocol; open where they are too few.
enum Fit {
    Yes(Guess),
    Open,
    No,
}

/// `03 00 length u16 · LI · code`, and what makes it RDP rather than S7comm or H.323.
fn in_tpkt(bytes: &[u8]) -> Guess {
    const CONNECTION: usize = 11;
    let [_, _, high, low, _, code, ..] = bytes else { return Guess::NeedMore };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    match x224::TpduCode(code & 0xF0) {
        x224::TpduCode::CR | x224::TpduCode::CC if length < CONNECTION => Guess::Unknown,
        x224::TpduCode::CR | x224::TpduCode::CC => match bytes.get(CONNECTION) {
            // TPDU size, calling and called TSAP (X.224, section 13.3.4): never in RDP.
            Some(0xC0..=0xC2) => Guess::Other("ISO-on-TCP (S7comm, MMS)"),
            None if length > CONNECTION => Guess::NeedMore,
            _ => Guess::Rdp,
        },
        x224::TpduCode::DT if length > 7 => match bytes.get(7..9) {
            Some([0x32, _]) => Guess::Other("ISO-on-TCP (S7comm, MMS)"),
            Some([0x7F, 0x65 | 0x66] | [0x04 | 0x20..=0x23 | 0x28..=0x2E | 0x38..=0x3E | 0x64 | 0x68, _]) => {
                Guess::RdpData
            }
            // AttachUserRequest is a single byte.
            None if length == 8 && bytes.get(7) == Some(&0x28) => Guess::RdpData,
            None if length > bytes.len() => Guess::NeedMore,
            _ => Guess::Unknown,
        },
        _ if bytes.get(4) == Some(&0x08) => Guess::Other("H.323"),
        _ => Guess::Unknown,
    }
}

fn record(bytes: &[u8]) -> Fit {
    match tls::parse_record_header(bytes) {
        super::Step::Done(header, _) if header.version <= tls::Version::TLS1_3 => Fit::Yes(Guess::Tls),
        super::Step::Need(_) => Fit::Open,
        _ => Fit::No,
    }
}

/// `length u16 with the top bit set · type 1 · version`.
fn ssl2(dir: Dir, bytes: &[u8]) -> Fit {
    match bytes {
        [0x80..=0xFF, _, 1, 3, 0..=4, ..] | [0x80..=0xFF, _, 1, 0, 2, ..] if dir == Dir::ClientToServer => {
            Fit::Yes(Guess::Tls)
        }
        [0x80..=0xFF] | [0x80..=0xFF, _] | [0x80..=0xFF, _, 1] | [0x80..=0xFF, _, 1, 0 | 3]
            if dir == Dir::ClientToServer =>
        {
            Fit::Open
        }
        _ => Fit::No,
    }
}

/// A SOCKS client's first message: version 4, command, port, address; or version 5, a count, and as many
/// methods. A server's first message follows its client's and is not guessed.
fn socks(dir: Dir, bytes: &[u8]) -> Fit {
    if dir == Dir::ServerToClient {
        return Fit::No;
    }
    match bytes {
        [4, 1 | 2, _, _, _, _, _, _, _, ..] => Fit::Yes(Guess::Preamble(PreambleKind::Socks4)),
        [4] | [4, 1 | 2, ..] => Fit::Open,
        [5] => Fit::Open,
        [5, count @ 1..=16, methods @ ..] => match methods.len().cmp(&usize::from(*count)) {
            std::cmp::Ordering::Less => Fit::Open,
            // A client that waits for the choice has sent nothing more.
            std::cmp::Ordering::Equal => Fit::Yes(Guess::Preamble(PreambleKind::Socks5)),
            std::cmp::Ordering::Greater => Fit::No,
        },
        _ => Fit::No,
    }
}

/// `length u32 · flags u32 = 0 · version u32 = 1 or 2`, little-endian (MS-RDPEPS 2.2.1).
fn preconnection(dir: Dir, bytes: &[u8]) -> Fit {
    if dir == Dir::ServerToClient {
        return Fit::No;
    }
    match bytes {
        [16..=255, _, 0 | 1, 0, 0, 0, 0, 0, 1 | 2, 0, 0, 0, ..]
        | [_, 1..=255, 0 | 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, ..] => {
            Fit::Yes(Guess::Preamble(PreambleKind::Preconnection))
        }
        [_, _, tail @ ..]
            if tail.len() < 10 && tail.get(1..).is_none_or(|zeros| zeros.iter().take(5).all(|&b| b == 0)) =>
        {
            Fit::Open
        }
        _ => Fit::No,
    }
}

/// A protocol that is known by fixed bytes at fixed places.
struct Sign {
    guess: Guess,
    /// Who sends it; `None` for both.
    from: Option<Dir>,
    /// Offsets and what stands there.
    parts: &'static [(usize, &'static [u8])],
}

impl Sign {
    fn fit(&self, bytes: &[u8]) -> Fit {
        let mut fit = Fit::Yes(self.guess);
        for (offset, part) in self.parts {
            let there = bytes.get(*offset..).unwrap_or_default();
            if there.len() < part.len() {
                if !part.starts_with(there) {
                    return Fit::No;
                }
                fit = Fit::Open;
            } else if !there.starts_with(part) {
                return Fit::No;
            }
        }
        fit
    }
}

const CLIENT: Option<Dir> = Some(Dir::ClientToServer);
const SERVER: Option<Dir> = Some(Dir::ServerToClient);

const fn sign(name: &'static str, from: Option<Dir>, parts: &'static [(usize, &'static [u8])]) -> Sign {
    Sign { guess: Guess::Other(name), from, parts }
}

const fn preamble(kind: PreambleKind, parts: &'static [(usize, &'static [u8])]) -> Sign {
    Sign { guess: Guess::Preamble(kind), from: CLIENT, parts }
}

const SIGNS: &[Sign] = &[
    preamble(PreambleKind::HttpConnect, &[(0, b"CONNECT ")]),
    preamble(PreambleKind::Proxy, &[(0, b"PROXY ")]),
    preamble(PreambleKind::Proxy, &[(0, b"\r\n\r\n\0\r\nQUIT\n")]),
    sign("HTTP", SERVER, &[(0, b"HTTP/1.")]),
    sign("HTTP", CLIENT, &[(0, b"GET ")]),
    sign("HTTP", CLIENT, &[(0, b"HEAD ")]),
    sign("HTTP", CLIENT, &[(0, b"POST ")]),
    sign("HTTP", CLIENT, &[(0, b"PUT ")]),
    sign("HTTP", CLIENT, &[(0, b"DELETE ")]),
    sign("HTTP", CLIENT, &[(0, b"OPTIONS ")]),
    sign("HTTP", CLIENT, &[(0, b"PRI * HTTP/2.0")]),
    sign("RD Gateway over HTTP", CLIENT, &[(0, b"RDG_OUT_DATA ")]),
    sign("RD Gateway over HTTP", CLIENT, &[(0, b"RDG_IN_DATA ")]),
    sign("RPC over HTTP", CLIENT, &[(0, b"RPC_OUT_DATA ")]),
    sign("RPC over HTTP", CLIENT, &[(0, b"RPC_IN_DATA ")]),
    sign("SSH", None, &[(0, b"SSH-")]),
    sign("VNC (RFB)", None, &[(0, b"RFB 00")]),
    sign("ICA (Citrix)", None, &[(0, b"\x7f\x7fICA\0")]),
    sign("SPICE", None, &[(0, b"REDQ")]),
    sign("SMB", None, &[(0, b"\0"), (4, b"\xffSMB")]),
    sign("SMB", None, &[(0, b"\0"), (4, b"\xfeSMB")]),
    sign("DCE/RPC", CLIENT, &[(0, b"\x05\0\x0b")]),
    sign("SMTP or FTP", SERVER, &[(0, b"220 ")]),
    sign("SMTP or FTP", SERVER, &[(0, b"220-")]),
    sign("SMTP", CLIENT, &[(0, b"EHLO ")]),
    sign("SMTP", CLIENT, &[(0, b"HELO ")]),
    sign("IMAP", SERVER, &[(0, b"* OK")]),
    sign("POP3", SERVER, &[(0, b"+OK")]),
    sign("Telnet", None, &[(0, b"\xff\xfb"), (3, b"\xff")]),
    sign("Telnet", None, &[(0, b"\xff\xfd"), (3, b"\xff")]),
    sign("LDAP", CLIENT, &[(0, b"\x30"), (2, b"\x02\x01"), (5, b"\x60")]),
    sign("LDAP", CLIENT, &[(0, b"\x30\x84\0\0"), (6, b"\x02\x01"), (9, b"\x60")]),
    sign("PostgreSQL", CLIENT, &[(0, b"\0\0"), (4, b"\0\x03\0\0")]),
    sign("PostgreSQL", CLIENT, &[(0, b"\0\0\0\x08\x04\xd2\x16\x2f")]),
    sign("MySQL", SERVER, &[(2, b"\0\0\x0a5.")]),
    sign("MySQL", SERVER, &[(2, b"\0\0\x0a8.")]),
    sign("MySQL", SERVER, &[(2, b"\0\0\x0a9.")]),
    sign("Microsoft SQL Server", CLIENT, &[(0, b"\x12\x01\0"), (6, b"\0\0")]),
    sign("MongoDB", CLIENT, &[(2, b"\0\0"), (12, b"\xdd\x07\0\0")]),
    sign("MongoDB", CLIENT, &[(2, b"\0\0"), (12, b"\xd4\x07\0\0")]),
    sign("MQTT", CLIENT, &[(0, b"\x10"), (2, b"\0\x04MQTT")]),
    sign("AMQP", CLIENT, &[(0, b"AMQP")]),
    sign("BitTorrent", None, &[(0, b"\x13BitTorrent protocol")]),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex;
    use super::super::tls::vectors::{OPENSSL_3, SERVER_2008};
    use super::*;

    /// Asserts the guess, and that every shorter start gives the same or asks for more.
    fn settles(client: bool, bytes: &[u8], want: Guess) {
        assert_eq!(recognize(client, bytes), want, "{bytes:02x?}");
        for cut in 0..bytes.len() {
            let guess = recognize(client, &bytes[..cut]);
            assert!(guess == want || guess == Guess::NeedMore, "cut {cut}: {guess:?}, want {want:?}");
        }
    }

    #[test]
    fn knows_rdp() {
        // rdp-proprietary-encryption#4 and #5, ndpi-rdp#4, ndpi-rdp3#5.
        settles(true, &hex("0300002f2ae00000000000436f6f6b69653a206d737473686173683d"), Guess::Rdp);
        settles(false, &hex("030000130ed000001234000300080002000000"), Guess::Rdp);
        settles(true, &hex("030000130ee00000000000010008000b000000"), Guess::Rdp);
        settles(false, &hex("0300000b06d00000123400"), Guess::Rdp);
        // ndpi-rdp3#6, #8, #9, #12 and #22: a session whose start was missed.
        for data in [
            "0300019c02f0807f658201900401",
            "0300000c02f0800401000100",
            "0300000802f08028",
            "0300000c02f08038000603ef",
            "0300005e02f08064000603eb7050",
        ] {
            settles(true, &hex(data), Guess::RdpData);
        }
    }

    #[test]
    fn tells_iso_on_tcp_apart() {
        let s7 = Guess::Other("ISO-on-TCP (S7comm, MMS)");
        settles(true, &hex("0300001611e00000000100c0010ac1020100c2020102"), s7);
        settles(true, &hex("0300001902f08032010000"), s7);
    }

    #[test]
    fn knows_tls() {
        settles(true, &hex(OPENSSL_3)[..16], Guess::Tls);
        settles(false, &hex(SERVER_2008)[..16], Guess::Tls);
        settles(true, &hex("80220103010009"), Guess::Tls);
        settles(true, &hex("802e0100020015"), Guess::Tls);
    }

    #[test]
    fn knows_preambles() {
        use PreambleKind::*;
        // arkime-socks5-rdp#4.
        settles(true, &hex("050100"), Guess::Preamble(Socks5));
        settles(true, &hex("0401 0d3d 0a000001 00"), Guess::Preamble(Socks4));
        settles(true, b"CONNECT ws:3389 HTTP/1.1\r\n", Guess::Preamble(HttpConnect));
        settles(true, b"PROXY TCP4 ", Guess::Preamble(Proxy));
        settles(true, &hex("0d0a0d0a000d0a515549540a 21"), Guess::Preamble(Proxy));
        settles(true, &hex("10000000 00000000 01000000 05000000"), Guess::Preamble(Preconnection));
        settles(true, &hex("5a000000 00000000 02000000 05000000"), Guess::Preamble(Preconnection));
        assert_eq!(Socks5.as_str(), "SOCKS5");
    }

    #[test]
    fn knows_others() {
        settles(true, b"GET / HTTP/1.1\r\n", Guess::Other("HTTP"));
        settles(false, b"HTTP/1.1 400 Bad Request\r\n", Guess::Other("HTTP"));
        settles(true, b"RDG_OUT_DATA /remoteDesktopGateway/", Guess::Other("RD Gateway over HTTP"));
        settles(false, b"SSH-2.0-OpenSSH_9.2\r\n", Guess::Other("SSH"));
        settles(false, b"RFB 003.008\n", Guess::Other("VNC (RFB)"));
        settles(true, b"\0\0\0\x45\xffSMBr", Guess::Other("SMB"));
        settles(false, b"220 mail ESMTP\r\n", Guess::Other("SMTP or FTP"));
        settles(true, &hex("00000008 04d2162f"), Guess::Other("PostgreSQL"));
        settles(false, b"J\0\0\0\n8.0.36\0", Guess::Other("MySQL"));
        settles(true, &hex("300c 020101 6007 020103"), Guess::Other("LDAP"));
        settles(true, &hex("05000b03 10000000"), Guess::Other("DCE/RPC"));
        settles(false, &hex("fffd18 fffd20"), Guess::Other("Telnet"));
    }

    #[test]
    fn is_conservative() {
        // rdp-invalid-length#4 (an odd client's first bytes) and #6.
        assert_eq!(recognize(true, &hex("45434f44480d0a01000800030301e46603004d57")), Guess::Unknown);
        assert_eq!(recognize(false, &hex("050000130ed000343031313133fe0000")), Guess::Unknown);
        assert_eq!(recognize(true, &hex("03000007 02f080")), Guess::Unknown);
        assert_eq!(recognize(true, &hex("0503010203040506070809")), Guess::Unknown);
        assert_eq!(recognize(false, b"GET / HTTP/1.1\r\n"), Guess::Unknown);
        assert_eq!(recognize(true, &[0; 64]), Guess::Unknown);
        assert_eq!(recognize(true, &[]), Guess::NeedMore);
    }

    proptest! {
        #[test]
        fn never_panics_and_settles(bytes in proptest::collection::vec(any::<u8>(), 0..300), client: bool) {
            let guess = recognize(client, &bytes);
            // Whoever has 64 bytes gets an answer.
            if bytes.len() >= 64 {
                prop_assert_ne!(guess, Guess::NeedMore);
            }
        }
    }
}
