//! Verdicts end to end where a false one is close, before TLS: TCP connect and the X.224 negotiation. Conversations
//! forged in code, none captured.

mod common;

use common::made::{ACK, SYN, connection_request};
use common::talk::*;
use rdpwhy::diagnosis::{Confidence, Outcome, Side};

fn t() -> Talk {
    Talk::new()
}

// ---- connect ----

#[test]
fn one_syn_needs_three_seconds() {
    t().syn().wait(2900.0).elsewhere().told().is("inconclusive").phase("tcp-connect");
    t().syn().wait(3100.0).elsewhere().told().is("tcp-syn-unanswered").side(Side::Unknown);
    t().syn().wait(1000.0).resyn().told().is("tcp-syn-unanswered");
}

#[test]
fn idle_ends_are_not_told_as_the_captures_end() {
    t().syn()
        .wait(1000.0)
        .resyn()
        .wait(4.0 * 3_600_000.0)
        .elsewhere()
        .told()
        .is("tcp-syn-unanswered")
        .never_says("until the capture ended");
    t().open()
        .request()
        .ack(S)
        .wait(4.0 * 3_600_000.0)
        .elsewhere()
        .told()
        .is("negotiation-silent")
        .never_says("until the capture ended");
    t().syn()
        .syn_ack()
        .wait(1000.0)
        .re_syn_ack()
        .wait(4.0 * 3_600_000.0)
        .elsewhere()
        .told()
        .is("tcp-handshake-incomplete")
        .never_says("until the capture ended");
}

#[test]
fn refused_then_accepted_is_one_connection() {
    let talk = t().syn().refuse().wait(500.0).resyn().refuse().wait(500.0).resyn();
    talk.clone().refuse().told().is("tcp-connection-refused").side(Side::Server).sure(Confidence::Likely);
    talk.syn_ack()
        .ack(C)
        .request()
        .failure(5)
        .close(C)
        .told()
        .is("negotiation-nla-required")
        .sure(Confidence::Certain);
}

#[test]
fn a_repeated_syn_ack_with_a_clients_rst_is_a_probe() {
    t().syn().syn_ack().wait(1000.0).re_syn_ack().rst(C).told().is("tcp-probe");
    t().syn()
        .syn_ack()
        .wait(1000.0)
        .re_syn_ack()
        .wait(3000.0)
        .re_syn_ack()
        .told()
        .is("tcp-handshake-incomplete")
        .side(Side::Unknown);
    t().syn().syn_ack().told().is("inconclusive");
}

#[test]
fn fast_open_data_without_an_answer_stays_in_connect() {
    let syn = |talk: Talk| talk.raw(C, SYN, 999, 0, &connection_request());
    syn(syn(t()).wait(1000.0)).wait(8000.0).elsewhere().told().is("tcp-syn-unanswered");
    let told = syn(t())
        .raw(S, SYN | ACK, 69_999, 1000 + connection_request().len() as u32, &[])
        .wait(6000.0)
        .elsewhere()
        .told();
    told.is("negotiation-silent").side(Side::Server);
}

#[test]
fn an_idle_server_that_hangs_up_is_no_probe_and_no_failure() {
    t().open().wait(12_000.0).fin(S).ack(C).wait(100.0).fin(C).ack(S).told().is("inconclusive");
    t().open().wait(12_000.0).rst(S).told().is("inconclusive");
}

#[test]
fn bytes_that_only_the_fin_tells_of() {
    t().open().lost(C, &connection_request()).fin(C).told().is("inconclusive");
    t().open().missed(C, &connection_request()).fin(C).fin(S).told().is("inconclusive");
}

#[test]
fn a_banner_is_another_protocol() {
    t().open().s(b"SSH-2.0-OpenSSH_9.2\r\n").ack(C).close(C).told().is("not-rdp");
    t().open().s(b"SSH-2.0-OpenSSH_9.2\r\n").request().close(C).told().is("not-rdp").side(Side::Server);
}

