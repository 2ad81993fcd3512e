//! What a number from the wire, or from a client's error dialog, means.
//!
//! The tables are text (`codes/*.tsv`, sources named in their first lines), embedded and parsed once: a new
//! code value is a row there and no Rust. A number that no table has is nothing wrong: the caller shows it.

use std::sync::OnceLock;

/// One code of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The number. In the ICMP table it packs IP version, type and code.
    pub code: u32,
    /// The specification's name; `None` where nobody published one.
    pub name: Option<&'static str>,
    /// What it means, in a few plain words.
    pub meaning: &'static str,
    /// The table's further column: the Schannel error of a TLS alert, the source of a disconnect reason,
    /// the sender of a licensing error.
    pub note: Option<&'static str>,
}

/// `errorInfo` of a Set Error Info PDU (MS-RDPBCGR 2.2.5.1.1).
pub fn errinfo(code: u32) -> Option<&'static Row> {
    ERRINFO.find(code)
}

/// `failureCode` of an RDP_NEG_FAILURE (MS-RDPBCGR 2.2.1.2.2).
pub fn negotiation_failure(code: u32) -> Option<&'static Row> {
    NEGOTIATION_FAILURE.find(code)
}

/// A TLS alert's description (RFC 8446, section 6). `note` is the error that a Schannel client that
/// receives it reports, as "0x80090326".
pub fn tls_alert(description: u8) -> Option<&'static Row> {
    TLS_ALERTS.find(u32::from(description))
}

/// An ICMP error, or an ICMPv6 error where `v6`. A code that is not listed gets its type's meaning.
pub fn icmp(v6: bool, kind: u8, code: u8) -> Option<&'static Row> {
    let version = if v6 { 6 } else { 4 };
    ICMP.find(icmp_code(version, kind, u16::from(code))).or_else(|| ICMP.find(icmp_code(version, kind, ANY)))
}

/// What mstsc shows as "Error code" (`IMsTscAxEvents::OnDisconnected`). `note` is "documented" (by
/// Microsoft) or "reported" (from one other source).
pub fn disconnect_reason(code: u32) -> Option<&'static Row> {
    DISCONNECT_REASON.find(code)
}

/// What mstsc shows as "Extended error code" (`ExtendedDisconnectReasonCode`). Its protocol errors, 0x1000
/// to 0x7FFF, are those of [`errinfo`].
pub fn extended_disconnect_reason(code: u32) -> Option<&'static Row> {
    match code {
        0x1000..=0x7FFF => errinfo(code),
        _ => EXTENDED_DISCONNECT_REASON.find(code),
    }
}

/// An NTSTATUS by which a logon fails: `errorCode` of a TSRequest (MS-CSSP 2.2.1), Status or Sub Status of
/// event 4625. Names are without their `STATUS_`.
pub fn ntstatus(code: u32) -> Option<&'static Row> {
    NTSTATUS.find(code)
}

/// An SSPI error, as dialogs and logs show it. Names are without their `SEC_E_`.
pub fn security_status(code: u32) -> Option<&'static Row> {
    SECURITY_STATUS.find(code)
}

/// `dwErrorCode` of a licensing error message (MS-RDPBCGR 2.2.1.12.1.3). `note` says who sends it:
/// "client", "server" or "either".
pub fn licensing(code: u32) -> Option<&'static Row> {
    LICENSING.find(code)
}

/// A status of an RD Gateway (MS-TSGU, return codes): an HRESULT, or only its low word.
pub fn gateway_status(code: u32) -> Option<&'static Row> {
    const FACILITY_WIN32: u32 = 0x8007_0000;
    // Small numbers are errors of Win32 that mean too much elsewhere.
    let low_word = || GATEWAY_STATUS.find(FACILITY_WIN32 | code).filter(|_| code >= 0x100);
    GATEWAY_STATUS.find(code).or_else(low_word)
}

