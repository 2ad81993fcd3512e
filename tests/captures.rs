//! Every committed capture gets its code, its golden output, and an output that the schema allows.
//!
//! `RDPWHY_BLESS=1 cargo test --test captures` renews the golden files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rdpwhy::diagnosis::{REGISTRY, UDP_REGISTRY};
use rdpwhy::knowledge;
use serde_json::Value;

const INCONCLUSIVE: &str = "inconclusive";
/// Folder of the captures in which no session may be found.
const NONE: &str = "none";

/// Codes of all rules, TCP and UDP.
fn rules() -> impl Iterator<Item = &'static str> {
    REGISTRY.iter().map(|rule| rule.code).chain(UDP_REGISTRY.iter().map(|rule| rule.code))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

fn is_capture(path: &Path) -> bool {
    const ENDINGS: [&str; 5] = [".pcap", ".pcapng", ".pcapng.gz", ".pcap.zst", ".pcapng.zst"];
    let name = path.file_name().unwrap().to_string_lossy();
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Folder (a code) and file of every capture.
fn captures() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for folder in fs::read_dir(root()).unwrap() {
        let folder = folder.unwrap();
        if folder.file_type().unwrap().is_dir() {
            for file in fs::read_dir(folder.path()).unwrap() {
                let path = file.unwrap().path();
                if is_capture(&path) {
                    found.push((folder.file_name().into_string().unwrap(), path));
                }
            }
        }
    }
    found.sort();
    assert!(found.len() >= REGISTRY.len(), "only {} captures", found.len());
    found
}

/// What the program prints for a capture, run in the capture's folder as a user would.
fn analyze(path: &Path, format: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_rdpwhy"))
        .current_dir(path.parent().unwrap())
        .args(["analyze", "--format", format])
        .arg(path.file_name().unwrap())
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Compares with the golden file, or renews it; gives what differs.
fn golden(path: &Path, extension: &str, got: &str) -> Option<String> {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let file = path.with_file_name(format!("{}.expected.{extension}", name.split(".pcap").next().unwrap()));
    if std::env::var_os("RDPWHY_BLESS").is_some() {
        fs::write(&file, got).unwrap();
        return None;
    }
    let want = fs::read_to_string(&file).unwrap_or_default();
    (want != got).then(|| {
        let at = want.lines().zip(got.lines()).position(|(a, b)| a != b).unwrap_or(0);
        let line = |text: &str| text.lines().nth(at).unwrap_or("").to_owned();
        format!("{} line {}:\n  want {}\n  got  {}", file.display(), at + 1, line(&want), line(got))
    })
}

#[test]
fn every_capture_gets_its_code_and_its_golden_output() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/rdpwhy-1.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let mut wrong = Vec::new();
    for (code, path) in captures() {
        let json = analyze(&path, "json");
        let report: Value = serde_json::from_str(&json).unwrap();
        if let Some(error) = schema.iter_errors(&report).next() {
            wrong.push(format!("{}: not after the schema: {error}", path.display()));
        }
        let sessions = report["sessions"].as_array().unwrap();
        let codes: Vec<&str> = sessions.iter().map(|s| s["diagnosis"]["code"].as_str().unwrap()).collect();
        let fits = if code == NONE {
            codes.is_empty()
        } else if code == "healthy" {
            !codes.is_empty() && codes.iter().all(|code| *code == "healthy")
        } else {
            codes.contains(&code.as_str())
        };
        if !fits {
            wrong.push(format!("{}: got {codes:?}", path.display()));
        }
        if code == "healthy" && sessions.iter().any(|s| s["other_diagnoses"] != Value::Array(Vec::new())) {
            wrong.push(format!("{}: a healthy session also fired another rule", path.display()));
        }
        wrong.extend(golden(&path, "json", &json));
        wrong.extend(golden(&path, "txt", &analyze(&path, "table")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_its_page_and_its_capture() {
    let folders: BTreeSet<String> = captures().into_iter().map(|(code, _)| code).collect();
    let mut missing = Vec::new();
    for code in rules().chain([INCONCLUSIVE]) {
        if knowledge::page(code).is_none() {
            missing.push(format!("src/knowledge/findings/{code}.md"));
        }
        if !folders.contains(code) {
            missing.push(format!("captures/{code}/"));
        }
        let file = format!("src/diagnosis/rules/{}.rs", code.replace('-', "_"));
        if !Path::new(env!("CARGO_MANIFEST_DIR")).join(&file).exists() {
            missing.push(file);
        }
    }
    for code in knowledge::codes() {
        if code != INCONCLUSIVE && rules().all(|rule| rule != code) {
            missing.push(format!("a rule for the page {code}"));
        }
    }
    assert!(missing.is_empty(), "missing: {missing:#?}");
}
