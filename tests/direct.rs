//! TLS before RDP's own negotiation, after a preconnection PDU: a virtual machine's console (MS-RDPEPS, section 2.2.1;
//! MS-RDPBCGR, section 5.4.2.2). Bytes of our own: there is no free server for it.

#![allow(clippy::unwrap_used, clippy::panic, dead_code)]

mod common;

use common::talk::{C, S, Talk};
use rdpwhy::diagnosis::Side;

/// Version 2: `size u32 · flags u32 · version u32 · id u32 · characters u16 · text`, the text a machine's id.
fn preconnection() -> Vec<u8> {
    let text: Vec<u8> =
        "6a0f9d4e-1f7b-4a53-9f36-1d9d8f2b7c11\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let head = [18 + text.len() as u32, 0, 2, 0].map(u32::to_le_bytes).concat();
    [head.as_slice(), &(text.len() as u16 / 2).to_le_bytes(), &text].concat()
}

fn console() -> Talk {
    Talk::between("10.0.0.2:50204", "10.0.0.1:2179").open().c(&preconnection())
}

#[test]
fn a_console_is_recognized_and_judged_as_any_session() {
    // CredSSP in three messages each, X.224 and the settings after it, all hidden.
    let nla = console().tls12().data(C, 150).data(S, 300).data(C, 600);
    nla.clone().fin(S).told().is("nla-authentication-failed").phase("nla");
    let settings = nla.data(S, 150).data(C, 120).data(C, 43).data(S, 43).data(C, 500);
    settings.clone().rst(S).told().is("setup-reset").phase("mcs-connect").side(Side::Server);
    settings.data(S, 300).active().close(C).told().is("healthy");
}

#[test]
fn where_its_tls_fails_that_is_named() {
    console().hello().rst(S).told().is("tls-reset-after-client-hello").phase("tls-handshake");
    console().hello().send(S, &common::messages::alert(2, 40)).close(S).told().is("tls-cipher-mismatch");
}

#[test]
fn what_goes_on_as_something_else_is_told() {
    console().c(b"GET / HTTP/1.1\r\n\r\n").close(C).told().is("not-rdp");
}

#[test]
fn it_may_come_in_pieces() {
    let bytes = preconnection();
    let talk = Talk::between("10.0.0.2:50204", "10.0.0.1:2179").open();
    let talk = bytes.chunks(7).fold(talk, Talk::c);
    talk.hello().rst(S).told().is("tls-reset-after-client-hello");
}

#[test]
fn tls_alone_is_no_console() {
    let alone = Talk::between("10.0.0.2:50204", "10.0.0.1:2179").open().tls12().data(C, 150).close(C);
    assert!(alone.verdicts().is_empty());
}
