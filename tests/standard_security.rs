//! Sessions with Standard RDP Security, of real peers: what is in clear without a key, and everything with the
//! server's private key. The captures are made by `tests/lab/run standard-security`.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::process::{Command, Output};

use common::golden::project;
use serde_json::Value;

/// Captures, with method and level as the server chose them.
const CAPTURES: [(&str, &str, &str); 4] = [
    ("rc4-128", "ENCRYPTION_FLAG_128BIT", "ENCRYPTION_LEVEL_HIGH"),
    ("rc4-40", "ENCRYPTION_FLAG_40BIT", "ENCRYPTION_LEVEL_CLIENT_COMPATIBLE"),
    ("low", "ENCRYPTION_FLAG_40BIT", "ENCRYPTION_LEVEL_LOW"),
    ("fips", "ENCRYPTION_FLAG_FIPS", "ENCRYPTION_LEVEL_FIPS"),
];

/// The connection sequence from where encryption may begin.
const ENCRYPTED: [&str; 15] = [
    "security-exchange",
    "client-info",
    "license-request",
    "license-new-license-request",
    "license-error-alert",
    "demand-active",
    "confirm-active",
    "synchronize",
    "control-cooperate",
    "control-request",
    "synchronize",
    "control-cooperate",
    "control-granted",
    "font-list",
    "font-map",
];

fn rdpwhy(args: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_rdpwhy")).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn file(name: &str) -> String {
    project("tests/standard-security").join(name).to_str().unwrap().to_owned()
}

fn session(capture: &str, key: Option<&str>) -> Value {
    let capture = file(&format!("{capture}.pcapng"));
    let mut args = vec!["analyze", "--format", "json", &capture];
    let key = key.map(|key| file(&format!("{key}.ini")));
    args.extend(key.iter().flat_map(|key| ["--rsa-key", key]));
    let report: Value = serde_json::from_slice(&rdpwhy(&args).stdout).unwrap();
    assert_eq!(report["sessions"].as_array().unwrap().len(), 1);
    report["sessions"][0].clone()
}

fn kinds(session: &Value) -> Vec<&str> {
    session["timeline"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

#[test]
fn the_servers_key_opens_every_message() {
    for (name, method, level) in CAPTURES {
        let session = session(name, Some(name));
        assert_eq!(session["outcome"], "healthy", "{name}");
        assert_eq!(session["rdp"]["encryption_method"]["names"][0], method);
        assert_eq!(session["rdp"]["encryption_level"]["name"], level);
        assert_eq!(session["rdp"]["user_name"], "lab");
        assert_eq!(session["rdp"]["licensing"]["completed"], true);
        let told = kinds(&session);
        let from = told.iter().position(|kind| *kind == "security-exchange").unwrap();
        // Client and server finish side by side, so only which there are is compared.
        let mut got: Vec<&str> = told[from..].iter().copied().take(ENCRYPTED.len()).collect();
        let mut want = ENCRYPTED;
        got.sort_unstable();
        want.sort_unstable();
        assert_eq!(got, want, "{name}");
        assert!(
            told.iter().all(|kind| !kind.contains("encrypted") && *kind != "malformed"),
            "{name}: {told:?}"
        );
    }
}

#[test]
fn without_its_key_what_is_hidden_is_named_so() {
    for (name, ..) in CAPTURES {
        for key in [None, Some(if name == "fips" { "low" } else { "fips" })] {
            let session = session(name, key);
            assert_eq!(session["outcome"], "healthy", "{name}");
            assert_eq!(session["rdp"]["user_name"], Value::Null);
            let told = kinds(&session);
            assert!(told.contains(&"encrypted-pdu") && told.contains(&"client-info"), "{name}: {told:?}");
            assert!(!told.contains(&"malformed"), "{name}");
        }
    }
}

#[test]
fn a_key_of_another_server_is_said_to_be_of_no_use() {
    let output = rdpwhy(&["analyze", "--rsa-key", &file("low.ini"), &file("fips.pcapng")]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("with the private keys given"));
    let none = ["analyze", "--rsa-key", &file("README.md"), &file("fips.pcapng")];
    let output = Command::new(env!("CARGO_BIN_EXE_rdpwhy")).args(none).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no private RSA key"));
}

#[test]
fn nothing_of_a_key_is_shown() {
    let key = std::fs::read_to_string(file("rc4-128.ini")).unwrap();
    let exponent = key.lines().find_map(|line| line.strip_prefix("pri_exp=")).unwrap();
    let hex: String = exponent.split(',').map(|byte| byte.trim_start_matches("0x")).collect();
    for format in ["table", "json", "ndjson", "markdown"] {
        let args = [
            "analyze",
            "--timeline",
            "--format",
            format,
            "--rsa-key",
            &file("rc4-128.ini"),
            &file("rc4-128.pcapng"),
        ];
        let text = String::from_utf8(rdpwhy(&args).stdout).unwrap().replace([' ', '\n', ','], "");
        let seen = |part: &str| text.contains(part);
        assert!(!seen(&hex[..24]) && !seen(&hex[hex.len() - 24..]), "{format}");
    }
}
