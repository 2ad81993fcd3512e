//! Names that stand inside sentences.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use super::{Kinds, Redactor, in_word};

/// Distinct names that are kept. A report of more replaces those of the sessions that came first.
const NAMES: usize = 1 << 20;

/// Strings that must not stand in a text, and what stands there instead.
#[derive(Debug)]
pub struct Names<'a> {
    redactor: &'a Redactor,
    substitutes: HashMap<String, String, ahash::RandomState>,
    /// How long those are that begin with a word, the longest first: many users may have one domain before their names.
    lengths: HashMap<String, Vec<usize>, ahash::RandomState>,
}

impl<'a> Names<'a> {
    /// None yet.
    pub fn new(redactor: &'a Redactor) -> Self {
        Names { redactor, substitutes: HashMap::default(), lengths: HashMap::default() }
    }

    /// Learns a string and its substitute.
    pub fn add(&mut self, original: &str, substitute: String) {
        let first = word(original);
        let full = self.substitutes.len() >= NAMES;
        if first.is_empty() || full || self.substitutes.contains_key(original) {
            return;
        }
        let lengths = self.lengths.entry(first.to_owned()).or_default();
        let at = lengths.partition_point(|length| *length > original.len());
        if lengths.get(at) != Some(&original.len()) {
            lengths.insert(at, original.len());
        }
        self.substitutes.insert(original.to_owned(), substitute);
    }

    /// The text with the known strings and all addresses replaced.
    pub fn replace(&self, text: &str) -> String {
        let mut made = String::with_capacity(text.len() + 16);
        let mut rest = text;
        let mut inside = false;
        while let Some(c) = rest.chars().next() {
            let (written, used) = match if inside { None } else { self.at(rest) } {
                Some(found) => found,
                None => (c.to_string(), c.len_utf8()),
            };
            inside = rest.get(..used).and_then(|part| part.chars().next_back()).is_some_and(is_word);
            made.push_str(&written);
            rest = rest.get(used..).unwrap_or_default();
        }
        made
    }

    /// What stands at the start of `rest`, where a word may begin: its substitute and its length.
    fn at(&self, rest: &str) -> Option<(String, usize)> {
        let lengths = self.lengths.get(word(rest)).map_or(&[][..], Vec::as_slice);
        let known = lengths.iter().find_map(|&length| {
            let (original, after) = rest.split_at_checked(length)?;
            let ends = |part: Option<char>| part.is_some_and(is_word);
            let cut = ends(original.chars().next_back()) && ends(after.chars().next());
            Some((self.substitutes.get(original).filter(|_| !cut)?.clone(), length))
        });
        if known.is_some() {
            return known;
        }
        self.address(rest)
    }

    fn address(&self, rest: &str) -> Option<(String, usize)> {
        if !self.redactor.kinds().contains(Kinds::ADDRESSES) {
            return None;
        }
        let end =
            rest.find(|c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':'))).unwrap_or(rest.len());
        // Before anything longer than an address is looked at.
        let run = rest.get(..end.min(64))?.trim_end_matches(['.', ':']);
        if let Ok(ip) = run.parse::<IpAddr>() {
            return Some((self.redactor.ip(ip).to_string(), run.len()));
        }
        let address: SocketAddr = run.parse().ok()?;
        Some((SocketAddr::new(self.redactor.ip(address.ip()), address.port()).to_string(), run.len()))
    }
}

fn is_word(c: char) -> bool {
    !c.is_ascii() || in_word(c as u8)
}

/// The characters up to the first word's end.
fn word(text: &str) -> &str {
    let begun = text.find(is_word).unwrap_or(text.len());
    let end =
        text.get(begun..).and_then(|rest| rest.find(|c| !is_word(c))).map_or(text.len(), |end| begun + end);
    text.get(..end).unwrap_or(text)
}
