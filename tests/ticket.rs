//! `rdpwhy report -o x.pcapng` on every committed capture: the same verdicts when it is analyzed again, and a
//! file that Wireshark opens with the explanation on the frames. Needs tshark for the second half, and says so
//! loudly where it is missing.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::captures_below;
use common::golden::project;
use serde_json::Value;

fn rdpwhy(args: &[&str], files: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rdpwhy")).args(args).args(files).stdin(Stdio::null()).output().unwrap()
}

/// Codes, outcomes and phases in the order of sessions.
fn verdicts(file: &Path) -> Vec<[String; 3]> {
    let output = rdpwhy(&["analyze", "--format", "json"], &[file]);
    assert!(output.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let verdict = |session: &Value| {
        [&session["diagnosis"]["code"], &session["outcome"], &session["phase"]]
            .map(|value| value.as_str().unwrap().to_owned())
    };
    report["sessions"].as_array().unwrap().iter().map(verdict).collect()
}

/// The verdicts without the TLS secrets that the capture may hold: they are in nothing that is written.
fn verdicts_without_secrets(file: &Path) -> Vec<[String; 3]> {
    const SECRETS: [u8; 4] = [0x0A, 0, 0, 0];
    let bytes = std::fs::read(file).unwrap();
    let mut rest = bytes.as_slice();
    let (mut kept, mut any) = (Vec::new(), false);
    // The blocks of a pcapng, as the lab writes them: little-endian, type and length first.
    while file.extension().is_some_and(|ending| ending == "pcapng") && rest.len() >= 8 {
        let length = u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
        let (block, after) = rest.split_at(length.clamp(8, rest.len()));
        if block.starts_with(&SECRETS) {
            any = true;
        } else {
            kept.extend_from_slice(block);
        }
        rest = after;
    }
    if !any {
        return verdicts(file);
    }
    let mut copy = tempfile::Builder::new().suffix(".pcapng").tempfile().unwrap();
    copy.write_all(&kept).unwrap();
    verdicts(copy.path())
}

fn report(file: &Path, to: &Path, args: &[&str]) {
    let output = rdpwhy(&[&["report", "-o", to.to_str().unwrap()], args].concat(), &[file]);
    assert!(output.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
}

/// Fields that tshark shows of the frames that pass a filter; `None` where there is no tshark.
fn tshark(file: &Path, filter: &str, fields: &[&str]) -> Option<Vec<String>> {
    let mut command = Command::new("tshark");
    command.args(["-r", file.to_str().unwrap(), "-Y", filter, "-T", "fields"]);
    command.args(fields.iter().flat_map(|field| ["-e", field]));
    match command.output() {
        Ok(output) if output.status.success() => {
            Some(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
        }
        Ok(output) => panic!("{}: {}", file.display(), String::from_utf8_lossy(&output.stderr)),
        Err(_) => {
            eprintln!("SKIPPED: no tshark, so nobody looked whether Wireshark opens what is written");
            None
        }
    }
}

/// Lets tshark look at many captures: `what` of each that it now calls malformed more often than what it was made
/// of. All in one file first, since tshark takes long to start; then only those that have such frames.
fn newly_malformed(made: &[(PathBuf, PathBuf)], together: &Path) -> Vec<String> {
    let mut all = std::fs::File::create(together).unwrap();
    let mut ends = Vec::new();
    let mut frames = 0;
    for (_, made) in made {
        std::io::copy(&mut std::fs::File::open(made).unwrap(), &mut all).unwrap();
        frames += common::read(made).frames.len();
        ends.push(frames);
    }
    let Some(malformed) = tshark(together, "_ws.malformed", &["frame.number"]) else { return Vec::new() };
    let mut suspects: Vec<usize> = malformed
        .iter()
        .map(|number| ends.partition_point(|end| *end < number.parse::<usize>().unwrap()))
        .collect();
    suspects.dedup();
    let count = |file: &Path| tshark(file, "_ws.malformed", &["frame.number"]).unwrap().len();
    let worse = |(from, made): &(PathBuf, PathBuf)| {
        let (after, before) = (count(made), count(from));
        (after > before).then(|| format!("{}: {before} malformed frames became {after}", from.display()))
    };
    suspects.into_iter().filter_map(|at| worse(&made[at])).collect()
}

/// Makes a capture of every committed one by `make`, on a few threads, and gives both; what it says is wrong,
/// fails the test.
fn of_each_capture(
    folder: &Path,
    make: impl Fn(&Path, &Path) -> Result<(), String> + Sync,
) -> Vec<(PathBuf, PathBuf)> {
    let made: Vec<(PathBuf, PathBuf)> = captures_below(&project("captures"))
        .into_iter()
        .enumerate()
        .map(|(at, path)| (path, folder.join(format!("{at}.pcapng"))))
        .collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let wrong = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((from, to)) = made.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    if let Err(what) = make(from, to) {
                        wrong.lock().unwrap().push(format!("{}: {what}", from.display()));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    made
}

#[test]
fn an_annotated_capture_says_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let made = of_each_capture(folder.path(), |from, to| {
        report(from, to, &[]);
        let (before, after) = (verdicts_without_secrets(from), verdicts(to));
        if before == after { Ok(()) } else { Err(format!("{before:?} became {after:?}")) }
    });
    let wrong = newly_malformed(&made, &folder.path().join("all"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_redacted_capture_says_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let made = of_each_capture(folder.path(), |from, to| {
        report(from, to, &["--redact"]);
        let (before, after) = (verdicts_without_secrets(from), verdicts(to));
        if before == after { Ok(()) } else { Err(format!("{before:?} became {after:?}")) }
    });
    let wrong = newly_malformed(&made, &folder.path().join("all"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn wireshark_shows_the_comments() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("annotated.pcapng");
    report(&project("captures/tls-cipher-mismatch/xrdp-tls12.pcapng"), &to, &[]);
    let Some(shown) = tshark(&to, "frame.comment", &["frame.number", "frame.comment"]) else { return };
    let verdict = "1\trdpwhy: session 1, 10.77.1.10:48752 to 10.77.2.20:3389, failed: Client and server";
    assert!(shown.iter().any(|line| line.starts_with(verdict)), "{shown:?}");
    let broke = "9\trdpwhy: session 1 broke here: server answered the ClientHello with the fatal alert";
    assert!(shown.iter().any(|line| line.starts_with(broke)), "{shown:?}");
}

#[test]
fn wireshark_takes_the_filters_of_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("page.html");
    for (name, frames) in [("udp-lossy/beside-tcp.pcapng", 595), ("tcp-syn-unanswered/ipv6.pcapng", 3)] {
        let capture = project("captures").join(name);
        report(&capture, &to, &["--force"]);
        let page = std::fs::read_to_string(&to).unwrap();
        let filters: Vec<String> = page
            .split("<code class=\"copy\">")
            .skip(1)
            .map(|rest| rest.split('<').next().unwrap().replace("&#38;", "&").replace("&#62;", ">"))
            .collect();
        assert_eq!(filters.len(), 3, "{filters:?}");
        for filter in &filters {
            let Some(shown) = tshark(&capture, filter, &["frame.number"]) else { return };
            assert!(!shown.is_empty(), "{filter}");
        }
        // The last is that of the whole connection, UDP included.
        assert_eq!(tshark(&capture, &filters[2], &["frame.number"]).unwrap().len(), frames, "{filters:?}");
    }
}

#[test]
fn only_the_sessions_own_frames() {
    use common::pcap::Pcap;
    let folder = tempfile::tempdir().unwrap();
    let (a, b, server) = (([10, 0, 0, 2], 50_001), ([10, 0, 0, 3], 50_002), ([10, 0, 0, 1], 3389));
    let file = folder.path().join("two.pcap");
    let bytes = Pcap::default().refused(0, a, server).nla_required(10_000, b, server, "alice").bytes();
    std::fs::write(&file, bytes).unwrap();
    let to = folder.path().join("second.pcapng");
    report(&file, &to, &["--session", "2"]);
    assert_eq!(verdicts(&to), verdicts(&file)[1..]);
    let bytes = std::fs::read(&to).unwrap();
    let has = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    assert!(has(&bytes, &b.0) && !has(&bytes, &a.0));
    assert!(has(&bytes, b"broke here"));
    report(&file, &to, &["--session", "2", "--all-frames", "--force"]);
    assert_eq!(verdicts(&to), verdicts(&file));
    // An existing file stays, and no other format takes these options.
    for args in [&["-o", to.to_str().unwrap()][..], &["-o", "x.html", "--all-frames"]] {
        assert_eq!(rdpwhy(&[&["report"], args].concat(), &[&file]).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn mail_has_no_long_lines() {
    let folder = tempfile::tempdir().unwrap();
    of_each_capture(folder.path(), |from, to| {
        let to = to.with_extension("txt");
        report(from, &to, &[]);
        let text = std::fs::read_to_string(&to).unwrap();
        // Commands and addresses stay whole, to be copied; a table of long names is as wide as they are.
        let command = |line: &str| line.starts_with("         ") || line.starts_with("    dumpcap ");
        let row = |line: &str| {
            let line = line.strip_prefix(' ').unwrap_or(line);
            line.starts_with(|c: char| c == '#' || c.is_ascii_digit())
        };
        let whole = |line: &str| command(line) || row(line) || line.contains("https://");
        let long: Vec<&str> = text.lines().filter(|line| line.chars().count() > 80 && !whole(line)).collect();
        // The note on personal data is a paragraph of its own.
        let note = text.find("This report holds").is_none_or(|at| text[..at].ends_with("\n\n"));
        if long.is_empty() && note { Ok(()) } else { Err(format!("{long:?}, note apart: {note}")) }
    });
}

#[cfg(unix)]
#[test]
fn what_is_read_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (capture, keys) = (at("only.pcapng"), at("keys.txt"));
    std::fs::copy(project("captures/tls-cipher-mismatch/xrdp-tls12.pcapng"), &capture).unwrap();
    std::fs::write(&keys, "# no secrets\n").unwrap();
    std::os::unix::fs::symlink(&capture, at("symbolic.pcapng")).unwrap();
    std::fs::hard_link(&capture, at("hard.pcapng")).unwrap();
    std::fs::create_dir(at("folder.html")).unwrap();
    let before = (std::fs::read(&capture).unwrap(), std::fs::read(&keys).unwrap());
    let refused = |to: &Path, why: &str, more: &[&str]| {
        let done = rdpwhy(
            &[&["report", "--force", "--keylog", keys.to_str().unwrap(), "-o", to.to_str().unwrap()], more]
                .concat(),
            &[&capture],
        );
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{} {more:?}: {said}", to.display());
        assert!(said.contains(why), "{} {more:?}: {said}", to.display());
        assert_eq!((std::fs::read(&capture).unwrap(), std::fs::read(&keys).unwrap()), before);
        assert!(at("symbolic.pcapng").is_symlink());
    };
    for format in ["html", "markdown", "text", "json", "pcapng"] {
        for name in ["only.pcapng", "./only.pcapng", "symbolic.pcapng", "hard.pcapng", "keys.txt"] {
            refused(&at(name), "is what the report is made of", &["--format", format]);
        }
    }
    refused(&at("folder.html"), "is no regular file", &[]);
    // A report of before is replaced where that is asked for.
    let page = at("report.html");
    std::fs::write(&page, "of before").unwrap();
    let again = rdpwhy(&["report", "-o", page.to_str().unwrap()], &[&capture]);
    assert_eq!((again.status.code(), std::fs::read(&page).unwrap()), (Some(2), b"of before".to_vec()));
    report(&capture, &page, &["--force"]);
    assert!(std::fs::read(&page).unwrap().starts_with(b"<!doctype html>"));
}

#[test]
fn standard_input_is_read_twice() {
    let capture = project("captures/tls-cipher-mismatch/xrdp-tls12.pcapng");
    let stdin = std::fs::File::open(&capture).unwrap();
    let piped = Command::new(env!("CARGO_BIN_EXE_rdpwhy"))
        .args(["report", "-", "-o", "-", "--format", "pcapng"])
        .stdin(stdin)
        .output()
        .unwrap();
    let named = rdpwhy(&["report", "-o", "-", "--format", "pcapng"], &[&capture]);
    assert!(piped.status.success() && piped.stdout == named.stdout && piped.stdout.len() > 1000);
}
