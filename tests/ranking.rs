//! Which verdict goes first is data: the order in which the rules are asked changes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod common;

use rdpwhy::analyzer::{Analyzer, Options};
use rdpwhy::diagnosis::{Context, Diagnosis, REGISTRY, Rule, diagnose_with};

fn said(diagnosis: &Diagnosis) -> (String, Vec<&'static str>) {
    let verdict = &diagnosis.verdict;
    let mut others: Vec<_> = diagnosis.others.iter().map(|other| other.code).collect();
    others.sort_unstable();
    (format!("{} {:?} {}", verdict.code, verdict.side, verdict.explanation), others)
}

#[test]
fn any_order_of_the_rules_says_the_same() {
    let mut orders: Vec<Vec<Rule>> = vec![REGISTRY.iter().rev().copied().collect()];
    for step in 1..REGISTRY.len() {
        let mut rotated = REGISTRY.to_vec();
        rotated.rotate_left(step);
        orders.push(rotated);
    }
    let mut wrong = Vec::new();
    for capture in common::all_captures() {
        let mut analyzer = Analyzer::new(Options::default());
        for (index, frame) in capture.frames.iter().enumerate() {
            analyzer.push(&frame.frame(index as u64 + 1));
        }
        analyzer.finish();
        while let Some(done) = analyzer.poll() {
            let want = said(&diagnose_with(REGISTRY, &done.session, Context::default()));
            for rules in &orders {
                let got = said(&diagnose_with(rules, &done.session, Context::default()));
                if got != want {
                    wrong.push(format!("{}: {got:?}, or {want:?}", capture.name()));
                    break;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_goes_before_exists_and_never_itself() {
    for rule in REGISTRY {
        for code in rule.supersedes {
            assert!(REGISTRY.iter().any(|other| other.code == *code), "{} goes before {code}", rule.code);
            assert_ne!(*code, rule.code);
            let other = REGISTRY.iter().find(|other| other.code == *code).unwrap();
            assert!(!other.supersedes.contains(&rule.code), "{} and {code} go before each other", rule.code);
        }
    }
}
