//! Names that came out of packets and want to harm the reader, through every format of the program: they stay
//! text. A cookie, a server name, a certificate, a proxy's host and a file name, each in every guise.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use common::made;
use common::talk::{C, S, Talk, alert};
use rdpwhy::report::text::is_unsafe;
use serde_json::Value;

/// What is tried. Each carries the mark, by which it is found again.
const MARK: &str = "Evil";
const GUISES: [&str; 16] = [
    "<script>alert('Evil')</script>",
    "Evil\"><img src=http://evil.example/x onerror=alert(1)>",
    "\u{1b}]0;Evil\u{7}\u{1b}[31mred\u{9b}2J",
    "\u{202e}gpj.Evil\u{2066}\u{200b}\u{e0041}",
    "Evil\r\nfake: line\r\n/close\n# head",
    "![Evil](http://evil.example/a.png) [x](http://evil.example)",
    "http://evil.example/Evil www.evil.example",
    "@evil-user Evil #1 !2 ~3 x/y#4",
    "Evil | a | b |\n| --- |",
    "{code}Evil{code} {color:red}x{color} !http://evil.example/b.png! [~evil]",
    "Evil```\nsequenceDiagram\n  A->>B: x",
    "=HYPERLINK(\"http://evil.example\",\"Evil\")",
    "@SUM(1+1)*cmd|' /C calc'!A0 Evil",
    "Evil &lt;b&gt; $\\href{javascript:alert(1)}{x}$ <!-- -->",
    "'; Evil \"$(touch /tmp/evil)\" `touch /tmp/evil` %0d%0a",
    "-Evil</td></tr></table></main><iframe src=//evil.example></iframe>",
];

fn der(tag: u8, body: &[u8]) -> Vec<u8> {
    let len = body.len();
    let mut bytes = vec![tag, 0x83, (len >> 16) as u8, (len >> 8) as u8, len as u8];
    bytes.extend(body);
    bytes
}

/// A certificate of P-256 with this name; its signature is nothing.
fn certificate(name: &str) -> Vec<u8> {
    let oid = |bytes: &[u8]| der(6, bytes);
    let algorithm = der(0x30, &oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]));
    let named = |name: &str| {
        let value = [oid(&[0x55, 4, 3]), der(12, name.as_bytes())].concat();
        der(0x30, &der(0x31, &der(0x30, &value)))
    };
    // Twice a long name does not fit in a record.
    let issuer = named(if name.len() < 1000 { name } else { "Evil" });
    let time = |text: &str| der(0x17, text.as_bytes());
    let validity = der(0x30, &[time("200101000000Z"), time("300101000000Z")].concat());
    let curve = [oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]), oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7])];
    let key = [der(0x30, &curve.concat()), der(3, &[&[0, 4][..], &[9; 64]].concat())].concat();
    let parts = [
        der(0xa0, &der(2, &[2])),
        der(2, &[1]),
        algorithm.clone(),
        issuer,
        validity,
        named(name),
        der(0x30, &key),
    ];
    der(0x30, &[der(0x30, &parts.concat()), algorithm, der(3, &[0, 1, 2, 3])].concat())
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend(body);
    bytes
}

