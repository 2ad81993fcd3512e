//! What a file that is no capture looks like, and the command that makes one of it.

use std::path::Path;

/// Bytes that [`describe`] wants to see, if the file has them.
pub(super) const WANTED: usize = 1024;

/// What a file looks like.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Foreign {
    /// With its article: "a ZIP archive".
    pub(super) what: String,
    /// What to do, in words that end in or are a command.
    pub(super) help: Option<String>,
}

/// What helps with a format.
#[derive(Clone, Copy)]
enum Help {
    /// Wireshark's editcap reads it.
    Editcap,
    /// A Windows event trace.
    Etl,
    /// Unpack with this command first.
    Unpack(&'static str),
    /// These words.
    Say(&'static str),
    Nothing,
}

/// Offset, bytes, name, help. The first that fits counts.
const SIGNATURES: &[(usize, &[u8], &str, Help)] = &[
    // The first event after the 72-byte buffer header is a system trace header, version 2, for a
    // 32-bit or 64-bit machine.
    (0x48, &[0x02, 0x00, 0x01, 0xc0], "a Windows event trace (ETL)", Help::Etl),
    (0x48, &[0x02, 0x00, 0x02, 0xc0], "a Windows event trace (ETL)", Help::Etl),
    (0, b"GMBU", "a Microsoft Network Monitor 2 or 3 capture", Help::Editcap),
    (0, b"RTSS", "a Microsoft Network Monitor 1 capture", Help::Editcap),
    (0, b"snoop\0\0\0", "a snoop capture (Solaris)", Help::Editcap),
    (0, b"TRSNIFF data    \x1a", "a Sniffer capture (NetScout)", Help::Editcap),
    (0, b"XCP\0", "a NetXRay or Sniffer for Windows capture", Help::Editcap),
    (0, b"iptrace ", "an iptrace capture (AIX)", Help::Editcap),
    (0, b"\x7fver", "an OmniPeek capture", Help::Editcap),
    (0, b"\x05VNF", "a Visual Networks capture", Help::Editcap),
    (0, b"btsnoop\0", "a Bluetooth capture (btsnoop)", Help::Nothing),
    (0, b"ElfFile\0", "a Windows event log (EVTX)", Help::Say("packets are needed, not events")),
    (0, b"PK\x03\x04", "a ZIP archive", Help::Unpack("unzip")),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", Help::Unpack("7z x")),
    (0, b"Rar!\x1a\x07", "a RAR archive", Help::Unpack("unrar x")),
    (0, b"MSCF", "a Windows cabinet archive", Help::Unpack("cabextract")),
    (0, b"\xfd7zXZ\0", "xz-compressed data", Help::Unpack("xz -dk")),
    (0, b"BZh", "bzip2-compressed data", Help::Unpack("bzip2 -dk")),
    (0, b"\x04\x22\x4d\x18", "lz4-compressed data", Help::Unpack("lz4 -d")),
    (0, b"\x1f\x8b", "gzip-compressed data", Help::Unpack("gunzip")),
    (0, b"\x28\xb5\x2f\xfd", "zstd-compressed data", Help::Unpack("zstd -d")),
    (257, b"ustar", "a tar archive", Help::Unpack("tar -xf")),
    (0, b"MZ", "a Windows program", Help::Nothing),
    (0, b"\x7fELF", "a program", Help::Nothing),
    (0, b"%PDF", "a PDF document", Help::Nothing),
    (0, b"\x89PNG", "an image", Help::Nothing),
    (0, b"\xff\xd8\xff", "an image", Help::Nothing),
    (0, b"GIF8", "an image", Help::Nothing),
];

/// Says what a file that starts with `head` looks like. `None`: nothing known.
pub(super) fn describe(head: &[u8], name: &str) -> Option<Foreign> {
    if let Some((_, _, what, help)) = SIGNATURES
        .iter()
        .find(|(at, bytes, _, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(bytes)))
    {
        return Some(Foreign { what: (*what).to_owned(), help: help.text(name) });
    }
    let is_etl = Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("etl"));
    if is_etl {
        let what = "a Windows event trace (ETL), by its name".to_owned();
        return Some(Foreign { what, help: Help::Etl.text(name) });
    }
    if head.len() >= 16 && head.iter().all(|&byte| byte == 0) {
        let what = "nothing but zero bytes".to_owned();
        let help = Some("copy the file again; the disk or the transfer failed".to_owned());
        return Some(Foreign { what, help });
    }
    describe_text(head)
}

fn describe_text(head: &[u8]) -> Option<Foreign> {
    let foreign = |what: &str, help: Option<&str>| {
        Some(Foreign { what: what.to_owned(), help: help.map(str::to_owned) })
    };
    const TEXT_HELP: &str = "save packets, not text: tcpdump -w FILE.pcap; \
                             a hex dump becomes a capture with: text2pcap IN OUT.pcapng";
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return foreign("text (UTF-16)", Some(TEXT_HELP));
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let starts = |word: &[u8]| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if starts(b"<!doctype html") || starts(b"<html") {
        return foreign(
            "a web page",
            Some("download the file again; a login or error page was saved in its place"),
        );
    }
    if starts(b"<?xml") || starts(b"<pdml") {
        return foreign("XML", Some(TEXT_HELP));
    }
    let printable = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..);
    // The last character may be cut.
    let is_text = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    if is_text && head.iter().all(printable) {
        if starts(b"{") || starts(b"[") {
            return foreign("JSON", Some(TEXT_HELP));
        }
        return foreign("text", Some(TEXT_HELP));
    }
    None
}

