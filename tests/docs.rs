//! What the documentation shows is true: pages of diagnoses are what `explain` prints, outputs are those of the
//! program, links lead somewhere. `RDPWHY_BLESS=1 cargo test --test docs` makes pages and outputs anew.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::golden::{golden, project};
use rdpwhy::knowledge::{self, lookup};
use rdpwhy::report::explain::Explanation;

#[test]
fn every_diagnosis_has_its_page() {
    let mut index = String::from(
        "# Diagnoses\n\nThe text of each page is what `rdpwhy explain CODE` prints; [captures](../../captures) has real ones.\n\n\
         | code | what happened | most often to be fixed at |\n| --- | --- | --- |\n",
    );
    let mut pages = BTreeSet::from(["README.md".to_owned()]);
    for code in knowledge::codes() {
        let found = lookup::look_up(code).unwrap_or_else(|_| panic!("{code} is not explained"));
        let mut text = Vec::new();
        Explanation::new(code, &found).markdown(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap().replacen("### ", "# ", 1);
        let captures = project("captures").join(code);
        let seen = if captures.is_dir() {
            format!("\nCaptures that get this diagnosis: [captures/{code}](../../captures/{code})\n")
        } else {
            String::new()
        };
        golden(&format!("docs/diagnoses/{code}.md"), &format!("{text}{seen}"));
        pages.insert(format!("{code}.md"));
        let page = knowledge::page(code).unwrap();
        writeln!(index, "| [{code}]({code}.md) | {} | {} |", page.title, page.owner).unwrap();
    }
    golden("docs/diagnoses/README.md", &index);
    let kept = std::fs::read_dir(project("docs/diagnoses")).unwrap();
    for file in kept.map(|file| file.unwrap().file_name().into_string().unwrap()) {
        assert!(pages.contains(&file), "docs/diagnoses/{file} is of no diagnosis");
    }
}

/// Runs a command of a guide, in the project's folder.
fn output(command: &str) -> String {
    let args = command.strip_prefix("rdpwhy ").unwrap_or_else(|| panic!("not ours: {command}"));
    let output = Command::new(env!("CARGO_BIN_EXE_rdpwhy"))
        .args(args.split(' '))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn outputs_in_the_guides_are_real() {
    let mut shown = 0;
    for file in markdown_below(&project("docs/guides")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut made = String::new();
        let mut rest = text.as_str();
        while let Some((before, block)) = rest.split_once("```console\n") {
            let (block, after) = block.split_once("\n```").unwrap();
            let (command, _) = block.split_once('\n').unwrap();
            let output = output(command.strip_prefix("$ ").unwrap());
            write!(made, "{before}```console\n{command}\n{}\n```", output.trim_end()).unwrap();
            rest = after;
            shown += 1;
        }
        made.push_str(rest);
        let name = file.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
        golden(name.to_str().unwrap(), &made);
    }
    assert!(shown > 4, "only {shown} outputs");
}

fn markdown_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(markdown_below(&path));
        } else if path.extension().is_some_and(|ending| ending == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn links_lead_somewhere() {
    let mut files = markdown_below(&project("docs"));
    files.push(project("README.md"));
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap();
            if link.contains("://") || path.is_empty() {
                continue;
            }
            assert!(file.parent().unwrap().join(path).exists(), "{}: {link}", file.display());
        }
    }
}

#[test]
fn the_index_names_every_page() {
    let index = std::fs::read_to_string(project("docs/README.md")).unwrap();
    let pages = ["docs", "docs/guides"]
        .map(project)
        .into_iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let pages: Vec<PathBuf> = pages
        .map(|file| file.unwrap().path())
        .filter(|file| file.extension().is_some_and(|ending| ending == "md"))
        .collect();
    assert!(pages.len() > 10, "{pages:?}");
    for page in pages {
        let name = page.strip_prefix(project("docs")).unwrap().to_str().unwrap().to_owned();
        assert!(
            name == "README.md" || index.contains(&format!("({name})")),
            "docs/README.md has no link to {name}"
        );
    }
}
