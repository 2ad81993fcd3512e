//! An active session in which nothing came back any more.

use super::*;
use crate::session::Waits;

pub(super) const RULE: Rule = Rule { code: "session-lost", supersedes: &["session-reset", "healthy"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let Some(stall) = session.lost() else { return frozen(session) };
    let (sender, silent) = (stall.dir.sender(), stall.dir.flip().sender());
    let idle = idle_before(session, stall.repeats.first);
    let verdict = stalled(session, RULE.code, &stall);
    let count = stall.repeats.count;
    let explanation = if stall.waits == Waits::KeepAlives {
        format!(
            "The session was active and at rest. The {sender} asked {count} times whether the {silent} is still there \
             (TCP keep-alives), and nothing of the {silent} reached this capture point any more."
        )
    } else {
        format!(
            "The session was active. Then nothing of the {silent} reached this capture point any more, while the \
             {sender} sent its last data {count} times."
        )
    };
    let said = idle.as_ref().map_or("", |(_, said)| said);
    let doubt = format!(" Whether the path failed or the {silent} was gone, one place alone does not show.");
    let title = format!("A working session stopped: nothing of the {silent} arrived any more");
    Some(verdict.titled(title).explain(explanation + &doubt + said).with(idle.map(|(evidence, _)| evidence)))
}

/// One end took nothing more until the other gave up, or the capture ended.
fn frozen(session: &Session) -> Option<Verdict> {
    let (dir, evidence, said) = choked(session).filter(|_| session.is_active())?;
    let reader = dir.sender();
    // Its own close, or a RST, says how it ended.
    if session.tcp.closing.is_some_and(|closing| closing.dir == dir || closing.reset) {
        return None;
    }
    let (side, owner) = match dir {
        Dir::ClientToServer => (Side::Client, "client"),
        Dir::ServerToClient => (Side::Server, "server"),
    };
    Some(
        Verdict::failed(RULE.code, side, Confidence::Likely, evidence)
            .owned_by(owner)
            .knowing(Fact::Frozen, true)
            .knowing(silent_end(dir), true)
            .titled(format!("The session froze: the {reader} took no more data"))
            .explain(format!("The session was active.{said}")),
    )
}
