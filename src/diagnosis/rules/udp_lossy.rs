//! An active flow that lost too much.

use super::*;

pub(super) const RULE: Rule<UdpSession> = Rule { code: "udp-lossy", supersedes: &["udp-healthy"], check };

fn check(session: &UdpSession, _: &Context<'_>) -> Option<Verdict> {
    let active = session.active_since()?;
    let measured = session.measured();
    let heavy: Vec<Dir> = Dir::BOTH
        .into_iter()
        .filter(|&dir| measured[dir].is_lossy())
        .collect();
    let figure = |dir: Dir| {
        let one = measured[dir];
        let per_cent = one.lost as f64 * 100.0 / one.sent.max(1) as f64;
        let at_least = if one.at_least { "at least " } else { "" };
        format!(
            "{at_least}{} of {} datagrams ({per_cent:.1} %) from {} to {} were lost",
            one.lost,
            one.sent,
            dir.sender(),
            dir.flip().sender()
        )
    };
    let evidence = |dir: Dir| {
        let facts = &session.udp.dir[dir];
        let (first, last) = (facts.first.unwrap_or(active.first), facts.last.unwrap_or(active.last));
        Evidence::seen(Span { first, last }, figure(dir))
    };
    let (first, more) = heavy.split_first()?;
    let verdict =
        Verdict::new(RULE.code, Outcome::Degraded, Side::Unknown, Confidence::Likely, evidence(*first))
            .with(more.first().map(|&dir| evidence(dir)));
    let both = Dir::BOTH.map(figure).join("; ");
    let repaired = match session.lossy() {
        Some(true) => "Nothing of it is sent again, so it is missing from what the user sees and hears.",
        _ => "What is lost must be sent again, which costs time.",
    };
    Some(verdict.explain(format!("The UDP flow was active, but {both}. {repaired}")))
}
