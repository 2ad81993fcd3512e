//! X.509 certificates (RFC 5280): whom they name, how long they hold and what key they carry. No
//! signature is checked.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use x509_parser::der_parser::asn1_rs::Tag;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::time::ASN1Time;
use x509_parser::x509::{AttributeTypeAndValue, SubjectPublicKeyInfo, X509Name};

use super::Malformed;
use super::wire::{hex, text};
use crate::base::Timestamp;

/// Bytes of one attribute's value that are kept; RFC 5280, appendix A.1, allows names of 64 characters.
const VALUE_LIMIT: usize = 256;
/// Attributes of a distinguished name that are kept.
const ATTRIBUTES_LIMIT: usize = 32;
/// Bytes of a whole name after which no attribute is kept.
const NAME_LIMIT: usize = 1024;
/// DNS names that are kept.
const NAMES_LIMIT: usize = 64;
/// Bytes of a serial number that are kept; RFC 5280, section 4.1.2.2, allows 20.
const SERIAL_LIMIT: usize = 32;

/// One certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is, as RFC 4514 writes names ("CN=host,O=Acme").
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// Start of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
    /// Whether subject and issuer are the same name; the signature is not checked.
    pub self_signed: bool,
    /// Its key.
    pub key: Key,
    /// SHA-256 of the DER.
    pub sha256: [u8; 32],
    /// Serial number in lower-case hexadecimal.
    pub serial: String,
    /// DNS names of subjectAltName.
    pub dns_names: Vec<String>,
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// "RSA", "EC", "Ed25519" and such, or the object identifier of an algorithm without a name here.
    pub algorithm: String,
    /// Its size, where it says something.
    pub bits: Option<u32>,
}

impl Certificate {
    /// Whether the certificate is valid at `time`.
    pub fn valid_at(&self, time: Timestamp) -> bool {
        self.not_before <= time && time <= self.not_after
    }
}

/// [`parse`], for a certificate that may have come before: a server shows the same one to all of its clients.
pub fn parse_again(der: &[u8]) -> Result<Arc<Certificate>, Malformed> {
    /// Certificates remembered, the one met last first, and the bytes of the longest.
    const KEPT: usize = 16;
    const LONGEST: usize = 4096;
    type Known = VecDeque<(Box<[u8]>, Arc<Certificate>)>;
    thread_local! { static KNOWN: RefCell<Known> = const { RefCell::new(VecDeque::new()) } }
    if der.len() > LONGEST {
        return parse(der).map(Arc::new);
    }
    KNOWN.with_borrow_mut(|known| {
        let at = known.iter().position(|(bytes, _)| **bytes == *der);
        let met = match at.and_then(|at| known.remove(at)) {
            Some(met) => met,
            None => (der.into(), Arc::new(parse(der)?)),
        };
        let certificate = Arc::clone(&met.1);
        known.truncate(KEPT - 1);
        known.push_front(met);
        Ok(certificate)
    })
}

/// Parses one certificate in DER.
pub fn parse(der: &[u8]) -> Result<Certificate, Malformed> {
    let broken = Malformed { what: "certificate", offset: 0, need: 0, have: der.len() as u64 };
    let (_, parsed) = X509Certificate::from_der(der).map_err(|_| broken)?;
    let serial = parsed.raw_serial();
    Ok(Certificate {
        subject: name(parsed.subject()),
        issuer: name(parsed.issuer()),
        not_before: timestamp(parsed.validity().not_before),
        not_after: timestamp(parsed.validity().not_after),
        self_signed: parsed.subject().as_raw() == parsed.issuer().as_raw(),
        key: key(parsed.public_key()),
        sha256: Sha256::digest(der).into(),
        serial: hex(serial.get(..SERIAL_LIMIT).unwrap_or(serial)),
        dns_names: dns_names(&parsed),
    })
}

/// A time, cut to what a [`Timestamp`] can hold (years 1678 to 2262).
fn timestamp(time: ASN1Time) -> Timestamp {
    Timestamp(time.timestamp().saturating_mul(Timestamp::SECOND))
}

fn key(info: &SubjectPublicKeyInfo<'_>) -> Key {
    let oid = info.algorithm.algorithm.to_id_string();
    let algorithm = match oid.as_str() {
        "1.2.840.113549.1.1.1" => "RSA",
        "1.2.840.113549.1.1.10" => "RSA-PSS",
        "1.2.840.10045.2.1" => "EC",
        "1.2.840.10040.4.1" => "DSA",
        "1.3.101.112" => "Ed25519",
        "1.3.101.113" => "Ed448",
        other => other,
    };
    let bits = match algorithm {
        "Ed25519" => 256,
        "Ed448" => 456,
        _ => info.parsed().map_or(0, |key| key.key_size()),
    };
    Key { algorithm: algorithm.to_owned(), bits: u32::try_from(bits).ok().filter(|&bits| bits > 0) }
}