fn with_length(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

/// A ClientHello for this server, with an application protocol of the same name.
fn hello(name: &str) -> Vec<u8> {
    let protocol = &name.as_bytes()[..name.len().min(255)];
    let names = with_length(&[&[0][..], &with_length(name.as_bytes())].concat());
    let protocols = with_length(&[&[protocol.len() as u8][..], protocol].concat());
    let extensions = [&[0, 0][..], &with_length(&names), &[0, 16], &with_length(&protocols)].concat();
    let head = [&[3, 3][..], &[0x11; 32], &[0], &with_length(&[0x13, 1, 0xc0, 0x2f]), &[1, 0]].concat();
    made::record(22, &handshake(1, &[head, with_length(&extensions)].concat()))
}

/// ServerHello, Certificate and ServerHelloDone of TLS 1.2.
fn flight(name: &str) -> Vec<u8> {
    let certificate = certificate(name);
    let chain = [&[0][..], &with_length(&certificate)].concat();
    let hello = [&[3, 3][..], &[0x22; 32], &[0, 0xc0, 0x2f, 0]].concat();
    let messages =
        [handshake(2, &hello), handshake(11, &[&[0][..], &with_length(&chain)].concat()), handshake(14, &[])];
    made::record(22, &messages.concat())
}

fn request(cookie: &str) -> Vec<u8> {
    let line = [b"Cookie: mstshash=", &cookie.as_bytes()[..cookie.len().min(200)], b"\r\n"].concat();
    let li = (6 + line.len() + 8) as u8;
    [&[3, 0, 0, li + 5, li, 0xe0, 0, 0, 0, 0, 0][..], &line, &[1, 0, 8, 0, 3, 0, 0, 0]].concat()
}

/// Three sessions for each guise: a request that is refused, a certificate that is not taken, a proxy.
fn capture() -> Vec<u8> {
    let mut frames = Vec::new();
    let long = [format!("{MARK}{}", "a".repeat(10_000)), format!("{MARK} {}", "b ".repeat(5_000))];
    let guises = GUISES.iter().map(|guise| (*guise).to_owned()).chain(long);
    for (guise, n) in guises.zip(0..) {
        let talk = |kind: u16| {
            let server = format!("10.0.{kind}.{}:3389", n + 1);
            Talk::between(&format!("10.1.{kind}.{}:{}", n + 1, 50_000 + n), &server)
                .wait(f64::from(n) * 1000.0)
        };
        let asked = |talk: Talk| talk.open().c(&request(&guise));
        let refused = asked(talk(1)).failure(5).close(C);
        let certificate =
            asked(talk(2)).confirm(1).c(&hello(&guise)).s(&flight(&guise)).c(&alert(2, 48)).close(C);
        let target = guise.split(['\r', '\n']).next().unwrap();
        let connect = format!("CONNECT {}:3389 HTTP/1.1\r\n\r\n", target.replace(' ', "_"));
        let proxy = talk(3)
            .open()
            .c(connect.as_bytes())
            .s(b"HTTP/1.1 200 OK\r\n\r\n")
            .c(&request(&guise))
            .failure(2)
            .close(S);
        for talk in [refused, certificate, proxy] {
            frames.extend(talk.frames);
        }
    }
    frames.sort_by_key(|frame| frame.time);
    let owned: Vec<common::Owned> = frames
        .into_iter()
        .map(|frame| common::Owned {
            time: frame.time,
            link: rdpwhy::base::LinkType::ETHERNET,
            interface: 0,
            data: frame.data,
            wire_len: frame.wire_len,
        })
        .collect();
    made::pcap(&owned)
}

fn rdpwhy(file: &Path, args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_rdpwhy"))
        .args(args)
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {said}");
    assert_eq!(said.chars().find(|c| *c != '\n' && is_unsafe(*c)), None, "{args:?}: {said:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// No character turns, colours or hides anything.
fn clean(text: &str, what: &str) {
    assert_eq!(text.chars().find(|c| *c != '\n' && is_unsafe(*c)), None, "{what}");
    assert!(text.contains(MARK), "{what} tells of no name");
}

/// Clean, and no name is a line of its own.
fn plain(text: &str, what: &str) {
    clean(text, what);
    for line in text.lines() {
        let start = line.trim_start();
        assert!(
            !["fake:", "/close", "# head", "sequenceDiagram"].iter().any(|bad| start.starts_with(bad)),
            "{what}: {line}"
        );
        assert!(line.chars().count() < 2500, "{what}: a line of {} characters", line.chars().count());
    }
}

/// Tags outside style and script, by a reader of its own.
fn tags(page: &str) -> Vec<&str> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        let tag = &rest[at..=at + rest[at..].find('>').unwrap_or_else(|| panic!("an open tag: {rest}"))];
        tags.push(tag);
        rest = &rest[at + tag.len()..];
        for raw in ["style", "script"] {
            if tag.starts_with(&format!("<{raw}")) {
                rest = &rest[rest.find(&format!("</{raw}>")).unwrap()..];
            }
        }
    }
    tags
}

fn tag_names(page: &str) -> BTreeSet<String> {
    let name = |tag: &str| {
        tag.trim_start_matches(['<', '/']).split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned()
    };
    tags(page).into_iter().map(name).collect()
}

fn page(text: &str, harmless: &str) {
    let more: Vec<String> = tag_names(text).difference(&tag_names(harmless)).cloned().collect();
    assert!(more.is_empty(), "tags that no template has: {more:?}");
    for tag in tags(text) {
        assert!(!tag.contains(MARK) && !tag.contains("evil"), "a name is in a tag: {tag}");
        for attribute in ["src=", "srcset=", "style=", " on", "javascript:", "action="] {
            assert!(!tag.contains(attribute), "{tag}");
        }
        if let Some((_, address)) = tag.split_once("href=\"") {
            assert!(address.starts_with('#') || address.starts_with("https://"), "{tag}");
        }
    }
    for ours in ["<script>", "</script>", "<style>", "<table id=\"sessions\">", "</main>"] {
        assert_eq!(text.matches(ours).count(), 1, "{ours}");
    }
    let policy = text.lines().find(|line| line.contains("Content-Security-Policy")).unwrap();
    assert!(
        policy.contains("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"),
        "{policy}"
    );
    for cell in text.split("<td>").skip(1) {
        assert!(!cell.starts_with(['=', '+', '-', '@']), "a spreadsheet computes {}", &cell[..40]);
    }
}

/// As GitHub and GitLab show it.
fn forge(text: &str) {
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    options.extension.math_dollars = true;
    let shown = comrak::markdown_to_html(text, &options);
    for tag in tags(&shown) {
        let name = tag.trim_start_matches(['<', '/']).trim_end_matches('>').split(' ').next().unwrap();
        let known = [
            "p", "strong", "em", "table", "thead", "tbody", "tr", "th", "td", "h3", "ul", "ol", "li", "pre",
            "code", "a",
        ];
        assert!(known.contains(&name), "Markdown became {tag}");
        if let Some((_, address)) = tag.split_once("href=\"") {
            let ours = ["https://learn.microsoft.com/", "https://www.rfc-editor.org/", "mailto:"];
            assert!(ours.iter().any(|ours| address.starts_with(ours)) && !address.contains("evil"), "{tag}");
        }
    }
    assert!(!shown.contains("<!--"), "raw HTML");
    // Whom a forge would tell; not looked for in code.
    let mut code = false;
    for part in shown.split_inclusive(['<', '>']) {
        match part {
            "/code>" => code = false,
            tag if tag.starts_with("code") && tag.ends_with('>') => code = true,
            _ => {}
        }
        let chars: Vec<char> = part.chars().collect();
        for three in chars.windows(3) {
            let told = !three[0].is_alphanumeric() && three[1] == '@' && three[2].is_alphanumeric();
            let issue = three[1] == '#' && three[2].is_ascii_digit() && three[0] != '&';
            assert!(code || !(told || issue), "tells somebody: {part}");
        }
    }
    for row in shown.split("<tr>").skip(1).map(|row| row.split("</tr>").next().unwrap()) {
        let cells = row.matches("<td").count() + row.matches("<th").count();
        assert!([4, 8].contains(&cells), "{cells} cells: {row}");
    }
}

/// As Jira's wiki reads it: a backslash makes the next character text, code or not.
fn wiki(text: &str) {
    for line in text.lines().filter(|line| line.contains(MARK)) {
        let mut before = ' ';
        for (at, c) in line.char_indices() {
            let free = before != '\\';
            // Two backslashes are one that was escaped, and escape nothing.
            before = if c == '\\' && !free { ' ' } else { c };
            let after = line[at + c.len_utf8()..].chars().next().unwrap_or(' ');
            let macros = matches!(c, '{' | '}' | '[' | ']') || (c == '!' && !after.is_whitespace());
            assert!(!(free && macros), "{c} in {line}");
        }
    }
}

/// As a ticket system reads it that takes preformatted text for HTML.
fn picture(text: &str) {
    let pictures: Vec<&str> =
        text.split("```text\n").skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect();
    assert!(pictures.iter().any(|picture| picture.contains(MARK)));
    for picture in pictures {
        let tag = picture
            .split('<')
            .skip(1)
            .find(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || "/!?".contains(c)));
        assert_eq!(tag, None, "{picture}");
    }
}