#[test]
fn one_direction_is_inconclusive_at_every_stage() {
    let full = |talk: Talk| talk.open().request().confirm(1).tls12().active().close(C);
    for end in [C, S] {
        let one = |talk: Talk| talk.only(end);
        for (stage, talk) in [
            ("request", one(t()).open().request().wait(9000.0).elsewhere()),
            ("request left", one(t()).open().request().wait(9000.0).close(C)),
            ("failure", one(t()).open().request().failure(5).close(C)),
            ("confirm", one(t()).negotiated(1).wait(9000.0).elsewhere()),
            ("confirm left", one(t()).negotiated(1).wait(9000.0).close(C)),
            ("hello", one(t()).negotiated(1).hello().wait(9000.0).elsewhere()),
            ("hello reset", one(t()).negotiated(1).hello().wait(9000.0).rst(S)),
            ("alert", one(t()).negotiated(1).hello().s(&alert(2, 40)).fin(S)),
            ("certificate", one(t()).negotiated(1).flight12().fin(C).rst(S)),
            ("refused certificate", one(t()).negotiated(1).flight12().c(&alert(2, 48)).fin(C).fin(S)),
            ("mid handshake", one(t()).negotiated(1).flight12().rst(S)),
            ("left after tls", one(t()).negotiated(1).tls12().close(C)),
            ("active", full(one(t()))),
            ("empty", one(t()).open().wait(20.0).close(C)),
        ] {
            for told in talk.verdicts() {
                assert_eq!(told.code, "inconclusive", "{stage} of end {end}: {told:#?}");
                if stage != "empty" {
                    assert!(told.text.contains("direction"), "{stage} of end {end}: {told:#?}");
                }
            }
        }
    }
}

#[test]
fn an_icmp_error_must_quote_the_syn() {
    let icmp = |talk: Talk, seq: u32| {
        let mut talk = talk;
        let mut quote = vec![0x45, 0, 0, 40, 0, 1, 0x40, 0, 60, 6, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1];
        quote.extend(50204u16.to_be_bytes());
        quote.extend(3389u16.to_be_bytes());
        quote.extend(seq.to_be_bytes());
        let mut body = vec![3, 1, 0, 0, 0, 0, 0, 0];
        body.extend(quote);
        let time = talk.frames.last().unwrap().time;
        let data = common::made::ipv4([10, 0, 0, 9].into(), [10, 0, 0, 2].into(), 1, 1, 0, &body, time).data;
        talk.frames.push(Made { capture: 0, time, wire_len: data.len() as u32, data });
        talk
    };
    icmp(t().syn(), 1000).told().is("tcp-unreachable").side(Side::Network).sure(Confidence::Certain);
    assert_ne!(icmp(t().only(C).open().request(), 1001).told().code, "tcp-unreachable");
    icmp(t().syn(), 1000)
        .wait(1000.0)
        .resyn()
        .syn_ack()
        .ack(C)
        .request()
        .failure(1)
        .close(C)
        .told()
        .is("negotiation-ssl-required");
}

// ---- negotiation ----

#[test]
fn silence_has_its_limits() {
    let asked = || t().open().request().ack(S);
    asked().wait(897.0).fin(C).told().is("inconclusive");
    asked().wait(1100.0).fin(C).told().is("negotiation-silent").side(Side::Server);
    asked().wait(897.0).rst(C).told().is("inconclusive");
    asked().wait(1100.0).rst(C).told().is("negotiation-silent");
    asked().wait(4900.0).elsewhere().told().is("inconclusive");
    asked().wait(5100.0).elsewhere().told().is("negotiation-silent");
    let never = t().open().request();
    never.clone().wait(5100.0).elsewhere().told().is("negotiation-silent").side(Side::Unknown);
    let repeated =
        never.wait(300.0).repeat(C, &connection_request()).wait(600.0).repeat(C, &connection_request());
    repeated.clone().wait(5000.0).elsewhere().told().is("negotiation-silent").side(Side::Unknown);
    repeated.ack(S).wait(5000.0).elsewhere().told().is("negotiation-silent").side(Side::Server);
}

#[test]
fn keep_alives_are_no_bytes_that_want_an_answer() {
    let mut talk = t().open().request().ack(S);
    for _ in 0..5 {
        let seq = 1000 + connection_request().len() as u32;
        talk = talk.wait(1000.0).raw(C, ACK, seq, 70_001, &[0]).ack(S);
    }
    talk.clone().wait(500.0).fin(C).told().is("negotiation-silent").side(Side::Server);
    talk.wait(500.0).elsewhere().told().is("negotiation-silent");
}

#[test]
fn a_gap_in_the_answer_is_no_silence() {
    let gap = || t().open().request().missed(S, &failure(5)).ack(C);
    gap().wait(2000.0).rst(C).told().is("inconclusive");
    gap().wait(2000.0).close(C).told().is("inconclusive");
    gap().wait(9000.0).elsewhere().told().is("inconclusive");
    gap().rst(S).told().is("inconclusive");
    let hello = || t().negotiated(1).hello().missed(S, &server_flight12()).ack(C);
    hello().wait(2000.0).rst(C).told().is("inconclusive");
    hello().wait(9000.0).elsewhere().told().is("inconclusive");
    hello().rst(S).told().is("inconclusive");
    hello().fin(S).ack(C).told().is("inconclusive");
    hello().s(&alert(2, 40)).fin(S).told();
    assert_ne!(hello().s(&alert(2, 40)).fin(S).told().code, "tls-cipher-mismatch");
}

