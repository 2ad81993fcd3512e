//! Texts on errors that a table's row and the diagnoses' pages do not do justice to.
//!
//! The format is that of a diagnosis' page, with other sections: those of `SECTIONS`, in that order. An
//! item of "What leads there" is `- <what the wire shows> | <diagnosis> <diagnosis> ...`.

use std::sync::OnceLock;

use super::lookup::ClientCode;
use super::page::{Remedy, head, items, reference, remedy, section};

/// Error and text of each. A pair's text is in a file named `<code>-<extended>.md`.
const TEXTS: &[(ClientCode, &str)] =
    &[(ClientCode { code: 0x904, extended: Some(0x7) }, include_str!("explain/0x904-0x7.md"))];

/// A text on an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// One line without a full stop.
    pub title: &'static str,
    /// What to know first.
    pub short: &'static str,
    /// What Microsoft documents.
    pub documented: &'static str,
    /// What is only reported, and what follows from it.
    pub reported: &'static str,
    /// What the wire shows where this error comes up.
    pub causes: Vec<Cause>,
    /// What to do, in this order.
    pub remedies: Vec<Remedy>,
    /// Each a title and, in angle brackets, an address.
    pub references: Vec<&'static str>,
}

/// Diagnoses that look alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What the wire shows.
    pub wire: &'static str,
    /// The diagnoses, those that have a page.
    pub codes: Vec<&'static str>,
}

/// The sections of a text, in order.
const SECTIONS: [&str; 6] =
    ["In short", "Documented", "Reported", "What leads there", "What to do", "Read more"];

/// The text on an error, where there is one.
pub fn text(error: ClientCode) -> Option<&'static Text> {
    static PARSED: OnceLock<Vec<(ClientCode, Text)>> = OnceLock::new();
    let parsed =
        PARSED.get_or_init(|| TEXTS.iter().map(|(error, text)| (*error, Text::parse(text))).collect());
    parsed.iter().find(|(known, _)| *known == error).map(|(_, text)| text)
}

/// The other errors with this code that have a text.
pub fn related(error: ClientCode) -> impl Iterator<Item = ClientCode> {
    TEXTS.iter().map(|(known, _)| *known).filter(move |known| known.code == error.code && *known != error)
}

impl Text {
    fn parse(text: &'static str) -> Text {
        let [short, documented, reported, causes, remedies, references] =
            SECTIONS.map(|heading| section(text, heading).unwrap_or_default());
        Text {
            title: head(text, "# "),
            short,
            documented,
            reported,
            causes: items(causes).filter_map(cause).collect(),
            remedies: items(remedies).filter_map(remedy).collect(),
            references: items(references).filter_map(reference).collect(),
        }
    }
}

fn cause(item: &'static str) -> Option<Cause> {
    let (wire, codes) = item.split_once(" | ")?;
    let codes: Vec<&str> = codes.split_whitespace().filter(|code| super::page(code).is_some()).collect();
    (!codes.is_empty()).then_some(Cause { wire: wire.trim(), codes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_here_and_whole() {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/knowledge/explain");
        assert_eq!(std::fs::read_dir(dir).unwrap().count(), TEXTS.len());
        for (error, text) in TEXTS {
            let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
            assert_eq!(headings, SECTIONS, "{error}");
            assert!(text.ends_with('\n') && !text.contains('\t'), "{error}");
            let read = super::text(*error).unwrap();
            assert!(!read.title.is_empty() && !read.title.ends_with('.'), "{error}");
            for (heading, count) in
                [("What to do", read.remedies.len()), ("Read more", read.references.len())]
            {
                assert_eq!(section(text, heading).unwrap().lines().count(), count, "{error}: {heading}");
            }
            for item in items(section(text, "What leads there").unwrap()) {
                assert!(item.contains(" | "), "{error}: {item}");
            }
            for body in [read.short, read.documented, read.reported] {
                assert!(
                    body.split("\n\n").all(|part| part.lines().count() == 1 && part.ends_with('.')),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn causes_have_no_page_twice() {
        for (error, _) in TEXTS {
            let mut codes: Vec<&str> =
                text(*error).unwrap().causes.iter().flat_map(|c| c.codes.clone()).collect();
            let all = codes.len();
            codes.sort_unstable();
            codes.dedup();
            assert_eq!(codes.len(), all, "{error}");
        }
    }
}
