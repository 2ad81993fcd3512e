//! An active session that lost too much.

use super::*;

pub(super) const RULE: Rule = Rule { code: "session-lossy", supersedes: &["healthy"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let active = session.active_since()?;
    if !session.is_lossy() {
        return None;
    }
    let loss = session.loss();
    let mut evidence = Vec::new();
    let mut said = Vec::new();
    for dir in Dir::BOTH {
        let one = loss[dir];
        let way = format!("from {} to {}", dir.sender(), dir.flip().sender());
        if one.heavy {
            let facts = &session.tcp.dir[dir];
            let percent = one.lost as f64 * 100.0 / one.segments.max(1) as f64;
            let figure = format!("{} of {} segments ({percent:.1} %) {way} were lost and sent again", one.lost, one.segments);
            let (first, last) = (facts.first_data.unwrap_or(active.first), facts.last_data.unwrap_or(active.last));
            evidence.push(Evidence::seen(Span { first, last }, figure.clone()));
            said.push(figure);
        }
        if let Some(stall) = one.stall {
            let figure = format!("what was sent {way} stood still for {} until a lost segment was repaired", delay(stall.first, stall.last));
            evidence.push(Evidence::seen(stall, figure.clone()));
            said.push(figure);
        }
    }
    let mut evidence = evidence.into_iter();
    let first = evidence.next()?;
    let mut verdict = Verdict::new(RULE.code, Outcome::Degraded, Side::Unknown, Confidence::Likely, first);
    for more in evidence {
        verdict = verdict.with(more);
    }
    Some(verdict.explain(format!("The session was active, but {}.", said.join("; "))))
}
