use super::*;
use crate::base::{FrameRef, Stamp, Timestamp};
use crate::protocol::autodetect::AutoDetect;
use crate::protocol::gcc::EncryptionMethods;
use crate::protocol::share::{Data, Share};
use crate::session::Facts;

const C: Dir = Dir::ClientToServer;
const S: Dir = Dir::ServerToClient;

fn stamp(order: u64) -> Stamp {
    let time = Timestamp(order as i64 * Timestamp::MILLISECOND);
    Stamp { at: FrameRef::new(0, order), time, order }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    assert_eq!(digits.len() % 2, 0, "odd number of digits");
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

fn tpkt(payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() + 7) as u16;
    [&[3, 0][..], &len.to_be_bytes(), &[2, 0xF0, 0x80], payload].concat()
}

/// A PDU in an MCS Send Data Request or Indication.
fn sent(dir: Dir, channel: u16, pdu: &str) -> Vec<u8> {
    let (pdu, choice) = (hex(pdu), if dir == C { 0x64 } else { 0x68 });
    let len = (pdu.len() as u16 | 0x8000).to_be_bytes();
    tpkt(&[&[choice, 0, 1][..], &channel.to_be_bytes(), &[0x70], &len, &pdu].concat())
}

/// Share data PDU of the server or client.
fn data(dir: Dir, kind: &str, body: &str) -> Vec<u8> {
    let len = 18 + hex(body).len();
    sent(dir, 1003, &format!("{len:02x}00 1700 ea03 ea030100 00 01 0000 {kind} 00 0000 {body}"))
}

fn connect_initial() -> Vec<u8> {
    let core =
        "01c09800 05000800 80073804 01ca03aa 09040000 4a470000 4100".to_owned() + &"00".repeat(0x98 - 26);
    let blocks = hex(&format!("{core} 03c01400 01000000 72647064 72000000 00008080"));
    let user = [b"Duca".as_slice(), &[0x80, blocks.len() as u8], &blocks].concat();
    // Domain selectors, flag and parameters are skipped.
    let skipped = hex("0400 0400 0101ff 3000 3000 3000");
    let len = (user.len() as u16).to_be_bytes();
    let body = [&skipped, &[0x04, 0x82][..], &len, &user].concat();
    tpkt(&[&[0x7F, 0x65, 0x82][..], &(body.len() as u16).to_be_bytes(), &body].concat())
}

fn connect_response(result: u8) -> Vec<u8> {
    let blocks = hex("010c0c00 04000800 00000000 020c0c00 00000000 00000000 \
         030c0a00 eb03 0100 ec03 040c0600 ef03");
    let user = [&hex("0001c000"), b"McDn".as_slice(), &[blocks.len() as u8], &blocks].concat();
    let body = [&[0x0A, 1, result, 2, 1, 0, 0x30, 0, 0x04, 0x82, 0][..], &[user.len() as u8], &user].concat();
    tpkt(&[&[0x7F, 0x66, 0x82, 0, body.len() as u8][..], &body].concat())
}

