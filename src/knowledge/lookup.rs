//! From what somebody typed, or copied out of an error dialog, to what it means.
//!
//! Numbers may be hexadecimal or decimal; two are mstsc's error code and extended error code. Names are
//! those of the specifications, with or without prefix, in any case, or codes of diagnoses. Nothing here
//! fails on what it does not know: it says what it may have been.

mod suggest;
mod tables;

use std::fmt;
use std::str::FromStr;

use super::codes::{self, Row};
use super::page::Page;
pub use tables::Table;

/// What is accepted, for whoever typed something else.
pub const ACCEPTED: &str = "an error as mstsc shows it (0x904 0x7, also 0x904/0x7 or 2308 7), a number \
                            (0x204, 40, 0xC000006D), a name (HYBRID_REQUIRED_BY_SERVER, handshake_failure, \
                            STATUS_LOGON_FAILURE, with or without prefix) or a code of a diagnosis \
                            (tls-cipher-mismatch)";

/// What something means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is the code of a diagnosis.
    Diagnosis(&'static Page),
    /// mstsc's error code and extended error code; one of them is known.
    Pair(ClientCode),
    /// A number or a name: every table that has it, the most likely first; never empty.
    Meanings(Vec<Meaning>),
}

/// A code in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The table.
    pub table: Table,
    /// The code.
    pub row: &'static Row,
}

impl Meaning {
    /// The specification's whole name.
    pub fn name(&self) -> Option<String> {
        self.table.name(self.row)
    }

    /// Whether a specification or Microsoft's documentation says so; else it is what somebody reported.
    pub fn documented(&self) -> bool {
        self.table != Table::Disconnect || self.row.note == Some("documented")
    }

    /// The diagnoses whose sessions show this code, those that are known best by it first.
    pub fn patterns(&self) -> Vec<Pattern> {
        let Row { code, .. } = *self.row;
        match self.table {
            Table::Disconnect => ClientCode { code, extended: None }.patterns(),
            Table::Extended => {
                let listed = patterns(|error| error.extended.and_then(hexadecimal) == Some(code));
                if listed.is_empty() { of_error_info(code) } else { listed }
            }
            table => of_wire(table, self.row),
        }
    }
}

/// What mstsc shows: "Error code" and "Extended error code".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientCode {
    /// The disconnect reason.
    pub code: u32,
    /// The extended one; `None` where it was not told.
    pub extended: Option<u32>,
}

impl ClientCode {
    /// What its error code means.
    pub fn reason(self) -> Option<Meaning> {
        Table::Disconnect.find(self.code).map(|row| Meaning { table: Table::Disconnect, row })
    }

    /// What its extended error code means.
    pub fn extended_reason(self) -> Option<Meaning> {
        Table::Extended.find(self.extended?).map(|row| {
            let table = if codes::errinfo(row.code) == Some(row) { Table::ErrInfo } else { Table::Extended };
            Meaning { table, row }
        })
    }

    /// How an error of a page fits: "expected" or "consistent"; `None` where it is another.
    pub fn fit(self, error: &super::ClientError) -> Option<&'static str> {
        if hexadecimal(error.code) != Some(self.code) {
            return None;
        }
        match (self.extended, error.extended.and_then(hexadecimal)) {
            (None, _) | (_, None) => Some(error.fit),
            (Some(saw), Some(listed)) if saw == listed => Some(error.fit),
            // "No information" contradicts nothing, and supports nothing.
            (Some(0), _) => Some("consistent"),
            _ => None,
        }
    }

    /// The diagnoses whose sessions end with this error, expected ones first.
    pub fn patterns(self) -> Vec<Pattern> {
        let listed = patterns(|error| self.fit(error).is_some());
        if listed.is_empty() { self.extended.map(of_error_info).unwrap_or_default() } else { listed }
    }
}

impl fmt::Display for ClientCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:X}", self.code)?;
        self.extended.map_or(Ok(()), |extended| write!(f, "/0x{extended:X}"))
    }
}

/// The text is no error of mstsc.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an error is written as mstsc shows it: 0x904/0x7, or 0x904 where the extended code is not known")]
pub struct BadClientCode;

impl FromStr for ClientCode {
    type Err = BadClientCode;

    fn from_str(text: &str) -> Result<Self, BadClientCode> {
        let (numbers, words) = numbers(text);
        if !words.is_empty() {
            return Err(BadClientCode);
        }
        match *numbers.as_slice() {
            [code] => Ok(ClientCode { code: disconnect(code).0, extended: None }),
            [code, extended] => Ok(pair(code, extended)),
            _ => Err(BadClientCode),
        }
    }
}

/// A diagnosis that ends with the code that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Its page.
    pub page: &'static Page,
    /// "expected" or "consistent"; `None` where the code itself is what the wire shows.
    pub fit: Option<&'static str>,
    /// The extended error code that goes with it, as "0x7".
    pub extended: Option<&'static str>,
}

