//! What `live` says of replayed captures is what `analyze` says of their files.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cable::{Cable, failed, shell, wanted};
use crate::common::{Frames, captures_below, read, run};

type Said = (String, String, String, String, String, String);

fn said(session: &Value) -> Said {
    let end = |name: &str| format!("{}:{}", session[name]["ip"].as_str().unwrap(), session[name]["port"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let diagnosis = &session["diagnosis"];
    (
        end("client"),
        end("server"),
        text(&diagnosis["code"]),
        text(&session["outcome"]),
        text(&session["phase"]),
        text(&diagnosis["confidence"]),
    )
}

fn live_says(cable: &Cable, capture: &Path) -> Vec<Said> {
    let live = cable.live("-i wire --all-ports");
    cable.replay(capture, "");
    let (lines, errors) = live.end();
    let (summary, sessions) = lines.split_last().unwrap();
    assert_eq!(summary["type"], "summary", "{errors}");
    let mut said: Vec<Said> = sessions.iter().map(said).collect();
    said.sort();
    said
}

pub fn file_says(capture: &Frames) -> Vec<Said> {
    let verdicts = run(&capture.frames);
    let mut said: Vec<Said> = verdicts
        .iter()
        .map(|verdict| {
            let confidence = format!("{:?}", verdict.confidence).to_lowercase();
            (
                verdict.client.ip().to_string() + ":" + &verdict.client.port().to_string(),
                verdict.server.ip().to_string() + ":" + &verdict.server.port().to_string(),
                verdict.code.to_owned(),
                format!("{:?}", verdict.outcome).to_lowercase(),
                verdict.phase.as_str().to_owned(),
                confidence,
            )
        })
        .collect();
    said.sort();
    said
}

/// The project's captures that tcpreplay can send as they were: Ethernet, every packet whole.
fn replayable() -> Vec<Frames> {
    let paths = captures_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("captures"));
    let plain = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "pcapng");
    let whole = |capture: &Frames| {
        capture
            .frames
            .iter()
            .all(|f| f.link.0 == 1 && f.data.len() as u32 == f.wire_len && f.data.len() < 65_536)
    };
    paths.iter().filter(|path| plain(path)).map(|path| read(path)).filter(whole).collect()
}

#[test]
fn replayed_captures_get_the_verdicts_of_their_files() {
    const AT_ONCE: usize = 16;
    if !wanted("replayed_captures_get_the_verdicts_of_their_files") {
        return;
    }
    let captures = replayable();
    assert!(captures.len() > 100, "only {} captures", captures.len());
    let left = Mutex::new(captures.iter());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for worker in 0..AT_ONCE {
            let (left, wrong) = (&left, &wrong);
            scope.spawn(move || {
                let cable = Cable::new(&worker.to_string());
                loop {
                    let Some(capture) = left.lock().unwrap().next() else { return };
                    if live_says(&cable, &capture.path) != file_says(capture) {
                        wrong.lock().unwrap().push(capture);
                    }
                }
            });
        }
    });
    // Many at once upset each other's timing: what differed is asked again, alone.
    let cable = Cable::new("alone");
    let mut still = Vec::new();
    for capture in wrong.into_inner().unwrap() {
        eprintln!("once more, alone: {}", capture.name());
        let (live, file) = (live_says(&cable, &capture.path), file_says(capture));
        if live != file {
            still.push(format!("{}\n  live {live:?}\n  file {file:?}", capture.name()));
        }
    }
    assert!(still.is_empty(), "{} of {}:\n{}", still.len(), captures.len(), still.join("\n"));
}

/// Secrets come while the connections that they are of are captured: `live` was started before.
#[test]
fn a_key_log_is_read_on_as_it_is_written() {
    use rdpwhy::capture::{Capture, Source};
    if !wanted("a_key_log_is_read_on_as_it_is_written") {
        return;
    }
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("keys.txt");
    std::fs::write(&log, "# begun\n").unwrap();
    let cable = Cable::new("keys");
    let mut live = cable.live(&format!("-i wire --keylog {}", log.display()));
    for (code, name) in
        [("server-denied-connection", "keyed-ironrdp"), ("licensing-failed", "keyed-no-license-server")]
    {
        let path = captures.join(code).join(name).with_extension("pcapng");
        let mut capture = Capture::open(Source::Path(path.clone()), 0).unwrap();
        while capture.next_frame().is_some() {}
        let mut written = std::fs::read(&log).unwrap();
        written.extend_from_slice(&capture.info().secrets[0].data);
        std::fs::write(&log, written).unwrap();
        cable.replay(&path, "");
        let session = live.line();
        assert_eq!(session["diagnosis"]["code"], code, "{session}");
        assert_eq!(session["diagnosis"]["confidence"], "certain");
        assert_eq!(session["tls"]["decrypted"], true);
    }
    let (_, errors) = live.end();
    assert!(!errors.contains("key log"), "{errors}");
}

