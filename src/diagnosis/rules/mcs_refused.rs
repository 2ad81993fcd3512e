//! The Connect-Response refuses (T.125, section 7).

use super::*;
use crate::protocol::mcs::McsResult;

pub(super) const RULE: Rule =
    Rule { code: "mcs-refused", supersedes: &["server-disconnected", "setup-reset", "setup-silent"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let result = session.facts.standard.as_ref()?.result.filter(|result| result.value != McsResult::RT_SUCCESSFUL)?;
    let text = format!("server answered the settings with the MCS result {} ({})", result.value, result.value.0);
    Some(
        Verdict::failed(RULE.code, Side::Server, Confidence::Certain, Evidence::of(&result, text))
            .explain(format!("The server refused the client's settings with the MCS result {}.", result.value)),
    )
}
