//! Verdicts end to end where a false one is close, from TLS on (before it: `verdicts_connect`): conversations forged
//! in code, none captured.

mod common;

use common::made::{ACK, PSH, RST, connection_request, record};
use common::talk::*;
use rdpwhy::diagnosis::{Confidence, Side};

const DAY: f64 = 24.0 * 3_600_000.0;

fn t() -> Talk {
    Talk::new()
}

// ---- TLS ----

#[test]
fn after_the_client_hello() {
    let hello = || t().negotiated(1).hello().ack(S);
    hello().rst(S).told().is("tls-reset-after-client-hello").side(Side::Server).sure(Confidence::Possible);
    hello().fin(S).told().is("tls-closed-after-client-hello").sure(Confidence::Possible);
    // A goodbye says no more than the FIN behind it.
    hello().s(&alert(1, 0)).fin(S).told().is("tls-closed-after-client-hello").sure(Confidence::Possible);
    hello().s(&alert(1, 0)).rst(S).told().is("tls-reset-after-client-hello").sure(Confidence::Possible);
    hello()
        .s(&alert(1, 112))
        .wait(1100.0)
        .fin(C)
        .told()
        .is("tls-silent-after-client-hello")
        .side(Side::Server);
    hello().wait(897.0).fin(C).told().is("inconclusive");
    hello().wait(1100.0).fin(C).rst(S).told().is("tls-silent-after-client-hello").side(Side::Server);
    hello().wait(4900.0).elsewhere().told().is("inconclusive");
    hello().wait(5100.0).elsewhere().told().is("tls-silent-after-client-hello");
    let never = || t().negotiated(1).hello();
    never()
        .wait(500.0)
        .repeat(C, &client_hello())
        .wait(900.0)
        .fin(C)
        .told()
        .is("tls-silent-after-client-hello")
        .side(Side::Unknown);
    // A client that says goodbye first gave up all the same.
    hello()
        .wait(20_000.0)
        .c(&alert(1, 0))
        .fin(C)
        .told()
        .is("tls-silent-after-client-hello")
        .side(Side::Server);
}

#[test]
fn the_client_hello_may_come_in_pieces() {
    let hello = client_hello();
    t().negotiated(1)
        .c(&hello[..100])
        .c(&hello[100..])
        .ack(S)
        .rst(S)
        .told()
        .is("tls-reset-after-client-hello");
    let (first, second) = hello.split_at(100);
    let seq = 1001 + connection_request().len() as u32;
    let swapped =
        t().negotiated(1).raw(C, PSH | ACK, seq + 100, 70_020, second).raw(C, ACK, seq, 70_020, first);
    swapped
        .clone()
        .lost(C, &hello)
        .raw(S, RST | ACK, 70_020, seq + hello.len() as u32, &[])
        .told()
        .is("tls-reset-after-client-hello");
    t().negotiated(1)
        .hello()
        .wait(250.0)
        .repeat(C, &hello)
        .ack(S)
        .s(&server_flight12())
        .finish12()
        .s(&[record(20, &[1]), record(22, &[9; 40])].concat())
        .active()
        .close(C)
        .told()
        .is("healthy");
}

#[test]
fn a_clear_answer_is_no_silence() {
    // xrdp that can't use its certificate.
    let told = t().negotiated(1).hello().s(&ultimatum()).wait(2000.0).fin(C).ack(S).told();
    told.is("tls-closed-after-client-hello").side(Side::Server);
    t().negotiated(1).hello().s(&ultimatum()).fin(S).told().is("tls-closed-after-client-hello");
    // Garbage is an answer, too.
    t().negotiated(1).hello().s(b"garbage, garbage").ack(C).wait(2000.0).fin(C).told().is("inconclusive");
}

