//! RSA private keys in files: PEM (PKCS #1, RFC 8017, appendix A.1.2; PKCS #8, RFC 5208) and xrdp's rsakeys.ini.

use super::der::{INTEGER, OCTET_STRING, SEQUENCE, elements, find};

/// What opens what was encrypted with the public key. Big-endian.
#[derive(Clone, PartialEq, Eq)]
pub struct RsaPrivateKey {
    /// The modulus.
    pub modulus: Vec<u8>,
    /// The private exponent.
    pub exponent: Vec<u8>,
}

/// Bytes of the longest modulus.
const LONGEST: usize = 1024;

/// Reads every key of a file; none where it is of another kind.
pub fn parse(file: &[u8]) -> Vec<RsaPrivateKey> {
    let text = String::from_utf8_lossy(file);
    let keys = pem(&text).filter_map(|der| in_der(&der)).chain(ini(&text));
    keys.filter(RsaPrivateKey::is_sound).collect()
}

impl RsaPrivateKey {
    fn is_sound(&self) -> bool {
        let lengths = 1..=LONGEST;
        lengths.contains(&self.modulus.len()) && lengths.contains(&self.exponent.len())
    }
}

/// What stands between `-----BEGIN ... KEY-----` and its end (RFC 7468); a key under a password is none.
fn pem(text: &str) -> impl Iterator<Item = Vec<u8>> {
    text.split("-----BEGIN ").skip(1).filter_map(|part| {
        let (label, rest) = part.split_once("-----")?;
        let (body, _) = rest.split_once("-----END ")?;
        matches!(label, "PRIVATE KEY" | "RSA PRIVATE KEY").then(|| base64(body))?
    })
}

/// RFC 4648, section 4.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=');
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0_u32);
    for digit in digits {
        let value = match digit {
            b'A'..=b'Z' => digit.wrapping_sub(b'A'),
            b'a'..=b'z' => digit.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => digit.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count = count.wrapping_add(6);
        if let Some(left) = count.checked_sub(8) {
            bytes.push((bits >> left) as u8);
            count = left;
        }
    }
    Some(bytes)
}

fn in_der(bytes: &[u8]) -> Option<RsaPrivateKey> {
    let key = find(bytes, SEQUENCE)?;
    // PKCS #8: version, algorithm, the key of PKCS #1 in an octet string.
    if let Some(inner) = find(key, OCTET_STRING) {
        return pkcs1(find(inner, SEQUENCE)?);
    }
    pkcs1(key)
}

/// Version, modulus, public exponent, private exponent.
fn pkcs1(key: &[u8]) -> Option<RsaPrivateKey> {
    let mut numbers = elements(key).filter(|(tag, _)| *tag == INTEGER).map(|(_, number)| number);
    let mut next = |skip: usize| {
        let number = numbers.nth(skip)?;
        // Without the zeros that lead.
        number.get(number.iter().position(|byte| *byte != 0)?..).map(<[u8]>::to_vec)
    };
    Some(RsaPrivateKey { modulus: next(1)?, exponent: next(1)? })
}

/// `pub_mod=0x12,0x34,...` and `pri_exp=...`, little-endian.
fn ini(text: &str) -> Option<RsaPrivateKey> {
    let field = |name: &str| {
        let value = text.lines().find_map(|line| line.trim().strip_prefix(name)?.trim().strip_prefix('='))?;
        let bytes = value.split(',').map(|byte| u8::from_str_radix(byte.trim().strip_prefix("0x")?, 16).ok());
        let mut bytes = bytes.collect::<Option<Vec<u8>>>()?;
        bytes.reverse();
        Some(bytes)
    };
    Some(RsaPrivateKey { modulus: field("pub_mod")?, exponent: field("pri_exp")? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex;
    use super::*;

    /// A toy: 3233 = 61 * 53, e 17, d 2753.
    #[test]
    fn reads_both_forms() {
        let key = RsaPrivateKey { modulus: vec![0x0C, 0xA1], exponent: vec![0x0A, 0xC1] };
        let ini = b"[keys]\npub_exp=0x11,0x00\npub_mod=0xa1,0x0c\npub_sig=0x00\npri_exp=0xc1,0x0a\n";
        assert!(parse(ini) == [key.clone()]);
        let pkcs1 = hex("3014 020100 02020ca1 020111 02020ac1 02013d 020135");
        assert!(in_der(&pkcs1) == Some(key.clone()));
        let algorithm = hex("020100 300d06092a864886f70d0101010500");
        let inner = [&[4, pkcs1.len() as u8][..], &pkcs1].concat();
        let body = [algorithm, inner].concat();
        assert!(in_der(&[&[0x30, body.len() as u8][..], &body].concat()) == Some(key.clone()));
        // What openssl asn1parse and base64 make of the first.
        let pem = "-----BEGIN RSA PRIVATE KEY-----\nMBQCAQACAgyhAgERAgIKwQIBPQIBNQ==\n-----END RSA PRIVATE KEY-----\n";
        assert!(parse(pem.as_bytes()) == [key]);
        assert!(parse(b"CLIENT_RANDOM 00 11\n").is_empty() && parse(b"pub_mod=0x12\npri_exp=12").is_empty());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
            let _ = in_der(&bytes);
            let _ = base64(&String::from_utf8_lossy(&bytes));
        }
    }
}
