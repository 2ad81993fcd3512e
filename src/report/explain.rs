//! What a code means, for `explain`: the model, which is the JSON, and its making.

mod blocks;

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::ser::PrettyFormatter;

use super::json;
use super::model::{ClientError, Fit, Remedy, Rival, SCHEMA};
use crate::knowledge::explain as texts;
use crate::knowledge::lookup::{self, ClientCode, Found, Table};
use crate::knowledge::{self, Page};

/// What somebody asked for, explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Explanation {
    /// Name and version of the format.
    pub schema: &'static str,
    /// "explanation".
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// As it was typed.
    pub asked: String,
    /// The error that a client shows, where one was asked for.
    pub error: Option<Error>,
    /// What the numbers or the name mean: for an error its two codes, else the most likely first.
    pub meanings: Vec<Meaning>,
    /// A text on this very error.
    pub text: Option<Text>,
    /// Other errors that are close to it and have a text, as "0x904/0x7".
    pub related: Vec<String>,
    /// The diagnosis that was asked for.
    pub diagnosis: Option<Diagnosis>,
    /// Diagnoses that end with it: for several meanings, with the first.
    pub patterns: Vec<Pattern>,
    /// Sources, and where to read more: "title `<address>`".
    pub references: Vec<String>,
}

/// An error as mstsc shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Error {
    /// Error code, as "0x904".
    pub code: String,
    /// Extended error code, as "0x7".
    pub extended: Option<String>,
}

/// One meaning of a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Meaning {
    /// Short name of the table of codes.
    pub table: &'static str,
    /// What the table's codes are called.
    pub title: &'static str,
    /// The code as people write it.
    pub code: String,
    /// The number.
    pub value: u32,
    /// The specification's name.
    pub name: Option<String>,
    /// In plain words.
    pub meaning: &'static str,
    /// Whether Microsoft or a standard documents it; else it was only reported.
    pub documented: bool,
    /// Diagnosis codes that it leads to.
    pub diagnoses: Vec<&'static str>,
}

/// What is known of one error beyond its codes' rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Text {
    /// In one line.
    pub title: &'static str,
    /// What to know first.
    pub short: &'static str,
    /// What Microsoft documents.
    pub documented: &'static str,
    /// What is only reported.
    pub reported: &'static str,
    /// What the wire shows where it comes up.
    pub causes: Vec<Cause>,
    /// What to do, in this order.
    pub remedies: Vec<Remedy>,
}

/// Diagnoses that look alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cause {
    /// What the wire shows.
    pub wire: &'static str,
    /// Diagnosis codes.
    pub diagnoses: Vec<&'static str>,
}

/// A diagnosis, apart from any session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Diagnosis {
    /// Diagnosis code.
    pub code: &'static str,
    /// The cause in one line.
    pub title: &'static str,
    /// Whose configuration most often must change.
    pub owner: &'static str,
    /// Two sentences without protocol words.
    pub summary: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What the wire shows.
    pub wire: &'static str,
    /// Other causes that look the same.
    pub rivals: Vec<Rival>,
    /// What to do, in this order.
    pub remedies: Vec<Remedy>,
    /// What the user may have seen.
    pub client_error: Vec<ClientError>,
}

/// A diagnosis that ends with the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Pattern {
    /// Diagnosis code.
    pub code: &'static str,
    /// The cause in one line.
    pub title: &'static str,
    /// What the wire shows, in one sentence.
    pub wire: &'static str,
    /// How well the error fits; null where the code itself is what the wire shows.
    pub fit: Option<Fit>,
    /// The extended error code that goes with it; null where any may stand.
    pub extended: Option<&'static str>,
}

impl Explanation {
    /// Explains what was found for `asked`.
    pub fn new(asked: &str, found: &Found) -> Self {
        let (mut error, mut meanings, mut patterns, mut page) = (None, Vec::new(), Vec::new(), None);
        match found {
            Found::Diagnosis(found) => page = Some(*found),
            Found::Pair(pair) => {
                error = Some(*pair);
                meanings = pair.reason().into_iter().chain(pair.extended_reason()).collect();
                patterns = pair.patterns();
            }
            Found::Meanings(found) => {
                meanings.clone_from(found);
                let first = found.first();
                patterns = first.map(lookup::Meaning::patterns).unwrap_or_default();
                error = first
                    .filter(|first| first.table == Table::Disconnect)
                    .map(|first| ClientCode { code: first.row.code, extended: None });
            }
        }
        let text = error.and_then(texts::text);
        let mut references: Vec<String> = Vec::new();
        let sources = meanings.iter().map(|meaning| meaning.table.reference());
        let more = text.iter().flat_map(|text| &text.references).copied();
        for reference in more.chain(sources).chain(page.iter().flat_map(|page| &page.references).copied()) {
            if !references.iter().any(|known| address(known) == address(reference)) {
                references.push(reference.to_owned());
            }
        }
        Explanation {
            schema: SCHEMA,
            kind: "explanation",
            asked: asked.to_owned(),
            error: error.map(|error| Error {
                code: format!("0x{:X}", error.code),
                extended: error.extended.map(|extended| format!("0x{extended:X}")),
            }),
            meanings: meanings.iter().map(meaning).collect(),
            text: text.map(self::text),
            related: error.into_iter().flat_map(texts::related).map(|error| error.to_string()).collect(),
            diagnosis: page.map(diagnosis),
            patterns: patterns.iter().map(pattern).collect(),
            references,
        }
    }