impl Help {
    fn text(self, name: &str) -> Option<String> {
        // Standard input has no name to put into a command.
        let from = if name == "-" { "FILE".to_owned() } else { quoted(name) };
        let to = if name == "-" {
            "FILE.pcapng".to_owned()
        } else {
            quoted(&Path::new(name).with_extension("pcapng").display().to_string())
        };
        match self {
            Help::Editcap => Some(format!("convert it with: editcap -F pcapng {from} {to}")),
            Help::Etl => Some(format!(
                "convert it: a trace of pktmon with: pktmon etl2pcap {from} --out {to}; \
                 one of netsh trace with: etl2pcapng {from} {to}"
            )),
            Help::Unpack(command) => Some(format!("unpack it with: {command} {from}")),
            Help::Say(words) => Some(words.to_owned()),
            Help::Nothing => None,
        }
    }
}

/// A name as one word of a command line, in shells of Windows and Unix alike as far as that goes.
pub(super) fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '\\' | ':' | '+' | ',');
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { format!("\"{name}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_admins_bring_and_the_command_that_converts_it() {
        let mut etl = vec![0; 0x48];
        etl.extend([0x02, 0x00, 0x02, 0xc0]);
        for (head, name, what, help) in [
            (etl.as_slice(), "t.etl", "ETL", "pktmon etl2pcap t.etl --out t.pcapng"),
            (b"\0\0\x10\0\x01", "T.ETL", "ETL", "etl2pcapng T.ETL T.pcapng"),
            (
                b"GMBU\0\x02\x01\0",
                "a b.cap",
                "Network Monitor",
                "editcap -F pcapng \"a b.cap\" \"a b.pcapng\"",
            ),
            (b"RTSS\0\x01\x01\0", "x.cap", "Network Monitor 1", "editcap -F pcapng x.cap x.pcapng"),
            (b"snoop\0\0\0\0\0\0\x02", "-", "snoop", "editcap -F pcapng FILE FILE.pcapng"),
            (b"PK\x03\x04....", "x.zip", "ZIP", "unzip x.zip"),
            (b"<!DOCTYPE html><html>", "x.pcap", "web page", "download"),
            (b"10:00:00.000000 IP 10.0.0.1", "x.pcap", "text", "tcpdump -w"),
            (&[0; 64], "x.pcap", "zero bytes", "again"),
        ] {
            let foreign = describe(head, name).unwrap();
            assert!(foreign.what.contains(what), "{foreign:?}");
            assert!(foreign.help.as_deref().unwrap_or_default().contains(help), "{foreign:?}");
        }
    }

    #[test]
    fn stays_silent_on_what_it_does_not_know() {
        assert_eq!(describe(&[0x13, 0x37, 0x00, 0xff, 0xfe, 0x01], "x.bin"), None);
        assert_eq!(describe(&[], "x"), Some(Foreign { what: "text".into(), ..describe(b" ", "x").unwrap() }));
    }
}
