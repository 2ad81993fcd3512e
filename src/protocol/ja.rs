//! Fingerprints of TLS and DTLS clients: JA3 (salesforce/ja3) and JA4 (FoxIO, technical details of JA4).
//! GREASE counts in neither.

use std::fmt::{self, Write as _};

use md5::Md5;
use sha2::{Digest, Sha256};

use super::tls::{ClientHello, Version, is_grease};
use super::wire::hex;

/// What JA3 hashes: version, cipher suites, extensions, groups and point formats in decimal, in the order
/// of the wire.
pub fn ja3_string(hello: &ClientHello) -> String {
    let groups: Vec<u16> = hello.groups.iter().map(|group| group.0).collect();
    let formats: Vec<u16> = hello.point_formats.iter().copied().map(u16::from).collect();
    [
        hello.legacy_version.0.to_string(),
        decimal_list(&without_grease(&hello.ciphers)),
        decimal_list(&without_grease(&hello.extensions)),
        decimal_list(&without_grease(&groups)),
        decimal_list(&formats),
    ]
    .join(",")
}

/// JA3: the MD5 of [`ja3_string`] in hexadecimal.
pub fn ja3(hello: &ClientHello) -> String {
    hex(&Md5::digest(ja3_string(hello)))
}

/// JA4 of a hello that came in TLS or DTLS, such as `t13d1516h2_8daaf6152771_e5627efa2ab1`.
pub fn ja4(hello: &ClientHello) -> String {
    let mut ciphers = without_grease(&hello.ciphers);
    let mut extensions = without_grease(&hello.extensions);
    let sni = if extensions.contains(&SERVER_NAME) { 'd' } else { 'i' };
    let head = format!(
        "{}{sni}{:02}{:02}{}",
        version(hello),
        ciphers.len().min(99),
        extensions.len().min(99),
        alpn(hello)
    );
    ciphers.sort_unstable();
    extensions.retain(|id| !matches!(*id, SERVER_NAME | ALPN));
    extensions.sort_unstable();
    let schemes: Vec<u16> = hello.signature_schemes.iter().map(|scheme| scheme.0).collect();
    let schemes = hex_list(&without_grease(&schemes));
    let ciphers = hex_list(&ciphers);
    let mut rest = hex_list(&extensions);
    if !rest.is_empty() && !schemes.is_empty() {
        rest = format!("{rest}_{schemes}");
    }
    format!("{head}_{}_{}", short_hash(&ciphers), short_hash(&rest))
}

const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;

/// Transport, then the highest version on offer.
fn version(hello: &ClientHello) -> &'static str {
    let datagrams = hello.legacy_version.is_dtls();
    match hello.versions().into_iter().max_by_key(|version| version.rank()) {
        Some(Version::TLS1_3) => "t13",
        Some(Version::TLS1_2) => "t12",
        Some(Version::TLS1_1) => "t11",
        Some(Version::TLS1_0) => "t10",
        Some(Version::SSL3) => "ts3",
        Some(Version::SSL2) => "ts2",
        Some(Version::DTLS1_3) => "dd3",
        Some(Version::DTLS1_2) => "dd2",
        Some(Version::DTLS1_0) => "dd1",
        _ if datagrams => "d00",
        _ => "t00",
    }
}

/// First and last character of the first application protocol, or of its hexadecimal form where one of
/// them is not alphanumeric.
fn alpn(hello: &ClientHello) -> String {
    let Some([first, .., last] | [first @ last]) = hello.alpn.first().map(Vec::as_slice) else {
        return "00".to_owned();
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        [char::from(*first), char::from(*last)].iter().collect()
    } else {
        format!("{:x}{:x}", first >> 4, last & 0x0F)
    }
}

fn without_grease(numbers: &[u16]) -> Vec<u16> {
    let mut numbers = numbers.to_vec();
    numbers.retain(|&number| !is_grease(number));
    numbers
}

fn decimal_list(numbers: &[u16]) -> String {
    join('-', numbers, |list, number| write!(list, "{number}"))
}

fn hex_list(numbers: &[u16]) -> String {
    join(',', numbers, |list, number| write!(list, "{number:04x}"))
}

fn join(separator: char, numbers: &[u16], add: impl Fn(&mut String, u16) -> fmt::Result) -> String {
    // None has more than five digits.
    let mut list = String::with_capacity(numbers.len().saturating_mul(6));
    for &number in numbers {
        if !list.is_empty() {
            list.push(separator);
        }
        // Writing to a String cannot fail.
        let _ = add(&mut list, number);
    }
    list
}

