//! Reset or closed after security was up and before the session was active.

use super::*;
use crate::session::Phase;

pub(super) const RULE: Rule = Rule { code: "setup-reset", supersedes: &[], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let closing = session.left().filter(|_| session.in_setup() && session.tcp.closing.is_some() && !session.lacks_any())?;
    let who = closing.dir.sender();
    let side = if closing.dir == Dir::ClientToServer { Side::Client } else { Side::Server };
    let how = how(session, &closing);
    let phase = session.phase().title();
    let last = session.tcp.dir[closing.dir.flip()].last_data.filter(|last| last.before(&closing.stamp));
    let after = last.map_or(String::new(), |last| format!(", {} after the other end's last message", delay(last, closing.stamp)));
    let verdict = Verdict::failed(RULE.code, side, Confidence::Possible, Evidence::seen(closing.stamp, format!("{who} ended the connection with {how}{after}")))
            .with(session.shape.entered.last().map(|(phase, span)| Evidence::seen(*span, format!("{} had begun", phase.title()))))
            .owned_by(if side == Side::Client { "client" } else { "server" })
            .titled(format!("The {who} broke off while the session was being set up"))
            .explain(format!("The connection was secured and the session was being set up ({phase}) when the {who} ended the connection with {how}, without a reason that can be read."));
    let turned_away = side == Side::Client && session.phase() == Phase::Licensing && !session.facts.is_decrypted();
    let verdict = if turned_away {
        verdict.rival(
            "the server refused a license: that message is as long as the one that says all is well",
            "the client's dialog and the server's licensing events; a key log shows the message itself",
        )
    } else {
        verdict
    };
    Some(crate::diagnosis::injection::with_rival(session, verdict))
}
