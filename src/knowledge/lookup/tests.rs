use super::*;
use crate::knowledge::{codes as pages, page};

fn meanings(text: &str) -> Vec<(Table, u32)> {
    match look_up(text) {
        Ok(Found::Meanings(found)) => found.iter().map(|m| (m.table, m.row.code)).collect(),
        other => panic!("{text}: {other:?}"),
    }
}

fn first(text: &str) -> (Table, u32) {
    meanings(text)[0]
}

#[test]
fn pairs_as_they_are_typed_and_pasted() {
    let pair = Ok(Found::Pair(ClientCode { code: 0x904, extended: Some(7) }));
    for text in [
        "0x904 0x7",
        "0x904/0x7",
        "0X904/0X7",
        "2308 7",
        "2308/7",
        "904/7",
        "904 7",
        "(0x904, 0x7)",
        "Error code: 0x904 Extended error code: 0x7",
        "Error code: 0x904\nExtended error code: 0x7\n",
        "Fehlercode: 0x904 Erweiterter Fehlercode: 0x7",
    ] {
        assert_eq!(look_up(text), pair, "{text}");
    }
    assert_eq!(look_up("904/10"), Ok(Found::Pair(ClientCode { code: 0x904, extended: Some(0x10) })));
    let half = ClientCode { code: 0x904, extended: Some(0x55) };
    assert_eq!(look_up("0x904/0x55"), Ok(Found::Pair(half)), "half known");
    assert_eq!(half.extended_reason(), None);
    assert!(look_up("0x905/0x55").is_err());
    assert!(look_up("1 2 3").is_err());
}

#[test]
fn numbers_in_every_dress() {
    for text in ["0x904", "2308", "904", "error code 0x904", "disconnect reason 2308"] {
        assert_eq!(first(text), (Table::Disconnect, 0x904), "{text}");
    }
    for text in ["0xC000006D", "c000006d", "-1073741715", "3221225581", "NTSTATUS 0xC000006D"] {
        assert_eq!(meanings(text), [(Table::NtStatus, 0xC000_006D)], "{text}");
    }
    assert_eq!(first("0xB09"), (Table::Disconnect, 0xB09));
    assert_eq!(first("B09"), (Table::Disconnect, 0xB09));
    assert_eq!(meanings("0x112F"), [(Table::ErrInfo, 0x112F)], "not twice");
    assert_eq!(meanings("0x80090326"), [(Table::SecurityStatus, 0x8009_0326)]);
    assert!(look_up("0xFFFFFFFFFF").is_err());
    assert!(look_up("99999999999999999999").is_err());
}

#[test]
fn ambiguous_numbers_name_every_table() {
    let five: Vec<Table> = meanings("5").into_iter().map(|(table, _)| table).collect();
    assert_eq!(five, [Table::Negotiation, Table::Extended, Table::ErrInfo]);
    assert_eq!(first("0x5").0, Table::Extended, "as a dialog writes it");
    assert_eq!(first("0x3").0, Table::Disconnect);
    assert_eq!(first("40"), (Table::Alert, 40));
    assert_eq!(first("0x108"), (Table::Disconnect, 0x108));
    assert!(meanings("0x108").contains(&(Table::Extended, 0x108)));
    assert_eq!(meanings("alert 40"), [(Table::Alert, 40)]);
    assert_eq!(meanings("ERRINFO 5"), [(Table::ErrInfo, 5)]);
    assert_eq!(meanings("extended error code: 0x7"), [(Table::Extended, 7)]);
}

#[test]
fn names_with_and_without_prefix_in_any_case() {
    let same = |texts: &[&str], want: (Table, u32)| {
        for text in texts {
            assert_eq!(first(text), want, "{text}");
        }
    };
    same(&["HYBRID_REQUIRED_BY_SERVER", "hybrid required by server"], (Table::Negotiation, 5));
    same(&["handshake_failure", "HandshakeFailure", "Handshake Failure"], (Table::Alert, 40));
    same(&["STATUS_LOGON_FAILURE", "status_logon_failure"], (Table::NtStatus, 0xC000_006D));
    same(&["ERRINFO_IDLE_TIMEOUT", "idle_timeout"], (Table::ErrInfo, 3));
    same(&["disconnectReasonAtClientWinsockFDCLOSE", "AtClientWinsockFDCLOSE"], (Table::Disconnect, 0x904));
    same(&["SSL_ERR_NO_SUCH_USER", "exDiscReasonServerDeniedConnection"][..1], (Table::Disconnect, 0xA07));
    same(&["exDiscReasonServerDeniedConnection"], (Table::Extended, 7));
    same(&["SEC_E_LOGON_DENIED", "LOGON_DENIED"], (Table::SecurityStatus, 0x8009_030C));
    let everywhere = meanings("LOGON_FAILURE");
    assert!(
        everywhere.contains(&(Table::Disconnect, 0x807))
            && everywhere.contains(&(Table::NtStatus, 0xC000_006D))
    );
    assert_eq!(
        Meaning { table: Table::ErrInfo, row: codes::errinfo(7).unwrap() }.name().unwrap(),
        "ERRINFO_SERVER_DENIED_CONNECTION"
    );
}

