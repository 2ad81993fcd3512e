use proptest::prelude::*;

use super::super::testing::{grows, hex};
use super::*;

/// OpenSSL 3.0.
const HELLO_VERIFY: &str = "16feff0000 000000000000 0023 \
    03000017 0000 000000 000017 feff14 69383c63220aab92121a96782d686222c846b675";

#[test]
fn walks_the_records_of_a_datagram() {
    let text = "14fefd0000 000000000007 0001 01 16fefd0001 000000000000 0004 aabbccdd";
    let bytes = hex(text);
    assert!(looks_like_dtls(&bytes, bytes.len()));
    let all: Vec<Record<'_>> = records(&bytes, bytes.len()).map(Result::unwrap).collect();
    assert_eq!((all[0].content_type, all[0].sequence), (ContentType::change_cipher_spec, Some(7)));
    assert_eq!((all[0].fragment, all[0].is_sealed()), (Some(&[1][..]), false));
    assert_eq!((all[1].epoch, all[1].length, all[1].is_sealed()), (1, 4, true));
    assert_eq!(all.len(), 2);
    // The snapshot length cuts the second record's body, then its header.
    let all: Vec<Record<'_>> = records(&bytes[..28], bytes.len()).map(Result::unwrap).collect();
    assert_eq!((all.len(), all[1].length, all[1].fragment), (2, 4, None));
    assert_eq!(records(&bytes[..20], bytes.len()).flatten().count(), 1);
    assert!(records(&bytes[..20], bytes.len()).all(|record| record.is_ok()));
    // A datagram that ends there itself is broken.
    assert_eq!(records(&bytes[..20], 20).filter(Result::is_err).count(), 1);
    assert_eq!(records(&bytes[..28], 28).filter(Result::is_err).count(), 1);
}

#[test]
fn reads_a_hello_verify_request() {
    let bytes = hex(HELLO_VERIFY);
    let record = records(&bytes, bytes.len()).next().unwrap().unwrap();
    let body = record.fragment.unwrap();
    grows(body, parse_fragment);
    let Step::Done(fragment, 35) = parse_fragment(body) else { panic!("no fragment") };
    assert_eq!((fragment.kind, fragment.length), (HandshakeType::hello_verify_request, 23));
    assert_eq!((fragment.message_seq, fragment.offset, fragment.body.len()), (0, 0, 23));
    let HandshakeMessage::HelloVerifyRequest(verify) = parse_message(fragment.kind, fragment.body).unwrap()
    else {
        panic!("no HelloVerifyRequest")
    };
    assert_eq!((verify.version, verify.cookie_len), (Version::DTLS1_0, 20));
    // In TLS there is no such message.
    let bytes = hex("03000003feff00");
    let other = super::super::tls::parse_handshake(&bytes).done();
    assert_eq!(other, Some(HandshakeMessage::Other(HandshakeType::hello_verify_request)));
}

#[test]
fn reads_a_client_hello_with_a_cookie() {
    let random = "00".repeat(32);
    let body = hex(&format!("fefd {random} 00 03 aabbcc 0002 c030 0100"));
    let HandshakeMessage::ClientHello(hello) = parse_message(HandshakeType::client_hello, &body).unwrap()
    else {
        panic!("no ClientHello")
    };
    assert_eq!((hello.cookie_len, hello.ciphers.as_slice()), (3, &[0xC030][..]));
    assert_eq!(hello.versions(), [Version::DTLS1_2]);
    assert!(super::super::ja::ja4(&hello).starts_with("dd2i01"));
    assert!(parse_message(HandshakeType::client_hello, &body[..36]).is_err());
}

#[test]
fn refuses_what_is_no_record() {
    let what = |text: &str| {
        let bytes = hex(text);
        records(&bytes, bytes.len()).next().unwrap().unwrap_err().what
    };
    assert_eq!(what("80fefd0000 000000000000 0001 00"), "DTLS content type");
    assert_eq!(what("1603030000 000000000000 0001 00"), "DTLS version");
    assert_eq!(what("16fefd0000 000000000000 5000 00"), "DTLS record length");
    assert_eq!(what("16fefd0000 000000000000 0002 00"), "DTLS record length");
    assert_eq!(what("16fefd0000"), "DTLS record header");
    let past_its_end = hex("0b000004 0000 000002 000003 aabbcc");
    assert!(matches!(parse_fragment(&past_its_end), Step::Broken(_)));
    // RTP, STUN, and version 1.3's header alone.
    for text in ["80e0a1b2000003e8deadbeef", "000100002112a442", "2f123400010a"] {
        let bytes = hex(text);
        assert!(!looks_like_dtls(&bytes, bytes.len()), "{text}");
    }
}

proptest! {
    #[test]
    fn records_never_panic_and_end(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        more in 0_usize..100,
        heads in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut bytes = bytes;
        for head in heads {
            let at = head.index(bytes.len().max(1));
            for (to, from) in bytes.iter_mut().skip(at).zip([22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 1, 0, 9]) {
                *to = from;
            }
        }
        let wire_len = bytes.len() + more;
        let mut lengths = 0;
        for record in records(&bytes, wire_len).flatten() {
            lengths += 1 + record.length;
            prop_assert!(record.fragment.is_none_or(|fragment| fragment.len() == record.length));
        }
        prop_assert!(lengths <= wire_len);
        let _ = looks_like_dtls(&bytes, wire_len);
        if let Step::Done(fragment, used) = parse_fragment(&bytes) {
            prop_assert!(used <= bytes.len() && fragment.offset + fragment.body.len() <= fragment.length);
        }
    }
}
