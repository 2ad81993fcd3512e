//! Licensing ended the connection (MS-RDPELE, MS-RDPBCGR section 2.2.1.12).

use super::*;
use crate::session::Phase;

pub(super) const RULE: Rule =
    Rule { code: "licensing-failed", supersedes: &["server-disconnected", "setup-reset", "setup-silent"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    if session.is_active() {
        return None;
    }
    if let Some(error) = session.facts.standard.as_ref().and_then(|standard| standard.license_error) {
        let (dir, code) = error.value;
        let side = if dir == Dir::ClientToServer { Side::Client } else { Side::Server };
        let text = format!("{} sent the license error {code} ({})", dir.sender(), code.0);
        return Some(
            Verdict::failed(RULE.code, side, Confidence::Certain, Evidence::of(&error, text))
                .explain(format!("The {} ended licensing with {code}.", dir.sender())),
        );
    }
    let licensing = session.shape.when(Phase::Licensing).filter(|_| session.shape.license_open)?;
    let closing = session.left().filter(|_| session.tcp.closing.is_some() && !session.lacks_any())?;
    let side = if closing.dir == Dir::ClientToServer { Side::Client } else { Side::Server };
    let text = format!("{} ended the connection before licensing was over", closing.dir.sender());
    Some(
        Verdict::failed(RULE.code, side, Confidence::Possible, Evidence::seen(closing.stamp, text))
            .with(Evidence::seen(licensing, "server began a license exchange, by the size of its message"))
            .explain(format!(
                "The server began to exchange licenses with the client, and the {} ended the connection before that \
                 was over. The messages are encrypted; their sizes and order show as much.",
                closing.dir.sender()
            )),
    )
}