/// Pages that list a client's error for which `fits`; expected ones first, else in the order of phases.
fn patterns(fits: impl Fn(&super::ClientError) -> bool) -> Vec<Pattern> {
    let mut found: Vec<Pattern> = super::codes()
        .filter_map(super::page)
        .filter_map(|page| {
            let error = page.client_errors.iter().find(|error| fits(error))?;
            Some(Pattern { page, fit: Some(error.fit), extended: error.extended })
        })
        .collect();
    found.sort_by_key(|pattern| pattern.fit != Some("expected"));
    found
}

/// Diagnoses of sessions in which this code is on the wire.
fn of_wire(table: Table, row: &Row) -> Vec<Pattern> {
    let pages = named_pages(table, row).iter().filter_map(|code| super::page(code));
    pages.map(|page| Pattern { page, fit: None, extended: None }).collect()
}

/// An extended error code is what Set Error Info said, where the server sent one.
fn of_error_info(extended: u32) -> Vec<Pattern> {
    let row = codes::errinfo(extended).filter(|row| row.code != 0);
    row.map(|row| of_wire(Table::ErrInfo, row)).unwrap_or_default()
}

/// Codes of the diagnoses that a code of the wire leads to; not all need have a page.
fn named_pages(table: Table, row: &Row) -> &'static [&'static str] {
    match (table, row.code) {
        (Table::Negotiation, 1) => &["negotiation-ssl-required"],
        (Table::Negotiation, 2) => &["negotiation-ssl-not-allowed"],
        (Table::Negotiation, 3) => &["negotiation-ssl-cert-missing"],
        (Table::Negotiation, 4) => &["negotiation-inconsistent-flags"],
        (Table::Negotiation, 5) => &["negotiation-nla-required"],
        (Table::Negotiation, 6) => &["negotiation-ssl-user-auth-required"],
        (Table::Alert, 0) => &[],
        (Table::Alert, 40 | 71) | (Table::SecurityStatus, 0x8009_0331) => &["tls-cipher-mismatch"],
        (Table::Alert, 70) | (Table::SecurityStatus, 0x8009_0302) => &["tls-version-mismatch"],
        (Table::Alert, 45) | (Table::SecurityStatus, 0x8009_0328) => {
            &["tls-certificate-expired", "tls-certificate-rejected"]
        }
        (Table::Alert, 42..=44 | 46 | 48) | (Table::SecurityStatus, 0x8009_0325 | 0x8009_0327) => {
            &["tls-certificate-rejected"]
        }
        (Table::Alert, _) | (Table::SecurityStatus, 0x8009_0326 | 0x8009_030F | 0x8009_0330) => {
            &["tls-alert"]
        }
        (Table::SecurityStatus, 0x8009_030C) => &["nla-authentication-failed"],
        // The client itself gives up: all that the wire shows is that it leaves.
        (
            Table::SecurityStatus,
            0x8009_0303 | 0x8009_030E | 0x8009_0311 | 0x8009_0322 | 0x8009_0324 | 0x8009_035E | 0x8009_035F
            | 0x8009_0363,
        ) => &["client-left-after-tls"],
        (Table::ErrInfo, 0 | 0xB | 0xC) => &["healthy"],
        (Table::ErrInfo, 7) => &["server-denied-connection"],
        (Table::ErrInfo, 0x100..=0x10A) => &["server-error-info", "licensing-failed"],
        (Table::ErrInfo, _) => &["server-error-info"],
        (Table::NtStatus, _) => &["nla-authentication-failed"],
        (Table::Rdstls, 1..) => &["nla-authentication-failed"],
        (Table::McsResult, 1..) => &["mcs-refused"],
        (Table::Licensing, 7) => &[],
        (Table::Licensing, _) => &["licensing-failed"],
        (Table::Icmp, _) if matches!(row.name, Some("fragmentation-needed" | "packet-too-big")) => {
            &["path-mtu-black-hole"]
        }
        (Table::Icmp, _) => &["tcp-unreachable"],
        _ => &[],
    }
}

/// Nothing is known by this name or number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// What may have been meant, the nearest first.
    pub suggestions: Vec<String>,
}

/// Looks up what somebody typed.
pub fn look_up(text: &str) -> Result<Found, Unknown> {
    let unknown = || Unknown { suggestions: suggest::near(text) };
    let (numbers, words) = numbers(text);
    let table = Table::named(&words);
    let found = match *numbers.as_slice() {
        _ if !words.is_empty() && table.is_none() && !numbers.iter().any(|number| number.marked) => {
            by_name(text)
        }
        [code, extended] => {
            let pair = pair(code, extended);
            let known = pair.reason().is_some() || pair.extended_reason().is_some();
            known.then_some(Found::Pair(pair))
        }
        [number] => by_number(number, table),
        _ => by_name(text),
    };
    found.ok_or_else(unknown)
}