/// `error-code` of a KRB-ERROR (RFC 4120, section 7.5.9).
pub fn kerberos_error(code: u32) -> Option<&'static Row> {
    KERBEROS_ERROR.find(code)
}

/// `resultCode` of an RDSTLS Authentication Response (MS-RDPBCGR 2.2.17.4).
pub fn rdstls_result(code: u32) -> Option<&'static Row> {
    RDSTLS_RESULT.find(code)
}

/// Result of an MCS confirm (T.125, section 7).
pub fn mcs_result(code: u32) -> Option<&'static Row> {
    MCS_RESULT.find(code)
}

/// ErrorNotificationType of a logon error (MS-RDPBCGR 2.2.10.1.1.4.1.1).
pub fn logon_error(code: u32) -> Option<&'static Row> {
    LOGON_ERROR.find(code)
}

/// The Windows of a client by the build that it says (`clientBuild`, MS-RDPBCGR 2.2.1.3.2).
pub fn client_build(build: u32) -> Option<&'static Row> {
    CLIENT_BUILD.find(build)
}

/// Every table, under its file's name, with its rows in the order of their codes. "icmp" holds packed codes
/// (see [`Row::code`]).
pub fn tables() -> impl Iterator<Item = (&'static str, &'static [Row])> {
    TABLES.iter().map(|(file, table)| (*file, table.rows()))
}

/// Tables by the names of their files.
static TABLES: [(&str, &Table); 19] = [
    ("errinfo", &ERRINFO),
    ("negotiation-failure", &NEGOTIATION_FAILURE),
    ("tls-alerts", &TLS_ALERTS),
    ("icmp", &ICMP),
    ("disconnect-reason", &DISCONNECT_REASON),
    ("extended-disconnect-reason", &EXTENDED_DISCONNECT_REASON),
    ("ntstatus", &NTSTATUS),
    ("security-status", &SECURITY_STATUS),
    ("licensing", &LICENSING),
    ("gateway-status", &GATEWAY_STATUS),
    ("kerberos-error", &KERBEROS_ERROR),
    ("rdstls-result", &RDSTLS_RESULT),
    ("mcs-result", &MCS_RESULT),
    ("logon-error", &LOGON_ERROR),
    ("client-build", &CLIENT_BUILD),
    ("capability-set", &CAPABILITY_SET),
    ("security-flag", &SECURITY_FLAG),
    ("keyboard-type", &KEYBOARD_TYPE),
    ("connection-type", &CONNECTION_TYPE),
];

static ERRINFO: Table = Table::new(include_str!("codes/errinfo.tsv"), plain);
static NEGOTIATION_FAILURE: Table = Table::new(include_str!("codes/negotiation-failure.tsv"), plain);
static TLS_ALERTS: Table = Table::new(include_str!("codes/tls-alerts.tsv"), plain);
static ICMP: Table = Table::new(include_str!("codes/icmp.tsv"), icmp_columns);
static DISCONNECT_REASON: Table = Table::new(include_str!("codes/disconnect-reason.tsv"), plain);
static EXTENDED_DISCONNECT_REASON: Table =
    Table::new(include_str!("codes/extended-disconnect-reason.tsv"), plain);
static NTSTATUS: Table = Table::new(include_str!("codes/ntstatus.tsv"), plain);
static SECURITY_STATUS: Table = Table::new(include_str!("codes/security-status.tsv"), plain);
static LICENSING: Table = Table::new(include_str!("codes/licensing.tsv"), plain);
static GATEWAY_STATUS: Table = Table::new(include_str!("codes/gateway-status.tsv"), plain);
static KERBEROS_ERROR: Table = Table::new(include_str!("codes/kerberos-error.tsv"), plain);
static RDSTLS_RESULT: Table = Table::new(include_str!("codes/rdstls-result.tsv"), plain);
static MCS_RESULT: Table = Table::new(include_str!("codes/mcs-result.tsv"), plain);
static LOGON_ERROR: Table = Table::new(include_str!("codes/logon-error.tsv"), plain);
static CLIENT_BUILD: Table = Table::new(include_str!("codes/client-build.tsv"), plain);
static CAPABILITY_SET: Table = Table::new(include_str!("codes/capability-set.tsv"), plain);
static SECURITY_FLAG: Table = Table::new(include_str!("codes/security-flag.tsv"), plain);
static KEYBOARD_TYPE: Table = Table::new(include_str!("codes/keyboard-type.tsv"), plain);
static CONNECTION_TYPE: Table = Table::new(include_str!("codes/connection-type.tsv"), plain);

