//! What rdpwhy measures of an RDP-UDP flow against what the lab's path counted (`tests/udp-loss/<name>.truth.json`), at the
//! client, at the server and between them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const DIRECTIONS: [&str; 2] = ["client_to_server", "server_to_client"];
const PLACES: [&str; 3] = ["client", "between", "server"];
/// The lab's path takes this long one way.
const ONE_WAY_MS: f64 = 5.0;

fn rdpwhy(args: &[&str]) -> (bool, Vec<u8>) {
    let output = Command::new(env!("CARGO_BIN_EXE_rdpwhy")).args(args).output().unwrap();
    (output.status.success(), output.stdout)
}

/// What the path did to the flow, and what rdpwhy says of it at each place.
struct Run {
    name: String,
    truth: Value,
    told: Vec<(&'static str, Value)>,
}

impl Run {
    fn read(truth: &Path) -> Run {
        let name = truth.file_name().unwrap().to_str().unwrap().strip_suffix(".truth.json").unwrap();
        let told = PLACES.map(|place| {
            let capture = truth.with_file_name(format!("{name}-{place}.pcap.zst"));
            let (well, report) = rdpwhy(&["analyze", "--format", "json", capture.to_str().unwrap()]);
            assert!(well, "{}", capture.display());
            let report: Value = serde_json::from_slice(&report).unwrap();
            assert_eq!(report["sessions"].as_array().unwrap().len(), 1, "{}", capture.display());
            (place, report["sessions"][0].clone())
        });
        let truth: Value = serde_json::from_str(&fs::read_to_string(truth).unwrap()).unwrap();
        Run { name: name.to_owned(), truth: truth["flows"][0].clone(), told: told.into() }
    }

    fn count(&self, direction: &str, name: &str) -> u64 {
        self.truth[direction][name].as_u64().unwrap()
    }

    fn loss_pct(&self, direction: &str) -> f64 {
        self.truth[direction]["loss_pct"].as_f64().unwrap()
    }

    /// How far the measure may be off. Where the path lost nothing there is nothing to measure, unless the peers
    /// themselves took late datagrams for lost.
    fn tolerance(&self, direction: &str) -> f64 {
        if self.count(direction, "lost") == 0 && !self.name.ends_with("-repeats") { 0.0 } else { 1.0 }
    }

    /// Where FEC repairs what is lost, only the receiver's end shows the loss.
    fn may_be_unknown(&self, place: &str, direction: &str) -> bool {
        let receiver = if direction == DIRECTIONS[0] { "server" } else { "client" };
        self.name.ends_with("fec") && place != receiver
    }
}

/// None, said loudly, where this build does not measure yet.
fn runs() -> Vec<Run> {
    if !rdpwhy(&["explain", "udp-lossy"]).0 {
        eprintln!("SKIPPED: this build does not know udp-lossy");
        return Vec::new();
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/udp-loss");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut truths: Vec<PathBuf> =
        files.filter(|path| path.to_str().unwrap().ends_with(".truth.json")).collect();
    truths.sort();
    assert!(truths.len() >= 20, "only {} runs", truths.len());
    truths.iter().map(|truth| Run::read(truth)).collect()
}

#[test]
fn a_flow_is_measured_as_the_path_counted() {
    let mut wrong = Vec::new();
    for run in runs() {
        let lossy = DIRECTIONS
            .iter()
            .any(|direction| run.loss_pct(direction) >= 2.0 && run.count(direction, "lost") >= 10);
        let mode =
            if run.name.starts_with("dtls") || run.name.ends_with("dtls") { "lossy" } else { "reliable" };
        for (place, session) in &run.told {
            let (metrics, about) = (&session["metrics"], format!("{} at {place}", run.name));
            let code = &session["diagnosis"]["code"];
            if code != if lossy { "udp-lossy" } else { "udp-healthy" } {
                wrong.push(format!("{about}: {code}"));
            }
            if metrics["version"] != run.truth["version"] || metrics["mode"] != mode {
                wrong.push(format!("{about}: version {}, {}", metrics["version"], metrics["mode"]));
            }
            for direction in DIRECTIONS {
                let (told, truth) = (metrics["loss_pct"][direction].as_f64(), run.loss_pct(direction));
                let right = told.map_or(run.may_be_unknown(place, direction), |told| {
                    (told - truth).abs() <= run.tolerance(direction)
                });
                if !right {
                    wrong.push(format!("{about}, {direction}: {told:?} for {truth}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn round_trips_are_those_of_the_path() {
    let mut wrong = Vec::new();
    for run in runs() {
        for ((place, session), ways) in run.told.iter().zip([[2.0, 0.0], [1.0, 1.0], [0.0, 2.0]]) {
            for (direction, ways) in DIRECTIONS.into_iter().zip(ways) {
                let (told, truth) = (session["metrics"]["rtt_ms"][direction].as_f64(), ways * ONE_WAY_MS);
                // Programs answer when they are scheduled.
                if told.is_none_or(|told| told < truth - 1.0 || told > truth + 6.0) {
                    wrong.push(format!("{} at {place}, {direction}: {told:?} for {truth}", run.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
