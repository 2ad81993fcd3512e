//! Who may import whom: the table of `docs/ARCHITECTURE.md`, checked against the paths in every file of
//! `src/`. Comments and strings do not count; test code counts like any other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Folder of the library, and the folders that it may name beside itself.
const ALLOWED: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("capture", &["base"]),
    ("packet", &["base"]),
    ("transport", &["base", "packet"]),
    ("layers", &["base", "protocol"]),
    ("protocol", &["base"]),
    ("session", &["base", "transport", "layers", "protocol"]),
    ("knowledge", &["base"]),
    ("diagnosis", &["base", "protocol", "session", "knowledge"]),
    ("redact", &["base", "packet", "layers", "protocol"]),
    (
        "report",
        &["base", "capture", "packet", "redact", "protocol", "session", "knowledge", "diagnosis", "analyzer"],
    ),
    // The engine joins the middle. It and `capture` don't know each other.
    ("analyzer", &["base", "packet", "transport", "layers", "protocol", "session", "knowledge", "diagnosis"]),
];

/// A name that only some files may use: the name, the files or folders that may, and why.
const ONLY_IN: &[(&str, &[&str], &str)] = &[
    ("tls_parser", &["protocol/tls.rs", "protocol/tls"], "one place knows this library's types"),
    ("x509_parser", &["protocol/certificate.rs"], "one place knows this library's types"),
    ("etherparse", &["packet"], "only packet/ decodes frames"),
    ("memmap2", &["capture/map.rs"], "files are mapped in one place"),
    ("unsafe", &["capture/map.rs"], "the one argument for unsafe code stands there"),
    ("File", &["capture", "cli"], "only capture/ opens files"),
    ("OpenOptions", &["capture", "cli"], "only capture/ opens files"),
    ("TcpStream", &["cli/live/http.rs"], "nothing here talks to the network; metrics are only answered"),
    ("UdpSocket", &[], "nothing here talks to the network"),
    ("SystemTime", &["capture", "cli"], "the engine reads no clock"),
    ("Instant::now", &["capture", "cli"], "the engine reads no clock"),
    ("thread::", &["capture", "cli"], "the engine starts no thread"),
    ("signal_hook", &["cli"], "the library is told when to stop"),
    ("clap", &["cli", "main.rs"], "the library knows nothing of terminals"),
    ("anstream", &["cli", "main.rs"], "the library knows nothing of terminals"),
    ("indicatif", &["cli", "main.rs"], "the library knows nothing of terminals"),
];

/// Crates that the binary must not reach past the library for.
const NOT_IN_CLI: &[&str] = &["nom", "flate2", "zstd", "pcap"];

#[test]
fn every_file_imports_only_what_its_folder_may() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&src, &mut files);
    assert!(files.len() > 30, "found only {} files in {}", files.len(), src.display());
    let mut wrong = String::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let name = file.strip_prefix(&src).unwrap().to_string_lossy().replace('\\', "/");
        for (line, what) in check(&name, &text) {
            let _ = writeln!(wrong, "src/{name}:{line}: {what}");
        }
    }
    assert!(wrong.is_empty(), "imports that docs/ARCHITECTURE.md does not allow:\n{wrong}");
}

/// The document tells people the same.
#[test]
fn the_document_has_the_same_table() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ARCHITECTURE.md");
    let document = std::fs::read_to_string(document).unwrap();
    for line in document.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let Some(folder) = cells.get(1).and_then(|cell| cell.strip_prefix("`src/")?.strip_suffix("/`"))
        else {
            continue;
        };
        let Some(allowed) = allowed(folder) else { panic!("no row for {folder} here") };
        let mut said: Vec<&str> = cells[3]
            .split(',')
            .map(|name| name.split('(').next().unwrap().trim())
            .filter(|name| *name != "nothing")
            .collect();
        let mut meant = allowed.to_vec();
        said.sort_unstable();
        meant.sort_unstable();
        assert_eq!(said, meant, "docs/ARCHITECTURE.md says otherwise of {folder}");
    }
}

#[test]
fn every_folder_has_a_row() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in std::fs::read_dir(src).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        let known = ["lib", "main", "cli"].contains(&module) || allowed(module).is_some();
        assert!(known, "src/{name} has no row in the table of tests/imports.rs");
    }
}