/// Takes a row's code off its first columns.
type Key = fn(&mut std::str::Split<'static, char>) -> Option<u32>;

/// A table as text, and its rows once somebody asked.
struct Table {
    text: &'static str,
    key: Key,
    rows: OnceLock<Vec<Row>>,
}

impl Table {
    const fn new(text: &'static str, key: Key) -> Self {
        Table { text, key, rows: OnceLock::new() }
    }

    fn find(&self, code: u32) -> Option<&Row> {
        let rows = self.rows();
        let at = rows.binary_search_by_key(&code, |row| row.code).ok()?;
        rows.get(at)
    }

    /// In the order of the file, which is the order of the codes. A line that does not parse is left out
    /// here; the tests do not let it in.
    fn rows(&self) -> &[Row] {
        self.rows.get_or_init(|| self.lines().filter_map(|line| self.parse(line)).collect())
    }

    fn lines(&self) -> impl Iterator<Item = &'static str> {
        self.text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
    }

    fn parse(&self, line: &'static str) -> Option<Row> {
        let mut columns = line.split('\t');
        let code = (self.key)(&mut columns)?;
        let name = given(columns.next()?);
        let meaning = given(columns.next()?)?;
        let note = columns.next().and_then(given);
        if columns.next().is_some() { None } else { Some(Row { code, name, meaning, note }) }
    }
}

