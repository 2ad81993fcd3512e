//! Licensing ended the connection (MS-RDPELE, MS-RDPBCGR section 2.2.1.12).

use super::*;
use crate::knowledge::codes;
use crate::protocol::license::LicenseErrorCode;
use crate::session::{Inside, Phase};

pub(super) const RULE: Rule =
    Rule { code: "licensing-failed", supersedes: &["server-disconnected", "setup-reset", "setup-silent"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    if session.is_active() {
        return None;
    }
    let inside = session.facts.inside.as_deref();
    if let Some(error) = inside.and_then(|inside| inside.licensing.error) {
        let (dir, code) = error.value;
        let meaning = codes::licensing(code.0).map_or("a code without a published meaning", |row| row.meaning);
        let side = if dir == Dir::ClientToServer { Side::Client } else { Side::Server };
        let text = format!("{} sent the license error {code} ({})", dir.sender(), code.0);
        return Some(
            Verdict::failed(RULE.code, side, Confidence::Certain, Evidence::of(&error, text))
                .knowing(Fact::NoLicenseServer, code == LicenseErrorCode::ERR_NO_LICENSE_SERVER)
                .titled(format!("Licensing failed, and the {} said why: {meaning}", dir.sender()))
                .explain(format!("The {} ended licensing with {code}: {meaning}.", dir.sender())),
        );
    }
    let licensing = session.shape.when(Phase::Licensing).filter(|_| session.shape.license_open)?;
    let closing = session.left().filter(|_| session.tcp.closing.is_some() && !session.lacks_any())?;
    let side = if closing.dir == Dir::ClientToServer { Side::Client } else { Side::Server };
    let text = format!("{} ended the connection before licensing was over", closing.dir.sender());
    let readable = inside.is_some_and(Inside::license_open);
    let (confidence, began, how) = if readable {
        (Confidence::Likely, "server began to exchange licenses", "No message said why.")
    } else {
        let began = "server began a license exchange, by the size of its message";
        (Confidence::Possible, began, "The messages are encrypted; their sizes and order show as much.")
    };
    Some(
        Verdict::failed(RULE.code, side, confidence, Evidence::seen(closing.stamp, text))
            .with(Evidence::seen(licensing, began))
            .explain(format!(
                "The server began to exchange licenses with the client, and the {} ended the connection before that \
                 was over. {how}",
                closing.dir.sender()
            )),
    )
}
