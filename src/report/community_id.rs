//! Community ID 1.0: a flow's name that other tools (Zeek, Suricata, Wireshark) give it too.
//!
//! `"1:" + base64(SHA-1(seed u16 · address · address · protocol u8 · 0 · port u16 · port u16))`, all
//! big-endian, the lower of the two ends first.

use std::net::{IpAddr, SocketAddr};

use sha1::{Digest, Sha1};

/// IP protocol number of TCP.
pub const TCP: u8 = 6;
/// IP protocol number of UDP.
pub const UDP: u8 = 17;

/// The ID of a flow with seed 0.
pub fn community_id(one: SocketAddr, other: SocketAddr, protocol: u8) -> String {
    let ends = [(octets(one.ip()), one.port()), (octets(other.ip()), other.port())];
    let [first, second] = if ends[0] <= ends[1] { [&ends[0], &ends[1]] } else { [&ends[1], &ends[0]] };
    let mut hash = Sha1::new();
    hash.update([0, 0]);
    hash.update(&first.0);
    hash.update(&second.0);
    hash.update([protocol, 0]);
    hash.update(first.1.to_be_bytes());
    hash.update(second.1.to_be_bytes());
    format!("1:{}", base64(&hash.finalize()))
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

/// RFC 4648, section 4, with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let digit = ALPHABET.get((group >> (18 - 6 * i) & 63) as usize).copied().unwrap_or(b'A');
            text.push(if i > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(one: &str, other: &str) -> String {
        community_id(one.parse().unwrap(), other.parse().unwrap(), TCP)
    }

    #[test]
    fn agrees_with_the_specification() {
        assert_eq!(id("128.232.110.120:34855", "66.35.250.204:80"), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        assert_eq!(id("66.35.250.204:80", "128.232.110.120:34855"), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
    }

    #[test]
    fn base64_as_in_rfc_4648() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }
}
