//! Nothing of one direction got through any more.

use super::*;
use crate::session::{End, Waits};

pub(super) const RULE: Rule = Rule { code: "path-stalled", supersedes: &phase_codes!["session-reset"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    // Where nothing at all comes back in an active session, that is `session-lost`.
    let stall = session.stall().filter(|_| session.lost().is_none())?;
    if stall.waits == Waits::KeepAlives || (session.is_active() && stall.alive.is_none()) {
        return None;
    }
    let (sender, receiver) = (stall.dir.sender(), stall.dir.flip().sender());
    let end = match stall.end {
        End::GaveUp(dir, _) => format!("until the {} gave up", dir.sender()),
        End::CaptureEnded(_) => "until the capture ended".to_owned(),
    };
    let phase = session.phase().during();
    let (alive, said) = if stall.waits == Waits::Missing {
        let said = format!(
            "Then, {phase}, packets of the {sender} came that stand behind bytes which never did, {end}. So the {sender} was \
             there and had sent them; what failed is the way from it to this place."
        );
        (None, said)
    } else {
        let way = if stall.alive.is_some() {
            format!("Packets of the {receiver} still came, so it was there; what failed is the way to it.")
        } else {
            "Nothing came back any more: the path failed in both directions, or the other end was gone.".to_owned()
        };
        let alive = stall.alive.map(|alive| Evidence::seen(alive, format!("{receiver} was still there: its last packet")));
        let sent = stall.repeats.count;
        let said = format!("Then, {phase}, the {sender} sent the same bytes {sent} times without an acknowledgement, {end}. {way}");
        (alive, said)
    };
    let idle = idle_before(session, stall.repeats.first);
    let before = idle.as_ref().map_or("", |(_, said)| said);
    Some(
        stalled(session, RULE.code, &stall)
            .with(alive)
            .explain(format!("The connection worked at first. {said}{before}"))
            .with(idle.map(|(evidence, _)| evidence)),
    )
}
