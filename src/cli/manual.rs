//! The man pages in `docs/man` and the shells' completions in `docs/completions`, made from the arguments: this test
//! compares them, and with `RDPWHY_BLESS=1` makes them anew.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use super::args::Args;

/// One page: what `--help` tells, with the examples and what follows them as they are.
fn page(command: Command) -> Vec<u8> {
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let has_commands = command.has_subcommands();
    let man = Man::new(command.after_help("").next_line_help(false)).manual("rdpwhy");
    let mut page = Vec::new();
    man.render_title(&mut page).unwrap();
    man.render_name_section(&mut page).unwrap();
    man.render_synopsis_section(&mut page).unwrap();
    man.render_description_section(&mut page).unwrap();
    man.render_options_section(&mut page).unwrap();
    if has_commands {
        man.render_subcommands_section(&mut page).unwrap();
    }
    for part in examples.split("\n\n") {
        // "Examples:", "Exit status: 0 done, ...": each paragraph is named by its first words.
        let (name, text) = part.split_once(':').unwrap();
        // The first line of a table keeps its indent.
        let text = text.strip_prefix('\n').unwrap_or(text.trim_start());
        let text =
            text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace("\n.", "\n\\&.");
        let filled = if name == "Examples" { ("\n.nf", "\n.fi") } else { ("", "") };
        let section = format!(".SH \"{}\"{}\n{}{}\n", name.to_uppercase(), filled.0, text, filled.1);
        page.extend(section.into_bytes());
    }
    page
}

fn all() -> Vec<(String, Vec<u8>)> {
    let mut command = Args::command();
    command.build();
    let mut files = vec![("man/rdpwhy.1".to_owned(), page(command.clone()))];
    for of in command.get_subcommands() {
        files.push((format!("man/rdpwhy-{}.1", of.get_name()), page(of.clone())));
    }
    for (shell, name) in [(Shell::Bash, "rdpwhy.bash"), (Shell::Zsh, "_rdpwhy"), (Shell::Fish, "rdpwhy.fish")]
    {
        let mut text = Vec::new();
        generate(shell, &mut Args::command(), "rdpwhy", &mut text);
        files.push((format!("completions/{name}"), text));
    }
    files
}

#[test]
fn man_pages_and_completions_are_true() {
    for (path, made) in all() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(path);
        if std::env::var_os("RDPWHY_BLESS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read(&path).unwrap_or_default();
        assert!(
            kept == made,
            "{} is not what the arguments say; make it anew: RDPWHY_BLESS=1 cargo test",
            path.display()
        );
    }
}
