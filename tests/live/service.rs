//! What runs for weeks: files, interfaces and terminals that come and go, metrics, rights.

use std::io::{BufRead, Read};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cable::{Cable, command, failed, shell, wanted};
use crate::common::{captures_below, read};

#[test]
fn the_file_is_opened_anew_and_the_interface_may_go() {
    if !wanted("the_file_is_opened_anew_and_the_interface_may_go") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.ndjson");
    let count = |path: &Path| std::fs::read_to_string(path).unwrap_or_default().lines().count();
    let until = |what: &str, done: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !done() {
            assert!(begun.elapsed() < Duration::from_secs(6), "{what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let cable = Cable::new("file");
    let live = cable.live(&format!("-i wire --output {}", file.display()));
    cable.replay(&failed(0), "");
    until("the first session", &|| count(&file) == 1);
    let rotated = folder.path().join("out.ndjson.1");
    std::fs::rename(&file, &rotated).unwrap();
    live.signal("HUP");
    // Down, up, gone, and there again: it goes on.
    let b = cable.namespace("b");
    for state in ["down", "up"] {
        shell(&format!("ip -n {b} link set wire {state}"));
        std::thread::sleep(Duration::from_millis(1200));
    }
    cable.replay(&failed(1), "");
    until("the session after the interface was down", &|| count(&file) == 1);
    shell(&format!("ip -n {b} link del wire"));
    std::thread::sleep(Duration::from_millis(1200));
    cable.plug();
    std::thread::sleep(Duration::from_millis(2500));
    cable.replay(&failed(2), "");
    until("the session after the interface was gone", &|| count(&file) == 2);
    let (_, errors) = live.end();
    assert_eq!((count(&rotated), count(&file)), (1, 3), "{errors}");
    let times = |what: &str| errors.matches(what).count();
    // At the start, its link may not have been there yet.
    let early = times("wire is up again") - 2;
    assert_eq!((times("it has no link"), times("The interface disappeared")), (1 + early, 1), "{errors}");
}

/// A program that starts it may never look at what it says there.
#[test]
fn nobody_need_read_stderr() {
    if !wanted("nobody_need_read_stderr") {
        return;
    }
    let cable = Cable::new("stderr");
    let b = cable.namespace("b");
    let rdpwhy = env!("CARGO_BIN_EXE_rdpwhy");
    // As much as a pipe takes.
    let mut child = command(&format!("ip netns exec {b} sh -c"))
        .arg(format!("head -c 65536 /dev/zero >&2; exec {rdpwhy} live -i wire --format ndjson"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(1));
    cable.replay(&failed(0), "");
    let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    let (told, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = told.send(stdout.read_line(&mut line).map(|_| line).unwrap_or_default());
    });
    let line = lines.recv_timeout(Duration::from_secs(6));
    shell(&format!("kill -TERM {}", child.id()));
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(2) {
            child.kill().unwrap();
            panic!("it does not end, {line:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(line.is_ok_and(|line| line.contains("\"outcome\":\"failed\"")));
}

/// On a terminal, the table has it to itself and gives it back, however it ends.
#[test]
fn the_terminal_is_given_back() {
    if !wanted("the_terminal_is_given_back") {
        return;
    }
    let cable = Cable::new("view");
    let b = cable.namespace("b");
    let rdpwhy = env!("CARGO_BIN_EXE_rdpwhy");
    for by_key in [true, false] {
        // `script` runs it on a terminal of its own.
        let mut script = command(&format!("ip netns exec {b} script -qec"))
            .arg(format!("stty rows 24 cols 80; exec {rdpwhy} live -i wire"))
            .arg("/dev/null")
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_secs(1));
        cable.replay(&failed(0), "");
        std::thread::sleep(Duration::from_secs(3));
        let begun = Instant::now();
        if by_key {
            std::io::Write::write_all(script.stdin.as_mut().unwrap(), b"q").unwrap();
        } else {
            let pids = command(&format!("ip netns pids {b}")).output().unwrap().stdout;
            let is_ours = |pid: &&str| {
                std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "rdpwhy\n")
            };
            let pids = String::from_utf8(pids).unwrap();
            shell(&format!("kill -TERM {}", pids.lines().find(is_ours).unwrap()));
        }
        let mut shown = String::new();
        script.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
        assert_eq!(script.wait().unwrap().code(), Some(0));
        assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
        let (before, view) = shown.split_once("\x1b[?1049h").expect("it takes the whole terminal");
        let (view, after) = view.split_once("\x1b[?1049l").expect("and gives it back");
        assert!(before.contains("listening on wire") && after.contains("0 dropped by the kernel"), "{shown}");
        assert!(view.contains("tls-cipher-mismatch") && !view.contains("rdpwhy: "), "{view}");
    }
}