/// The first 12 digits of the SHA-256; zeros where there is nothing to hash.
fn short_hash(list: &str) -> String {
    if list.is_empty() {
        return "0".repeat(12);
    }
    hex(Sha256::digest(list).get(..6).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Step;
    use super::super::testing::hex as bytes;
    use super::super::tls::vectors::{OPENSSL_3, WINDOWS_7, WINDOWS_10};
    use super::super::tls::{HandshakeMessage, NamedGroup, SignatureScheme, parse_handshake};
    use super::*;

    fn hello(record: &str) -> ClientHello {
        match parse_handshake(&bytes(record)[5..]) {
            Step::Done(HandshakeMessage::ClientHello(hello), _) => hello,
            other => panic!("{other:?}"),
        }
    }

    /// The values are those of tshark 4.0.
    #[test]
    fn ja3_agrees_with_another_implementation() {
        let seven = hello(WINDOWS_7);
        let string = "769,47-53-5-10-49171-49172-49161-49162-50-56-19-4,0-5-10-11,23-24,0";
        assert_eq!(ja3_string(&seven), string);
        assert_eq!(ja3(&seven), "eaef0d8d3d689b3adc0c46bc5b6fc95e");
        assert_eq!(ja3(&hello(WINDOWS_10)), "c12f54a3f91dc7bafd92cb59fe009a35");
        assert_eq!(ja3(&hello(OPENSSL_3)), "304734bb1c086c3453b387400cf83f11");
    }

    /// The values were computed apart from this code, from the definition.
    #[test]
    fn ja4_of_real_hellos() {
        assert_eq!(ja4(&hello(WINDOWS_7)), "t10d120400_d94e65cdb899_dedc66686760");
        assert_eq!(ja4(&hello(WINDOWS_10)), "t12i210600_76e208dd3e22_f28add8e7af0");
        assert_eq!(ja4(&hello(OPENSSL_3)), "t13d1812h2_85036bcba153_d41ae481755e");
    }

    /// The example of the definition, with GREASE strewn in.
    fn example() -> ClientHello {
        let mut example = hello(OPENSSL_3);
        example.ciphers = vec![
            0x0A0A, 0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014,
            0x009C, 0x009D, 0x002F, 0x0035,
        ];
        example.extensions = vec![
            0x1A1A, 0x001B, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002D, 0x000D, 0x0005, 0x0023, 0x0012,
            0x002B, 0xFF01, 0x000B, 0x000A, 0x0015,
        ];
        example.supported_versions.insert(0, Version(0xFAFA));
        example.signature_schemes = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]
            .into_iter()
            .map(SignatureScheme)
            .collect();
        example
    }

    #[test]
    fn ja4_of_the_definition() {
        let mut example = example();
        assert_eq!(ja4(&example), "t13d1516h2_8daaf6152771_e5627efa2ab1");
        example.signature_schemes.clear();
        assert_eq!(ja4(&example), "t13d1516h2_8daaf6152771_6d807ffa2a79");
        example.ciphers.clear();
        example.extensions = vec![SERVER_NAME, ALPN];
        assert_eq!(ja4(&example), "t13d0002h2_000000000000_000000000000");
    }

    #[test]
    fn ja3_leaves_grease_out() {
        let mut with = hello(OPENSSL_3);
        with.ciphers.insert(0, 0x3A3A);
        with.extensions.push(0x4A4A);
        with.groups.push(NamedGroup(0x5A5A));
        assert_eq!(ja3(&with), ja3(&hello(OPENSSL_3)));
    }

    #[test]
    fn alpn_characters() {
        let mut hello = example();
        let cases: [(&[u8], &str); 9] = [
            (b"http/1.1", "h1"),
            (b"x", "xx"),
            (b"", "00"),
            (&[0xAB], "ab"),
            (&[0xAB, 0xCD], "ad"),
            (&[0x30, 0xAB], "3b"),
            (&[0x30, 0x31, 0xAB, 0xCD], "3d"),
            (&[0x30, 0xAB, 0xCD, 0x31], "01"),
            (b"h2", "h2"),
        ];
        for (protocol, want) in cases {
            hello.alpn = vec![protocol.to_vec()];
            assert_eq!(alpn(&hello), want);
        }
    }

    proptest! {
        #[test]
        fn never_panics(ciphers in proptest::collection::vec(any::<u16>(), 0..200), protocol: Vec<u8>) {
            let mut hello = example();
            hello.ciphers = ciphers;
            hello.alpn = vec![protocol];
            prop_assert_eq!(ja4(&hello).len(), 36);
            prop_assert_eq!(ja3(&hello).len(), 32);
        }
    }
}