fn dns_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    certificate
        .extensions()
        .iter()
        .filter_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
            _ => None,
        })
        .flatten()
        .filter_map(|name| match name {
            GeneralName::DNSName(dns) => Some(text(dns.as_bytes(), VALUE_LIMIT)),
            _ => None,
        })
        .take(NAMES_LIMIT)
        .collect()
}

/// A distinguished name: its attributes in reverse order, joined by commas, or by plus signs where they
/// stand in one set (RFC 4514, section 2).
fn name(name: &X509Name<'_>) -> String {
    let mut room = NAME_LIMIT;
    let mut fits = |attribute: &String| {
        let fits = room > 0;
        room = room.saturating_sub(attribute.len());
        fits
    };
    let mut parts = Vec::new();
    for set in name.iter_rdn().take(ATTRIBUTES_LIMIT) {
        let set: Vec<String> =
            set.iter().take(ATTRIBUTES_LIMIT).map(attribute).take_while(&mut fits).collect();
        if !set.is_empty() {
            parts.push(set.join("+"));
        }
    }
    parts.reverse();
    parts.join(",")
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let kind = match oid.as_str() {
        "2.5.4.3" => "CN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        other => other,
    };
    format!("{kind}={}", escape(&value(attribute)))
}

/// The value's text; BMPString is UTF-16 and the others are read as UTF-8.
fn value(attribute: &AttributeTypeAndValue<'_>) -> String {
    let bytes = attribute.as_slice();
    if attribute.attr_value().tag() == Tag::BmpString {
        let units = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(u16::from_be_bytes);
        return char::decode_utf16(units.take(VALUE_LIMIT))
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
    }
    text(bytes, VALUE_LIMIT)
}

