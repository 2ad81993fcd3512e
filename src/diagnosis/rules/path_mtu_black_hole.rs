//! Large segments vanish, small ones pass.

use super::*;
use crate::session::{BlackHole, End, Shown};

pub(super) const RULE: Rule = Rule {
    code: "path-mtu-black-hole",
    supersedes: &phase_codes!["path-stalled", "session-reset", "session-lost"],
    check,
};

/// What every IPv6 path carries (RFC 8200, section 5), and nearly every tunnel.
const SAFE: u32 = 1280;

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let hole = session.black_hole()?;
    let BlackHole { dir, size, passed, shown, end } = hole;
    let (sender, receiver) = (dir.sender(), dir.flip().sender());
    let repeated = |repeats: crate::session::Repeats| {
        let span = Span { first: repeats.first, last: repeats.last };
        let over = delay(repeats.first, repeats.last);
        let text = format!("{sender} sent the same bytes {} times over {over}, in packets of {size} bytes", repeats.count);
        Evidence::seen(span, text)
    };
    let (evidence, more, confidence, how) = match shown {
        Shown::TooBig(repeats, too_big) => {
            let error = too_big.error.value;
            let mtu = error.mtu.map_or(String::new(), |mtu| format!(" (its next link takes {mtu} bytes)"));
            let text = format!("{} said that a packet of the {sender} was too big{mtu}", error.from);
            let how = format!("The router {} said so by ICMP{mtu}, and the {sender} went on with the same size: the message does not reach it, or it ignores it.", error.from);
            (repeated(repeats), Some(Evidence::of(&too_big.error, text)), Confidence::Likely, how)
        }
        Shown::Selective(repeats, selective) => {
            let text = format!("{receiver} acknowledged smaller segments behind them (SACK), up to {passed} bytes");
            let span = Span { first: selective.first, last: selective.last };
            let how = format!("What was smaller arrived: the {receiver} acknowledged it selectively.");
            (repeated(repeats), Some(Evidence::seen(span, text)), Confidence::Likely, how)
        }
        Shown::Alive(repeats, heard) => {
            let text = format!("{receiver} still sent, and did not have to repeat it");
            let how = format!("The other direction and all that was small still worked, so the {receiver} was there.");
            (repeated(repeats), Some(Evidence::seen(heard, text)), Confidence::Possible, how)
        }
        Shown::Hole(hole) => {
            let span = Span { first: hole.behind.first, last: hole.behind.last };
            let text = format!(
                "{} bytes of the {sender} are missing to the end, though later segments of up to {passed} bytes arrived",
                hole.len
            );
            let how = format!("Smaller segments sent after them arrived; those that are missing, full-size ones as it seems, never did, though the {receiver} asked for them.");
            (Evidence::seen(span, text), None, Confidence::Likely, how)
        }
    };
    let verdict = Verdict::failed(RULE.code, Side::Network, confidence, evidence)
        .with(more)
        .knowing(Fact::Icmp, matches!(shown, Shown::TooBig(..)));
    let verdict = match end {
        End::GaveUp(dir, stamp) => verdict.with(Evidence::seen(stamp, format!("{} gave up", dir.sender()))),
        End::CaptureEnded(_) => verdict,
    };
    let headers = if session.tcp.client.is_ipv4() { 40 } else { 60 };
    let mss = |dir: Dir| session.tcp.dir[dir].mss.map_or("unknown".to_owned(), |mss| mss.to_string());
    let icmp = match shown {
        Shown::TooBig(..) => "",
        _ => " No ICMP message that would have told the sender was seen.",
    };
    let fragments = if session.tcp.dir[dir].path.dont_fragment { " with \"don't fragment\"" } else { "" };
    let mtu = match shown {
        Shown::TooBig(_, too_big) => too_big.error.value.mtu,
        _ => None,
    };
    // Where no router named it, what passed is all that is known.
    let advice = match mtu {
        Some(mtu) => format!("An MTU of {mtu} (MSS {}) at either end fits.", mtu.saturating_sub(headers)),
        None if passed >= SAFE => format!(
            "An MTU of {passed} (MSS {}) at either end would fit; the true limit lies between that and {size}.",
            passed - headers
        ),
        None if size > SAFE => format!(
            "The limit is below {size}; an MTU of {SAFE} (MSS {}) at either end fits nearly every path and would show \
             whether that is it.",
            SAFE - headers
        ),
        None => format!("The limit is below {size}: unusually small."),
    };
    let pass = if passed > 0 { format!(", packets of up to {passed} bytes did") } else { String::new() };
    Some(verdict.explain(format!(
        "Packets of {size} bytes from the {sender}{fragments} did not get through{pass}; it broke {}. {how}{icmp} \
         {advice} (MSS offered: client {}, server {}.)",
        session.phase().during(),
        mss(Dir::ClientToServer),
        mss(Dir::ServerToClient),
    )))
}
