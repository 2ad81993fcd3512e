//! An active session in which nothing came back any more.

use super::*;

pub(super) const RULE: Rule = Rule { code: "session-lost", supersedes: &["session-reset", "healthy"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let stall = session.lost()?;
    let (sender, silent) = (stall.dir.sender(), stall.dir.flip().sender());
    let what = if stall.probes { "keep-alives" } else { "its last data" };
    Some(stalled(session, RULE.code, &stall).explain(format!(
        "The session was active. Then nothing of the {silent} reached this capture point any more, while the {sender} sent {what} \
         {} times. Whether the path failed or the {silent} was gone, one place alone does not show.{}",
        stall.repeats.count,
        idle_before(session, stall.repeats.first),
    )))
}
