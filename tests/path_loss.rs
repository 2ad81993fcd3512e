//! Black holes, stalls, lost and lossy sessions, and what looks like them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use common::made::{ACK, FIN, RST, record};
use common::script::By::{self, Client, Server};
use common::script::Script;
use rdpwhy::diagnosis::{Confidence, Outcome, Side, Verdict};
use rdpwhy::session::Vantage;

fn verdict(script: &Script) -> Verdict {
    script.told().diagnosis.verdict
}

/// Repeats what `by` sent at `at`, as its timer does.
fn repeat(script: &mut Script, by: By, at: i64, len: usize, times: usize) {
    let mut wait = 300;
    for _ in 0..times {
        script.wait(wait);
        script.put(script.packet(by).with(|p| (p.seq, p.len) = (at, len)));
        wait *= 2;
    }
}

/// Captured at the server: a full segment of its is stuck, `small` bytes behind it pass.
fn stuck_at_server(small: usize) -> (Script, i64) {
    let mut script = Script::seen_with(63, 128);
    script.activate();
    let at = script.record(Server, 1448);
    let tail = script.record(Server, small);
    script.wait(20);
    let end = tail + small as i64;
    script.put(script.packet(Client).with(|p| (p.ack, p.sack) = (at, Some((tail, end)))));
    (script, at)
}

#[test]
fn selective_acknowledgements_show_a_black_hole() {
    let (mut script, at) = stuck_at_server(200);
    repeat(&mut script, Server, at, 1448, 5);
    let verdict = verdict(&script);
    assert_eq!((verdict.code, verdict.side), ("path-mtu-black-hole", Side::Network));
    assert_eq!(verdict.confidence, Confidence::Likely);
    for said in ["Packets of 1500 bytes", "up to 252 bytes did", "MSS offered: client 1460, server 1460"] {
        assert!(verdict.explanation.contains(said), "{said}: {}", verdict.explanation);
    }
    // What passes when it is sent again in smaller segments is no black hole.
    let (mut script, at) = stuck_at_server(200);
    repeat(&mut script, Server, at, 1448, 3);
    script.put(script.packet(Server).with(|p| (p.seq, p.len) = (at, 1200)));
    script.put(script.packet(Server).with(|p| (p.seq, p.len) = (at + 1200, 248)));
    script.wait(20);
    script.put(script.packet(Client));
    script.wait(6000);
    script.capture_goes_on();
    assert_ne!(script.code(), "path-mtu-black-hole");
}

#[test]
fn a_router_that_is_not_heeded_shows_a_black_hole() {
    let mut script = Script::seen_with(63, 128);
    script.activate();
    let at = script.record(Server, 1448);
    script.icmp(Server, 3, 4, 1300);
    repeat(&mut script, Server, at, 1448, 5);
    let told = verdict(&script);
    assert_eq!((told.code, told.confidence), ("path-mtu-black-hole", Confidence::Likely));
    assert!(told.explanation.contains("An MTU of 1300 (MSS 1260)"), "{}", told.explanation);
    // Heeded, and lost afterwards for another reason.
    let mut script = Script::seen_with(63, 128);
    script.activate();
    let at = script.record(Server, 1448);
    script.icmp(Server, 3, 4, 1300);
    repeat(&mut script, Server, at, 1248, 5);
    assert_eq!(verdict(&script).code, "session-lost");
}

#[test]
fn without_selective_acknowledgements_size_and_life_must_speak() {
    let play = |heard: bool, big: usize| {
        let mut script = Script::seen_with(63, 128);
        script.negotiate();
        script.record(Client, 250);
        script.put(script.packet(Server));
        let at = script.record(Server, big);
        if heard {
            script.wait(500);
            script.put(script.packet(Client).with(|p| {
                (p.ack, p.len, p.bytes) = (at, 65, Some(record(23, &[7; 60])));
            }));
            script.put(script.packet(Server));
        }
        repeat(&mut script, Server, at, big, 5);
        verdict(&script)
    };
    let hole = play(true, 1448);
    assert_eq!((hole.code, hole.confidence), ("path-mtu-black-hole", Confidence::Possible));
    assert_eq!(play(false, 1448).code, "path-stalled");
    assert_eq!(play(true, 300).code, "path-stalled", "no link is that small");
}

