//! Nothing of one direction got through any more.

use super::*;
use crate::session::End;

pub(super) const RULE: Rule = Rule { code: "path-stalled", supersedes: &phase_codes!["session-reset"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    // Where nothing at all comes back in an active session, that is `session-lost`.
    let stall = session.stall().filter(|_| session.lost().is_none())?;
    if stall.probes || (session.is_active() && stall.alive.is_none()) {
        return None;
    }
    let alive = stall.alive.map(|alive| {
        Evidence::seen(alive, format!("{} was still there: its last packet", stall.dir.flip().sender()))
    });
    let way = if stall.alive.is_some() {
        format!(
            "Packets of the {} still came, so it was there; what failed is the way to it.",
            stall.dir.flip().sender()
        )
    } else {
        "Nothing came back any more: the path failed in both directions, or the other end was gone.".to_owned()
    };
    let end = match stall.end {
        End::GaveUp(dir, _) => format!("until the {} gave up", dir.sender()),
        End::CaptureEnded(_) => "until the capture ended".to_owned(),
    };
    Some(stalled(session, RULE.code, &stall).with(alive).explain(format!(
        "The connection worked at first. In: {}, the {} repeated the same bytes {} times without an acknowledgement, {end}. {way}{}",
        session.phase().title(),
        stall.dir.sender(),
        stall.repeats.count - 1,
        idle_before(session, stall.repeats.first),
    )))
}
