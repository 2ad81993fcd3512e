//! Set Error Info 0x7 (MS-RDPBCGR, section 2.2.5.1.1).

use super::*;

pub(super) const RULE: Rule = Rule {
    code: "server-denied-connection",
    supersedes: &["server-disconnected", "setup-reset", "setup-silent", "session-reset"],
    check,
};

/// ERRINFO_SERVER_DENIED_CONNECTION.
const DENIED: u32 = 7;

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let error = session.facts.inside.as_ref()?.error_info.filter(|error| error.value == DENIED)?;
    Some(
        Verdict::failed(
            RULE.code,
            Side::Server,
            Confidence::Certain,
            Evidence::of(&error, "server sent Set Error Info 0x7 (ERRINFO_SERVER_DENIED_CONNECTION)"),
        )
        .explain("The server said that it denies the connection, before it ended it."),
    )
}
