//! Silence after security was up and before the session was active.

use super::*;

pub(super) const RULE: Rule = Rule { code: "setup-silent", supersedes: &["setup-reset"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let client_spoke_last = match (session.tcp.dir[Dir::ClientToServer].last_data, session.tcp.dir[Dir::ServerToClient].last_data) {
        (Some(client), Some(server)) => server.before(&client),
        _ => false,
    };
    if !session.in_setup() || !client_spoke_last {
        return None;
    }
    let absence = session.silence(Dir::ServerToClient)?;
    let phase = session.phase().title();
    Some(
        unanswered(session, RULE.code, Evidence::seen(absence.after, format!("client's last message, during: {phase}")), &absence)
            .titled(format!("The server fell silent while the session was being set up ({phase})")),
    )
}
