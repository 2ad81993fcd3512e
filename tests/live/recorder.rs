//! `--save-failed`: the frames of an attempt, all of them and no others.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rdpwhy::analyzer::{Analyzer, Options};
use serde_json::Value;

use crate::cable::{Cable, command, failed, shell, wanted};
use crate::common::{Frames, captures_below, read};
use crate::replay::file_says;

/// The saved captures in a folder, in the order of time, each with its frames and its report.
fn saved(folder: &Path) -> Vec<(Frames, Value)> {
    captures_below(folder)
        .iter()
        .map(|path| {
            let report = std::fs::read(path.with_extension("json")).unwrap();
            assert!(path.with_extension("md").exists());
            (read(path), serde_json::from_slice(&report).unwrap())
        })
        .collect()
}

/// The bytes of the frames that belong to a session, by the engine's own judgement.
fn of_sessions(capture: &Frames) -> Vec<Vec<u8>> {
    let mut analyzer = Analyzer::new(Options { follow: true, ..Options::default() });
    let mut bytes = Vec::new();
    for (frame, number) in capture.frames.iter().zip(1..) {
        analyzer.push(&frame.frame(number));
        if analyzer.touched().is_some_and(|touched| touched.is_session()) {
            bytes.push(frame.data.clone());
        }
    }
    bytes
}

#[test]
fn failed_attempts_are_saved_frame_by_frame() {
    if !wanted("failed_attempts_are_saved_frame_by_frame") {
        return;
    }
    let cable = Cable::new("save");
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let folder = tempfile::tempdir().unwrap();
    // In the third, the client left one session and came back: with the one that failed then, one attempt.
    for (name, sessions) in [
        ("tls-cipher-mismatch/xrdp-tls12", 1),
        ("tcp-connection-refused/closed-port", 2),
        ("client-left-after-tls/rdesktop-no-kerberos", 2),
        ("tcp-unreachable/host-unreachable", 2),
        ("udp-security-failed/alert", 1),
        ("healthy/xrdp-tls12", 0),
    ] {
        let capture = read(&captures.join(name).with_extension("pcapng"));
        let dir = folder.path().join(name);
        let live = cable.live(&format!("-i wire --save-failed {}", dir.display()));
        cable.replay(&capture.path, "");
        std::thread::sleep(Duration::from_secs(2));
        let before = saved(&dir);
        let (_, errors) = live.end();
        let saved = saved(&dir);
        assert_eq!(saved.len(), usize::from(sessions > 0), "{name}: {errors}");
        // Nothing says that a flow is over but its silence.
        if !name.starts_with("tcp-unreachable") && !name.starts_with("udp-") {
            assert_eq!(before.len(), saved.len(), "{name} was not saved within two seconds");
        }
        for (kept, report) in &saved {
            check_saved(&capture, kept, report);
            assert_eq!(report["sessions"].as_array().unwrap().len(), sessions, "{name}");
        }
        let mode = |path: &Path| {
            std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777
        };
        assert_eq!(mode(&dir), 0o700);
        for entry in std::fs::read_dir(&dir).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
    }
    // The next run knows what is there, and makes room.
    let dir = folder.path().join("tls-cipher-mismatch/xrdp-tls12");
    let live = cable.live(&format!("-i wire --save-failed {} --save-files 3", dir.display()));
    cable.replay(&failed(1), "");
    live.end();
    let saved = saved(&dir);
    assert_eq!(saved.len(), 1);
    assert_eq!(saved[0].1["sessions"][0]["diagnosis"]["code"], "negotiation-nla-required");
}

/// What is saved are the frames that were sent, and tells the same again of the same frames.
fn check_saved(sent: &Frames, kept: &Frames, report: &Value) {
    let bytes: Vec<Vec<u8>> = kept.frames.iter().map(|frame| frame.data.clone()).collect();
    assert_eq!((bytes.len(), bytes == of_sessions(sent)), (of_sessions(sent).len(), true), "{}", sent.name());
    let output =
        Command::new(env!("CARGO_BIN_EXE_rdpwhy")).arg(&kept.path).args(["--format", "json"]).output();
    let file: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    let same = |of: &Value| {
        let mut of = of.clone();
        of["captures"].take();
        of
    };
    assert_eq!(same(&file), same(report), "{}", sent.name());
    let comments = command("tshark -T fields -e frame.number -e frame.comment -Y frame.comment -r")
        .arg(&kept.path)
        .output()
        .expect("tshark is needed");
    let comments = String::from_utf8(comments.stdout).unwrap();
    for session in report["sessions"].as_array().unwrap() {
        for evidence in session["diagnosis"]["evidence"].as_array().unwrap() {
            let text = evidence["text"].as_str().unwrap();
            let beside = |line: &&str| line.starts_with(&format!("{}\t", evidence["frame"]));
            assert!(comments.lines().filter(beside).any(|line| line.contains(text)), "{text}: {comments}");
        }
    }
}

#[test]
fn an_attempt_that_works_in_the_end_is_not_kept() {
    if !wanted("an_attempt_that_works_in_the_end_is_not_kept") {
        return;
    }
    let cable = Cable::new("all");
    let folder = tempfile::tempdir().unwrap();
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/healthy/reconnect.pcapng");
    let file: Vec<_> = file_says(&read(&capture));
    for (more, kept) in [("", 0), ("--save all", 1)] {
        let dir = folder.path().join(kept.to_string());
        let live = cable.live(&format!("-i wire --save-failed {} {more}", dir.display()));
        cable.replay(&capture, "");
        std::thread::sleep(Duration::from_secs(2));
        let (lines, errors) = live.end();
        assert_eq!(lines.len() - 1, file.len(), "{errors}");
        let saved = saved(&dir);
        assert_eq!(saved.len(), kept, "{errors}");
        for (frames, report) in saved {
            assert_eq!(frames.frames.len(), of_sessions(&read(&capture)).len());
            assert_eq!(report["attempts"][0]["outcome"], "healthy");
            assert_eq!(report["sessions"].as_array().unwrap().len(), file.len());
        }
    }
}

/// A full disk, then one with room: nothing is ever half there, and it goes on.
#[test]
fn a_full_disk_leaves_nothing_half_written() {
    if !wanted("a_full_disk_leaves_nothing_half_written") {
        return;
    }
    let cable = Cable::new("full");
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    shell(&format!("mount -t tmpfs -o size=16k,mode=700 none {}", disk.display()));
    let dir = disk.join("saved");
    let result = std::panic::catch_unwind(|| {
        let live = cable.live(&format!("-i wire --save-failed {}", dir.display()));
        cable.replay(&failed(0), "");
        std::thread::sleep(Duration::from_millis(2500));
        let there = std::fs::read_dir(&dir).unwrap().count();
        shell(&format!("mount -o remount,size=1m {}", disk.display()));
        cable.replay(&failed(2), "");
        std::thread::sleep(Duration::from_millis(2500));
        let (_, errors) = live.end();
        assert_eq!((there, errors.matches("cannot save").count()), (0, 1), "{errors}");
        assert_eq!(saved(&dir).len(), 1, "{errors}");
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 3);
    });
    shell(&format!("umount {}", disk.display()));
    result.unwrap();
}