#[test]
fn no_name_is_more_than_text_in_any_format() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("=Evil<b>\u{1b}[31m`x`|{code}@evil.pcap");
    std::fs::write(&file, capture()).unwrap();

    let document = rdpwhy(&file, &["analyze", "--format", "json"]);
    clean(&document, "JSON");
    let report: Value = serde_json::from_str(&document).unwrap();
    let sessions = report["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 3 * (GUISES.len() + 2));
    // Programs get what was sent.
    for guise in GUISES.iter().filter(|guise| !guise.contains(['\r', '\n'])) {
        let cookies = sessions.iter().filter(|session| session["negotiation"]["cookie"] == **guise).count();
        let asked = sessions.iter().filter(|session| session["tls"]["sni"] == **guise).count();
        assert_eq!((cookies, asked), (3, 1), "{guise}");
    }
    let names = sessions.iter().filter_map(|session| session["tls"]["certificate"]["subject"].as_str());
    assert_eq!(names.clone().count(), GUISES.len() + 2, "certificates");
    assert!(names.clone().all(|name| name.starts_with("CN=") && name.len() < 2000));

    for format in ["ndjson", "ecs", "zeek"] {
        let lines = rdpwhy(&file, &["analyze", "--format", format]);
        clean(&lines, format);
        assert!(lines.lines().count() >= sessions.len(), "{format}");
        lines.lines().for_each(|line| drop(serde_json::from_str::<Value>(line).unwrap()));
    }

    for args in [
        &["analyze"][..],
        &["analyze", "--verbose", "--timeline"],
        &["analyze", "--verbose", "--hyperlinks", "--color", "never"],
        &["report", "-o", "-", "--format", "text", "--session", "1,2,3,5"],
    ] {
        let text = rdpwhy(&file, args);
        let links = if args.contains(&"--hyperlinks") { text.replace('\u{1b}', "") } else { text };
        plain(&links, &args.join(" "));
    }

    for args in [
        &["analyze", "--format", "markdown", "--verbose", "--timeline"][..],
        &["report", "-o", "-", "--format", "markdown"],
    ] {
        let text = rdpwhy(&file, args);
        plain(&text, &args.join(" "));
        forge(&text);
        wiki(&text);
        picture(&text);
    }

    let harmless = common::golden::project("captures/tls-certificate-rejected");
    let harmless = common::captures_below(&harmless).remove(0);
    let every: Vec<String> = (1..=sessions.len()).map(|id| id.to_string()).collect();
    let text = rdpwhy(&file, &["report", "-o", "-", "--format", "html", "--session", &every.join(",")]);
    clean(&text, "html");
    // For the browser's test.
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile.html"), &text).unwrap();
    // One page with the tags of an overview, one with those of a story.
    let overview = rdpwhy(&harmless, &["report", "-o", "-", "--format", "html"]);
    let known = format!("{overview}<table><td><form><input><label><section><circle>");
    page(&text, &known);

    let annotated = folder.path().join("annotated.pcapng");
    rdpwhy(&file, &["report", "--force", "-o", annotated.to_str().unwrap()]);
    let shown = Command::new("tshark")
        .args([
            "-r",
            annotated.to_str().unwrap(),
            "-Y",
            "frame.comment",
            "-T",
            "fields",
            "-e",
            "frame.comment",
        ])
        .output();
    match shown {
        Ok(shown) => {
            let text = String::from_utf8(shown.stdout).unwrap();
            plain(&text, "pcapng");
            assert!(text.lines().all(|line| line.starts_with("rdpwhy: ")), "{text}");
        }
        Err(_) => eprintln!("SKIPPED: no tshark, so nobody looked at the comments that Wireshark shows"),
    }
}

