//! Large datagrams are repeated and never arrive, while small ones pass.

use super::udp::tcp_goes_on;
use super::*;

pub(super) const RULE: Rule<UdpSession> = Rule {
    code: "path-mtu-black-hole",
    supersedes: &["udp-blocked", "udp-security-failed", "udp-lost", "udp-lossy", "udp-healthy"],
    check,
};

/// Largest IP packet that every path carries (RFC 791; RFC 8200): what is not larger is not dropped for its size.
const SAFE: (u16, u16) = (576, 1280);
/// Sendings that are no chance.
const ENOUGH: u32 = 3;
/// How long it must have gone on without recovery.
const LASTED: i64 = 5 * Timestamp::SECOND;

fn check(session: &UdpSession, _: &Context<'_>) -> Option<Verdict> {
    syn(session).or_else(|| Dir::BOTH.into_iter().find_map(|dir| data(session, dir)))
}

/// A router called the SYN too big, and the client repeated it all the same.
fn syn(session: &UdpSession) -> Option<Verdict> {
    let syns = session.unanswered_syns()?;
    let quoted = session.too_big(Dir::ClientToServer)?;
    // A sender that was told may go on in fragments.
    let same = session.flow.syn.as_ref().is_some_and(|syn| syn.in_one_piece);
    if !same || !quoted.error.span.first.before(&syns.last) {
        return None;
    }
    let error = quoted.error.value;
    let size = session.flow.syn.as_ref().map_or(0, |syn| syn.ip_len);
    let mtu = error.mtu.map_or(String::new(), |mtu| format!(": its next link takes {mtu} bytes"));
    Some(
        Verdict::failed(
            RULE.code,
            Side::Network,
            Confidence::Likely,
            Evidence::of(&quoted.error, format!("{} said that the SYN of {size} bytes was too big{mtu}", error.from)),
        )
        .with(Evidence::seen(syns.last, "client repeated its SYN at the same size"))
        .explain(format!(
            "Every opening of RDP-UDP is {size} bytes long on purpose, and this path does not carry that{mtu}. UDP cannot \
             work here until the path does.{}",
            tcp_goes_on(session)
        )),
    )
}

/// Data of one size that never arrived, while smaller ones did.
fn data(session: &UdpSession, dir: Dir) -> Option<Verdict> {
    let stuck = session.stuck(dir)?;
    let safe = if session.udp.client.is_ipv4() { SAFE.0 } else { SAFE.1 };
    let repeats = stuck.all;
    // The receiver is there, and goes on.
    let alive = session.udp.dir[dir.flip()].last.filter(|last| last.time.since(repeats.first.time) >= Timestamp::SECOND)?;
    let lasted = session.watched_until().since(repeats.first.time);
    if repeats.count < ENOUGH || lasted < LASTED || stuck.ip_len <= safe || stuck.largest >= stuck.ip_len {
        return None;
    }
    let (sender, receiver) = (dir.sender(), dir.flip().sender());
    let size = stuck.ip_len;
    let over = delay(repeats.first, repeats.last);
    let (count, passed) = (repeats.count, stuck.largest);
    let (evidence, reported) = if stuck.shown {
        (
            format!("{count} packets of {size} bytes and more that the {sender} sent within {over} never arrived"),
            format!("{receiver} was still there, and never acknowledged them"),
        )
    } else {
        (
            format!("{count} packets of the {sender}, repeats included, never came within {over}; those of up to {passed} bytes did"),
            format!("{receiver} still reported them missing; of this flow, up to {size} bytes had come before"),
        )
    };
    let evidence = Evidence::seen(repeats.last, evidence);
    let pass = match passed {
        0 => ", while its acknowledgements did".to_owned(),
        _ => format!(", while packets of up to {passed} bytes did"),
    };
    let what = if stuck.shown { format!("Packets of {size} bytes") } else { "Large packets".to_owned() };
    Some(
        Verdict::failed(RULE.code, Side::Network, Confidence::Likely, evidence)
            .with(Evidence::seen(alive, reported))
            .explain(format!(
                "{what} from the {sender} did not get through over UDP{pass}; it broke in: {}. The opening \
                 of RDP-UDP tries 1,260 bytes in both directions, so the limit most likely lies in this one, or came later.{}",
                session.phase().title(),
                tcp_goes_on(session)
            )),
    )
}
