//! What may precede RDP on a connection: SOCKS 4, 4a and 5 (RFC 1928, RFC 1929), HTTP CONNECT (RFC 9110,
//! section 9.3.6), the PROXY protocol (HAProxy, versions 1 and 2) and RDP's preconnection PDU
//! (MS-RDPEPS 2.2.1). Both directions. Numbers are big-endian, in the preconnection PDU little-endian.
//!
//! A SOCKS message does not say what it is: whoever calls knows by the order.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use nom::Parser;
use nom::bytes::streaming::take;
use nom::multi::length_data;
use nom::number::streaming::{be_u8, be_u16, be_u32, be_u128, le_u16, le_u32};

use super::Step;
use super::wire::{Parsed, inside, run, text, utf16, whole, wrong};
use crate::base::open_enum;

/// The longest HTTP head that is waited for.
const HTTP_LIMIT: usize = 8192;
/// Bytes of a host name that are kept.
const NAME_LIMIT: usize = 256;
/// The longest user name of SOCKS 4 that is waited for, and the longest host name of SOCKS 4a.
const SOCKS4_LIMIT: usize = 512;

/// Where a client wants to be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Host name or address; an IPv6 address without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

open_enum! {
    /// A SOCKS 4 server's answer.
    pub struct Socks4Code(u8) {
        /// Granted.
        GRANTED = 90,
        /// Rejected or failed.
        REJECTED = 91,
        /// The server can't reach the client's identd.
        NO_IDENTD = 92,
        /// identd names another user.
        WRONG_USER = 93,
    }
}

open_enum! {
    /// A SOCKS 5 server's answer (RFC 1928, section 6).
    pub struct Socks5Code(u8) {
        /// Granted.
        SUCCEEDED = 0,
        /// General failure.
        GENERAL_FAILURE = 1,
        /// The server's rules forbid it.
        NOT_ALLOWED = 2,
        /// Network unreachable.
        NETWORK_UNREACHABLE = 3,
        /// Host unreachable.
        HOST_UNREACHABLE = 4,
        /// The target refused.
        CONNECTION_REFUSED = 5,
        /// TTL expired.
        TTL_EXPIRED = 6,
        /// Command not supported.
        COMMAND_NOT_SUPPORTED = 7,
        /// Address type not supported.
        ADDRESS_TYPE_NOT_SUPPORTED = 8,
    }
}

open_enum! {
    /// How a SOCKS 5 client proves itself (RFC 1928, section 3).
    pub struct Socks5Method(u8) {
        /// Not at all.
        NO_AUTHENTICATION = 0,
        /// GSSAPI.
        GSSAPI = 1,
        /// User name and password.
        USERNAME_PASSWORD = 2,
        /// None of those offered.
        NO_ACCEPTABLE = 0xFF,
    }
}

/// Parses a SOCKS 4 or 4a request: `4 · command u8 · port u16 · address u32 · user, NUL [· host, NUL]`;
/// the host follows an address 0.0.0.x with x not 0.
pub fn socks4_request(input: &[u8]) -> Step<Target> {
    run(input, |i| {
        let (i, ()) = version(i, "SOCKS version", 4)?;
        let (i, _command) = be_u8(i)?;
        let (i, port) = be_u16(i)?;
        let (i, address) = be_u32(i)?;
        let (i, _user) = zero_ended(i)?;
        if (1..=0xFF).contains(&address) {
            let (i, host) = zero_ended(i)?;
            return Ok((i, Target { host: text(host, NAME_LIMIT), port }));
        }
        Ok((i, Target { host: Ipv4Addr::from(address).to_string(), port }))
    })
}

/// Parses a SOCKS 4 reply: `0 · code u8 · port u16 · address u32`.
pub fn socks4_reply(input: &[u8]) -> Step<Socks4Code> {
    run(input, |i| {
        let (i, ()) = version(i, "SOCKS 4 reply version", 0)?;
        let (i, code) = be_u8(i)?;
        let (i, _bound) = take(6_usize)(i)?;
        Ok((i, Socks4Code(code)))
    })
}

