//! Near misses: what somebody may have meant.

use super::{Number, Table, key, numbers};
use crate::knowledge::codes;

/// More would be a list to read, not an answer.
const MOST: usize = 5;
/// Longer texts are no mistyped names.
const LONGEST: usize = 64;
/// A part of a name that is shorter than this is in too many, unless it is a word of its own.
const SHORTEST_PART: usize = 4;

/// What the text may have meant, the nearest first.
pub(super) fn near(text: &str) -> Vec<String> {
    let (numbers, words) = numbers(text);
    match numbers.as_slice() {
        [code, extended] => pair(*code, *extended),
        [number] if words.is_empty() => near_number(*number),
        _ => near_name(text),
    }
}

/// A pair the other way round, or what is near its first number.
fn pair(code: Number, extended: Number) -> Vec<String> {
    let known = |number: Number| number.readings().find(|n| codes::disconnect_reason(*n).is_some());
    if let Some(swapped) = known(extended).filter(|_| known(code).is_none()) {
        return vec![format!("0x{swapped:X}/0x{:X}", code.value)];
    }
    near_number(code)
}

fn near_number(number: Number) -> Vec<String> {
    let mut found = Vec::new();
    // Decimal digits in hexadecimal dress: 0x516 for 516.
    if let Ok(decimal) = format!("{:x}", number.value).parse::<u32>()
        && codes::disconnect_reason(decimal).is_some()
    {
        found.push(format!("0x{decimal:X} ({decimal})"));
    }
    let digits = format!("{:x}", number.value);
    if digits.len() >= 3 {
        let tables = [Table::Disconnect, Table::NtStatus, Table::SecurityStatus];
        for row in tables.into_iter().flat_map(Table::rows) {
            if distance(&digits, &format!("{:x}", row.code), 1).is_some() {
                found.push(format!("0x{:X}", row.code));
            }
        }
    }
    found.truncate(MOST);
    found
}

fn near_name(text: &str) -> Vec<String> {
    let asked = key(text);
    let length = asked.chars().count();
    if length == 0 || length > LONGEST {
        return Vec::new();
    }
    let most = (length / 4).clamp(1, 3);
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut try_name = |name: String, prefix: &str| {
        let whole = key(&name);
        let bare = whole.strip_prefix(&key(prefix)).unwrap_or(&whole);
        let near = [whole.as_str(), bare].into_iter().filter_map(|known| distance(&asked, known, most)).min();
        // What only shares a part is farther away than anything mistyped.
        let start: String = whole.chars().take(length).collect();
        let part = whole.contains(&asked) || distance(&asked, &start, most).is_some();
        let word = name.split(['-', '_']).any(|word| word.eq_ignore_ascii_case(text));
        let part = (word || length >= SHORTEST_PART && part).then_some(most + 1);
        if let Some(near) = near.or(part) {
            found.push((near, name));
        }
    };
    for code in crate::knowledge::codes() {
        try_name(code.to_owned(), "");
    }
    for table in Table::ALL {
        for row in table.rows() {
            if let Some(name) = table.name(row) {
                try_name(name, table.prefix());
            }
        }
    }
    found.sort();
    found.dedup();
    found.into_iter().map(|(_, name)| name).take(MOST).collect()
}

/// How many letters must be changed, added, left out or swapped with their neighbour; `None` beyond `most`.
fn distance(a: &str, b: &str, most: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut least =
                (at(&last, j) + usize::from(x != y)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|steps| *steps <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_changes() {
        assert_eq!(distance("abc", "abc", 2), Some(0));
        assert_eq!(distance("abc", "acb", 2), Some(1), "swapped");
        assert_eq!(distance("abc", "abcd", 2), Some(1));
        assert_eq!(distance("abc", "xbc", 2), Some(1));
        assert_eq!(distance("", "ab", 2), Some(2));
        assert_eq!(distance("abc", "xyz", 2), None);
        assert_eq!(distance("a", "abcd", 2), None);
    }

    #[test]
    fn suggests_what_was_mistyped() {
        assert_eq!(near("tls-cypher-mismatch"), ["tls-cipher-mismatch"]);
        assert_eq!(near("HYBRID_REQUIERD_BY_SERVER"), ["HYBRID_REQUIRED_BY_SERVER"]);
        assert!(near("handshake_failur").contains(&"handshake_failure".to_owned()));
        assert!(near("STATUS_LOGON_FAILUR").contains(&"STATUS_LOGON_FAILURE".to_owned()));
        assert_eq!(near("tls-cypher")[0], "tls-cipher-mismatch", "a mistyped part");
        assert!(near("cipher").contains(&"tls-cipher-mismatch".to_owned()), "a part");
        assert!(near("nla").contains(&"nla-reset".to_owned()), "a word");
        assert_eq!(near("0x516")[0], "0x204 (516)", "decimal digits as hexadecimal ones");
        assert!(near("0x905").contains(&"0x904".to_owned()));
        assert!(near("0xC000006B").contains(&"0xC000006D".to_owned()));
        assert_eq!(near("0x7/0x904"), ["0x904/0x7"]);
    }

    #[test]
    fn suggests_nothing_for_nonsense() {
        for text in ["", "qqqqqqqqqq", "0xABCDEF12", "zz", "1 2 3", &"a".repeat(100_000), "\u{1b}[31m"] {
            assert_eq!(near(text), [""; 0], "{text:?}");
        }
    }
}
