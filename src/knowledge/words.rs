//! Terms of the trade, explained in a few words to whom they are new.

use std::sync::OnceLock;

/// A term and what it means.
type Word = (&'static str, &'static str);

/// The terms that occur in the texts, in the order in which they are best explained.
pub fn used_in(texts: &[&str]) -> Vec<Word> {
    let used = |texts: &[&str]| -> Vec<Word> {
        let used = |(term, _): &&Word| texts.iter().any(|text| mentions(text, term));
        words().iter().filter(used).copied().collect()
    };
    // A meaning may need another term.
    let meanings = used(texts).into_iter().map(|(_, meaning)| meaning);
    used(&texts.iter().copied().chain(meanings).collect::<Vec<_>>())
}

fn words() -> &'static [Word] {
    static WORDS: OnceLock<Vec<Word>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let lines = include_str!("words.tsv").lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split_once('\t')).collect()
    })
}

/// Whether the text has the term, or its plural, as a word of its own.
fn mentions(text: &str, term: &str) -> bool {
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '-' | '+');
    text.match_indices(term).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let rest = text.get(at + term.len()..).unwrap_or_default();
        let after = rest.strip_prefix('s').unwrap_or(rest).chars().next();
        !before.is_some_and(inner) && !after.is_some_and(inner)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_term_with_a_short_meaning() {
        let lines = include_str!("words.tsv").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(words().len(), lines);
        for (term, meaning) in words() {
            assert!(!term.is_empty() && term.trim() == *term, "{term:?}");
            assert!((5..=90).contains(&meaning.len()) && !meaning.ends_with('.'), "{term}: {meaning:?}");
        }
    }

    #[test]
    fn terms_are_whole_words() {
        let terms = |text: &str| -> Vec<&str> { used_in(&[text]).iter().map(|word| word.0).collect() };
        assert_eq!(terms("RSTs after the SYN-ACK"), ["SYN", "SYN-ACK", "RST"]);
        assert_eq!(terms("first things, and RDSTLS or TLSx"), [""; 0]);
        assert_eq!(terms("HYBRID_REQUIRED_BY_SERVER"), ["NLA", "HYBRID"]);
        assert_eq!(terms("(IP ID 0)"), ["IP ID"]);
        assert_eq!(terms(""), [""; 0]);
    }
}