/// The checker itself: what it must find, and what it must not.
#[test]
fn the_check_sees_paths_in_every_form() {
    let found =
        |name: &str, text: &str| check(name, text).into_iter().map(|(line, _)| line).collect::<Vec<_>>();
    assert_eq!(found("base/x.rs", "use crate::base::A;\nuse crate::packet::B;"), [2]);
    assert_eq!(found("packet/x.rs", "use crate::{\n base::A,\n session::{B, C},\n};"), [3]);
    assert_eq!(found("packet/x.rs", "fn f() {\n crate::session::g()\n}"), [2]);
    assert_eq!(found("packet/mod.rs", "use super::session::A;"), [1]);
    assert_eq!(found("packet/x.rs", "use super::super::session::A;"), [1]);
    assert_eq!(found("packet/x.rs", "mod tests { use super::super::Packet; }"), [0; 0]);
    assert_eq!(found("packet/x.rs", "mod tests {\n use super::super::super::session::A; }"), [2]);
    assert_eq!(found("packet/x.rs", "// use crate::session::A;\n/* crate::report */"), [0; 0]);
    assert_eq!(found("packet/x.rs", "const A: &str = \"crate::session\"; const B: char = '\"';"), [0; 0]);
    assert_eq!(found("packet/x.rs", "const A: &str = r#\"crate::session\"\"#;"), [0; 0]);
    assert_eq!(found("packet/x.rs", "fn f<'a>(a: &'a str) -> crate::session::S<'a> {}"), [1]);
    assert_eq!(found("packet/mod.rs", "pub(super) fn f() {} use super::session::A;"), [1]);
    assert_eq!(found("session/x.rs", "use tls_parser::T;"), [1]);
    assert_eq!(found("capture/x.rs", "fn f() { unsafe { g() } }"), [1]);
    assert_eq!(found("cli/x.rs", "use rdpwhy::analyzer::Analyzer;\nuse etherparse::A;"), [2]);
    assert_eq!(found("cli/x.rs", "#[path = \"../base/mod.rs\"] mod base;"), [1]);
}