#[test]
fn a_session_is_told_within_two_seconds_of_its_end() {
    if !wanted("a_session_is_told_within_two_seconds_of_its_end") {
        return;
    }
    let cable = Cable::new("soon");
    let mut live = cable.live("-i wire --events");
    cable.replay(&failed(0), "");
    let over = Instant::now();
    for phase in ["tcp-connect", "x224-negotiation", "tls-handshake"] {
        let line = live.line();
        assert_eq!((&line["type"], &line["phase"]), (&"phase".into(), &phase.into()), "{line}");
        assert_eq!(line["id"], 1);
    }
    assert!(over.elapsed() < Duration::from_millis(500), "phases took {:?}", over.elapsed());
    let session = live.line();
    assert!(over.elapsed() < Duration::from_secs(2), "the verdict took {:?}", over.elapsed());
    assert_eq!((&session["diagnosis"]["code"], &session["id"]), (&"tls-cipher-mismatch".into(), &1.into()));
    // The end comes within a second, with the session that still runs.
    cable.replay(&failed(1), "--limit 4");
    let begun = Instant::now();
    let (lines, errors) = live.end();
    assert!(begun.elapsed() < Duration::from_secs(1), "the end took {:?}", begun.elapsed());
    let types: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap_or("session")).collect();
    assert_eq!(types, ["phase", "phase", "session", "summary"], "{errors}");
    assert_eq!(lines[2]["outcome"], "inconclusive");
    assert_eq!(lines[3]["by_code"], serde_json::json!({"inconclusive": 1, "tls-cipher-mismatch": 1}));
    assert!(errors.contains("0 dropped by the kernel"), "{errors}");
}

/// While the interface is down nobody can know who was silent.
#[test]
fn an_interface_that_is_down_makes_no_silence() {
    /// More than a silence must last where a capture ends.
    const LONG: Duration = Duration::from_secs(7);
    if !wanted("an_interface_that_is_down_makes_no_silence") {
        return;
    }
    let capture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/inconclusive/ends-after-client-hello.pcapng");
    // At full speed it is down before Linux says that it was up.
    let codes = [("up", ""), ("down", ""), ("down", "--topspeed")].map(|(state, speed)| {
        let cable = Cable::new(&format!("is-{state}{speed}"));
        let live = cable.live("-i wire");
        cable.replay(&capture, speed);
        shell(&format!("ip -n {} link set wire {state}", cable.namespace("b")));
        std::thread::sleep(LONG);
        let (lines, errors) = live.end();
        assert_eq!(lines.len(), 2, "{errors}");
        lines[0]["diagnosis"]["code"].clone()
    });
    assert_eq!(codes, ["tls-silent-after-client-hello", "inconclusive", "inconclusive"]);
}

/// Only what the default filter takes, in VLAN tags too.
#[test]
fn the_default_filter_takes_rdp_in_vlan_tags() {
    if !wanted("the_default_filter_takes_rdp_in_vlan_tags") {
        return;
    }
    let cable = Cable::new("vlan");
    let healthy = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/healthy");
    for (name, sessions) in [("vlan", 1), ("qinq", 1), ("other-port", 0)] {
        let live = cable.live("-i wire");
        cable.replay(&healthy.join(format!("{name}.pcapng")), "");
        let (lines, errors) = live.end();
        assert_eq!(lines.len(), sessions + 1, "{name}: {errors}");
        assert!(lines.iter().take(sessions).all(|line| line["outcome"] == "healthy"), "{name}: {lines:?}");
    }
    let live = cable.live("-i wire -i lo");
    cable.replay(&failed(0), "");
    assert_eq!(live.end().0.len(), 2, "several interfaces are one capture");
}
