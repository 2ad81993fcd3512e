//! One page a diagnosis: what it means, what the wire shows, what else it could be, what to do.
//!
//! The format is strict Markdown, so that the pages can be read as they are. A page starts with `# title`
//! and a line `owner: ...`; then come the sections of [`SECTIONS`], in that order. Prose is one line a
//! paragraph. Lists hold one item a line:
//!
//! ```text
//! ## Rivals              - <other cause> | <how to tell it apart>
//! ## What to do          - <who>: <text> `<command, may be absent>`
//! ## Client error        - <code> <extended code, or "-"> <expected or consistent> <codes on the wire>
//! ## Read more           - <title> <<address>>
//! ```
//!
//! A rival or a remedy that does not concern every session of its code begins with a condition in
//! brackets, of [`Fact`](super::Fact)s. A client's error may name the codes on the wire that it is for, in hexadecimal; without, it is for
//! any. A list without items says `None.` Reading is lax: what is malformed is left out. The tests are strict.

use super::facts::When;

/// What is known of one diagnosis, apart from any session. Everything borrows from the embedded text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The diagnosis code.
    pub code: &'static str,
    /// The cause, as far as the code alone names it: one line without a full stop.
    pub title: &'static str,
    /// Whose configuration most often must change: a value of `owner` in the report. A default: a rule
    /// that knows more says otherwise.
    pub owner: &'static str,
    /// Two sentences without protocol words.
    pub summary: &'static str,
    /// What it means; paragraphs are separated by an empty line.
    pub meaning: &'static str,
    /// What the wire shows.
    pub wire: &'static str,
    /// Other causes that look the same, most common first.
    pub rivals: Vec<Rival>,
    /// What to do, in this order.
    pub remedies: Vec<Remedy>,
    /// What mstsc would show the user, most likely first.
    pub client_errors: Vec<ClientError>,
    /// Where to read more: each a title and, in angle brackets, an address.
    pub references: Vec<&'static str>,
}

/// Another cause that the wire alone does not exclude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rival {
    /// Which sessions it concerns.
    pub when: When,
    /// The cause.
    pub cause: &'static str,
    /// The event, command or second capture that separates it from the page's own.
    pub tell_apart: &'static str,
}

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// Which sessions it concerns.
    pub when: When,
    /// "user", "client admin", "server admin", "network admin" or "identity admin".
    pub who: &'static str,
    /// What to do.
    pub text: &'static str,
    /// The command that does or checks it. HOST, CLIENT, THUMBPRINT, DOMAIN and NAME stand for the
    /// reader's own.
    pub command: Option<&'static str>,
}

/// An error that mstsc may show for this diagnosis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientError {
    /// The error code, as "0x904".
    pub code: &'static str,
    /// The extended error code, as "0x7"; `None` where any may stand.
    pub extended: Option<&'static str>,
    /// "expected" or "consistent".
    pub fit: &'static str,
    /// Codes on the wire that it is shown for; empty for any.
    codes: &'static str,
}

impl ClientError {
    /// Whether it may be shown where the wire has this code.
    pub fn concerns(&self, value: Option<u32>) -> bool {
        let number = |code: &str| u32::from_str_radix(code.strip_prefix("0x")?, 16).ok();
        let Some(value) = value else { return true };
        self.codes.is_empty() || self.codes.split_whitespace().any(|code| number(code) == Some(value))
    }
}

/// The sections of a page, in order.
const SECTIONS: [&str; 7] =
    ["Summary", "What it means", "What the wire shows", "Rivals", "What to do", "Client error", "Read more"];

impl Page {
    /// Reads a page. What is missing or malformed is left empty.
    pub(super) fn parse(code: &'static str, text: &'static str) -> Page {
        let [summary, meaning, wire, rivals, remedies, errors, references] =
            SECTIONS.map(|heading| section(text, heading).unwrap_or_default());
        Page {
            code,
            title: head(text, "# "),
            owner: head(text, "owner: "),
            summary,
            meaning,
            wire,
            rivals: items(rivals).filter_map(rival).collect(),
            remedies: items(remedies).filter_map(remedy).collect(),
            client_errors: items(errors).filter_map(client_error).collect(),
            references: items(references).filter_map(reference).collect(),
        }
    }
}