/// NLA with NTLM, then a whole connection sequence and its end.
fn script() -> Vec<(Dir, Vec<u8>)> {
    let ntlm = |kind: &str, rest: &str| {
        let token = hex(&format!("4e544c4d53535000 {kind}000000 {rest}"));
        let len = token.len() as u8;
        let octets = [&[0x04, len][..], &token].concat();
        let wrap = |tag: u8, body: &[u8]| [&[tag, body.len() as u8][..], body].concat();
        let token = wrap(0xA1, &wrap(0x30, &wrap(0x30, &wrap(0xA0, &octets))));
        wrap(0x30, &[&hex("a003 020106")[..], &token].concat())
    };
    let challenge = "0000000038000000 05028200 1122334455667788 0000000000000000 0000000038000000";
    vec![
        (C, ntlm("01", "b78208e2 0000000000000000 0000000000000000")),
        (S, ntlm("02", challenge)),
        (C, hex("3013 a003 020106 a304 0402 aabb a506 0404 00112233")),
        (S, hex("300b a003 020106 a304 0402 aabb")),
        (C, hex("300b a003 020106 a204 0402 aabb")),
        (S, hex("00000000")),
        (C, connect_initial()),
        (S, connect_response(0)),
        (C, tpkt(&hex("0401000100"))),
        (C, tpkt(&hex("28"))),
        (S, tpkt(&hex("2e000007"))),
        (C, tpkt(&hex("38000703f0"))),
        (S, tpkt(&hex("3e00000703f003f0"))),
        (C, tpkt(&hex("38000703eb"))),
        (S, tpkt(&hex("3e00000703eb03eb"))),
        (C, tpkt(&hex("38000703ec"))),
        (S, tpkt(&hex("3e00000703ec03ec"))),
        (C, sent(C, 1003, "4000 0000 00000000 08000000 0100 0100 0200 0000 0000 4400 6100 707700 00 00")),
        (S, sent(S, 1007, "0010 0000 06 00 0500 0110")),
        (C, sent(C, 1007, "0020 0000 06 01 0500 0000")),
        (S, sent(S, 1007, "0010 0000 12 00 0700 c008 01000000 e8030000 02000000")),
        (S, sent(S, 1003, "8000 0000 ff03 1000 07000000 02000000 0400 0000")),
        (S, sent(S, 1007, "0200 0000 07000000 0100 0000 00000000000000000000000000000000")),
        (C, sent(C, 1007, "0400 0000 07000000 04400080")),
        (S, sent(S, 1003, "1e00 1100 ea03 ea030100 0400 0800 52445000 0100 0000 0900 0800 ea030100")),
        (C, sent(C, 1003, "1a00 1300 f003 ea030100 ea03 0200 0400 4d00 0100 0000 0d00 0400")),
        (C, data(C, "1f", "0100ea03")),
        (C, data(C, "14", "0400 0000 00000000")),
        (C, data(C, "14", "0100 0000 00000000")),
        (C, data(C, "27", "0000 0000 0300 3200")),
        // Two share PDUs in one.
        (
            S,
            sent(
                S,
                1003,
                "1600 1700 ea03 ea030100 00 01 0000 1f 00 0000 0100ea03 \
                 1a00 1700 ea03 ea030100 00 01 0000 14 00 0000 0400 0000 00000000",
            ),
        ),
        (S, data(S, "14", "0200 ef03 ea030000")),
        (S, data(S, "28", "0000 0000 0300 0400")),
        (S, hex("00 0a 0000000000000000")),
        (S, data(S, "02", "0000")),
        (S, data(S, "2f", "07000000")),
        (S, tpkt(&hex("2080"))),
    ]
}

/// Reads the script cut into pieces of at most `piece` bytes; each message is a packet of its own.
fn read(script: &[(Dir, Vec<u8>)], piece: usize) -> Facts {
    let (mut facts, mut reader) = (Facts::default(), Reader::of_tls(65536));
    for (at, (dir, bytes)) in script.iter().enumerate() {
        let span = Span::from(stamp(at as u64 + 1));
        for data in bytes.chunks(piece) {
            reader.push(&mut facts, *dir, &Clear { data, len: data.len() as u64, span });
        }
    }
    facts
}

fn told(inside: &Inside) -> Vec<(u64, Dir, Option<Phase>)> {
    inside.messages.iter().map(|message| (message.span.first.order, message.dir, message.phase)).collect()
}

#[test]
fn every_message_is_told_with_its_packet() {
    let script = script();
    let facts = read(&script, usize::MAX);
    assert!(facts.malformed.is_empty(), "{:?}", facts.malformed);
    let inside = facts.inside.unwrap();
    let orders: Vec<u64> = inside.messages.iter().map(|message| message.span.first.order).collect();
    // All but the graphics; the packet with two share PDUs counts twice.
    let graphics = [34, 35];
    let mut want: Vec<u64> = (1..=script.len() as u64).filter(|order| !graphics.contains(order)).collect();
    want.insert(31, 31);
    assert_eq!(orders, want);
    assert!(inside.messages.iter().all(|message| message.phase.is_some()));
    let phases: Vec<Phase> = inside.phases.iter().map(|(phase, _)| *phase).collect();
    use Phase::*;
    assert_eq!(phases, [Nla, McsConnect, ChannelJoin, ClientInfo, Licensing, Capabilities, Active]);
    let entered: Vec<u64> = inside.phases.iter().map(|(_, span)| span.first.order).collect();
    assert_eq!(entered, [1, 7, 9, 18, 22, 25, 33]);
}