#[test]
fn alerts_in_answer_to_the_client_hello() {
    let hello = || t().negotiated(1).hello();
    hello()
        .s(&alert(2, 40))
        .fin(S)
        .told()
        .is("tls-cipher-mismatch")
        .sure(Confidence::Likely)
        .side(Side::Server);
    hello().s(&alert(2, 71)).fin(S).told().is("tls-cipher-mismatch").sure(Confidence::Certain);
    hello()
        .s(&alert(2, 70))
        .fin(S)
        .told()
        .is("tls-version-mismatch")
        .sure(Confidence::Certain)
        .side(Side::Server);
    hello().s(&alert(2, 80)).rst(S).told().is("tls-alert").sure(Confidence::Certain).side(Side::Server);
    hello()
        .s(&[server_hello([3, 3]), alert(2, 40)].concat())
        .fin(S)
        .told()
        .is("tls-alert")
        .side(Side::Server);
    hello().s(&hello_retry_request()).hello().s(&alert(2, 40)).fin(S).told().is("tls-cipher-mismatch");
    hello().s(&hello_retry_request()).hello().rst(S).told().is("tls-reset-mid-handshake");
    hello().s(&hello_retry_request()).c(&alert(2, 47)).fin(C).told().is("tls-alert").side(Side::Client);
    // An alert whose packet comes after its sender's FIN was still sent before it.
    let seq = 70_020;
    let late = hello().raw(S, common::made::FIN | ACK, seq + 7, 1000 + 42 + 270, &[]).raw(
        S,
        PSH | ACK,
        seq,
        1000 + 42 + 270,
        &alert(2, 40),
    );
    late.told().is("tls-cipher-mismatch");
}

#[test]
fn the_client_breaks_off_before_a_server_hello() {
    let hello = || t().negotiated(1).hello();
    hello().c(&alert(2, 80)).rst(S).told().is("tls-alert").side(Side::Client);
    hello().c(&alert(2, 80)).fin(C).rst(S).told().is("tls-alert").side(Side::Client);
    // It said goodbye; that the server's side closes then is no answer to the ClientHello.
    hello().c(&alert(1, 90)).c(&alert(1, 0)).fin(S).told().is("inconclusive");
}

#[test]
fn a_version_that_was_not_offered() {
    t().negotiated(1)
        .hello()
        .s(&server_hello([3, 1]))
        .fin(C)
        .rst(S)
        .told()
        .is("tls-version-mismatch")
        .side(Side::Client)
        .sure(Confidence::Likely);
    t().negotiated(1)
        .hello()
        .s(&server_hello([3, 1]))
        .c(&alert(2, 70))
        .fin(C)
        .told()
        .is("tls-version-mismatch")
        .side(Side::Client)
        .sure(Confidence::Certain);
}

#[test]
fn the_client_refuses_the_certificate() {
    let valid = || t().wait(2.0 * DAY).negotiated(1).flight12();
    let expired = || t().wait(60.0 * DAY).negotiated(1).flight12();
    valid()
        .c(&alert(2, 48))
        .fin(C)
        .told()
        .is("tls-certificate-rejected")
        .sure(Confidence::Certain)
        .side(Side::Client);
    valid().fin(C).rst(S).told().is("tls-certificate-rejected").sure(Confidence::Likely);
    valid().c(&alert(1, 0)).fin(C).fin(S).told().is("tls-certificate-rejected").sure(Confidence::Likely);
    valid().c(&alert(1, 90)).c(&alert(1, 0)).rst(C).told().is("tls-certificate-rejected").side(Side::Client);
    // The server only answers the client's goodbye.
    valid().c(&alert(1, 0)).fin(S).fin(C).told().is("tls-certificate-rejected").side(Side::Client);
    expired()
        .c(&alert(2, 45))
        .fin(C)
        .told()
        .is("tls-certificate-expired")
        .sure(Confidence::Certain)
        .side(Side::Client);
    expired().fin(C).told().is("tls-certificate-expired").sure(Confidence::Likely);
    expired()
        .finish12()
        .s(&[record(20, &[1]), record(22, &[9; 40])].concat())
        .active()
        .close(C)
        .told()
        .is("healthy");
    // xrdp's noise after the client's FIN.
    valid().fin(C).s(&alert(2, 50)).fin(S).told().is("tls-certificate-rejected").side(Side::Client);
    valid().fin(C).s(&ultimatum()).fin(S).told().is("tls-certificate-rejected");
    valid()
        .c(&alert(2, 48))
        .fin(C)
        .s(&alert(2, 50))
        .fin(S)
        .told()
        .is("tls-certificate-rejected")
        .sure(Confidence::Certain);
}