/// What is at a path of the HTTP server that listens at `address` in the namespace.
fn get(namespace: &str, address: &str, path: &str) -> String {
    let script = format!(
        "exec 3<>/dev/tcp/{}; printf 'GET {path} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' >&3; cat <&3",
        address.replace(':', "/")
    );
    let output = command(&format!("ip netns exec {namespace} bash -c")).arg(script).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn metrics_count_what_is_told() {
    if !wanted("metrics_count_what_is_told") {
        return;
    }
    let cable = Cable::new("metrics");
    let b = cable.namespace("b");
    shell(&format!("ip -n {b} link set lo up"));
    let folder = tempfile::tempdir().unwrap();
    let mut live =
        cable.live(&format!("-i wire --metrics 0 --save-failed {}", folder.path().join("s").display()));
    let mut said = String::new();
    live.stderr.read_line(&mut said).unwrap();
    let at = said.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    assert!(at.starts_with("127.0.0.1:"), "{said}");
    let value = |name: &str| {
        let text = get(&b, &at, "/metrics");
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("# EOF\n"), "{text}");
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name}: {text}")).parse::<u64>().unwrap()
    };
    let mismatch = r#"rdpwhy_sessions_total{transport="tcp",outcome="failed",code="tls-cipher-mismatch"}"#;
    assert_eq!(value(mismatch), 0, "counted from 0");
    cable.replay(&failed(0), "");
    live.line();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(value(mismatch), 1);
    assert_eq!(value(r#"rdpwhy_phase_duration_seconds_count{phase="tls-handshake"}"#), 1);
    assert_eq!(value("rdpwhy_captured_packets_total"), read(&failed(0)).frames.len() as u64);
    assert_eq!(value(r#"rdpwhy_interface_dropped_packets_total{interface="wire",by="kernel"}"#), 0);
    assert!(value("rdpwhy_recorder_frames_bytes") > 1000);
    assert!(value("process_resident_memory_bytes") > value("rdpwhy_memory_bytes"));
    assert!(get(&b, &at, "/healthz").starts_with("HTTP/1.1 200 OK\r\n"));
    shell(&format!("ip -n {b} link set wire down"));
    std::thread::sleep(Duration::from_millis(1500));
    let health = get(&b, &at, "/healthz");
    assert!(health.starts_with("HTTP/1.1 503 ") && health.ends_with("no interface is up\n"), "{health}");
    shell(&format!("ip -n {b} link set wire up"));
    std::thread::sleep(Duration::from_millis(2500));
    assert!(get(&b, &at, "/healthz").starts_with("HTTP/1.1 200 OK\r\n"));
    live.end();
}

#[test]
fn the_forms_for_other_tools_have_every_line() {
    if !wanted("the_forms_for_other_tools_have_every_line") {
        return;
    }
    let cable = Cable::new("forms");
    let mut ids = Vec::new();
    for (form, kind, code) in [("ecs", "/event/dataset", "/event/code"), ("zeek", "/_path", "/code")] {
        let live = cable.live_as(form, "-i wire --events");
        cable.replay(&failed(0), "");
        std::thread::sleep(Duration::from_secs(1));
        let (text, errors) = live.end_as_text();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let kinds: Vec<_> = lines.iter().map(|line| line.pointer(kind).unwrap().as_str().unwrap()).collect();
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.trim_start_matches("rdpwhy")).collect();
        let session = if form == "ecs" { ".session" } else { "" };
        let [phase, summary] = if form == "ecs" { [".phase", ".summary"] } else { ["_phase", "_stats"] };
        assert_eq!(kinds, [phase, phase, phase, session, summary], "{errors}");
        assert_eq!(lines[3].pointer(code), Some(&"tls-cipher-mismatch".into()));
        ids.extend([(lines[0]["uid"].clone(), lines[3]["uid"].clone())]);
    }
    assert!(ids[1].0 == ids[1].1 && ids[1].0.is_string(), "a phase tells of which session it is: {ids:?}");
}

/// What systemd hears, and what is left of root's rights: an interface that comes back is opened by nobody.
#[test]
fn a_service_says_that_it_lives_and_keeps_one_right() {
    if !wanted("a_service_says_that_it_lives_and_keeps_one_right") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let systemd = UnixDatagram::bind(&path).unwrap();
    systemd.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let heard = || {
        let mut text = [0; 1000];
        let len = systemd.recv(&mut text).unwrap();
        String::from_utf8(text[..len].to_vec()).unwrap()
    };
    let cable = Cable::new("service");
    let environment = format!("env NOTIFY_SOCKET={} WATCHDOG_USEC=900000", path.display());
    let live = cable.live_in(&environment, "--format ndjson -i wire");
    assert_eq!(heard(), "READY=1\nSTATUS=listening on wire");
    let status = std::fs::read_to_string(format!("/proc/{}/status", live.child.id())).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(field("Uid:"), "65534 65534 65534 65534");
    for (set, rights) in [("CapPrm:", 1 << 13), ("CapEff:", 1 << 13), ("CapBnd:", 1 << 13), ("CapInh:", 0)] {
        assert_eq!(u64::from_str_radix(&field(set), 16), Ok(rights), "{set}");
    }
    assert_eq!((field("Groups:").as_str(), field("NoNewPrivs:").as_str()), ("65534", "1"));
    shell(&format!("ip -n {} link del wire", cable.namespace("b")));
    std::thread::sleep(Duration::from_millis(1200));
    cable.plug();
    std::thread::sleep(Duration::from_millis(2500));
    cable.replay(&failed(2), "");
    let alive = heard();
    assert!(alive.starts_with("WATCHDOG=1\nSTATUS=wire: "), "{alive}");
    // A standstill is none of its lies.
    live.signal("STOP");
    while systemd.set_read_timeout(Some(Duration::from_millis(1500))).is_ok() {
        let mut text = [0; 1000];
        if systemd.recv(&mut text).is_err() {
            break;
        }
    }
    live.signal("CONT");
    assert!(heard().starts_with("WATCHDOG=1"));
    let (lines, errors) = live.end();
    assert_eq!(lines.len(), 2, "{errors}");
    let last = std::iter::from_fn(|| Some(heard())).find(|text| !text.starts_with("WATCHDOG=1"));
    assert_eq!(last.as_deref(), Some("STOPPING=1"));
}

/// Files are written as the owner of their folder, and what he may not write is said at the start.
#[test]
fn files_are_written_as_the_owner_of_their_folder() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    if !wanted("files_are_written_as_the_owner_of_their_folder") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let theirs = folder.path().join("theirs");
    std::fs::create_dir(&theirs).unwrap();
    shell(&format!("chown 4711:4712 {}", theirs.display()));
    let cable = Cable::new("owner");
    let output = theirs.join("out");
    let live = cable.live(&format!(
        "-i wire --output {} --save-failed {}/saved",
        output.display(),
        theirs.display()
    ));
    cable.replay(&failed(0), "");
    std::thread::sleep(Duration::from_secs(2));
    live.end();
    let files = [output.clone()].into_iter().chain(captures_below(&theirs.join("saved")));
    let owners: Vec<_> =
        files.map(|file| file.metadata().unwrap()).map(|data| (data.uid(), data.gid())).collect();
    assert_eq!(owners, [(4711, 4712); 2]);
    let arguments = ["live", "-i", "lo", "--user", "4713", "--output", output.to_str().unwrap()];
    let refused = Command::new(env!("CARGO_BIN_EXE_rdpwhy")).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        refused.status.code() == Some(2) && said.contains("as 4713 (--user): Permission denied"),
        "{said}"
    );
}

#[test]
fn what_is_too_little_memory_is_said() {
    let arguments = ["live", "-i", "lo", "--memory", "40", "--buffer", "64"];
    let output = Command::new(env!("CARGO_BIN_EXE_rdpwhy")).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("--memory 40 is too little"), "{said}");
}

#[test]
fn who_may_not_capture_is_told_how() {
    if !wanted("who_may_not_capture_is_told_how") {
        return;
    }
    let rdpwhy = env!("CARGO_BIN_EXE_rdpwhy");
    // The build may lie where nobody else may read.
    let folder = Path::new("/tmp").join(format!("rdpwhy-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let copy = folder.join("rdpwhy");
    std::fs::copy(rdpwhy, &copy).unwrap();
    let output =
        command(&format!("setpriv --reuid=65534 --clear-groups {} live -i lo", copy.display())).output();
    std::fs::remove_dir_all(&folder).unwrap();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("setcap cap_net_raw+ep") && said.contains("rdpwhy.service"), "{said}");
    let missing = Command::new(rdpwhy).args(["live", "-i", "nosuch0"]).output().unwrap();
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(missing.status.code() == Some(2) && said.contains("there is no interface nosuch0"), "{said}");
}
