//! Live capture for real: captures are replayed over a veth pair, and `rdpwhy live` must say of them what
//! `analyze` says of the file.
//!
//! Needs root, network namespaces and tcpreplay, and takes its time: it runs where `RDPWHY_LIVE_TESTS` is set
//! (`.ci/run` sets it), and fails there if something is missing.

#![cfg(all(feature = "live", feature = "cli", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use common::{Frames, captures_below, read, run};
use rdpwhy::analyzer::{Analyzer, Options};
use serde_json::Value;

/// Says so where the tests can't run.
fn wanted(test: &str) -> bool {
    if std::env::var_os("RDPWHY_LIVE_TESTS").is_none() {
        eprintln!("SKIPPED: {test}, because RDPWHY_LIVE_TESTS is not set (needs root and tcpreplay)");
        return false;
    }
    true
}

fn command(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap());
    command.args(words).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

fn shell(line: &str) {
    let output = command(line).output().unwrap_or_else(|error| panic!("{line}: {error}"));
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Two namespaces and a cable between them.
struct Cable {
    name: String,
}

impl Cable {
    fn new(name: &str) -> Self {
        let name = format!("rdpwhy-{}-{name}", std::process::id());
        let cable = Cable { name };
        for end in ["a", "b"] {
            let namespace = cable.namespace(end);
            shell(&format!("ip netns add {namespace}"));
            shell(&format!("ip netns exec {namespace} sysctl -qw net.ipv6.conf.all.disable_ipv6=1"));
        }
        cable.plug();
        cable
    }

    /// Puts the cable in; the ends are called "wire".
    fn plug(&self) {
        let (a, b) = (self.namespace("a"), self.namespace("b"));
        shell(&format!("ip -n {a} link add wire type veth peer name wire netns {b}"));
        for end in [a, b] {
            // Captures hold segments that an interface was to cut.
            shell(&format!("ip -n {end} link set wire mtu 65535 up"));
        }
    }

    fn namespace(&self, end: &str) -> String {
        format!("{}-{end}", self.name)
    }

    fn replay(&self, capture: &Path, more: &str) {
        let a = self.namespace("a");
        shell(&format!("ip netns exec {a} tcpreplay -q {more} -i wire {}", capture.display()));
    }

    /// Starts `rdpwhy live` at the other end.
    fn live(&self, arguments: &str) -> Live {
        self.live_as("ndjson", arguments)
    }

    fn live_as(&self, format: &str, arguments: &str) -> Live {
        self.live_in("", &format!("--format {format} {arguments}"))
    }

    fn live_in(&self, environment: &str, arguments: &str) -> Live {
        let b = self.namespace("b");
        let rdpwhy = env!("CARGO_BIN_EXE_rdpwhy");
        let mut child = command(&format!("ip netns exec {b} {environment} {rdpwhy} live {arguments}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        stderr.read_line(&mut said).unwrap();
        assert!(said.contains("listening on"), "{said}");
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Live { child, stdout, stderr }
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for end in ["a", "b"] {
            let _ = command(&format!("ip netns del {}", self.namespace(end))).status();
        }
    }
}

/// A line, which must be as the schema tells.
fn sound(line: &str) -> Value {
    static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        let schema = serde_json::to_value(rdpwhy::report::schema::line()).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    });
    let value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    let wrong: Vec<String> = SCHEMA.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}: {line}");
    value
}

struct Live {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
}

impl Live {
    fn signal(&self, name: &str) {
        shell(&format!("kill -{name} {}", self.child.id()));
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        sound(&line)
    }

    /// Ends it; returns the rest of what it says.
    fn end(self) -> (Vec<Value>, String) {
        let (text, said) = self.end_as_text();
        (text.lines().map(sound).collect(), said)
    }

    fn end_as_text(mut self) -> (String, String) {
        self.signal("TERM");
        let mut text = String::new();
        self.stdout.read_to_string(&mut text).unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0));
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).unwrap();
        (text, said)
    }
}

/// A test that failed leaves nothing running.
impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

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

fn file_says(capture: &Frames) -> Vec<Said> {
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

/// Captures with one session that failed, and was over at its end. A session replayed again is the same session.
fn failed(which: usize) -> PathBuf {
    let captures = [
        "tls-cipher-mismatch/xrdp-tls12",
        "negotiation-nla-required/shadow",
        "tls-version-mismatch/server-tls13-only",
    ];
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(captures[which]).with_extension("pcapng")
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
    let codes = ["up", "down"].map(|state| {
        let cable = Cable::new(&format!("is-{state}"));
        let live = cable.live("-i wire");
        cable.replay(&capture, "");
        shell(&format!("ip -n {} link set wire {state}", cable.namespace("b")));
        std::thread::sleep(LONG);
        let (lines, errors) = live.end();
        assert_eq!(lines.len(), 2, "{errors}");
        lines[0]["diagnosis"]["code"].clone()
    });
    assert_eq!(codes, ["tls-silent-after-client-hello", "inconclusive"]);
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
        if !name.starts_with("tcp-unreachable") {
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