#[test]
fn every_code_and_every_name_is_found() {
    for code in pages() {
        assert_eq!(look_up(code), Ok(Found::Diagnosis(page(code).unwrap())), "{code}");
        let shouted = code.to_uppercase().replace('-', "_");
        assert_eq!(look_up(&shouted), Ok(Found::Diagnosis(page(code).unwrap())), "{shouted}");
    }
    for table in Table::ALL {
        assert!(!table.rows().is_empty(), "{}", table.id());
        for row in table.rows() {
            let meaning = (table, row.code);
            if table != Table::Icmp {
                let word = if table.by_number() { "" } else { table.title() };
                let by_number = format!("{word} 0x{:X}", row.code);
                assert!(meanings(&by_number).contains(&meaning), "{} {by_number}", table.id());
            }
            if let Some(name) = table.name(row) {
                assert!(meanings(&name).contains(&meaning), "{} {name}", table.id());
            }
        }
    }
}

#[test]
fn every_table_is_one_of_the_files() {
    let mut files: Vec<&str> = codes::tables().map(|(file, _)| file).collect();
    let mut known = Table::ALL.map(Table::id);
    files.sort_unstable();
    known.sort_unstable();
    assert_eq!(files, known);
}

#[test]
fn errors_of_the_client_are_parsed() {
    let parse = |text: &str| text.parse::<ClientCode>();
    assert_eq!(parse("0x904/0x7"), Ok(ClientCode { code: 0x904, extended: Some(7) }));
    assert_eq!(parse("0x904 0x7").unwrap().to_string(), "0x904/0x7");
    assert_eq!(parse("2308/7").unwrap().to_string(), "0x904/0x7");
    assert_eq!(parse("516").unwrap().to_string(), "0x204");
    assert_eq!(parse("0x999").unwrap().to_string(), "0x999", "unknown is none the less an error");
    for bad in ["", "x", "0x", "0x904/", "/", "0x904/x", "0x904/0x7/0x1", "ticket.pcap", "0x+4", "--"] {
        let want =
            if bad == "0x904/" { Ok(ClientCode { code: 0x904, extended: None }) } else { Err(BadClientCode) };
        assert_eq!(parse(bad), want, "{bad:?}");
    }
}

#[test]
fn patterns_are_the_pages_that_list_the_error() {
    let codes = |text: &str| {
        let patterns = text.parse::<ClientCode>().unwrap().patterns();
        patterns.iter().map(|pattern| pattern.page.code).collect::<Vec<_>>()
    };
    let pair = codes("0x904/0x7");
    assert!(pair.contains(&"tls-reset-after-client-hello") && pair.contains(&"negotiation-closed"));
    assert!(!pair.contains(&"tcp-connection-refused") && !pair.contains(&"healthy"));
    assert!(codes("0x204").contains(&"tcp-connection-refused"), "any extended code");
    let connect = "0x204".parse::<ClientCode>().unwrap().patterns();
    let fits: Vec<_> = connect.iter().map(|pattern| pattern.fit).collect();
    assert!(fits.is_sorted_by_key(|fit| *fit != Some("expected")), "{fits:?}");
    let none = "0x904/0x3".parse::<ClientCode>().unwrap();
    assert!(!none.patterns().iter().any(|pattern| pattern.page.code == "tls-alert"));
    let bare = "0x904/0x0".parse::<ClientCode>().unwrap().patterns();
    assert!(!bare.is_empty() && bare.iter().all(|pattern| pattern.page.client_errors.len() < 100));
}

#[test]
fn codes_of_the_wire_lead_to_diagnoses() {
    let leads = |text: &str, code: &str| {
        let Ok(Found::Meanings(found)) = look_up(text) else { panic!("{text}") };
        assert!(found[0].patterns().iter().any(|pattern| pattern.page.code == code), "{text}");
    };
    leads("HYBRID_REQUIRED_BY_SERVER", "negotiation-nla-required");
    leads("alert 70", "tls-version-mismatch");
    leads("handshake_failure", "tls-cipher-mismatch");
    leads("unknown_ca", "tls-certificate-rejected");
    leads("decode_error", "tls-alert");
    leads("communication-prohibited", "tcp-unreachable");
    leads("SEC_E_DELEGATION_POLICY", "client-left-after-tls");
    for code in 1..=6 {
        leads(&format!("negotiation failure {code}"), page_of(code));
    }
}

fn page_of(failure: u32) -> &'static str {
    let row = codes::negotiation_failure(failure).unwrap();
    named_pages(Table::Negotiation, row)[0]
}

#[test]
fn hostile_text_is_unknown() {
    let long = "A".repeat(1 << 20);
    let many = "0x1/".repeat(100_000);
    for text in ["", " ", "/", "\0", "\u{202e}", "ä", "--", long.as_str(), many.as_str()] {
        assert!(look_up(text).is_err());
    }
}