/// Parses a SOCKS 5 client's first message: `5 · count u8 · methods`.
pub fn socks5_methods(input: &[u8]) -> Step<Vec<Socks5Method>> {
    run(input, |i| {
        let (i, ()) = version(i, "SOCKS version", 5)?;
        let (i, methods) = length_data(be_u8).parse(i)?;
        Ok((i, methods.iter().copied().map(Socks5Method).collect()))
    })
}

/// Parses the server's choice: `5 · method u8`.
pub fn socks5_choice(input: &[u8]) -> Step<Socks5Method> {
    run(input, |i| {
        let (i, ()) = version(i, "SOCKS version", 5)?;
        let (i, method) = be_u8(i)?;
        Ok((i, Socks5Method(method)))
    })
}

/// Steps over a SOCKS 5 login: `1 · user, length u8 · password, length u8` (RFC 1929). Nothing of it is
/// kept.
pub fn socks5_login(input: &[u8]) -> Step<()> {
    run(input, |i| {
        let (i, ()) = version(i, "SOCKS 5 login version", 1)?;
        let (i, _user) = length_data(be_u8).parse(i)?;
        let (i, _password) = length_data(be_u8).parse(i)?;
        Ok((i, ()))
    })
}

/// Parses the answer to a login, `1 · status u8`: whether it was taken.
pub fn socks5_login_reply(input: &[u8]) -> Step<bool> {
    run(input, |i| {
        let (i, ()) = version(i, "SOCKS 5 login version", 1)?;
        let (i, status) = be_u8(i)?;
        Ok((i, status == 0))
    })
}

/// Parses a SOCKS 5 request: `5 · command u8 · 0 · address · port u16`.
pub fn socks5_request(input: &[u8]) -> Step<Target> {
    run(input, socks5_message).map(|(_, target)| target)
}

/// Parses a SOCKS 5 reply: `5 · code u8 · 0 · address · port u16`.
pub fn socks5_reply(input: &[u8]) -> Step<Socks5Code> {
    run(input, socks5_message).map(|(code, _)| Socks5Code(code))
}

/// The layout of request and reply. Address: `1 · IPv4`, `3 · name, length u8` or `4 · IPv6`.
fn socks5_message(i: &[u8]) -> Parsed<'_, (u8, Target)> {
    let (i, ()) = version(i, "SOCKS version", 5)?;
    let (i, code) = be_u8(i)?;
    let (at, _reserved) = be_u8(i)?;
    let (i, kind) = be_u8(at)?;
    let (i, host) = match kind {
        1 => be_u32(i).map(|(i, bits)| (i, Ipv4Addr::from(bits).to_string()))?,
        3 => length_data(be_u8).parse(i).map(|(i, name)| (i, text(name, NAME_LIMIT)))?,
        4 => be_u128(i).map(|(i, bits)| (i, Ipv6Addr::from(bits).to_string()))?,
        other => return wrong("SOCKS 5 address type", at, 1, u64::from(other)),
    };
    let (i, port) = be_u16(i)?;
    Ok((i, (code, Target { host, port })))
}

/// Parses the head of an HTTP CONNECT request. Header fields, which may hold credentials, are not kept.
pub fn http_connect(input: &[u8]) -> Step<Target> {
    run(input, |i| {
        let (rest, line) = http_head(i)?;
        let mut words = line.split(|&byte| byte == b' ');
        let target = match (words.next(), words.next()) {
            (Some(b"CONNECT"), Some(authority)) => authority_target(&text(authority, NAME_LIMIT)),
            _ => None,
        };
        match target {
            Some(target) => Ok((rest, target)),
            None => wrong("HTTP CONNECT request line", i, 0, 0),
        }
    })
}

