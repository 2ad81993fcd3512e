//! A RST that its supposed sender did not send.

use super::*;
use crate::diagnosis::injection::signs;

pub(super) const RULE: Rule = Rule {
    code: "path-reset-injected",
    supersedes: &phase_codes!["path-mtu-black-hole", "path-stalled", "session-reset", "session-lost"],
    check,
};

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let signs = signs(session).filter(crate::diagnosis::injection::Signs::are_enough)?;
    let closing = session.tcp.closing?;
    let (sender, victim) = (closing.dir.sender(), closing.dir.flip().sender());
    // Two signs of those that honest hosts give too are no more than two.
    let confidence =
        if signs.proof.is_some() || !signs.strong.is_empty() { Confidence::Likely } else { Confidence::Possible };
    let proven = signs.proof.is_some();
    let count = signs.strong.len() + signs.weak.len();
    let both = session.tcp.dir[closing.dir.flip()].rst.as_ref().map(|rst| {
        let text = format!("a RST in the {victim}'s name as well, {} later", delay(closing.stamp, rst.stamp));
        Evidence::seen(rst.stamp, text)
    });
    let why = match (proven, count) {
        (true, 0) => format!("The {sender} went on sending where the RST says it had stopped, which no TCP does."),
        (true, _) => format!("The {sender} went on sending where the RST says it had stopped, which no TCP does, and the RST differs from its other packets."),
        (false, n) => format!("{n} independent signs speak against the {sender} as its sender."),
    };
    let whose = if session.at(closing.dir) {
        format!("The {sender}'s own firewall, or a device right next to it,")
    } else {
        "A device between the two".to_owned()
    };
    let mut verdict = Verdict::failed(
        RULE.code,
        Side::Network,
        confidence,
        Evidence::seen(closing.stamp, format!("RST to the {victim} in the {sender}'s name")),
    );
    for sign in signs.proof.into_iter().chain(signs.strong).chain(signs.weak) {
        verdict = verdict.with(sign);
    }
    Some(verdict.with(both).knowing(Fact::Proven, proven).explain(format!(
        "A RST in the {sender}'s name ended the connection {}. {why} {whose} most likely sent it.",
        session.phase().during()
    )))
}
