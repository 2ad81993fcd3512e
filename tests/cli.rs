//! The command as it is run: arguments, exit status, what goes where.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::pcap::Pcap;

const A: ([u8; 4], u16) = ([10, 0, 0, 2], 50_001);
const B: ([u8; 4], u16) = ([10, 0, 0, 3], 50_002);
const SERVER: ([u8; 4], u16) = ([10, 0, 0, 1], 3389);

/// A refused connection of A, then one of B that needs NLA.
fn two() -> Vec<u8> {
    Pcap::default().refused(0, A, SERVER).nla_required(10_000, B, SERVER, "alice").bytes()
}

struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Self {
        Dir(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn two(&self) -> PathBuf {
        self.file("two.pcap", &two())
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rdpwhy"));
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").stdin(Stdio::null());
    command
}

fn run(file: &Path, args: &[&str]) -> Output {
    command().arg(file).args(args).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(file: &Path, args: &[&str]) -> serde_json::Value {
    let output = run(file, &[&["--format", "json"], args].concat());
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let report = serde_json::from_slice(&output.stdout).unwrap();
    let validator = jsonschema::validator_for(rdpwhy::report::schema::document().as_value()).unwrap();
    assert!(validator.is_valid(&report), "{report:#}");
    report
}

fn ids(report: &serde_json::Value) -> Vec<u64> {
    report["sessions"].as_array().unwrap().iter().map(|session| session["id"].as_u64().unwrap()).collect()
}

fn chosen(args: &[&str]) -> Vec<u64> {
    ids(&json(&Dir::new().two(), args))
}

#[test]
fn tells_what_happened() {
    let dir = Dir::new();
    let file = dir.two();
    let output = run(&file, &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(err(&output), "");
    let text = out(&output);
    assert!(text.starts_with("2 sessions in two.pcap: 2 failed."), "{text}");
    for part in
        ["tcp-connection-refused", "negotiation-nla-required", "10.0.0.1:3389", "frame 2", "What to do"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let named = command().arg("analyze").arg(&file).output().unwrap();
    assert_eq!(out(&named), text);
}

#[test]
fn json_says_the_same() {
    let report = json(&Dir::new().two(), &[]);
    assert_eq!(report["schema"], "rdpwhy/1");
    assert_eq!(report["captures"][0]["packets"], 10);
    let session = &report["sessions"][1];
    assert_eq!(session["diagnosis"]["code"], "negotiation-nla-required");
    assert_eq!(session["negotiation"]["cookie"], "alice");
    assert_eq!(session["negotiation"]["failure"]["name"], "HYBRID_REQUIRED_BY_SERVER");
    assert_eq!(session["start"], "2026-11-20T09:00:10.000000Z");
    assert_eq!(session["tcp"]["closed_by"]["how"], "FIN");
    assert_eq!(report["attempts"][1]["sessions"][0], 2);
    assert_eq!(report["summary"]["by_outcome"]["failed"], 2);
    assert_eq!(session["tls"]["certificate"], serde_json::Value::Null);
}

#[test]
fn choosing_changes_what_is_shown() {
    assert_eq!(chosen(&[]), [1, 2]);
    assert_eq!(chosen(&["--session", "2"]), [2]);
    assert_eq!(chosen(&["--host", "10.0.0.3"]), [2]);
    assert_eq!(chosen(&["--host", "10.0.0.0/31"]), [1, 2], "the server's");
    assert_eq!(chosen(&["--host", "nobody"]), [0; 0]);
    assert_eq!(chosen(&["--user", "Alice"]), [2]);
    assert_eq!(chosen(&["--from", "09:00:05"]), [2]);
    assert_eq!(chosen(&["--to", "2026-11-20T09:00:05Z"]), [1]);
    assert_eq!(chosen(&["--around", "11:01", "--tz", "+02:00"]), [1, 2]);
    assert_eq!(chosen(&["--around", "09:30"]), [0; 0]);
    assert_eq!(chosen(&["--failed"]), [1, 2]);
    let none = run(&Dir::new().two(), &["--host", "10.9.9.9"]);
    assert_eq!(none.status.code(), Some(0));
    assert_eq!(out(&none), "None of the 2 sessions was asked for.\n");
}

#[test]
fn exit_status() {
    let dir = Dir::new();
    let (good, missing) = (dir.two(), dir.0.path().join("missing.pcap"));
    let status = |files: &[&Path], args: &[&str]| {
        let output = command().args(files).args(args).output().unwrap();
        (output.status.code(), out(&output), err(&output))
    };
    assert_eq!(status(&[&good], &["--exit-code"]).0, Some(1));
    assert_eq!(status(&[&good], &["--exit-code", "--host", "10.9.9.9"]).0, Some(0));
    let (code, stdout, stderr) = status(&[&missing], &[]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.starts_with("rdpwhy: ") && stderr.contains("missing.pcap: no such file"), "{stderr}");
    let (code, stdout, stderr) = status(&[&missing, &good], &["--exit-code"]);
    assert_eq!(code, Some(2), "what could not be read counts more");
    assert!(stdout.starts_with("2 sessions in two.pcap"), "{stdout}");
    assert!(stderr.contains("no such file"), "{stderr}");
    let text = dir.file("notes.txt", b"Dear diary,\n");
    let (code, stdout, stderr) = status(&[&text], &["--format", "json"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("notes.txt"), "{stderr}");
}

#[test]
fn bad_usage() {
    let dir = Dir::new();
    let file = dir.two();
    for args in [
        &["--format", "xml"][..],
        &["--tz", "Mars"],
        &["--host", "10.0.0.0/99"],
        &["--around", "noon"],
        &["--around", "09:00", "--from", "08:00"],
        &["--port", "0"],
        &["--session", "x"],
        &["--saw", "ticket"],
        &["--saw", "0x904/0x7/0x1"],
        &["--redact=everything"],
        &["--redact-key", "k"],
    ] {
        let output = run(&file, args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert_eq!(out(&output), "", "{args:?}");
        assert!(!err(&output).is_empty(), "{args:?}");
    }
    for args in [&[][..], &["analyze"]] {
        assert_eq!(command().args(args).output().unwrap().status.code(), Some(2), "{args:?}");
    }
    let twice = command().args(["-", "-"]).output().unwrap();
    assert_eq!(twice.status.code(), Some(2));
}

#[test]
fn help_and_version() {
    let help = command().arg("--help").output().unwrap();
    assert_eq!(help.status.code(), Some(0));
    let text = out(&help);
    for option in [
        "--session",
        "--host",
        "--user",
        "--from",
        "--to",
        "--around",
        "--failed",
        "--port",
        "--separate",
        "--all-sessions",
        "--format",
        "--timeline",
        "--saw",
        "--keylog",
        "--redact",
        "explain",
        #[cfg(feature = "live")]
        "live",
        "--tz",
        "--exit-code",
        "--color",
        "Examples:",
    ] {
        assert!(text.contains(option), "{option}: {text}");
    }
    assert!(!text.contains("compare"), "{text}");
    let version = command().arg("--version").output().unwrap();
    assert_eq!(out(&version), format!("rdpwhy {}\n", env!("CARGO_PKG_VERSION")));
}

fn explain(args: &[&str]) -> Output {
    command().arg("explain").args(args).output().unwrap()
}

#[test]
fn explains_the_error_that_people_report_most() {
    let output = explain(&["0x904", "0x7"]);
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""));
    let text = out(&output);
    for part in ["2308", "Documented:", "Reported:", "no proof", "--saw 0x904/0x7", "learn.microsoft.com"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.lines().count() <= 60, "{} lines are no screen", text.lines().count());
    let command = |line: &&str| line.trim_start().starts_with("Get-") || line.contains("https://");
    assert!(text.lines().filter(|line| !command(line)).all(|line| line.chars().count() <= 100), "{text}");
    for same in
        [&["0x904/0x7"][..], &["2308", "7"], &["2308/7"], &["Error code: 0x904", "Extended error code: 0x7"]]
    {
        assert_eq!(out(&explain(same)), text, "{same:?}");
    }
}

#[test]
fn explains_in_every_format() {
    let schema = rdpwhy::report::schema::explanation();
    let validator = jsonschema::validator_for(schema.as_value()).unwrap();
    for asked in
        ["0x904/0x7", "5", "tls-cipher-mismatch", "STATUS_LOGON_FAILURE", "0x904/0x55", "port-unreachable"]
    {
        let output = explain(&[asked, "--format", "json"]);
        assert_eq!(output.status.code(), Some(0), "{asked}");
        let explanation = serde_json::from_slice(&output.stdout).unwrap();
        assert!(validator.is_valid(&explanation), "{explanation:#}");
        assert_eq!(explanation["type"], "explanation");
        assert_eq!(explanation["asked"], asked);
        let markdown = out(&explain(&[asked, "--format", "markdown"]));
        assert!(markdown.starts_with("### ") && markdown.contains("]("), "{markdown}");
        assert!(!out(&explain(&[asked])).contains('\u{1b}'));
    }
}

#[test]
fn several_meanings_are_listed_the_most_likely_first() {
    let text = out(&explain(&["5"]));
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
    assert!(at("RDP negotiation failure 5") < at("mstsc extended error code 0x5"));
    assert!(at("HYBRID_REQUIRED_BY_SERVER") < at("ERRINFO_DISCONNECTED_BY_OTHERCONNECTION"));
    assert!(text.contains("negotiation-nla-required"));
    let reported = out(&explain(&["0xB09"]));
    assert!(reported.contains("Reported, not documented by Microsoft."), "{reported}");
}

#[test]
fn what_is_unknown_is_said_with_near_misses() {
    for (asked, near) in [
        (&["tls-cypher-mismatch"][..], "did you mean tls-cipher-mismatch?"),
        (&["0x516"], "did you mean 0x204 (516)"),
        (&["handshake_failur"], "handshake_failure"),
        (&["qqqqqqqq\u{1b}[31m"], "accepted are"),
    ] {
        let output = explain(asked);
        assert_eq!((output.status.code(), out(&output).as_str()), (Some(2), ""), "{asked:?}");
        let text = err(&output);
        assert!(text.starts_with("rdpwhy: unknown: ") && text.contains(near), "{text}");
        assert!(text.contains("accepted are") && !text.contains('\u{1b}'), "{text}");
    }
    assert_eq!(explain(&[]).status.code(), Some(2));
    assert_eq!(explain(&["5", "--format", "xml"]).status.code(), Some(2));
    assert_eq!(explain(&["-1073741715"]).status.code(), Some(0), "a status as a signed number");
}

#[test]
fn marks_the_sessions_that_fit_what_the_user_saw() {
    let dir = Dir::new();
    let file = dir.two();
    assert_eq!(json(&file, &[])["sessions"][0]["saw"], serde_json::Value::Null);
    let fits = |saw: &str| {
        let report = json(&file, &["--saw", saw]);
        let sessions = report["sessions"].as_array().unwrap();
        let fits = sessions.iter().map(|session| session["saw"]["fit"].as_str().unwrap_or("null").to_owned());
        fits.collect::<Vec<_>>()
    };
    assert_eq!(fits("0x204"), ["expected", "excluded"], "a session that connected");
    assert_eq!(fits("0xB09"), ["null", "expected"]);
    assert_eq!(fits("0x904/0x7"), ["excluded", "null"], "one that never connected");
    assert_eq!(fits("2308/7"), fits("0x904/0x7"));
    let text = out(&run(&file, &["--saw", "0xB09"]));
    assert!(text.contains("The user saw 0xB09: 1 session fits, 1 session is unlikely to fit."), "{text}");
    let rows: Vec<&str> = text.lines().filter(|line| line.contains("10.0.0.1:3389 ")).collect();
    assert!(rows[0].trim_start().starts_with("2 "), "what fits comes first: {text}");
    assert!(text.contains("Fits 0xB09: mstsc usually shows it for this."), "{text}");
    assert!(text.contains("Unlikely to fit 0xB09: "), "{text}");
    let markdown = out(&run(&file, &["--saw", "0xB09", "--format", "markdown"]));
    assert!(markdown.contains("\\[fits well\\] negotiation-nla-required"), "{markdown}");
    let named = command().args(["analyze", "--saw", "0xB09"]).arg(&file).output().unwrap();
    assert_eq!(out(&named), text);
    let none = out(&run(&file, &["--saw", "0x904/0x7"]));
    assert!(
        none.contains("1 session is unlikely to fit, 1 session does not fit. It may have come"),
        "{none}"
    );
    let unheard = out(&run(&file, &["--saw", "0x999"]));
    assert!(unheard.contains("It is no error code that is known of mstsc."), "{unheard}");
}

/// A Set Error Info that was read is what mstsc shows as the extended code.
#[test]
fn the_servers_own_reason_decides_what_the_user_saw() {
    let saw = |capture: &str, saw: &str| {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(capture);
        let saw = json(&file, &["--saw", saw])["sessions"][0]["saw"].clone();
        (saw["fit"].as_str().unwrap_or("null").to_owned(), saw["why"].as_str().unwrap().to_owned())
    };
    for (capture, code, other) in [
        ("server-denied-connection/clear.pcapng", "0x7", "0x10A"),
        ("server-error-info/clear.pcapng", "0x10A", "0x7"),
    ] {
        let (fit, why) = saw(capture, &format!("0x3/{code}"));
        assert_eq!(fit, "expected", "{why}");
        assert!(why.contains(code), "{why}");
        let (fit, why) = saw(capture, &format!("0x904/{other}"));
        assert_eq!(fit, "excluded", "{why}");
        assert!(why.contains(&format!("another reason, {code} (")), "{why}");
        assert_ne!(saw(capture, "0x3").0, "excluded", "without an extended code nothing contradicts");
    }
}

#[test]
fn standard_input() {
    let mut child = command()
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&two()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(out(&output).starts_with("2 sessions in -: 2 failed."), "{}", out(&output));
}

#[test]
fn a_broken_pipe_ends_quietly() {
    let dir = Dir::new();
    let file = dir.two();
    for format in ["table", "json", "ndjson", "markdown"] {
        let mut child = command()
            .arg(&file)
            .args(["--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{format}");
        assert_eq!(err(&output), "", "{format}");
    }
}

#[test]
fn several_files_as_one_or_one_by_one() {
    let dir = Dir::new();
    let whole = two();
    // Cut between the refused connection (2 frames of 56 bytes) and the other.
    let (first, rest) = whole.split_at(24 + 2 * 56);
    let first = dir.file("1.pcap", first);
    let second = dir.file("2.pcap", &[&whole[..24], rest].concat());
    let report = |args: &[&str]| {
        let output =
            command().args([&second, &first]).args(["--format", "json"]).args(args).output().unwrap();
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let codes = |report: &serde_json::Value| {
        let sessions = report["sessions"].as_array().unwrap();
        let codes = sessions.iter().map(|session| session["diagnosis"]["code"].as_str().unwrap().to_owned());
        codes.collect::<Vec<_>>()
    };
    assert_eq!(codes(&report(&[])), ["tcp-connection-refused", "negotiation-nla-required"], "in time order");
    let separate = report(&["--separate"]);
    assert_eq!(
        codes(&separate),
        ["negotiation-nla-required", "tcp-connection-refused"],
        "in the order given"
    );
    assert_eq!(separate["sessions"][1]["diagnosis"]["evidence"][0]["capture"], 1);
}

/// A ring buffer has more files than a process may usually have open.
#[cfg(target_os = "linux")]
#[test]
fn many_files_are_open_at_a_time() {
    let dir = Dir::new();
    let files: Vec<PathBuf> = (0..100).map(|n| dir.file(&format!("{n:03}.pcap"), &two())).collect();
    let rdpwhy = env!("CARGO_BIN_EXE_rdpwhy");
    let limited = format!("ulimit -S -n 40; exec {rdpwhy} --quiet --separate --format json \"$@\"");
    let output = Command::new("sh").args(["-c", &limited, "sh"]).args(&files).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["captures"].as_array().unwrap().len(), 100);
}

#[test]
fn a_cut_capture_warns_and_is_read_up_to_there() {
    let mut bytes = two();
    bytes.truncate(bytes.len() - 3);
    let dir = Dir::new();
    let file = dir.file("cut.pcap", &bytes);
    let output = run(&file, &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        err(&output).contains("warning: ") && err(&output).contains("cut in the middle"),
        "{}",
        err(&output)
    );
    let output = run(&file, &["--format", "json"]);
    assert_eq!(err(&output), "", "the document says it");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["captures"][0]["warnings"].as_array().unwrap().len(), 1);
}

#[test]
fn a_capture_without_rdp_says_so() {
    let server = ([10, 0, 0, 1], 80);
    let dir = Dir::new();
    let file = dir.file("web.pcap", &Pcap::default().refused(0, A, server).bytes());
    let output = run(&file, &[]);
    assert_eq!(output.status.code(), Some(0));
    let text = out(&output);
    assert!(text.starts_with("No RDP in ") && text.contains("2 packets (2 TCP, 0 UDP, 0 other)"), "{text}");
    assert!(text.contains("\n    dumpcap -i INTERFACE -f \"tcp port 3389"), "{text}");
    assert_eq!(ids(&json(&file, &[])), [0; 0]);
    assert_eq!(ids(&json(&file, &["--port", "80"])), [1]);
}

#[test]
fn colour_only_on_a_terminal() {
    let dir = Dir::new();
    let file = dir.two();
    let escapes = |args: &[&str]| out(&run(&file, args)).contains('\u{1b}');
    assert!(!escapes(&[]));
    assert!(escapes(&["--color", "always"]));
    assert!(!escapes(&["--color", "never"]));
    assert!(!escapes(&["--color", "always", "--format", "json"]));
    let no_color = command().arg(&file).env("NO_COLOR", "1").output().unwrap();
    assert!(!out(&no_color).contains('\u{1b}'));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let dir = Dir::new();
    let file = dir.two();
    for format in ["table", "json", "ndjson", "markdown"] {
        let once = run(&file, &["--format", format, "--timeline"]);
        assert_eq!(once.stdout, run(&file, &["--format", format, "--timeline"]).stdout, "{format}");
    }
}

#[test]
fn reports_are_written_whole_and_not_over_others() {
    let dir = Dir::new();
    let two = dir.two();
    for (name, begins) in
        [("t.html", "<!doctype html>"), ("t.md", "**2 sessions"), ("t.txt", "2 sessions"), ("t.json", "{")]
    {
        let target = dir.0.path().join(name);
        let report = |more: &[&str]| {
            command().arg("report").arg(&two).arg("-o").arg(&target).args(more).output().unwrap()
        };
        let output = report(&[]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        assert!(output.stdout.is_empty());
        let text = std::fs::read_to_string(&target).unwrap();
        assert!(text.starts_with(begins), "{name}: {text}");
        assert!(text.contains("negotiation-nla-required"), "{name}");
        std::fs::write(&target, "mine").unwrap();
        let output = report(&[]);
        assert_eq!(output.status.code(), Some(2));
        assert!(err(&output).contains("--force"), "{}", err(&output));
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "mine");
        assert_eq!(report(&["--force"]).status.code(), Some(0));
        assert_eq!(std::fs::read_to_string(&target).unwrap(), text);
    }
    let output = command().args(["report", "-o", "-"]).arg(&two).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "no format");
    let output = command().args(["report", "-o", "-", "--format", "html"]).arg(&two).output().unwrap();
    assert!(out(&output).starts_with("<!doctype html>"));
}

#[test]
fn quiet_and_verbose() {
    let dir = Dir::new();
    let mut cut = two();
    cut.truncate(cut.len() - 5);
    let file = dir.file("cut.pcap", &cut);
    let (plain, quiet) = (run(&file, &[]), run(&file, &["--quiet"]));
    assert!(err(&plain).contains("warning") && out(&plain).contains("How far it got"));
    assert_eq!((err(&quiet).as_str(), quiet.status.code()), ("", Some(0)));
    // The list is the same, but where no story tells the cause, its row does.
    let (plain_text, quiet_text) = (out(&plain), out(&quiet));
    let list = plain_text.split("\n\n\n").next().unwrap_or_default();
    assert!(list.lines().all(|row| quiet_text.lines().any(|line| line.starts_with(row))), "{quiet_text}");
    assert!(quiet_text.contains("negotiation-nla-required: The server requires"), "{quiet_text}");
    assert!(!out(&quiet).contains("How far it got"));
    // All that is known, also of what went well.
    let healthy = common::golden::project("captures/healthy/xrdp-tls13.pcapng");
    let (plain, verbose) = (out(&run(&healthy, &[])), out(&run(&healthy, &["-v"])));
    assert!(!plain.contains("How far it got") && verbose.contains("How far it got"));
    assert!(!out(&run(&file, &["-v"])).contains("more with --session"));
    assert_eq!(run(&file, &["-q", "-v"]).status.code(), Some(2));
    let page = dir.0.path().join("x.html");
    let report = command().arg("report").arg(&file).arg("-qo").arg(&page).output().unwrap();
    assert_eq!((err(&report).as_str(), report.status.code()), ("", Some(0)));
}

#[test]
fn hyperlinks_only_where_asked_for() {
    let dir = Dir::new();
    let file = dir.two();
    assert!(!out(&run(&file, &["--color", "always"])).contains("\u{1b}]8"));
    let linked = out(&run(&file, &["-v", "--hyperlinks"]));
    let links: Vec<&str> = linked.lines().filter(|line| line.contains("\u{1b}]8;;")).collect();
    assert!(!links.is_empty());
    for link in links {
        let (address, title) =
            link.split_once("- \u{1b}]8;;https://").unwrap().1.split_once("\u{1b}\\").unwrap();
        assert!(!address.contains(' ') && title.ends_with("\u{1b}]8;;\u{1b}\\"), "{link:?}");
    }
}