#[test]
fn the_certificate_in_tls_13() {
    let flight = || t().negotiated(1).flight13();
    let hidden = || record(23, &[7; 19]);
    flight()
        .c(&[record(20, &[1]), hidden()].concat())
        .fin(C)
        .told()
        .is("tls-certificate-rejected")
        .sure(Confidence::Likely);
    flight()
        .c(&hidden())
        .fin(S)
        .told()
        .is("tls-certificate-rejected")
        .sure(Confidence::Likely)
        .side(Side::Client);
    flight().fin(C).told().is("tls-certificate-rejected").sure(Confidence::Likely);
    flight().finish13().data(S, 250).fin(C).told().is("client-left-after-tls").sure(Confidence::Likely);
    flight().finish13().fin(C).told().is("client-left-after-tls");
    let retried = t()
        .negotiated(1)
        .hello()
        .s(&hello_retry_request())
        .c(&[record(20, &[1]), client_hello()].concat())
        .s(&server_flight13());
    retried.clone().finish13().data(S, 250).active().close(C).told().is("healthy").phase("active");
    retried.clone().fin(C).told().is("tls-certificate-rejected");
    retried.finish13().data(S, 250).close(C).told().is("client-left-after-tls");
}

#[test]
fn the_server_breaks_off_in_mid_handshake() {
    let flight = || t().negotiated(1).flight12();
    flight().rst(S).told().is("tls-reset-mid-handshake").side(Side::Server).sure(Confidence::Possible);
    flight().fin(S).c(&alert(2, 10)).told().is("tls-reset-mid-handshake");
    flight().finish12().fin(S).told().is("tls-reset-mid-handshake");
    t().negotiated(1).flight13().finish13().rst(S).told().is("tls-reset-mid-handshake");
    t().negotiated(1).flight13().finish13().data(S, 200).rst(S).told().is("inconclusive");
    t().negotiated(1).tls12().rst(S).told().is("inconclusive");
    t().negotiated(1).tls12().fin(S).told().is("inconclusive");
    // The ServerHello in the middle of a segment, the rest lost before the capture point.
    flight().missed(S, &[1; 100]).ack(C).rst(S).told().is("inconclusive");
}

#[test]
fn an_abbreviated_handshake() {
    let finished = || [record(20, &[1]), record(22, &[9; 40])].concat();
    let resumed = || t().negotiated(1).hello().s(&[server_hello([3, 3]), finished()].concat());
    resumed().c(&finished()).active().close(C).told().is("healthy");
    resumed().c(&finished()).close(C).told().is("client-left-after-tls");
    // No certificate was shown that it could have refused.
    resumed().fin(C).told().is("inconclusive");
}