#[test]
fn redacted_no_name_is_left_in_any_format() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Evil.pcap");
    std::fs::write(&file, capture()).unwrap();
    // What takes the names' places is noise, in which with another key a name might stand by chance.
    let key = "any";
    let mut left = Vec::new();
    let mut look = |what: &str, bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let lines = text
            .lines()
            .filter(|line| [MARK, "evil.example", "evil-user"].iter().any(|name| line.contains(name)));
        left.extend(lines.take(5).map(|line| format!("{what}: {:.300}", line.trim())));
    };
    for format in ["json", "ndjson", "ecs", "zeek", "table", "markdown"] {
        let args =
            ["analyze", "--redact", "--redact-key", key, "--verbose", "--timeline", "--format", format];
        look(format, rdpwhy(&file, &args).as_bytes());
    }
    for format in ["html", "markdown", "text", "json"] {
        let every = (1..=3 * (GUISES.len() + 2)).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
        let args =
            ["report", "--redact", "--redact-key", key, "-o", "-", "--format", format, "--session", &every];
        look(&format!("report {format}"), rdpwhy(&file, &args).as_bytes());
    }
    let packets = folder.path().join("redacted.pcapng");
    rdpwhy(&file, &["report", "--redact", "--redact-key", key, "--force", "-o", packets.to_str().unwrap()]);
    look("pcapng", &std::fs::read(&packets).unwrap());
    assert!(left.is_empty(), "{}", left.join("\n"));
}
