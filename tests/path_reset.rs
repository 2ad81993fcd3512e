//! RSTs: forged ones are told from honest ones, and odd but honest ones are not accused.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use common::made::{ACK, FIN, RST, record};
use common::script::By::{Client, Server};
use common::script::{Packet, Script};
use rdpwhy::diagnosis::{Confidence, Side, Verdict};

/// As honest stacks answer for a connection that they no longer know.
fn bare(p: &mut Packet) {
    (p.flags, p.id, p.timestamps) = (RST, 0, false);
}

fn abort(p: &mut Packet) {
    p.flags = RST | ACK;
}

/// A RST of the server in an active session.
fn reset(changes: &[&dyn Fn(&mut Packet)]) -> Script {
    let mut script = Script::active();
    let mut packet = script.packet(Server).with(abort);
    for change in changes {
        change(&mut packet);
    }
    script.put(packet);
    script
}

fn verdict(script: &Script) -> Verdict {
    script.told().diagnosis.verdict
}

fn blames_a_device(verdict: &Verdict) -> bool {
    verdict.rivals.iter().any(|rival| rival.cause.contains("a device on the path sent the RST"))
}

#[test]
fn an_ordinary_abort_is_its_senders() {
    let verdict = verdict(&reset(&[]));
    assert_eq!((verdict.code, verdict.side), ("session-reset", Side::Server));
    assert_eq!(verdict.confidence, Confidence::Likely, "TTL and IP ID go on: {}", verdict.explanation);
    assert!(!blames_a_device(&verdict));
    let mut script = Script::active();
    script.put(script.packet(Client).with(abort));
    let told = script.told().diagnosis.verdict;
    assert_eq!((told.code, told.side), ("session-reset", Side::Client));
}

#[test]
fn data_at_or_beyond_the_rst_is_proof() {
    let mut script = reset(&[&bare]);
    script.wait(60);
    script.record(Server, 500);
    let verdict = verdict(&script);
    assert_eq!((verdict.code, verdict.side), ("path-reset-injected", Side::Network));
    assert_eq!(verdict.confidence, Confidence::Likely);
    assert!(verdict.explanation.contains("went on sending"), "{}", verdict.explanation);
}

#[test]
fn two_signs_are_enough_and_one_is_not() {
    type Sign = (&'static str, &'static dyn Fn(&mut Packet));
    let signs: [Sign; 5] = [
        ("TTL", &|p| p.ttl = 254),
        ("IP ID", &|p| p.id = 9),
        ("behind", &|p| p.seq -= 700),
        ("ahead", &|p| p.seq += 5000),
        ("form", &|p| p.timestamps = false),
    ];
    for (one, (name, sign)) in signs.iter().enumerate() {
        let alone = verdict(&reset(&[sign]));
        if *name == "ahead" {
            // The capture may lack what came before it: a goodbye.
            assert_eq!(alone.code, "inconclusive");
        } else {
            assert_eq!(alone.code, "session-reset", "{name}");
            assert!(blames_a_device(&alone), "{name} alone makes a rival");
        }
        for (other, second) in &signs[one + 1..] {
            if (*name, *other) != ("behind", "ahead") {
                assert_eq!(reset(&[sign, second]).code(), "path-reset-injected", "{name}, {other}");
            }
        }
    }
}

#[test]
fn no_ack_no_timestamps_and_ip_id_0_are_one_sign() {
    let verdict = verdict(&reset(&[&bare]));
    assert_eq!((verdict.code, verdict.confidence), ("session-reset", Confidence::Possible));
    assert!(blames_a_device(&verdict));
    // It takes its number from the packet that it answers.
    assert_eq!(reset(&[&bare, &|p| p.seq -= 700]).code(), "session-reset");
    assert_ne!(reset(&[&bare, &|p| p.seq += 700]).code(), "path-reset-injected");
    // One hop off is the other side of a router.
    assert_eq!(reset(&[&bare, &|p| p.ttl -= 1]).code(), "session-reset");
    assert_eq!(reset(&[&bare, &|p| p.ttl -= 2]).code(), "path-reset-injected");
}

#[test]
fn a_sender_that_goes_on_retransmitting_is_a_sign() {
    let mut script = Script::active();
    let at = script.record(Server, 800);
    let again = script.packet(Server).with(|p| (p.seq, p.len) = (at, 800));
    let rst = script.packet(Server).with(bare);
    script.put(rst);
    script.wait(300);
    script.put(again.with(|p| p.id += 1));
    let verdict = verdict(&script);
    assert_eq!(verdict.code, "path-reset-injected", "{}", verdict.explanation);
}

#[test]
fn faster_than_the_path_is_a_sign() {
    let fast = |wait: i64| {
        let mut script = Script::active();
        script.wait(100);
        script.record(Client, 300);
        script.wait(wait);
        script.put(script.packet(Server).with(abort).with(|p| p.timestamps = false));
        verdict(&script)
    };
    let (soon, late) = (fast(2), fast(21));
    assert_eq!((soon.code, soon.confidence), ("path-reset-injected", Confidence::Possible));
    assert_eq!(late.code, "session-reset");
}