#[test]
fn the_client_leaves_after_tls() {
    let nla = || t().negotiated(2).tls12();
    nla().close(C).told().is("client-left-after-tls").side(Side::Client).phase("tls-handshake");
    let asked = || nla().data(C, 80).data(S, 300);
    asked().fin(C).rst(S).told().is("client-left-after-tls").phase("nla");
    asked().c(&record(21, &[0; 26])).fin(C).told().is("client-left-after-tls");
    asked().data(C, 600).data(S, 100).close(C).told().is("client-left-after-tls");
    asked().data(C, 600).data(S, 100).data(C, 200).close(C).told().is("client-left-after-tls").phase("nla");
    // Ends of the server's side are NLA's own.
    let refused = |talk: Talk| {
        talk.told().is("nla-authentication-failed").side(Side::Server).sure(Confidence::Likely);
    };
    refused(asked().data(C, 600).data(S, 100).data(C, 200).fin(S));
    refused(asked().data(C, 600).wait(1000.0).s(&record(21, &[0; 26])).fin(S));
    refused(asked().data(C, 600).s(&record(21, &[0; 26])).fin(C));
    asked().data(C, 600).rst(S).told().is("nla-reset").side(Side::Server).sure(Confidence::Possible);
    // Nor is a server that owes an answer left.
    nla().data(C, 80).ack(S).wait(10_000.0).fin(C).told().is("nla-silent").side(Side::Server);
    nla().data(C, 80).wait(10_000.0).fin(C).told().is("nla-silent").side(Side::Unknown);
    nla()
        .data(C, 80)
        .wait(10_000.0)
        .c(&record(21, &[0; 26]))
        .fin(C)
        .told()
        .is("nla-silent")
        .side(Side::Unknown);
    // TLS alone: the client's first record is MCS.
    t().negotiated(1).tls12().data(C, 400).close(C).told().is("setup-reset").phase("mcs-connect");
    t().negotiated(1).tls12().wait(10_000.0).close(C).told().is("client-left-after-tls");
    // What the capture lacks may be the server's word.
    asked().missed(S, &[1; 60]).ack(C).fin(C).told().is("inconclusive");
    // The server hung up in clear first, as xrdp does.
    nla().s(&ultimatum()).fin(C).told().is("inconclusive");
    nla().fin(C).s(&ultimatum()).fin(S).told().is("client-left-after-tls");
}

// ---- the established session ----

#[test]
fn ends_of_an_active_session() {
    let active = || t().negotiated(1).tls12().active();
    active().told().is("healthy").sure(Confidence::Likely).says("still running");
    active().close(C).told().is("healthy");
    active().close(S).told().is("healthy");
    active().c(&record(21, &[0; 26])).rst(C).told().is("healthy");
    active().s(&record(21, &[0; 26])).fin(S).rst(C).told().is("healthy");
    active().fin(C).rst(S).told().is("healthy");
    active().rst(C).told().is("session-reset").phase("active");
    active().rst(S).told().is("session-reset");
    active().wait(4.0 * 3_600_000.0).elsewhere().told().is("healthy").never_says("when the capture ended");
}

#[test]
fn graphics_by_amount_are_not_certain() {
    // Standard RDP Security, slow-path output only.
    let mut talk = t().negotiated(0);
    let mcs = |first: &[u8], rest: &[u8]| {
        let len = (7 + first.len() + rest.len()) as u16;
        [&[3, 0], &len.to_be_bytes()[..], &[2, 0xf0, 0x80], first, rest].concat()
    };
    let send = |kind: u8, data: &[u8]| {
        let len = (data.len() as u16 | 0x8000).to_be_bytes();
        mcs(&[&[kind, 0, 1, 3, 0xeb, 0x70][..], &len].concat(), data)
    };
    talk = talk.c(&mcs(&[4, 1, 0, 1, 0], &[])).s(&mcs(&[0x2e, 0, 0, 7], &[]));
    talk = talk.c(&send(0x64, &[0x40, 0, 0, 0, 1, 2, 3, 4])).s(&send(0x68, &[0x80, 0, 0, 0, 1, 2, 3, 4]));
    talk = talk.s(&send(0x68, &[0; 40]));
    for _ in 0..40 {
        talk = talk.s(&send(0x68, &[0; 1200])).ack(C);
    }
    talk.close(C).told().is("healthy").sure(Confidence::Likely).never_says("fast-path");
}

#[test]
fn mid_stream() {
    let stream = |talk: Talk| talk.active();
    // Before the first captured packet everything went well.
    let begun = || t().blind(C).blind(S).negotiated(1).tls12().sight();
    stream(begun()).told().is("healthy").says("middle");
    stream(begun()).close(C).told().is("healthy");
    stream(begun()).rst(S).told().is("session-reset");
    begun().data(C, 60).data(C, 60).told().is("inconclusive");
    begun().data(S, 1200).ack(C).data(S, 1200).ack(C).told().is("inconclusive");
    begun().data(S, 1200).blind(C).data(S, 1200).data(S, 1200).told().is("inconclusive");
    // Elsewhere nothing tells that it is RDP.
    let other =
        Talk::between("10.0.0.2:50204", "10.0.0.1:3390").blind(C).blind(S).negotiated(1).tls12().sight();
    assert!(stream(other).verdicts().is_empty());
}