/// Parses the head of the answer to HTTP CONNECT: its status. 200 to 299 opens the tunnel; another status
/// refuses it, and a body may follow.
pub fn http_reply(input: &[u8]) -> Step<u16> {
    run(input, |i| {
        let (rest, line) = http_head(i)?;
        let mut words = line.split(|&byte| byte == b' ');
        let sound = words.next().is_some_and(|word| word.starts_with(b"HTTP/"));
        let status = words.next().and_then(|word| std::str::from_utf8(word).ok()?.parse().ok());
        match status {
            Some(status @ 100..=999) if sound => Ok((rest, status)),
            _ => wrong("HTTP status line", i, 0, 0),
        }
    })
}

/// The first line of a head, and what follows the head's empty line.
fn http_head(i: &[u8]) -> Parsed<'_, &[u8]> {
    let window = i.get(..HTTP_LIMIT).unwrap_or(i);
    let Some(end) = window.windows(4).position(|four| four == b"\r\n\r\n") else {
        if window.len() < HTTP_LIMIT {
            return Err(nom::Err::Incomplete(nom::Needed::new(1)));
        }
        return wrong("HTTP head length", i, HTTP_LIMIT as u64, i.len() as u64);
    };
    let (rest, head) = take(end.saturating_add(4))(i)?;
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    Ok((rest, line))
}

/// `host:port` or `[address]:port`.
fn authority_target(authority: &str) -> Option<Target> {
    let (host, port) = authority.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    Some(Target { host: host.to_owned(), port: port.parse().ok()? })
}

/// A PROXY protocol header: whom the proxy connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyHeader {
    /// 1 or 2.
    pub version: u8,
    /// The client and the address that it reached; none where the proxy speaks for itself (a health
    /// check) or for a family that is not IP.
    pub addresses: Option<(SocketAddr, SocketAddr)>,
}

/// The longest header of version 1, CR LF included.
const PROXY_V1_LIMIT: usize = 107;
const PROXY_V2_SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Parses a PROXY protocol header of either version.
pub fn proxy_header(input: &[u8]) -> Step<ProxyHeader> {
    run(input, |i| if i.first() == Some(&b'P') { proxy_v1(i) } else { proxy_v2(i) })
}

/// `PROXY TCP4|TCP6|UNKNOWN source destination source-port destination-port CR LF`.
fn proxy_v1(i: &[u8]) -> Parsed<'_, ProxyHeader> {
    let window = i.get(..PROXY_V1_LIMIT).unwrap_or(i);
    let Some(end) = window.windows(2).position(|two| two == b"\r\n") else {
        if window.len() < PROXY_V1_LIMIT {
            return Err(nom::Err::Incomplete(nom::Needed::new(1)));
        }
        return wrong("PROXY header length", i, PROXY_V1_LIMIT as u64, i.len() as u64);
    };
    let (rest, line) = take(end.saturating_add(2))(i)?;
    let line = String::from_utf8_lossy(line);
    let words: Vec<&str> = line.split_ascii_whitespace().take(7).collect();
    let addresses = match words.as_slice() {
        ["PROXY", "TCP4" | "TCP6", source, destination, source_port, destination_port] => {
            let address = |ip: &str, port: &str| -> Option<SocketAddr> {
                Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?))
            };
            let pair = address(source, source_port).zip(address(destination, destination_port));
            if pair.is_none() {
                return wrong("PROXY addresses", i, 0, 0);
            }
            pair
        }
        ["PROXY", "UNKNOWN", ..] => None,
        _ => return wrong("PROXY protocol", i, 0, 0),
    };
    Ok((rest, ProxyHeader { version: 1, addresses }))
}

/// `signature 12 bytes · version and command u8 · family and protocol u8 · length u16 · addresses ·
/// options`.
fn proxy_v2(start: &[u8]) -> Parsed<'_, ProxyHeader> {
    let (at, signature) = take(PROXY_V2_SIGNATURE.len())(start)?;
    if signature != PROXY_V2_SIGNATURE {
        return wrong("PROXY signature", start, 0, 0);
    }
    let (i, command) = be_u8(at)?;
    if command >> 4 != 2 {
        return wrong("PROXY version", at, 2, u64::from(command >> 4));
    }
    let (i, family) = be_u8(i)?;
    let (i, body) = length_data(be_u16).parse(i)?;
    // Command 0 is LOCAL: the addresses mean nothing.
    let addresses = match (command & 0x0F, family >> 4) {
        (1, 1) => Some(inside("PROXY addresses", body, i, |b| {
            addresses(b, |b| be_u32(b).map(|(b, bits)| (b, Ipv4Addr::from(bits).into())))
        })?),
        (1, 2) => Some(inside("PROXY addresses", body, i, |b| {
            addresses(b, |b| be_u128(b).map(|(b, bits)| (b, Ipv6Addr::from(bits).into())))
        })?),
        _ => None,
    };
    Ok((i, ProxyHeader { version: 2, addresses }))
}

