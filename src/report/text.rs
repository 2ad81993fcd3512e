//! Text that came out of packets, made safe to show; and wrapping.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character may change how a terminal, or a reader, takes the text around it: control
/// characters, line separators, and what Unicode shows as nothing (`Default_Ignorable_Code_Point`, with the marks
/// that turn the direction of text).
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The text with every unsafe character (see [`is_unsafe`]) written as `\u{..}`.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// Clean text in which neither Markdown nor Jira's wiki sees markup, a link or a picture, and of which no forge
/// tells anybody. An underscore inside a word is no markup.
pub fn markdown(text: &str) -> String {
    let text = clean(text);
    let text = cell(&text);
    let mut escaped = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let after = chars.peek().copied().unwrap_or(' ');
        let markup = match c {
            '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '#' | '{' | '}' | '$' => true,
            // A picture of Jira's; an entity.
            '!' | '&' => !after.is_whitespace(),
            '@' => after.is_alphanumeric(),
            // What would become a link by itself.
            ':' => after == '/' || after == '\\',
            '.' => www(&escaped),
            // A command of GitLab's at the beginning of a line.
            '/' => escaped.is_empty(),
            _ => false,
        };
        if markup {
            escaped.push('\\');
        }
        escaped.push(c);
        // GitHub looks for whom to tell after Markdown is gone, backslashes and all.
        let name = c == '@' && after.is_alphanumeric() && !before.is_alphanumeric();
        if name || (c == '#' && after.is_ascii_digit()) {
            escaped.push(' ');
        }
        before = c;
    }
    escaped
}

fn www(text: &str) -> bool {
    let mut last = text.chars().rev();
    (0..3).all(|_| last.next().is_some_and(|c| c.eq_ignore_ascii_case(&'w')))
        && !last.next().is_some_and(char::is_alphanumeric)
}

/// Text for a cell of a table: a spreadsheet into which it is pasted computes nothing.
pub fn cell(text: &str) -> Cow<'_, str> {
    if text.len() > 1 && text.starts_with(['=', '+', '-', '@']) {
        return Cow::Owned(format!("'{text}"));
    }
    Cow::Borrowed(text)
}