/// The rest of the line that starts with `prefix`, before the first section.
pub(super) fn head(text: &'static str, prefix: &str) -> &'static str {
    let mut lines = text.lines().take_while(|line| !line.starts_with("## "));
    lines.find_map(|line| line.strip_prefix(prefix)).unwrap_or_default().trim()
}

/// The body of a section.
pub(super) fn section(text: &'static str, heading: &str) -> Option<&'static str> {
    text.split("\n## ").skip(1).find_map(|part| {
        let (first, body) = part.split_once('\n')?;
        (first.trim_end() == heading).then(|| body.trim())
    })
}

pub(super) fn items(body: &'static str) -> impl Iterator<Item = &'static str> {
    body.lines().filter_map(|line| line.strip_prefix("- ")).map(str::trim)
}

fn rival(item: &'static str) -> Option<Rival> {
    let (when, item) = When::split(item);
    let (cause, tell_apart) = item.split_once(" | ")?;
    Some(Rival { when, cause: cause.trim(), tell_apart: tell_apart.trim() })
}

pub(super) fn remedy(item: &'static str) -> Option<Remedy> {
    let (when, item) = When::split(item);
    let (who, rest) = item.split_once(": ")?;
    let command = rest.strip_suffix('`').and_then(|rest| rest.rsplit_once('`'));
    let (text, command) = match command {
        Some((text, command)) => (text, Some(command)),
        None => (rest, None),
    };
    Some(Remedy { when, who, text: text.trim(), command })
}

fn client_error(item: &'static str) -> Option<ClientError> {
    let mut words = item.splitn(4, ' ');
    let (code, extended, fit) = (words.next()?, words.next()?, words.next()?);
    let extended = (extended != "-").then_some(extended);
    Some(ClientError { code, extended, fit, codes: words.next().unwrap_or_default() })
}

pub(super) fn reference(item: &'static str) -> Option<&'static str> {
    (item.contains(" <https://") && item.ends_with('>')).then_some(item)
}

#[cfg(test)]
mod tests {
    use super::super::{codes, page, text};
    use super::*;

    /// Words that a service desk need not know.
    const PROTOCOL_WORDS: [&str; 31] = [
        "tcp",
        "udp",
        "tls",
        "ssl",
        "rst",
        "syn",
        "fin",
        "ack",
        "icmp",
        "ip",
        "x.224",
        "rdp",
        "nla",
        "credssp",
        "kerberos",
        "ntlm",
        "handshake",
        "packet",
        "packets",
        "frame",
        "frames",
        "segment",
        "segments",
        "protocol",
        "protocols",
        "cipher",
        "ciphers",
        "alert",
        "socket",
        "port",
        "negotiation",
    ];
    const OWNERS: [&str; 8] =
        ["client", "server", "network", "identity", "certificate", "licensing", "nobody", "unknown"];
    const ROLES: [&str; 5] = ["user", "client admin", "server admin", "network admin", "identity admin"];

    fn pages() -> impl Iterator<Item = (&'static str, &'static Page)> {
        codes().map(|code| (code, page(code).unwrap()))
    }

    #[test]
    fn every_section_is_there_in_order() {
        for code in codes() {
            let text = text(code).unwrap();
            let mut lines = text.lines();
            assert!(lines.next().unwrap().starts_with("# "), "{code}: no title");
            assert_eq!(lines.next(), Some(""), "{code}");
            assert!(lines.next().unwrap().starts_with("owner: "), "{code}: no owner");
            let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
            assert_eq!(headings, SECTIONS, "{code}");
            for heading in SECTIONS {
                let body = section(text, heading).unwrap();
                assert!(!body.is_empty(), "{code}: {heading} is empty");
            }
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{code}: end of file");
            assert!(text.lines().all(|line| line == line.trim_end()), "{code}: stray blanks");
            assert!(!text.contains('\t'), "{code}: tab");
        }
    }

    #[test]
    fn every_list_item_is_read() {
        for (code, page) in pages() {
            let lists = [
                ("Rivals", page.rivals.len()),
                ("What to do", page.remedies.len()),
                ("Client error", page.client_errors.len()),
                ("Read more", page.references.len()),
            ];
            for (heading, read) in lists {
                let body = section(text(code).unwrap(), heading).unwrap();
                if body == "None." {
                    assert_ne!(heading, "Read more", "{code}");
                    continue;
                }
                assert!(body.lines().all(|line| line.starts_with("- ")), "{code}: {heading} is a list");
                assert_eq!(read, body.lines().count(), "{code}: an item of {heading} is malformed");
            }
        }
    }

    #[test]
    fn titles_and_owners_are_sound() {
        for (code, page) in pages() {
            let title = page.title;
            assert!(title.len() <= 90, "{code}: title is {} long", title.len());
            assert!(title.starts_with(char::is_uppercase), "{code}: {title}");
            assert!(!title.ends_with(['.', '!', '?']), "{code}: {title}");
            assert!(OWNERS.contains(&page.owner), "{code}: {}", page.owner);
        }
    }

    #[test]
    fn summaries_are_two_sentences_without_protocol_words() {
        for (code, page) in pages() {
            let summary = page.summary;
            assert_eq!(summary.lines().count(), 1, "{code}: summary is not one line");
            let ends = summary.match_indices(['.', '?', '!']);
            assert_eq!(ends.count(), 2, "{code}: summary is not two sentences: {summary}");
            assert!(summary.ends_with('.'), "{code}: {summary}");
            for word in summary.split(|c: char| !c.is_alphanumeric() && c != '.') {
                let word = word.trim_matches('.').to_lowercase();
                assert!(!PROTOCOL_WORDS.contains(&word.as_str()), "{code}: protocol word {word:?}");
            }
        }
    }

    #[test]
    fn prose_is_one_line_a_paragraph() {
        for (code, page) in pages() {
            for body in [page.meaning, page.wire] {
                for paragraph in body.split("\n\n") {
                    assert_eq!(paragraph.lines().count(), 1, "{code}: {paragraph}");
                    assert!(paragraph.ends_with('.'), "{code}: {paragraph}");
                }
            }
        }
    }

    #[test]
    fn remedies_name_a_role_and_a_whole_command() {
        for (code, page) in pages() {
            for remedy in &page.remedies {
                assert!(ROLES.contains(&remedy.who), "{code}: {:?}", remedy.who);
                assert!(!remedy.text.is_empty() && !remedy.text.contains('`'), "{code}: {}", remedy.text);
                assert!(remedy.text.ends_with(['.', ':']), "{code}: {}", remedy.text);
                assert_eq!(remedy.command.is_some(), remedy.text.ends_with(':'), "{code}: {}", remedy.text);
                assert!(remedy.command.is_none_or(|command| !command.is_empty()), "{code}");
            }
            for rival in &page.rivals {
                assert!(!rival.cause.starts_with('['), "{code}: no such condition: {}", rival.cause);
                assert!(!rival.cause.ends_with('.') && !rival.tell_apart.ends_with('.'), "{code}: {rival:?}");
                assert!(!rival.tell_apart.is_empty(), "{code}: {}", rival.cause);
            }
        }
    }

    #[test]
    fn client_errors_are_known_codes() {
        use super::super::codes::{disconnect_reason, extended_disconnect_reason};
        let number = |text: &str| u32::from_str_radix(text.strip_prefix("0x").unwrap(), 16).unwrap();
        for (code, page) in pages() {
            for error in &page.client_errors {
                assert!(disconnect_reason(number(error.code)).is_some(), "{code}: {error:?}");
                if let Some(extended) = error.extended {
                    assert!(extended_disconnect_reason(number(extended)).is_some(), "{code}: {error:?}");
                }
                assert!(["expected", "consistent"].contains(&error.fit), "{code}: {error:?}");
                for value in error.codes.split_whitespace().map(number) {
                    assert!(
                        error.concerns(Some(value)) && !error.concerns(Some(!value)),
                        "{code}: {error:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn references_are_addresses_of_specifications_and_vendors() {
        for (code, page) in pages() {
            for reference in &page.references {
                let address = reference.rsplit_once(" <").unwrap().1;
                let known = ["https://learn.microsoft.com/en-us/", "https://www.rfc-editor.org/"];
                assert!(known.iter().any(|start| address.starts_with(start)), "{code}: {address}");
                assert!(!address.contains(' '), "{code}: {address}");
            }
        }
    }

    #[test]
    fn reads_a_page() {
        const TEXT: &str = "# A title\r\n\r\nowner: server\r\n\r\n## Summary\r\nOne. Two.\r\n\r\n\
            ## What it means\r\nFirst.\r\n\r\nSecond.\r\n\r\n## What the wire shows\r\nThis.\r\n\r\n\
            ## Rivals\r\n- another cause | a | b\r\n\r\n## What to do\r\n- user: Wait.\r\n\
            - server admin: Look: `Get-Thing | Sort`\r\n\r\n## Client error\r\n- 0x904 - expected\r\n\
            - 0x904 0x7\r\n\r\n## Read more\r\n- Here <https://example.org/>\r\n- nowhere\r\n";
        let page = Page::parse("a-code", TEXT);
        assert_eq!((page.title, page.owner, page.summary), ("A title", "server", "One. Two."));
        assert_eq!(page.meaning, "First.\r\n\r\nSecond.");
        assert_eq!(
            page.rivals,
            [Rival { when: When::default(), cause: "another cause", tell_apart: "a | b" }]
        );
        let when = When::default();
        assert_eq!(page.remedies[0], Remedy { when, who: "user", text: "Wait.", command: None });
        let command = Some("Get-Thing | Sort");
        assert_eq!(page.remedies[1], Remedy { when, who: "server admin", text: "Look:", command });
        assert_eq!(
            page.client_errors,
            [ClientError { code: "0x904", extended: None, fit: "expected", codes: "" }]
        );
        assert_eq!(page.references, ["Here <https://example.org/>"]);
    }

    #[test]
    fn missing_parts_are_empty() {
        let page = Page::parse("a-code", "## Summary\nno newline before it");
        assert_eq!((page.title, page.owner, page.summary), ("", "", ""));
        assert!(page.rivals.is_empty() && page.remedies.is_empty() && page.references.is_empty());
        assert_eq!(Page::parse("a-code", "").meaning, "");
    }
}