/// `source · destination · source port u16 · destination port u16`.
fn addresses(
    i: &[u8],
    address: impl Fn(&[u8]) -> Parsed<'_, IpAddr>,
) -> Parsed<'_, (SocketAddr, SocketAddr)> {
    let (i, source) = address(i)?;
    let (i, destination) = address(i)?;
    let (i, source_port) = be_u16(i)?;
    let (i, destination_port) = be_u16(i)?;
    Ok((i, (SocketAddr::new(source, source_port), SocketAddr::new(destination, destination_port))))
}

/// RDP_PRECONNECTION_PDU_V1 or V2, which names the virtual machine or session that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preconnection {
    /// 1 or 2.
    pub version: u32,
    /// Id.
    pub id: u32,
    /// wszPCB of version 2, such as the GUID of a virtual machine.
    pub blob: Option<String>,
}

/// Fixed bytes of a preconnection PDU: all of version 1.
const PRECONNECTION_LEN: u32 = 16;
/// The most that a cchPCB of 16 bits allows.
const PRECONNECTION_MAX: u32 = 18 + 2 * 0xFFFF;
/// UTF-16 units of a blob that are kept.
const BLOB_LIMIT: usize = 512;

/// Parses a preconnection PDU: `cbSize u32 · Flags u32 · Version u32 · Id u32 [· cchPCB u16 · wszPCB]`.
pub fn preconnection(input: &[u8]) -> Step<Preconnection> {
    run(input, |start| {
        let (i, size) = le_u32(start)?;
        if !(PRECONNECTION_LEN..=PRECONNECTION_MAX).contains(&size) {
            return wrong("preconnection cbSize", start, u64::from(PRECONNECTION_LEN), u64::from(size));
        }
        let (at, _flags) = le_u32(i)?;
        let (i, version) = le_u32(at)?;
        if !matches!(version, 1 | 2) {
            return wrong("preconnection Version", at, 1, u64::from(version));
        }
        let (i, id) = le_u32(i)?;
        let (i, body) = take(size.saturating_sub(PRECONNECTION_LEN))(i)?;
        let count = |b| {
            let (b, units) = le_u16(b)?;
            take(usize::from(units).saturating_mul(2))(b)
        };
        let blob = match version {
            2 => whole("preconnection wszPCB", body, count).ok().map(|blob| utf16(blob, BLOB_LIMIT)),
            _ => None,
        };
        Ok((i, Preconnection { version, id, blob }))
    })
}

/// A version byte that must be `need`.
fn version<'a>(i: &'a [u8], what: &'static str, need: u8) -> Parsed<'a, ()> {
    let (rest, have) = be_u8(i)?;
    if have != need {
        return wrong(what, i, u64::from(need), u64::from(have));
    }
    Ok((rest, ()))
}

/// Bytes up to a NUL.
fn zero_ended(i: &[u8]) -> Parsed<'_, &[u8]> {
    match i.iter().take(SOCKS4_LIMIT).position(|&byte| byte == 0) {
        Some(end) => {
            let (rest, bytes) = take(end)(i)?;
            let (rest, _nul) = be_u8(rest)?;
            Ok((rest, bytes))
        }
        None if i.len() < SOCKS4_LIMIT => Err(nom::Err::Incomplete(nom::Needed::new(1))),
        None => wrong("SOCKS 4 string", i, SOCKS4_LIMIT as u64, i.len() as u64),
    }
}

#[cfg(test)]
mod tests;