#[test]
fn a_rst_after_a_close_is_never_forged() {
    let odd = |p: &mut Packet| (p.flags, p.id, p.ttl, p.timestamps) = (RST, 9, 254, false);
    // As Windows does it: FIN of the client, acknowledged, then RST.
    let mut script = Script::active();
    script.put(script.packet(Client).with(|p| p.flags = FIN | ACK));
    script.put(script.packet(Server).with(|p| p.ack += 1));
    script.put(script.packet(Server).with(odd));
    assert_eq!(script.code(), "healthy");
    // After its own.
    let mut script = Script::active();
    script.put(script.packet(Server).with(|p| p.flags = FIN | ACK));
    script.put(script.packet(Server).with(odd).with(|p| p.seq += 1));
    script.put(script.packet(Server).with(odd).with(|p| p.seq += 1));
    assert_eq!(script.code(), "healthy");
}

#[test]
fn rsts_that_answer_a_late_goodbye_are_never_forged() {
    let mut script = Script::active();
    script.say(Client, record(21, &[7; 26]));
    for _ in 0..3 {
        script.wait(1);
        script.put(script.packet(Server).with(bare).with(|p| p.ttl = 64));
    }
    assert_eq!(script.code(), "healthy");
}

#[test]
fn every_packet_twice_with_two_ttls_is_no_sign() {
    let mut script = reset(&[&bare]);
    let twice = script.frames.iter().flat_map(|frame| {
        let mut second = frame.clone();
        second.time = frame.time.plus(30_000);
        second.data[22] -= 1;
        [frame.clone(), second]
    });
    script.frames = twice.collect();
    let verdict = verdict(&script);
    assert_eq!((verdict.code, verdict.side), ("session-reset", Side::Server));
}

#[test]
fn data_that_a_rst_overtook_in_the_capture_proves_nothing() {
    for wait in [0, 2] {
        let mut script = Script::active();
        script.record(Server, 900);
        script.wait(wait);
        script.put(script.packet(Server).with(bare).with(|p| p.seq -= 900));
        let last = script.frames.len() - 1;
        script.frames.swap(last - 1, last);
        assert_eq!(script.code(), "session-reset", "{wait} ms, times backwards");
        let (one, two) = (script.frames[last - 1].time, script.frames[last].time);
        (script.frames[last - 1].time, script.frames[last].time) = (two, one);
        assert_eq!(script.code(), "session-reset", "{wait} ms, times in order");
    }
}

#[test]
fn a_rst_that_nobody_heeded_ends_nothing() {
    let mut script = reset(&[&|p| (p.ttl, p.timestamps) = (254, false)]);
    for _ in 0..5 {
        script.wait(20);
        script.record(Server, 400);
        script.wait(20);
        script.put(script.packet(Client));
    }
    let told = script.told();
    assert_eq!(told.diagnosis.verdict.code, "healthy");
    let timeline = rdpwhy::session::timeline(&told.session);
    assert!(timeline.iter().any(|entry| entry.kind == "tcp-rst-ignored"));
    // What was on its way as an honest RST came is no life.
    let mut script = Script::active();
    script.record(Server, 400);
    script.put(script.packet(Server).with(abort));
    script.wait(20);
    script.put(script.packet(Client));
    assert_eq!(script.code(), "session-reset");
}

#[test]
fn before_tls_the_rival_is_named() {
    let mut script = Script::new();
    script.say(Client, common::made::connection_request());
    script.wait(20);
    script.put(script.packet(Server).with(bare));
    let verdict = verdict(&script);
    assert_eq!(verdict.code, "negotiation-reset");
    assert!(blames_a_device(&verdict));
    let mut script = Script::new();
    script.say(Client, common::made::connection_request());
    script.wait(20);
    script.put(script.packet(Server).with(bare).with(|p| p.ttl = 255));
    assert_eq!(script.code(), "path-reset-injected");
}

#[test]
fn a_quiet_time_before_the_cut_is_told() {
    let mut script = Script::active();
    script.wait(300_000);
    script.record(Client, 60);
    script.wait(20);
    script.put(script.packet(Server).with(abort));
    let verdict = verdict(&script);
    assert!(verdict.explanation.contains("quiet for 5 minutes"), "{}", verdict.explanation);
    // A reset at a round time, with nothing that provoked it, is a timer's.
    for (seconds, said) in [
        (1800, Some("after 30 minutes of silence, to within 1 s")),
        (1803, Some("after 30 minutes of silence, to within 3 s")),
        (1820, None),
        (60, Some("after 1 minute of silence")),
    ] {
        let mut script = Script::active();
        script.wait(seconds * 1000);
        script.put(script.packet(Server).with(abort));
        let verdict = self::verdict(&script);
        assert_eq!(verdict.code, "session-reset");
        let timer = verdict.explanation.contains("an idle timer");
        assert_eq!(timer, said.is_some(), "{}", verdict.explanation);
        assert!(
            verdict.explanation.contains(said.unwrap_or("quiet for 30 minutes")),
            "{}",
            verdict.explanation
        );
        assert!(
            verdict.evidence.iter().any(|evidence| evidence.text.starts_with("nobody sent anything for"))
        );
    }
}