#[test]
fn a_capture_that_begins_in_the_handshake_is_not_in_mid_session() {
    // From the Connection Request on.
    let asked = || t().blind(C).blind(S).open().sight().request().confirm(1);
    asked().hello().rst(S).told().is("tls-reset-after-client-hello").phase("tls-handshake");
    asked().tls12().close(C).told().is("client-left-after-tls").phase("tls-handshake");
    asked().tls12().active().close(C).told().is("healthy").never_says("middle");
    asked().close(C).told().is("negotiation-declined-by-client").phase("x224-negotiation");
    // From the ServerHello on: two records are no desktop.
    let late = || {
        t().blind(C).blind(S).negotiated(2).hello().sight().s(&server_flight12()).finish12().s(&[
            record(20, &[1]),
            record(22, &[9; 40]),
        ]
        .concat())
    };
    late().data(C, 80).data(S, 300).fin(S).told().is("inconclusive");
    late().active().close(C).told().is("healthy");
    late().fin(C).told();
    assert_ne!(late().fin(C).told().code, "healthy");
}

// ---- captures ----

#[test]
fn ports_used_again_begin_another_session() {
    let told = t()
        .open()
        .request()
        .failure(5)
        .close(C)
        .isn(900_000, 5_000)
        .negotiated(1)
        .tls12()
        .active()
        .close(C)
        .verdicts();
    let codes: Vec<_> = told.iter().map(|told| told.code).collect();
    assert_eq!(codes, ["negotiation-nla-required", "healthy"]);
    let told = t()
        .open()
        .request()
        .ack(S)
        .wait(6000.0)
        .isn(900_000, 5_000)
        .negotiated(1)
        .tls12()
        .active()
        .close(C)
        .verdicts();
    assert_eq!(told.len(), 2);
    told[0].is("negotiation-silent").never_says("until the capture ended");
    told[1].is("healthy");
}

