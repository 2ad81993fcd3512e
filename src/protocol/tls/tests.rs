use proptest::prelude::*;

use super::super::testing::{grows, hex};
use super::vectors::*;
use super::*;
use crate::protocol::Malformed;

/// The handshake bytes of a record given in hexadecimal.
fn fragment(record: &str) -> Vec<u8> {
    let bytes = hex(record);
    let Step::Done(record, taken) = parse_record(&bytes) else { panic!("no record") };
    assert_eq!(taken, bytes.len());
    assert_eq!(record.header.content_type, ContentType::handshake);
    record.fragment.to_vec()
}

fn client(record: &str) -> ClientHello {
    match parse_handshake(&fragment(record)) {
        Step::Done(HandshakeMessage::ClientHello(hello), _) => hello,
        other => panic!("{other:?}"),
    }
}

#[test]
fn walks_records() {
    grows(&hex(WINDOWS_7), parse_record);
    let bytes = hex("1503030002022d");
    let Step::Done(record, 7) = parse_record(&bytes) else { panic!("no record") };
    let alert = parse_alert(record.fragment).unwrap();
    assert_eq!(alert.level, AlertLevel::fatal);
    assert_eq!(alert.description.name(), Some("certificate_expired"));
    assert_eq!(parse_alert(&hex("028c")).unwrap().description.to_string(), "0x8c");
}

#[test]
fn refuses_what_is_no_record() {
    let what = |bytes: &str| match parse_record_header(&hex(bytes)) {
        Step::Broken(Malformed { what, offset, .. }) => (what, offset),
        other => panic!("{other:?}"),
    };
    assert_eq!(what("030000130e"), ("TLS content type", 0));
    assert_eq!(what("1602030010"), ("TLS major version", 1));
    assert_eq!(what("1603034801"), ("TLS record length", 3));
    // An encrypted alert, and bytes that happen to be two.
    assert_eq!(parse_alert(&[2; 26]).unwrap_err().have, 26);
    assert_eq!(parse_alert(&[9, 40]).unwrap_err().what, "alert level");
}

#[test]
fn reads_old_client_hellos() {
    let hello = client(WINDOWS_7);
    assert_eq!(hello.versions(), [Version::TLS1_0]);
    assert_eq!(hello.ciphers[..4], [0x2F, 0x35, 5, 0x0A]);
    assert_eq!(hello.extensions, [0, 5, 10, 11]);
    assert_eq!(hello.sni.as_deref(), Some("192.168.1.150"));
    assert_eq!(hello.groups, [NamedGroup::secp256r1, NamedGroup::secp384r1]);
    assert_eq!(hello.point_formats, [0]);
    assert_eq!(hello.session_id_len, 0);

    let hello = client(WINDOWS_10);
    assert_eq!(hello.legacy_version.to_string(), "TLS 1.2");
    assert_eq!(hello.suites().len(), 21);
    assert_eq!(hello.groups[0].name(), Some("x25519"));
    assert_eq!(hello.signature_schemes[0], SignatureScheme::rsa_pkcs1_sha256);
    assert!(hello.signature_schemes.iter().all(|scheme| scheme.name().is_some()));
}

#[test]
fn reads_tls13_hellos() {
    let hello = client(OPENSSL_3);
    assert_eq!(hello.versions(), [Version::TLS1_3, Version::TLS1_2]);
    assert_eq!(hello.sni.as_deref(), Some("rdp.example.com"));
    assert_eq!(hello.alpn, [b"h2".to_vec(), b"http/1.1".to_vec()]);
    assert_eq!(hello.key_shares, [NamedGroup::x25519]);
    assert_eq!((hello.session_id_len, hello.psk, hello.ssl2_format), (32, false, false));
    assert_eq!(hello.point_formats, [0, 1, 2]);

    let bytes = fragment(OPENSSL_3_ANSWER);
    let Step::Done(HandshakeMessage::ServerHello(hello), _) = parse_handshake(&bytes) else { panic!() };
    assert_eq!((hello.version, hello.legacy_version), (Version::TLS1_3, Version::TLS1_2));
    assert_eq!(cipher_name(hello.cipher), Some("TLS_AES_256_GCM_SHA384"));
    assert_eq!((hello.extensions, hello.key_share), (vec![43, 51], Some(NamedGroup::x25519)));

    let bytes = fragment(OPENSSL_3_RETRY);
    let Step::Done(HandshakeMessage::HelloRetryRequest(hello), _) = parse_handshake(&bytes) else { panic!() };
    assert_eq!(hello.key_share, Some(NamedGroup::secp384r1));
}