/// Escapes what RFC 4514, section 2.4, demands.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (at, char) in value.chars().enumerate() {
        let special = matches!(char, '"' | '+' | ',' | ';' | '<' | '>' | '\\');
        let edge = (at == 0 && matches!(char, ' ' | '#')) || (at == last && char == ' ');
        if char == '\0' {
            escaped.push_str("\\00");
            continue;
        }
        if special || edge {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex as bytes;
    use super::super::tls::vectors::SERVER_2008;
    use super::*;

    /// Made with OpenSSL 3.0: an EC key, names that need escapes.
    const EC: &str = "308201e73082018ea00302010202140c96d78c25eaffcdd1f5cf84e47d87337570241d300a06082a8648 \
        ce3d0403023032310b300906035504061302444531133011060355040a0c0a41636d652c20496e632e31 \
        0e300c06035504030c0523686f7374301e170d3236313132313032323435335a170d3336313131383032 \
        323435335a3032310b300906035504061302444531133011060355040a0c0a41636d652c20496e632e31 \
        0e300c06035504030c0523686f73743059301306072a8648ce3d020106082a8648ce3d03010703420004 \
        dfc4d711a962593209b8a3e8aebd90f80a84fa39e53ad7372614ad03bd78492dcc51354e61f8ee96088a \
        2175e521c90f48d1260cc142864717b14595c635865fa38181307f301d0603551d0e0416041475b5480a \
        17c177ef7b9c3bf5d26dc14ac50bf2b6301f0603551d2304183016801475b5480a17c177ef7b9c3bf5d2 \
        6dc14ac50bf2b6300f0603551d130101ff040530030101ff302c0603551d11042530238210686f73742e \
        6578616d706c652e636f6d820f616c742e6578616d706c652e636f6d300a06082a8648ce3d0403020347 \
        003044022060c157e33dafd09816669cc3e3be8c52de83cc607d8dcf2aea270fb68330c2a70220774249 \
        de449e5759699e93a689829704ab4507ef9ea39658860928903ce6ce08";
    /// Made with OpenSSL 3.0: an Ed25519 key, valid beyond 2049.
    const ED25519: &str = "308201303081e3a003020102021453fd44e6db25e1ccac6406dcdc03d717e015cf4f300506032b657030 \
        0d310b300906035504030c0265643020170d3236313132313032323431365a180f323130393031313030 \
        32323431365a300d310b300906035504030c026564302a300506032b6570032100acddc484dfdfda5385 \
        bceb2cc344e7bab643aeee0db669c816a83c2e8b2db321a3533051301d0603551d0e041604143e6be39e \
        22e52328a8ae2d8ea809db0ef1f6dccc301f0603551d230418301680143e6be39e22e52328a8ae2d8ea8 \
        09db0ef1f6dccc300f0603551d130101ff040530030101ff300506032b6570034100e618d79919653ddc \
        ce48117718117467f0584aefb9516b8430e5c2388be891c01859b3de0339bc2a647bebce36ac3d462811 \
        91398f533cfeab5eb33626f22a05";

    /// The certificate in rdp-to-ssl#9.
    fn windows() -> Vec<u8> {
        bytes(SERVER_2008)[89..89 + 766].to_vec()
    }

    #[test]
    fn reads_a_windows_certificate() {
        let der = windows();
        let seen = parse(&der).unwrap();
        assert_eq!(seen.subject, "CN=WIN2K8R2.awakecoding.ath.cx");
        assert_eq!(seen.issuer, seen.subject);
        assert!(seen.self_signed);
        // 2011-02-12T21:37:35Z to 2021-02-12T00:00:00Z.
        assert_eq!(seen.not_before, Timestamp(1_297_546_655 * Timestamp::SECOND));
        assert_eq!(seen.not_after, Timestamp(1_613_088_000 * Timestamp::SECOND));
        assert!(seen.valid_at(seen.not_after) && !seen.valid_at(seen.not_after.plus(1)));
        assert_eq!(seen.key, Key { algorithm: "RSA".into(), bits: Some(2048) });
        assert_eq!(seen.serial, "16ed2aa0495f259d4f5d99edada570d1");
        assert_eq!(hex(&seen.sha256), "a5b05d2ae076130aa41060f53ecd72bdf864ea0179250e927549c94d5ab2499a");
        assert!(seen.dns_names.is_empty());
    }

    #[test]
    fn reads_other_keys_and_names() {
        let seen = parse(&bytes(EC)).unwrap();
        assert_eq!(seen.subject, "CN=\\#host,O=Acme\\, Inc.,C=DE");
        assert_eq!(seen.key, Key { algorithm: "EC".into(), bits: Some(256) });
        assert_eq!(seen.dns_names, ["host.example.com", "alt.example.com"]);
        assert_eq!(hex(&seen.sha256), "cdaabaad709de8f0f69ba3b6aea8724916a53496a34b5a845b41084e985e90f8");
        let seen = parse(&bytes(ED25519)).unwrap();
        assert_eq!(seen.key, Key { algorithm: "Ed25519".into(), bits: Some(256) });
        // 2109-01-10T02:24:16Z.
        assert_eq!(seen.not_after, Timestamp(4_387_227_856 * Timestamp::SECOND));
    }

    #[test]
    fn a_certificate_met_before_is_the_same() {
        let mut others = bytes(ED25519);
        let first = parse_again(&others).unwrap();
        assert_eq!(Arc::strong_count(&first), 2, "remembered");
        for n in 0..40u8 {
            for der in [windows(), bytes(EC)] {
                let seen = parse_again(&der).unwrap();
                assert_eq!(*seen, parse(&der).unwrap());
                assert!(Arc::ptr_eq(&seen, &parse_again(&der).unwrap()));
                assert_eq!(
                    parse_again(&der[..der.len() - 1]).unwrap_err(),
                    parse(&der[..der.len() - 1]).unwrap_err()
                );
            }
            // Its signature, which nobody checks: another certificate each time, until the first are forgotten.
            *others.last_mut().unwrap() = n;
            assert_eq!(*parse_again(&others).unwrap(), parse(&others).unwrap());
        }
        assert_eq!(Arc::strong_count(&first), 1, "forgotten");
        let mut long = windows();
        long.resize(5000, 0);
        let seen = parse_again(&long).unwrap();
        assert_eq!(
            (&*seen, Arc::strong_count(&seen)),
            (&parse(&long).unwrap(), 1),
            "too long to be remembered"
        );
    }

    #[test]
    fn escapes_as_rfc_4514() {
        assert_eq!(escape(" a+b\\ "), "\\ a\\+b\\\\\\ ");
        assert_eq!(escape("#\0#"), "\\#\\00#");
        assert_eq!(escape(" "), "\\ ");
    }

    #[test]
    fn every_cut_is_an_error() {
        let der = windows();
        for cut in 0..der.len() {
            assert!(parse(&der[..cut]).is_err(), "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(random in proptest::collection::vec(any::<u8>(), 0..128), at in 0_usize..766, to: u8) {
            let _ = parse(&random);
            let mut der = windows();
            der[at] = to;
            let _ = parse(&der);
        }
    }
}