#[test]
fn the_client_leaves_after_a_failure_and_windows_resets() {
    t().open()
        .request()
        .failure(5)
        .fin(C)
        .rst(S)
        .told()
        .is("negotiation-nla-required")
        .side(Side::Server)
        .sure(Confidence::Certain);
    t().open().request().failure(0).close(C).told().is("negotiation-failure-unknown");
    t().open().request().failure(77).close(C).told().is("negotiation-failure-unknown").says("77");
}

#[test]
fn a_failure_whose_request_was_not_captured_says_nothing_of_the_request() {
    let told = t().open().missed(C, &connection_request()).failure(5).close(C).told();
    told.never_says("asked for no negotiation");
}

#[test]
fn after_the_confirm() {
    t().negotiated(1).fin(S).ack(C).fin(C).told().is("inconclusive").phase("x224-negotiation");
    t().negotiated(1).rst(S).told().is("inconclusive");
    t().negotiated(1)
        .close(C)
        .told()
        .is("negotiation-declined-by-client")
        .side(Side::Client)
        .sure(Confidence::Possible);
    t().negotiated(4).close(C).told().is("negotiation-declined-by-client").sure(Confidence::Likely);
    t().negotiated(0).close(C).told().is("negotiation-declined-by-client").sure(Confidence::Likely);
    t().negotiated(1)
        .wait(30_000.0)
        .close(C)
        .told()
        .is("negotiation-declined-by-client")
        .never_says("at once");
    t().negotiated(0)
        .wait(30_000.0)
        .close(C)
        .told()
        .is("negotiation-declined-by-client")
        .never_says("at once");
    t().negotiated(1).wait(9000.0).elsewhere().told().is("inconclusive");
    // An answer of a type that no specification names.
    let odd = [3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 9, 0, 8, 0, 1, 0, 0, 0];
    t().open().request().s(&odd).close(C).told().is("inconclusive");
    // Neither asks nor answers.
    let bare = [3, 0, 0, 11, 6, 0xe0, 0, 0, 0, 0, 0];
    let plain = [3, 0, 0, 11, 6, 0xd0, 0, 0, 0x12, 0x34, 0];
    t().open()
        .c(&bare)
        .s(&plain)
        .close(C)
        .told()
        .is("negotiation-declined-by-client")
        .sure(Confidence::Possible);
    t().open().c(&bare).wait(10.0).rst(S).told().is("negotiation-reset").sure(Confidence::Possible);
    t().open().c(&bare).wait(10.0).fin(S).ack(C).told().is("negotiation-closed");
}

#[test]
fn a_client_that_sent_something_did_not_decline() {
    let hello = client_hello();
    // The second half of the ClientHello is lost before the capture point.
    let half = || t().negotiated(1).c(&hello[..150]).lost(C, &hello[150..]);
    half().wait(3000.0).fin(C).told().is("inconclusive").phase("tls-handshake");
    half().ack(S).wait(9000.0).elsewhere().told().is("inconclusive").phase("tls-handshake");
    half().wait(3000.0).rst(C).told().is("inconclusive");
    t().negotiated(1).c(b"nonsense that is no message").close(C).told().is("inconclusive");
}

#[test]
fn xrdps_goodbye_to_what_was_not_captured_is_no_failure_of_rdp() {
    let told = t().open().missed(C, b"GET / HTTP/1.1\r\n\r\n").s(&ultimatum()).fin(S).ack(C).fin(C).told();
    told.is("inconclusive");
}

#[test]
fn a_short_snapshot_length_is_no_other_protocol() {
    for snap in 54..140 {
        for talk in [
            t().snap(snap).negotiated(1).tls12().active().close(C),
            t().snap(snap).open().request().failure(5).close(C),
            t().snap(snap).open().request().rst(S),
            t().snap(snap).negotiated(1).hello().rst(S),
        ] {
            for told in talk.verdicts() {
                assert_ne!(told.code, "not-rdp", "{snap}: {told:#?}");
                assert_ne!(told.code, "tcp-probe", "{snap}: {told:#?}");
                assert_ne!(told.code, "negotiation-declined-by-client", "{snap}: {told:#?}");
                assert!(
                    told.outcome != Outcome::Failed
                        || told.code.starts_with("negotiation-")
                        || told.code.starts_with("tls-reset"),
                    "{snap}: {told:#?}"
                );
            }
        }
    }
    for snap in 54..140 {
        let told = t().snap(snap).negotiated(1).tls12().active().close(C).told();
        assert!(["healthy", "inconclusive"].contains(&told.code), "{snap}: {told:#?}");
    }
}
