use super::*;
use crate::base::{FrameRef, Limits};
use crate::layers::dtls_vectors::HANDSHAKE;

fn read(datagrams: impl IntoIterator<Item = (u64, Dir, Vec<u8>)>) -> Tls {
    let mut tls = Tls::default();
    let mut reader = DtlsDatagrams::new(&Limits::default(), crate::layers::Keys::default());
    for (order, dir, data) in datagrams {
        let stamp = Stamp { at: FrameRef::new(0, order), time: Timestamp(order as i64), order };
        let chunk = Chunk { offset: 0, data: &data, len: data.len() as u64, stamp };
        tls.datagram(&mut reader, dir, &chunk).unwrap();
    }
    tls
}

fn handshake() -> Vec<(u64, Dir, Vec<u8>)> {
    let byte = |text: &str| u8::from_str_radix(text, 16).unwrap();
    let bytes = |text: &str| (0..text.len()).step_by(2).map(|at| byte(&text[at..at + 2])).collect();
    (1..).zip(HANDSHAKE).map(|(order, (dir, text))| (order, dir, bytes(text))).collect()
}

#[test]
fn dtls_gives_the_facts_of_tls() {
    let tls = read(handshake());
    let frame = |span: Option<Span>| span.map(|span| span.last.order);
    let hello = tls.client_hello.as_ref().unwrap();
    assert_eq!((hello.value.sni.as_deref(), hello.span.first.order), (Some("gate.example"), 1));
    assert_eq!((frame(tls.hello_verify), frame(tls.second_client_hello)), (Some(2), Some(3)));
    assert_eq!((tls.version(), tls.is_13()), (Some(Version::DTLS1_2), false));
    let certificates = tls.certificates.as_ref().unwrap();
    assert_eq!(certificates.value[0].subject, "CN=gate");
    assert_eq!((certificates.span.first.order, certificates.span.last.order), (4, 5));
    assert_eq!((frame(tls.server_hello_done), frame(tls.client_key_exchange)), (Some(6), Some(7)));
    assert_eq!(tls.change_cipher_spec.map(|span| frame(*span)).server_to_client, Some(8));
    assert_eq!((frame(tls.finished[Dir::ClientToServer]), frame(tls.established)), (Some(7), Some(8)));
    assert_eq!((tls.data[Dir::ClientToServer].records, tls.data[Dir::ServerToClient].records), (1, 0));
    assert!(tls.may_hide(tls.opening[0].length, "hello\n".len()));
    assert_eq!(tls.hidden_alert.map(|span| frame(*span)).client_to_server, Some(10));
    assert!(tls.alerts.is_empty() && tls.malformed.is_none());
}

#[test]
fn repeats_and_reordering_change_no_fact_of_dtls() {
    let mut mixed = handshake();
    mixed.swap(3, 5);
    mixed.swap(6, 7);
    mixed.insert(9, mixed[8].clone());
    mixed.insert(5, mixed[2].clone());
    let tls = read(mixed);
    assert_eq!(tls.version(), Some(Version::DTLS1_2));
    assert!(tls.certificates.is_some() && tls.established.is_some() && tls.malformed.is_none());
    assert_eq!(tls.data[Dir::ClientToServer].records, 1);
}