/// Every table that has the number, or this one's meaning.
fn by_number(number: Number, table: Option<Table>) -> Option<Found> {
    number.readings().find_map(|value| {
        let hexadecimal = number.marked || value != number.value;
        let tables = table.map_or_else(|| Table::order(value, hexadecimal).to_vec(), |table| vec![table]);
        let mut meanings: Vec<Meaning> = Vec::new();
        for table in tables {
            // Extended codes above 0x1000 are those of Set Error Info.
            if let Some(row) = table
                .find(value)
                .filter(|row| table != Table::Extended || codes::errinfo(row.code) != Some(row))
            {
                meanings.push(Meaning { table, row });
            }
        }
        (!meanings.is_empty()).then_some(Found::Meanings(meanings))
    })
}

/// The diagnosis, or every code, of this name.
fn by_name(text: &str) -> Option<Found> {
    let asked = key(text);
    if asked.is_empty() {
        return None;
    }
    if let Some(page) = super::codes().find(|code| key(code) == asked).and_then(super::page) {
        return Some(Found::Diagnosis(page));
    }
    let mut meanings: Vec<Meaning> = Vec::new();
    for table in Table::ALL {
        let fits = |row: &&Row| {
            let (whole, bare) = (table.name(row).map(|name| key(&name)), row.name.map(key));
            let short = bare.as_deref().and_then(|bare| bare.strip_prefix("sslerr")).map(str::to_owned);
            [whole, bare, short].into_iter().flatten().any(|known| known == asked)
        };
        meanings.extend(table.rows().iter().filter(fits).map(|row| Meaning { table, row }));
    }
    (!meanings.is_empty()).then_some(Found::Meanings(meanings))
}

/// A name without what people leave out or write otherwise: letters and digits, in lower case.
fn key(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// A number as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Number {
    /// The likelier reading.
    value: u32,
    /// The same digits read as hexadecimal ones, where `value` reads them as decimal.
    other: Option<u32>,
    /// Written with "0x" or with hexadecimal letters.
    marked: bool,
}

impl Number {
    fn parse(token: &str) -> Option<Number> {
        let lower = token.to_ascii_lowercase();
        if let Some(digits) = lower.strip_prefix("0x") {
            let value = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
            return Some(Number { value, other: None, marked: true });
        }
        if let Some(digits) = lower.strip_prefix('-') {
            // Logs and scripts show codes above 0x80000000 as negative numbers.
            let value = digits.parse::<u32>().ok().filter(|n| *n <= 1 << 31)?.wrapping_neg();
            return Some(Number { value, other: None, marked: true });
        }
        let digit = lower.bytes().any(|byte| byte.is_ascii_digit());
        if !digit || !lower.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let hexadecimal = u32::from_str_radix(&lower, 16).ok();
        match lower.parse() {
            Ok(value) => Some(Number { value, other: hexadecimal, marked: false }),
            Err(_) => Some(Number { value: hexadecimal?, other: None, marked: true }),
        }
    }

    /// The likelier reading first.
    fn readings(self) -> impl Iterator<Item = u32> {
        std::iter::once(self.value).chain(self.other.filter(|other| *other != self.value))
    }
}

/// The numbers in a text, and its other words as one, without those of the dialog.
fn numbers(text: &str) -> (Vec<Number>, String) {
    const NOISE: [&str; 5] = ["error", "code", "and", "with", "reason"];
    let (mut numbers, mut words) = (Vec::new(), String::new());
    for token in text.split(|c: char| c.is_whitespace() || matches!(c, '/' | ',' | ';' | '(' | ')')) {
        let token = token.trim_matches([':', '.', '"', '\'']);
        if let Some(number) = Number::parse(token) {
            numbers.push(number);
        } else if !NOISE.contains(&key(token).as_str()) {
            words.push_str(&key(token));
            if key(token).is_empty() && !token.is_empty() {
                words.push('?');
            }
        }
    }
    // "Error code: 0x904 Extended error code: 0x7".
    if numbers.len() == 2 && words == "extended" {
        words.clear();
    }
    (numbers, words)
}

/// Reads a number as an error code of mstsc; and whether its digits were taken as hexadecimal ones.
fn disconnect(number: Number) -> (u32, bool) {
    let known = number.readings().find(|value| codes::disconnect_reason(*value).is_some());
    let value = known.unwrap_or(number.value);
    (value, value != number.value)
}

/// Two numbers as mstsc's error code and extended error code, read alike.
fn pair(code: Number, extended: Number) -> ClientCode {
    let (code, hexadecimal) = disconnect(code);
    let extended = if hexadecimal { extended.other.unwrap_or(extended.value) } else { extended.value };
    ClientCode { code, extended: Some(extended) }
}

/// "0x7" of a page or a table.
fn hexadecimal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests;