#[test]
fn other_services_are_not_listed() {
    let web = || Talk::between("10.0.0.2:50204", "10.0.0.1:443").open();
    assert!(
        web()
            .c(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .s(b"HTTP/1.1 200 OK\r\n\r\n")
            .close(C)
            .verdicts()
            .is_empty()
    );
    assert!(web().hello().s(&server_flight12()).finish12().close(C).verdicts().is_empty());
    assert!(web().close(C).verdicts().is_empty());
    let other = Talk::between("10.0.0.2:50204", "10.0.0.1:3390");
    other.clone().open().request().failure(5).close(C).told().is("negotiation-nla-required");
    assert!(other.syn().wait(1000.0).resyn().verdicts().is_empty());
}

#[test]
fn ipv6() {
    let six = || Talk::between("[2001:db8::2]:50204", "[2001:db8::1]:3389");
    six().negotiated(1).hello().rst(S).told().is("tls-reset-after-client-hello");
    six().negotiated(1).tls12().active().close(C).told().is("healthy");
    six().syn().refuse().told().is("tcp-connection-refused");
    six().open().request().ack(S).wait(1100.0).fin(C).told().is("negotiation-silent").side(Side::Server);
}

/// Every frame seen twice, `apart` milliseconds apart, in order of time.
fn doubled(talk: &Talk, apart: f64, captures: bool) -> Vec<Made> {
    let mut frames = talk.frames.clone();
    let mut second = talk.frames.clone();
    for frame in &mut second {
        frame.time.0 += (apart * 1e6) as i64;
        frame.capture = u16::from(captures);
    }
    frames.extend(second);
    frames.sort_by_key(|frame| frame.time.0);
    frames
}

#[test]
fn packets_seen_twice_change_nothing() {
    for talk in [
        t().syn().wait(1500.0).elsewhere(),
        t().syn().refuse().wait(500.0).resyn().refuse(),
        t().syn().syn_ack().rst(C),
        t().open().close(C),
        t().open().request().ack(S).wait(1100.0).fin(C),
        t().open().request().failure(5).fin(C).rst(S),
        t().negotiated(1).hello().ack(S).rst(S),
        t().negotiated(1).hello().ack(S).wait(897.0).fin(C),
        t().negotiated(1).hello().s(&alert(2, 40)).fin(S),
        t().negotiated(1).flight12().fin(C).s(&alert(2, 50)).fin(S),
        t().negotiated(2).tls12().data(C, 80).data(S, 300).close(C),
        t().negotiated(1).tls12().active().close(C),
        t().negotiated(1).tls12().active().rst(S),
    ] {
        let once = talk.told();
        // Captures of two places are farther apart, which only a SYN alone can't bear.
        for (apart, captures) in
            [(0.0, false), (0.3, false), (3.0, false), (0.3, true), (12.0, true), (40.0, true)]
        {
            if apart > 5.0 && once.phase == "tcp-connect" && once.code == "inconclusive" {
                continue;
            }
            let twice = analyze(&doubled(&talk, apart, captures));
            assert_eq!(twice.len(), 1, "{apart}: {twice:#?}");
            assert_eq!(
                (twice[0].code, twice[0].side, &twice[0].others),
                (once.code, once.side, &once.others),
                "{apart} ms, two captures: {captures}: {twice:#?}"
            );
        }
    }
}

#[test]
fn time_may_run_backwards() {
    t().open().request().ack(S).wait(-5000.0).fin(C).told().is("inconclusive");
    t().open().request().wait(-5000.0).rst(S).told().is("negotiation-reset").never_says("-");
    t().negotiated(1).hello().wait(-5000.0).rst(S).told().is("tls-reset-after-client-hello").never_says("-5");
    t().negotiated(1).wait(-500.0).tls12().active().close(C).told().is("healthy");
    t().wait(10_000.0).syn().wait(-10_000.0).elsewhere().told().is("inconclusive");
}

#[test]
fn a_socks_or_proxy_line_is_no_other_protocol() {
    let talk = Talk::between("10.0.0.2:50204", "10.0.0.1:1080")
        .open()
        .c(&[5, 1, 0])
        .s(&[5, 0])
        .c(&[5, 1, 0, 1, 10, 0, 0, 9, 13, 61])
        .s(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    talk.clone().request().failure(5).close(C).told().is("negotiation-nla-required");
    talk.request().confirm(1).hello().ack(S).rst(S).told().is("tls-reset-after-client-hello");
}

#[test]
fn rst_flags_and_order_do_not_matter_to_the_closing() {
    let end = RST;
    let seq = 1001 + connection_request().len() as u32;
    // A bare RST without ACK.
    t().open().request().ack(S).raw(S, end, 70_001, 0, &[]).told().is("negotiation-reset");
    // A RST of the client after the server's FIN is only the echo.
    t().open()
        .request()
        .ack(S)
        .fin(S)
        .raw(C, end, seq, 0, &[])
        .told()
        .is("negotiation-closed")
        .side(Side::Server);
}

#[test]
fn summaries_are_two_sentences_without_protocol_words() {
    const WORDS: [&str; 24] = [
        "TCP",
        "UDP",
        "TLS",
        "SSL",
        "SYN",
        "ACK",
        "RST",
        "FIN",
        "ICMP",
        "X.224",
        "NLA",
        "MCS",
        "CredSSP",
        "NTLM",
        "Kerberos",
        "RDP",
        "PDU",
        "X.509",
        "Schannel",
        "ClientHello",
        "ServerHello",
        "handshake",
        "alert",
        "cipher",
    ];
    for code in rdpwhy::knowledge::codes() {
        let summary = rdpwhy::knowledge::page(code).unwrap().summary;
        let words =
            || summary.split(|c: char| !(c.is_alphanumeric() || c == '.')).map(|word| word.trim_matches('.'));
        for word in WORDS {
            assert!(!words().any(|said| said == word), "{code}: {word} in: {summary}");
        }
        assert_eq!(summary.matches(". ").count() + 1, 2, "{code}: {summary}");
    }
}