    /// As one JSON document.
    pub fn json<W: Write>(&self, out: W) -> io::Result<()> {
        json::safe(out, PrettyFormatter::new(), self)
    }
}

/// The address of a reference, by which two titles are known to be one page.
fn address(reference: &str) -> &str {
    reference.rsplit_once(" <").map_or(reference, |(_, address)| address)
}

fn meaning(found: &lookup::Meaning) -> Meaning {
    Meaning {
        table: found.table.id(),
        title: found.table.title(),
        code: found.table.code(found.row.code),
        value: found.row.code,
        name: found.name(),
        meaning: found.row.meaning,
        documented: found.documented(),
        diagnoses: found.patterns().iter().map(|pattern| pattern.page.code).collect(),
    }
}

fn text(text: &'static texts::Text) -> Text {
    Text {
        title: text.title,
        short: text.short,
        documented: text.documented,
        reported: text.reported,
        causes: text.causes.iter().map(|c| Cause { wire: c.wire, diagnoses: c.codes.clone() }).collect(),
        remedies: text.remedies.iter().map(remedy).collect(),
    }
}

fn diagnosis(page: &'static Page) -> Diagnosis {
    let rival =
        |rival: &knowledge::Rival| Rival { cause: rival.cause.into(), tell_apart: rival.tell_apart.into() };
    let error = |error: &knowledge::ClientError| ClientError {
        code: error.code.into(),
        extended: error.extended.map(Into::into),
        fit: Fit::named(error.fit).unwrap_or(Fit::Consistent),
    };
    Diagnosis {
        code: page.code,
        title: page.title,
        owner: page.owner,
        summary: page.summary,
        meaning: page.meaning,
        wire: page.wire,
        rivals: page.rivals.iter().map(rival).collect(),
        remedies: page.remedies.iter().map(remedy).collect(),
        client_error: page.client_errors.iter().map(error).collect(),
    }
}

fn remedy(remedy: &knowledge::Remedy) -> Remedy {
    Remedy { who: remedy.who.into(), text: remedy.text.into(), command: remedy.command.map(Into::into) }
}

fn pattern(found: &lookup::Pattern) -> Pattern {
    Pattern {
        code: found.page.code,
        title: found.page.title,
        wire: first_sentence(found.page.wire),
        fit: found.fit.and_then(Fit::named),
        extended: found.extended,
    }
}

fn first_sentence(text: &'static str) -> &'static str {
    let paragraph = text.split("\n\n").next().unwrap_or(text);
    paragraph.find(". ").and_then(|end| paragraph.get(..=end)).unwrap_or(paragraph)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explain(asked: &str) -> Explanation {
        Explanation::new(asked, &lookup::look_up(asked).unwrap())
    }

    #[test]
    fn an_error_has_its_text_and_its_patterns() {
        let explanation = explain("0x904 0x7");
        let error = explanation.error.as_ref().unwrap();
        assert_eq!((error.code.as_str(), error.extended.as_deref()), ("0x904", Some("0x7")));
        assert_eq!(explanation.meanings.len(), 2);
        assert!(explanation.text.is_some());
        let named: Vec<&str> =
            explanation.text.iter().flat_map(|text| &text.causes).flat_map(|c| c.diagnoses.clone()).collect();
        for pattern in &explanation.patterns {
            assert!(named.contains(&pattern.code), "the text on 0x904/0x7 leaves out {}", pattern.code);
        }
        for code in named {
            let listed = explanation.patterns.iter().any(|pattern| pattern.code == code);
            assert!(listed, "the page of {code} does not list 0x904/0x7");
        }
        let mut addresses: Vec<&str> = explanation.references.iter().map(|r| address(r)).collect();
        addresses.sort_unstable();
        addresses.dedup();
        assert_eq!(addresses.len(), explanation.references.len());
    }

    #[test]
    fn documented_and_reported_are_told_apart() {
        assert!(explain("0x904").meanings[0].documented);
        assert!(!explain("0xB09").meanings[0].documented);
        assert!(explain("STATUS_LOGON_FAILURE").meanings[0].documented);
    }

    #[test]
    fn everything_can_be_explained() {
        for code in knowledge::codes() {
            let explanation = explain(code);
            assert_eq!(explanation.diagnosis.as_ref().unwrap().code, code);
            assert!(!explanation.references.is_empty(), "{code}");
        }
        for table in Table::ALL {
            for row in table.rows() {
                if let Some(name) = table.name(row) {
                    let explanation = explain(&name);
                    for pattern in &explanation.patterns {
                        assert!(!pattern.wire.is_empty() && !pattern.wire.contains('\n'), "{name}");
                    }
                }
            }
        }
    }
}