#[test]
fn captured_behind_the_black_hole_full_segments_are_missing() {
    let play = |missing: usize, tail: usize, until: i64| {
        let mut script = Script::active();
        let at = script.packet(Server).seq;
        let behind = at + missing as i64;
        for _ in 0..3 {
            script.put(script.packet(Server).with(|p| (p.seq, p.len) = (behind, tail)));
            script.put(script.packet(Client).with(|p| {
                (p.ack, p.sack) = (at, Some((behind, behind + tail as i64)));
            }));
            script.wait(until / 3);
        }
        script.capture_goes_on();
        verdict(&script)
    };
    let hole = play(2896, 300, 9000);
    assert_eq!(
        (hole.code, hole.side, hole.confidence),
        ("path-mtu-black-hole", Side::Network, Confidence::Likely)
    );
    assert!(hole.explanation.contains("Packets of 1500 bytes"), "{}", hole.explanation);
    assert_ne!(play(2896, 1448, 9000).code, "path-mtu-black-hole", "full segments pass");
    assert_ne!(play(200, 300, 9000).code, "path-mtu-black-hole", "what is missing is small");
    assert_ne!(play(2896, 300, 3000).code, "path-mtu-black-hole", "too short");
}

#[test]
fn offloaded_bursts_are_no_large_packets() {
    let mut script = Script::seen_with(63, 128);
    script.activate();
    // A burst of five segments passes, one of two is stuck.
    script.record(Server, 7240);
    script.wait(20);
    script.put(script.packet(Client));
    let at = script.record(Server, 2896);
    script.wait(20);
    script.record(Client, 60);
    repeat(&mut script, Server, at, 1448, 5);
    assert_ne!(script.code(), "path-mtu-black-hole");
}

#[test]
fn a_set_up_that_stops_getting_through_is_stalled() {
    let mut script = Script::new();
    script.negotiate();
    let at = script.record(Client, 250);
    repeat(&mut script, Client, at, 250, 4);
    script.wait(3000);
    script.put(script.packet(Client).with(|p| p.flags = FIN | ACK));
    let told = verdict(&script);
    assert_eq!((told.code, told.side), ("path-stalled", Side::Unknown));
    // A router that says why.
    let mut script = Script::new();
    script.negotiate();
    let at = script.record(Client, 250);
    repeat(&mut script, Client, at, 250, 4);
    script.icmp(Client, 3, 1, 0);
    script.wait(3000);
    script.put(script.packet(Client).with(|p| p.flags = FIN | ACK));
    let told = verdict(&script);
    assert_eq!((told.code, told.side), ("path-stalled", Side::Network));
}

#[test]
fn a_first_message_that_was_never_acknowledged_is_only_silence() {
    let mut script = Script::new();
    let request = common::made::connection_request();
    let at = script.say(Client, request.clone());
    for wait in [300, 600, 1200, 2400, 4800] {
        script.wait(wait);
        let bytes = request.clone();
        script.put(script.packet(Client).with(|p| (p.seq, p.len, p.bytes) = (at, bytes.len(), Some(bytes))));
    }
    let told = verdict(&script);
    assert_eq!((told.code, told.side), ("negotiation-silent", Side::Unknown));
    let absence = told.evidence.iter().find(|evidence| evidence.absence).unwrap();
    assert!(absence.text.contains("reached this capture point"), "{}", absence.text);
}

#[test]
fn an_active_session_from_which_nothing_comes_back_is_lost() {
    let play = |end: &dyn Fn(&mut Script)| {
        let mut script = Script::active();
        script.wait(1000);
        let at = script.record(Client, 60);
        repeat(&mut script, Client, at, 60, 5);
        end(&mut script);
        verdict(&script)
    };
    let told = play(&|_| {});
    assert_eq!((told.code, told.side), ("session-lost", Side::Unknown));
    let gave_up = play(&|script| {
        script.wait(5000);
        script.put(script.packet(Client).with(|p| p.flags = common::made::RST | ACK));
    });
    assert_eq!(gave_up.code, "session-lost", "the client's RST only gives up");
    // One way only: the server's packets still come.
    let one_way = play(&|script| {
        script.wait(500);
        script.put(script.packet(Server).with(|p| p.ack -= 60));
    });
    assert_eq!((one_way.code, one_way.side), ("path-stalled", Side::Network));
    let answered = play(&|script| {
        script.wait(20);
        script.put(script.packet(Server));
        script.wait(6000);
        script.capture_goes_on();
    });
    assert_eq!(answered.outcome, Outcome::Degraded, "it stood still for seconds, and went on");
}

