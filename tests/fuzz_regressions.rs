//! Replays the inputs kept in `tests/fuzz/regressions/<target>/`: seeds, and what once made a target panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "fuzz/targets.rs"]
mod targets;

use std::path::Path;

#[test]
fn kept_inputs_do_no_harm() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/regressions");
    for (name, target) in targets::TARGETS {
        let mut inputs: Vec<_> = std::fs::read_dir(root.join(name))
            .unwrap_or_else(|error| panic!("{name}: {error}"))
            .map(|entry| entry.unwrap().path())
            .collect();
        inputs.sort();
        assert!(!inputs.is_empty(), "no input of {name} is kept");
        for input in inputs {
            let data = std::fs::read(&input).unwrap();
            // Shown by the test harness where the target panics.
            eprintln!("{}", input.display());
            target(&data);
            for cut in 0..data.len().min(64) {
                target(&data[..cut]);
            }
        }
    }
}

/// Each has its own program in the fuzz package.
#[test]
fn every_target_is_built() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for (name, _) in targets::TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in tests/fuzz/Cargo.toml");
        assert!(root.join(format!("targets/{name}.rs")).is_file(), "targets/{name}.rs is missing");
    }
}