#[test]
fn facts_are_kept_and_secrets_are_not() {
    let inside = read(&script(), usize::MAX).inside.unwrap();
    assert_eq!(inside.nla.versions, PerDir { client_to_server: Some(6), server_to_client: Some(6) });
    assert_eq!(inside.nla.authorization.unwrap().value, AuthorizationResult::AUTHZ_SUCCESS);
    assert_eq!(inside.nla.asked.unwrap().first.order, 5);
    let client = &inside.client.as_ref().unwrap().value;
    assert_eq!((client.client_build, client.client_name.as_deref()), (Some(0x474A), Some("A")));
    assert_eq!(client.channels, ["rdpdr"]);
    assert_eq!(inside.joined, [1008, 1003, 1004]);
    let info = &inside.client_info.as_ref().unwrap().value;
    assert_eq!((info.domain.as_str(), info.user.as_str(), info.password), ("D", "a", true));
    assert!(!format!("{inside:?}").contains("pw"));
    assert_eq!(inside.licensing.done.unwrap().first.order, 22);
    assert!(!inside.license_open() && inside.in_clear());
    assert_eq!(inside.line.rtt.unwrap().value, Timestamp::MILLISECOND);
    assert_eq!(inside.line.characteristics.unwrap().value.bandwidth, Some(1000));
    let [transport] = inside.multitransport.as_slice() else { panic!("{:?}", inside.multitransport) };
    assert_eq!(transport.request.value.request_id, 7);
    assert_eq!(transport.response.unwrap().value, 0x8000_4004);
    assert_eq!(inside.active.unwrap().first.order, 33);
    assert!(!inside.active_inferred);
    assert_eq!(inside.error_info.unwrap().value, 7);
    let ultimatum = inside.ultimatum.unwrap().value;
    assert_eq!(ultimatum, (S, DisconnectReason::RN_PROVIDER_INITIATED));
}

#[test]
fn pieces_change_nothing() {
    let script = script();
    let whole = read(&script, usize::MAX);
    for piece in [1, 2, 3, 7, 20] {
        let facts = read(&script, piece);
        assert!(facts.malformed.is_empty(), "{piece}: {:?}", facts.malformed);
        assert_eq!(told(&facts.inside.unwrap()), told(whole.inside.as_ref().unwrap()), "{piece}");
    }
}

#[test]
fn refusals_are_read() {
    let refused = read(&[(C, hex("300b a003 020106 a204 0402 aabb")), (S, hex("05000000"))], 64);
    let nla = refused.inside.unwrap().nla;
    assert_eq!(nla.authorization.unwrap().value, AuthorizationResult::AUTHZ_ACCESS_DENIED);
    let wrong =
        [(C, hex("300b a003 020106 a204 0402 aabb")), (S, hex("300e a003 020106 a407 0205 00c000006d"))];
    assert_eq!(read(&wrong, 64).inside.unwrap().nla.error_code.unwrap().value, 0xC000_006D);
    let rdstls = [(S, hex("0100 0100 0100 0100")), (S, hex("0100 0400 0100 75070000"))];
    let nla = read(&rdstls, 3).inside.unwrap().nla;
    assert_eq!(nla.rdstls.unwrap().value, ResultCode::RDSTLS_RESULT_ACCOUNT_LOCKED_OUT);
    let rdsaad = [(S, b"{\"ts_nonce\":\"x\"}".to_vec()), (S, b"{\"authentication_result\":5}".to_vec())];
    assert_eq!(read(&rdsaad, 5).inside.unwrap().nla.rdsaad.unwrap().value, 5);
    let mcs = read(&[(C, connect_initial()), (S, connect_response(14))], 64).inside.unwrap();
    assert_eq!(mcs.result.unwrap().value, McsResult::RT_UNSPECIFIED_FAILURE);
    let license = sent(S, 1003, "8000 0000 ff03 1000 06000000 01000000 0400 0000");
    let inside = read(&[(C, connect_initial()), (S, connect_response(0)), (S, license)], 64).inside.unwrap();
    assert_eq!(inside.licensing.error.unwrap().value, (S, LicenseErrorCode::ERR_NO_LICENSE_SERVER));
}