#[test]
fn keep_alives_tell_a_dead_peer_from_a_quiet_one() {
    let play = |answered: bool| {
        let mut script = Script::active();
        for _ in 0..12 {
            script.wait(5000);
            script.put(script.packet(Client).with(|p| p.seq -= 1));
            if answered {
                script.wait(20);
                script.put(script.packet(Server));
            }
        }
        verdict(&script).code
    };
    assert_eq!(play(true), "healthy");
    assert_eq!(play(false), "session-lost");
}

#[test]
fn loss_counts_from_ten_segments_and_two_per_cent() {
    let play = |lost: usize, segments: usize, needless: bool| {
        let mut script = Script::active();
        for n in 0..segments {
            let at = script.record(Server, 1000);
            script.wait(20);
            if needless {
                script.put(script.packet(Client));
            }
            if n < lost {
                script.wait(40);
                script.put(script.packet(Server).with(|p| (p.seq, p.len) = (at, 1000)));
                script.wait(20);
            }
            script.put(script.packet(Client));
        }
        verdict(&script)
    };
    let told = play(12, 300, false);
    assert_eq!((told.code, told.outcome), ("session-lossy", Outcome::Degraded));
    assert!(told.explanation.contains("12 of"), "{}", told.explanation);
    assert_eq!(play(9, 100, false).code, "healthy", "fewer than ten");
    assert_eq!(play(12, 800, false).code, "healthy", "less than two per cent");
    assert_eq!(play(40, 300, true).code, "healthy", "tail-loss probes of what was acknowledged");
}

#[test]
fn a_standstill_that_loss_explains_is_felt() {
    let play = |wait: i64| {
        let mut script = Script::active();
        let at = script.record(Server, 1000);
        script.wait(wait);
        script.put(script.packet(Server).with(|p| (p.seq, p.len) = (at, 1000)));
        script.wait(20);
        script.put(script.packet(Client));
        verdict(&script).code
    };
    assert_eq!(play(3000), "session-lossy");
    assert_eq!(play(500), "healthy");
    // The other end slept, and had it all along (RFC 2883).
    let mut script = Script::active();
    let at = script.record(Server, 1000);
    script.wait(3000);
    script.put(script.packet(Server).with(|p| (p.seq, p.len) = (at, 1000)));
    script.wait(20);
    script.put(script.packet(Client));
    script.put(script.packet(Client).with(|p| p.sack = Some((at, at + 1000))));
    assert_eq!(script.code(), "healthy");
    // A slow server is not a lossy path.
    let mut script = Script::active();
    script.wait(20_000);
    script.record(Server, 1000);
    script.put(script.packet(Client));
    assert_eq!(script.code(), "healthy");
}

#[test]
fn a_packet_that_a_slow_router_shows_twice_is_no_loss() {
    let mut script = Script::active();
    for _ in 0..30 {
        script.record(Server, 1000);
        let mut second = script.frames.last().unwrap().clone();
        second.time = second.time.plus(9_000_000);
        second.data[22] -= 1;
        script.frames.push(second);
        script.wait(20);
        script.put(script.packet(Client));
    }
    assert_eq!(script.code(), "healthy");
}

#[test]
fn ttls_and_the_handshake_tell_where_the_capture_was_taken() {
    let at = |client, server| Script::seen_with(client, server).told().session.vantage();
    assert_eq!(at(128, 57), Vantage::Client);
    assert_eq!(at(126, 64), Vantage::Unknown, "the handshake took its time on the server's side");
    assert_eq!(at(126, 57), Vantage::Between);
    assert_eq!(at(64, 128), Vantage::Client, "one network: by time");
}

/// The client's window closes, and its computer answers every probe for so many seconds.
fn frozen(seconds: i64) -> Script {
    let mut script = Script::active();
    script.record(Server, 1448);
    script.put(script.packet(Client).with(|p| p.window = 0));
    for _ in 0..seconds / 2 {
        script.wait(2000);
        script.put(script.packet(Server).with(|p| p.seq -= 1));
        script.put(script.packet(Client).with(|p| p.window = 0));
    }
    script
}

