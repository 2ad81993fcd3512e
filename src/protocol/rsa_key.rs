//! RSA private keys in files: PEM (PKCS #1, RFC 8017, appendix A.1.2; PKCS #8, RFC 5208) and xrdp's rsakeys.ini.

use x509_parser::der_parser::ber::{BerObject, BerObjectContent};
use x509_parser::der_parser::der::parse_der;
use x509_parser::pem::Pem;

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
    let pem = Pem::iter_from_buffer(file).filter_map(Result::ok).filter_map(|pem| der(&pem.contents));
    pem.chain(ini(file)).filter(RsaPrivateKey::is_sound).collect()
}

impl RsaPrivateKey {
    fn is_sound(&self) -> bool {
        let lengths = 1..=LONGEST;
        lengths.contains(&self.modulus.len()) && lengths.contains(&self.exponent.len())
    }
}

fn der(bytes: &[u8]) -> Option<RsaPrivateKey> {
    let (_, object) = parse_der(bytes).ok()?;
    match object.as_sequence().ok()?.as_slice() {
        // PKCS #8: version, algorithm, the key of PKCS #1 in an octet string.
        [_, BerObject { content: BerObjectContent::Sequence(_), .. }, key, ..] => der(key.as_slice().ok()?),
        // PKCS #1: version, modulus, public exponent, private exponent.
        [_, modulus, _, exponent, ..] => {
            Some(RsaPrivateKey { modulus: number(modulus)?, exponent: number(exponent)? })
        }
        _ => None,
    }
}

/// Without the zeros that lead.
fn number(object: &BerObject<'_>) -> Option<Vec<u8>> {
    let bytes = object.as_slice().ok()?;
    let start = bytes.iter().position(|byte| *byte != 0)?;
    bytes.get(start..).map(<[u8]>::to_vec)
}

/// `pub_mod=0x12,0x34,...` and `pri_exp=...`, little-endian.
fn ini(file: &[u8]) -> Option<RsaPrivateKey> {
    let field = |name: &[u8]| {
        let mut lines = file.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let value = lines.find_map(|line| line.strip_prefix(name)?.trim_ascii().strip_prefix(b"="))?;
        let bytes = std::str::from_utf8(value)
            .ok()?
            .split(',')
            .map(|byte| u8::from_str_radix(byte.trim().strip_prefix("0x")?, 16).ok());
        let mut bytes = bytes.collect::<Option<Vec<u8>>>()?;
        bytes.reverse();
        Some(bytes)
    };
    Some(RsaPrivateKey { modulus: field(b"pub_mod")?, exponent: field(b"pri_exp")? })
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
        assert!(der(&pkcs1) == Some(key.clone()));
        let algorithm = hex("020100 300d06092a864886f70d0101010500");
        let inner = [&[4, pkcs1.len() as u8][..], &pkcs1].concat();
        let body = [algorithm, inner].concat();
        assert!(der(&[&[0x30, body.len() as u8][..], &body].concat()) == Some(key.clone()));
        // What openssl asn1parse and base64 make of the first.
        let pem = "-----BEGIN RSA PRIVATE KEY-----\nMBQCAQACAgyhAgERAgIKwQIBPQIBNQ==\n-----END RSA PRIVATE KEY-----\n";
        assert!(parse(pem.as_bytes()) == [key]);
        assert!(parse(b"CLIENT_RANDOM 00 11\n").is_empty() && parse(b"pub_mod=0x12\npri_exp=12").is_empty());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
            let _ = der(&bytes);
        }
    }
}