/// A cell's text; `None` for "-", which stands for an empty cell.
fn given(cell: &'static str) -> Option<&'static str> {
    (!matches!(cell, "" | "-")).then_some(cell)
}

fn plain(columns: &mut std::str::Split<'static, char>) -> Option<u32> {
    number(columns.next()?)
}

fn icmp_columns(columns: &mut std::str::Split<'static, char>) -> Option<u32> {
    let version = columns.next()?.parse().ok()?;
    let kind = columns.next()?.parse().ok()?;
    let code = match columns.next()? {
        "*" => ANY,
        code => u16::from(code.parse::<u8>().ok()?),
    };
    Some(icmp_code(version, kind, code))
}

/// Any code of an ICMP type; above every real one, so that its row comes last.
const ANY: u16 = u16::MAX;

const fn icmp_code(version: u8, kind: u8, code: u16) -> u32 {
    (version as u32) << 24 | (kind as u32) << 16 | code as u32
}

fn number(cell: &str) -> Option<u32> {
    match cell.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => cell.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_parses() {
        for (file, table) in TABLES {
            assert!(table.text.starts_with('#'), "{file}: no header that names the sources");
            assert!(table.text.contains("\n# Sources: "), "{file}: no sources");
            for line in table.lines() {
                assert!(table.parse(line).is_some(), "{file}: {line:?}");
                assert_eq!(line, line.trim(), "{file}: stray blanks");
            }
            assert!(!table.rows().is_empty(), "{file}");
        }
    }

    #[test]
    fn rows_are_sorted_and_unique() {
        for (file, table) in TABLES {
            for pair in table.rows().windows(2) {
                assert!(pair[0].code < pair[1].code, "{file}: {:#x}, then {:#x}", pair[0].code, pair[1].code);
            }
        }
    }

    #[test]
    fn every_table_has_an_accessor() {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/knowledge/codes");
        let mut files: Vec<String> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().replace(".tsv", ""))
            .collect();
        files.sort();
        let mut known = TABLES.map(|(file, _)| file.to_string());
        known.sort();
        assert_eq!(files, known);
    }

    #[test]
    fn finds_codes() {
        let name = |row: Option<&'static Row>| row.unwrap().name.unwrap();
        assert_eq!(name(errinfo(0x7)), "SERVER_DENIED_CONNECTION");
        assert_eq!(name(errinfo(0x112F)), "GRAPHICSSUBSYSTEMFAILED");
        assert_eq!(errinfo(0xFFFF_FFFF), None);
        assert_eq!(name(negotiation_failure(5)), "HYBRID_REQUIRED_BY_SERVER");
        assert_eq!(negotiation_failure(7), None);
        assert_eq!(name(tls_alert(40)), "handshake_failure");
        assert_eq!(tls_alert(49).unwrap().note, Some("0x8009030C"));
        assert_eq!(tls_alert(0).unwrap().note, None);
        assert_eq!(name(icmp(false, 3, 13)), "communication-prohibited");
        assert_eq!(name(icmp(false, 3, 200)), "destination-unreachable");
        assert_eq!(name(icmp(true, 1, 4)), "port-unreachable");
        assert_eq!(icmp(true, 128, 0), None);
        assert_eq!(name(disconnect_reason(516)), "SocketConnectFailed");
        assert_eq!(disconnect_reason(2825).unwrap().name, None);
        assert_eq!(disconnect_reason(2825).unwrap().note, Some("reported"));
        assert_eq!(name(extended_disconnect_reason(7)), "ServerDeniedConnection");
        assert_eq!(name(extended_disconnect_reason(0x112F)), "GRAPHICSSUBSYSTEMFAILED");
        assert_eq!(extended_disconnect_reason(0x400), None);
        assert_eq!(name(ntstatus(0xC000_006D)), "LOGON_FAILURE");
        assert_eq!(name(ntstatus(0xC000_0234)), "ACCOUNT_LOCKED_OUT");
        assert_eq!(ntstatus(0), None);
        assert_eq!(name(security_status(0x8009_030C)), "LOGON_DENIED");
        assert_eq!(name(licensing(7)), "STATUS_VALID_CLIENT");
        assert_eq!(licensing(6).unwrap().note, Some("server"));
        assert_eq!(licensing(5), None);
        assert_eq!(gateway_status(0x59DA), gateway_status(0x8007_59DA));
        assert_eq!(name(gateway_status(0x59DA)), "E_PROXY_RAP_ACCESSDENIED");
        assert_eq!(name(kerberos_error(37)), "KRB_AP_ERR_SKEW");
        assert_eq!(name(rdstls_result(0x775)), "ACCOUNT_LOCKED_OUT");
        assert_eq!(name(mcs_result(14)), "RT_UNSPECIFIED_FAILURE");
        assert_eq!(name(logon_error(0xFFFF_FFFA)), "LOGON_MSG_NO_PERMISSION");
        assert_eq!(client_build(19045).unwrap().meaning, "Windows 10 22H2");
        assert_eq!(client_build(1), None);
    }

    #[test]
    fn lists_tables() {
        let table = |wanted| tables().find(|(name, _)| *name == wanted).unwrap().1;
        assert_eq!(table("licensing").first().unwrap().code, 1);
        let found = table("ntstatus").iter().find(|row| row.name == Some("NTLM_BLOCKED"));
        assert_eq!(found, ntstatus(0xC000_0418));
    }

    #[test]
    fn rejects_malformed_rows() {
        for line in ["7\tNAME", "7\tNAME\t-", "x\tNAME\tmeaning", "7\tNAME\tmeaning\tnote\tmore"] {
            assert_eq!(ERRINFO.parse(line), None, "{line:?}");
        }
        assert_eq!(ICMP.parse("4\t3\t300\tname\tmeaning"), None);
    }
}