/// Settings of a server that encrypts with `method`, in the phase `phase`.
fn standard(method: u32, phase: Phase) -> Inside {
    let span = Span::from(stamp(1));
    let server = ServerData { encryption_method: Some(EncryptionMethods(method)), ..ServerData::default() };
    let server = Some(Seen::new(server, span));
    Inside { server, phases: vec![(phase, span)], ..Inside::default() }
}

fn feed(inside: &mut Inside, dir: Dir, pdu: &str, order: u64) {
    let bytes = sent(dir, 1003, pdu);
    inside.mcs(dir, &bytes[7..], stamp(order).into()).unwrap();
}

#[test]
fn what_is_encrypted_is_named_as_such() {
    let mut inside = standard(2, Phase::ChannelJoin);
    feed(&mut inside, C, "0102 0000 48000000", 2);
    feed(&mut inside, C, "4800 0000 1122334455667788 9999", 3);
    feed(&mut inside, S, "8802 0203 1122334455667788 9999", 4);
    assert!(inside.license_open());
    feed(&mut inside, S, "0800 0000 1122334455667788 9999", 5);
    feed(&mut inside, S, "0800 0000 1122334455667788 9999", 6);
    let kinds: Vec<&Pdu> = inside.messages.iter().map(|message| &message.pdu).collect();
    assert!(
        matches!(
            kinds.as_slice(),
            [
                Pdu::SecurityExchange,
                Pdu::ClientInfo { encrypted: true },
                Pdu::License(None),
                Pdu::Encrypted(2)
            ]
        ),
        "{kinds:?}"
    );
    assert_eq!(inside.reached(), Some(Phase::Capabilities));
    assert_eq!(inside.licensing.done.unwrap().first.order, 5);
}

/// Under encryption level LOW the server's PDUs have a header and are in clear.
#[test]
fn a_header_may_precede_clear_share_pdus() {
    let mut inside = standard(1, Phase::Licensing);
    feed(&mut inside, S, "0000 0000 1600 1700 0000 ea030100 00 01 0800 2f 00 0000 03000000", 2);
    assert_eq!(inside.error_info.unwrap().value, 3);
}

#[test]
fn a_redirection_is_told_by_the_header_that_is_readable() {
    let redirects = |method: u32, phase: Phase, pdu: &str| {
        let mut inside = standard(method, phase);
        feed(&mut inside, S, pdu, 2);
        inside.redirection.map(|redirection| redirection.value.is_some())
    };
    // Share control header with pduType 0x1A; security header with ENCRYPT and REDIRECTION_PKT.
    let share = "1000 1a00 ea03 0000 0004 0800 00000000";
    let header = "0804 0000 0102030405060708 09090909";
    assert_eq!(redirects(0, Phase::Licensing, share), Some(true));
    assert_eq!(redirects(2, Phase::Licensing, header), Some(false));
    // The other header is encrypted or of another meaning; or nobody asked yet.
    assert_eq!(redirects(2, Phase::Licensing, share), None);
    assert_eq!(redirects(2, Phase::ChannelJoin, header), None);
}

#[test]
fn floods_are_bounded() {
    let mut inside = standard(0, Phase::Capabilities);
    for order in 0..2000 {
        feed(&mut inside, S, "1600 1700 0000 ea030100 00 01 0800 2f 00 0000 03000000", order + 2);
        feed(&mut inside, C, "0a00 1600 ea03 ea030100", order + 2);
    }
    assert_eq!(inside.messages.iter().count(), Messages::FIRST + Messages::LAST);
    let (dropped, _) = inside.messages.dropped().unwrap();
    assert_eq!(dropped, 4000 - (Messages::FIRST + Messages::LAST) as u64);
    let last = inside.messages.iter().last().unwrap();
    assert!(matches!(&last.pdu, Pdu::Share(share) if **share == Share::DeactivateAll));
    assert!(inside.messages.iter().any(|message| {
        matches!(&message.pdu, Pdu::Share(share) if **share == Share::Data(Data::SetErrorInfo(3)))
    }));
    let mut running = standard(0, Phase::Capabilities);
    running.activate(stamp(2).into());
    running.auto_detect(
        S,
        crate::protocol::autodetect::Message { sequence: 1, body: AutoDetect::RttRequest },
        stamp(3).into(),
    );
    assert_eq!(running.messages.iter().count(), 0, "measured again and again");
}