#[test]
fn who_takes_no_more_data_is_at_fault_and_not_the_path() {
    // Until the capture ends.
    let mut script = frozen(40);
    script.capture_goes_on();
    let told = verdict(&script);
    assert_eq!((told.code, told.side, told.owner), ("session-lost", Side::Client, Some("client")));
    assert!(told.explanation.contains("receive window was closed for the last 40 s"), "{}", told.explanation);
    // Until the server gave up.
    let mut script = frozen(40);
    script.put(script.packet(Server).with(|p| p.flags = RST | ACK));
    let told = verdict(&script);
    assert_eq!((told.code, told.side, told.owner), ("session-reset", Side::Server, Some("client")));
    assert!(told.title.unwrap().contains("client took no more data"));
    let mut script = frozen(40);
    script.put(script.packet(Server).with(|p| p.flags = FIN | ACK));
    assert_eq!((verdict(&script).code, verdict(&script).side), ("session-lost", Side::Client));
    // Until it was ended itself.
    let mut script = frozen(40);
    script.put(script.packet(Client).with(|p| p.flags = RST | ACK));
    let told = verdict(&script);
    assert_eq!((told.code, told.side, told.owner), ("session-reset", Side::Client, Some("client")));
    assert!(told.title.unwrap().contains("client hung"));
    // What was sent into the closed window is no stall of the path.
    let mut script = frozen(4);
    let at = script.record(Server, 200);
    for _ in 0..5 {
        script.wait(2000);
        script.put(script.packet(Server).with(|p| (p.seq, p.len) = (at, 200)));
        script.put(script.packet(Client).with(|p| (p.ack, p.window) = (at, 0)));
    }
    script.wait(6000);
    script.capture_goes_on();
    assert_eq!((verdict(&script).code, verdict(&script).side), ("session-lost", Side::Client));
}

#[test]
fn a_window_that_opens_again_or_was_closed_for_a_moment_is_healthy() {
    let mut script = frozen(40);
    script.put(script.packet(Client));
    script.record(Server, 1000);
    script.put(script.packet(Client));
    script.wait(60_000);
    script.capture_goes_on();
    assert_eq!(script.code(), "healthy");
    let mut script = frozen(8);
    script.capture_goes_on();
    assert_eq!(script.code(), "healthy");
}

#[test]
fn keep_alives_that_nobody_answers_are_told() {
    let mut script = Script::active();
    script.wait(60_000);
    for _ in 0..6 {
        script.put(script.packet(Server).with(|p| p.seq -= 1));
        script.wait(1000);
    }
    script.put(script.packet(Server).with(|p| p.flags = RST | ACK));
    let told = verdict(&script);
    assert_eq!((told.code, told.side), ("session-lost", Side::Unknown));
    for said in ["asked 6 times whether the client is still there (TCP keep-alives)", "quiet for 60 s"] {
        assert!(told.explanation.contains(said), "{said}: {}", told.explanation);
    }
}

/// At the receiving end nothing is seen to be repeated; the server's acknowledgements show what it had sent.
#[test]
fn bytes_that_never_came_show_a_stall_at_the_receiving_end() {
    let lost = |times: i64| {
        let mut script = Script::active();
        let got = script.packet(Server).seq;
        for n in 0..times {
            script.wait(2000);
            let bytes = record(23, &[7; 55]);
            script.put(script.packet(Client).with(|p| (p.len, p.bytes, p.ack) = (60, Some(bytes), got)));
            script.wait(20);
            script.put(script.packet(Server).with(|p| p.seq = got + 400 * (n + 1)));
        }
        (script, got)
    };
    let (mut script, got) = lost(4);
    script.wait(2000);
    script.put(script.packet(Client).with(|p| (p.flags, p.ack) = (FIN | ACK, got)));
    let told = verdict(&script);
    assert_eq!((told.code, told.side), ("path-stalled", Side::Network));
    assert!(told.explanation.contains("stand behind bytes which never did"), "{}", told.explanation);
    // Where they came after all, nothing is wrong.
    let (mut script, got) = lost(2);
    let bytes = record(23, &[7; 795]);
    script.put(script.packet(Server).with(|p| (p.seq, p.len, p.bytes) = (got, 800, Some(bytes))));
    script.put(script.packet(Client));
    script.wait(20_000);
    script.capture_goes_on();
    assert_eq!(script.code(), "healthy");
}