/// Clean text as inline code, with a fence longer than any run of backticks in it.
pub fn code(text: &str) -> String {
    let text = clean(text);
    let fence = "`".repeat(longest_run(&text, '`') + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn longest_run(text: &str, of: char) -> usize {
    let runs = text.split(|c| c != of).map(|run| run.chars().count());
    runs.max().unwrap_or(0)
}

/// Lower-case hexadecimal without separators.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| DIGITS.get(usize::from(n)).copied().map_or('0', char::from);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect()
}

/// Breaks text at blanks into lines of at most `width` characters; a longer word stays whole.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let chars = word.chars().count();
        if length > 0 && length + 1 + chars > width {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += chars;
    }
    if length > 0 || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Breaks text into lines of at most `width` characters, also after hyphens and colons, and within a longer
/// part where nothing else is left: for the cells of a table.
pub fn squeeze(text: &str, width: usize) -> String {
    let width = width.max(1);
    let mut squeezed = String::with_capacity(text.len() + 8);
    let mut length = 0;
    for part in text.split_inclusive([' ', '-', ':']) {
        let chars = part.trim_end().chars().count();
        if length > 0 && length + chars > width {
            squeezed.truncate(squeezed.trim_end().len());
            squeezed.push('\n');
            length = 0;
        }
        for c in part.chars() {
            if length >= width && c != ' ' {
                squeezed.push('\n');
                length = 0;
            }
            squeezed.push(c);
            length += 1;
        }
    }
    squeezed.truncate(squeezed.trim_end().len());
    squeezed
}

/// "1 session", "1,000 sessions".
pub fn count(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", number(n), if n == 1 { "" } else { "s" })
}

/// A number with its thousands apart.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "0.094 s", "12.5 s", "3 min 20 s", "2 h 5 min".
pub fn duration(seconds: f64) -> String {
    let whole = seconds.abs().round() as u64;
    match whole {
        _ if seconds.abs() < 10.0 => format!("{seconds:.3} s"),
        0..120 => format!("{seconds:.1} s"),
        120..7200 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_characters_are_spelled_out() {
        assert_eq!(clean("plain ä 漢"), "plain ä 漢");
        assert!(matches!(clean("plain"), Cow::Borrowed(_)));
        assert_eq!(clean("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(clean("\r\n\0\u{7f}\u{9b}"), "\\u{d}\\u{a}\\u{0}\\u{7f}\\u{9b}");
        assert_eq!(clean("\u{202e}gpj.exe\u{2066}"), "\\u{202e}gpj.exe\\u{2066}");
        assert_eq!(clean("\u{200f}\u{feff}\u{2028}\u{e0041}"), "\\u{200f}\\u{feff}\\u{2028}\\u{e0041}");
        assert_eq!(clean("a\u{3164}b\u{e0100}"), "a\\u{3164}b\\u{e0100}");
    }

    #[test]
    fn no_control_or_bidi_character_survives() {
        for c in (0..=0x10_ffff).filter_map(char::from_u32).filter(|c| is_unsafe(*c)) {
            let safe = clean(&format!("x{c}y")).into_owned();
            assert!(!safe.contains(is_unsafe), "{c:?}");
            assert!(!markdown(&safe).contains(is_unsafe), "{c:?}");
        }
    }

    #[test]
    fn markdown_sees_no_markup() {
        assert_eq!(markdown("RDP_NEG_FAILURE"), "RDP_NEG_FAILURE");
        assert_eq!(markdown("_a_ *b* `c`"), "\\_a\\_ \\*b\\* \\`c\\`");
        assert_eq!(markdown("<b>|[x](y)"), "\\<b\\>\\|\\[x\\](y)");
        assert_eq!(markdown("to @alice, a @ b"), "to \\@ alice, a @ b");
        assert_eq!(markdown("bob@example.com, x/y#1"), "bob\\@example.com, x/y\\# 1");
        assert_eq!(markdown("{code}x{code} !a.png! &lt;"), "\\{code\\}x\\{code\\} \\!a.png! \\&lt;");
        assert_eq!(markdown("http://x www.x awww.x"), "http\\://x www\\.x awww.x");
        assert_eq!(markdown("/close"), "\\/close");
        assert_eq!(markdown("=1+1"), "'=1+1");
        assert_eq!(markdown("a\nb"), "a\\\\u\\{a\\}b");
        assert_eq!(code("a `b"), "``a `b``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("plain"), "`plain`");
    }

    #[test]
    fn wraps_at_blanks() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("immeasurable x", 4), ["immeasurable", "x"]);
        assert_eq!(wrap("äöü äöü", 7), ["äöü äöü"]);
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(wrap("a  b", 0), ["a", "b"]);
    }

    #[test]
    fn squeezes_into_cells() {
        assert_eq!(squeeze("tls-alert: The server", 10), "tls-alert:\nThe server");
        assert_eq!(squeeze("negotiation-ssl-not-allowed", 16), "negotiation-ssl-\nnot-allowed");
        assert_eq!(squeeze("2001:db8::1", 7), "2001:\ndb8::1");
        assert_eq!(squeeze("immeasurable", 5), "immea\nsurab\nle");
        assert_eq!(squeeze("a b", 0), "a\nb");
        assert_eq!(squeeze("", 3), "");
        assert_eq!(squeeze("ab cd", 2), "ab\ncd");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(count(1, "session"), "1 session");
        assert_eq!(count(2000, "session"), "2,000 sessions");
        assert_eq!(duration(0.0941), "0.094 s");
        assert_eq!(duration(12.34), "12.3 s");
        assert_eq!(duration(200.2), "3 min 20 s");
        assert_eq!(duration(7500.0), "2 h 5 min");
        assert_eq!(duration(-0.5), "-0.500 s");
        assert_eq!(duration(119.97), "2 min 0 s");
    }
}