#[test]
fn reads_a_flight() {
    let bytes = fragment(SERVER_2008);
    let Step::Done(HandshakeMessage::ServerHello(hello), first) = parse_handshake(&bytes) else { panic!() };
    assert_eq!((hello.version, hello.session_id_len), (Version::TLS1_0, 32));
    assert_eq!(cipher_name(hello.cipher), Some("TLS_RSA_WITH_AES_128_CBC_SHA"));
    let Step::Done(HandshakeMessage::Certificate(chain), second) = parse_handshake(&bytes[first..]) else {
        panic!("no certificate")
    };
    assert_eq!(chain.iter().map(|der| der.len()).collect::<Vec<_>>(), [766]);
    let third = parse_handshake(&bytes[first + second..]);
    assert_eq!(third, Step::Done(HandshakeMessage::ServerHelloDone, 4));
    assert_eq!(first + second + 4, bytes.len());
}

#[test]
fn every_cut_needs_more() {
    let bytes = fragment(WINDOWS_10);
    grows(&bytes, parse_handshake);
    // A body that its own lengths overrun is broken, with the place.
    let mut short = bytes.clone();
    short.truncate(60);
    short[1..4].copy_from_slice(&[0, 0, 56]);
    let Step::Broken(why) = parse_handshake(&short) else { panic!("not broken") };
    assert_eq!((why.what, why.offset), ("ClientHello", 60));
}

#[test]
fn reads_hellos_in_ssl2_format() {
    // Made after RFC 5246, appendix E.2: suites 0x2F, 0x0A and one of SSL 2.0, a challenge of 16 bytes.
    let bytes = hex("8022 01 0301 0009 0000 0010 00002f 00000a 010080 000102030405060708090a0b0c0d0e0f");
    grows(&bytes, parse_ssl2_client_hello);
    let Step::Done(hello, _) = parse_ssl2_client_hello(&bytes) else { panic!("no hello") };
    assert!(hello.ssl2_format);
    assert_eq!((hello.legacy_version, hello.ciphers), (Version::TLS1_0, vec![0x2F, 0x0A]));
    assert_eq!((hello.random[15], hello.random[31]), (0, 15));
    assert!(matches!(parse_ssl2_client_hello(&hex("8022 04")), Step::Broken(_)));
    assert!(matches!(parse_ssl2_client_hello(&hex("0300")), Step::Broken(_)));
}

#[test]
fn names_and_grease() {
    assert_eq!(cipher_name(0x00FF), Some("TLS_EMPTY_RENEGOTIATION_INFO_SCSV"));
    assert_eq!(cipher_name(0x1A1A), None);
    assert!(is_grease(0x0A0A) && is_grease(0xFAFA));
    assert!(!is_grease(0x0A1A) && !is_grease(0x0A0B));
    assert_eq!(Version(0x0305).to_string(), "0x0305");
}

proptest! {
    #[test]
    fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..256), at in 0_usize..256, to: u8) {
        let _ = (parse_record(&bytes), parse_alert(&bytes));
        let _ = (parse_handshake(&bytes), parse_ssl2_client_hello(&bytes));
        for kind in [1, 2, 11] {
            let mut message = vec![kind, 0, 0, bytes.len() as u8];
            message.extend_from_slice(&bytes);
            let _ = parse_handshake(&message);
        }
        for record in [WINDOWS_10, OPENSSL_3, OPENSSL_3_ANSWER, SERVER_2008] {
            let mut real = fragment(record);
            if let Some(byte) = real.get_mut(at) { *byte = to; }
            let _ = parse_handshake(&real);
        }
    }
}