fn allowed(folder: &str) -> Option<&'static [&'static str]> {
    ALLOWED.iter().find(|(name, _)| *name == folder).map(|(_, allowed)| *allowed)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// What is wrong in one file, named from `src/`, by line.
fn check(name: &str, text: &str) -> Vec<(usize, String)> {
    let tokens = tokens(text);
    let folder = name.split('/').next().unwrap().trim_end_matches(".rs");
    let mut wrong = Vec::new();
    let lies_in = |places: &[&str]| {
        places
            .iter()
            .any(|place| name == *place || name.strip_prefix(place).is_some_and(|r| r.starts_with('/')))
    };
    for (at, token) in tokens.iter().enumerate() {
        let next = |ahead: usize| tokens.get(at + ahead).map_or("", |token| token.text);
        for (word, places, why) in ONLY_IN {
            let stands = match word.split_once("::") {
                None => token.text == *word,
                Some((first, second)) => {
                    token.text == first && next(1) == "::" && (second.is_empty() || next(2) == second)
                }
            };
            if stands && !lies_in(places) {
                wrong.push((token.line, format!("`{word}` may not stand here: {why}")));
            }
        }
        if ["cli", "main"].contains(&folder) {
            if NOT_IN_CLI.contains(&token.text) && next(1) == "::" {
                wrong.push((token.line, format!("`{}` in the binary: ask the library instead", token.text)));
            }
            let attribute = at >= 2 && tokens[at - 1].text == "[" && tokens[at - 2].text == "#";
            if token.text == "path" && attribute {
                wrong.push((token.line, "the binary uses the library, not its files".to_owned()));
            }
        }
    }
    if let Some(allowed) = allowed(folder) {
        for (line, target) in roots(name, &tokens) {
            let known = ALLOWED.iter().any(|(name, _)| *name == target);
            if known && target != folder && !allowed.contains(&target) {
                wrong.push((line, format!("`{folder}` may not import `{target}`")));
            }
        }
    }
    wrong
}

/// The modules below the crate's root that the file names, by `crate::` or by enough `super::`.
fn roots<'a>(name: &str, tokens: &[Token<'a>]) -> Vec<(usize, &'a str)> {
    let depth = name.matches('/').count() + usize::from(!name.ends_with("/mod.rs"));
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let mut found = Vec::new();
    // Inline modules: the brace depth at which each began.
    let (mut braces, mut modules) = (0_usize, Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        match text(at) {
            "{" => {
                if at >= 2 && text(at - 2) == "mod" {
                    modules.push(braces);
                }
                braces += 1;
            }
            "}" => {
                braces = braces.saturating_sub(1);
                if modules.last() == Some(&braces) {
                    modules.pop();
                }
            }
            "crate" if text(at + 1) == "::" => names(tokens, at + 2, &mut found),
            "super" if text(at + 1) == "::" && (at == 0 || text(at - 1) != "::") => {
                let mut supers = 0;
                while text(at) == "super" && text(at + 1) == "::" {
                    supers += 1;
                    at += 2;
                }
                if supers >= depth + modules.len() {
                    names(tokens, at, &mut found);
                }
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The first names of `a::b` or `{a::b, c}`, which begins at token `at`.
fn names<'a>(tokens: &[Token<'a>], at: usize, found: &mut Vec<(usize, &'a str)>) {
    let Some(first) = tokens.get(at) else { return };
    if first.text != "{" {
        found.push((first.line, first.text));
        return;
    }
    let (mut depth, mut due) = (0, false);
    for token in &tokens[at..] {
        match token.text {
            "{" => {
                depth += 1;
                due = depth == 1;
            }
            "}" => {
                depth -= 1;
                if depth == 0 {
                    return;
                }
            }
            "," if depth == 1 => due = true,
            text if due => {
                found.push((token.line, text));
                due = false;
            }
            _ => {}
        }
    }
}

struct Token<'a> {
    text: &'a str,
    line: usize,
}

/// Words, `::` and single signs; comments, strings, characters and lifetimes left out.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let is_word = |b: u8| b == b'_' || b.is_ascii_alphanumeric() || b >= 0x80;
    let (mut tokens, mut at, mut counted, mut line) = (Vec::new(), 0, 0, 1);
    while at < bytes.len() {
        let start = at;
        line += text[counted..start].matches('\n').count();
        counted = start;
        match byte(at) {
            b'/' if byte(at + 1) == b'/' => {
                while at < bytes.len() && byte(at) != b'\n' {
                    at += 1;
                }
            }
            b'/' if byte(at + 1) == b'*' => {
                let mut depth = 0;
                while at < bytes.len() {
                    match (byte(at), byte(at + 1)) {
                        (b'/', b'*') => (depth, at) = (depth + 1, at + 2),
                        (b'*', b'/') => (depth, at) = (depth - 1, at + 2),
                        _ => at += 1,
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
            b'"' => at = string_end(bytes, at),
            b'\'' => {
                // A lifetime has no closing quote after its one word.
                let after = if byte(at + 1) == b'\\' { at + 3 } else { at + 2 };
                let near =
                    text[at..].char_indices().nth(2).filter(|(_, c)| *c == '\'').map(|(i, _)| at + i + 1);
                at = match (byte(at + 1), near) {
                    (b'\\', _) => {
                        let mut end = after;
                        while end < bytes.len() && byte(end) != b'\'' {
                            end += 1;
                        }
                        end + 1
                    }
                    (_, Some(end)) => end,
                    _ => at + 1 + bytes[at + 1..].iter().take_while(|b| is_word(**b)).count(),
                };
            }
            b if is_word(b) => {
                while is_word(byte(at)) {
                    at += 1;
                }
                let word = &text[start..at];
                let mut quote = at;
                while byte(quote) == b'#' {
                    quote += 1;
                }
                if ["r", "br", "cr"].contains(&word) && byte(quote) == b'"' {
                    let close = format!("\"{}", "#".repeat(quote - at));
                    at = text[quote + 1..].find(&close).map_or(bytes.len(), |i| quote + 1 + i + close.len());
                } else {
                    tokens.push(Token { text: word, line });
                }
            }
            b':' if byte(at + 1) == b':' => {
                at += 2;
                tokens.push(Token { text: "::", line });
            }
            b => {
                at += 1;
                if !b.is_ascii_whitespace() {
                    tokens.push(Token { text: &text[start..at], line });
                }
            }
        }
    }
    tokens
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}
