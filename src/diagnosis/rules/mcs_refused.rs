//! The Connect-Response or the Attach User Confirm refuses (T.125, section 7).

use super::*;
use crate::knowledge::codes;
use crate::protocol::mcs::McsResult;

pub(super) const RULE: Rule =
    Rule { code: "mcs-refused", supersedes: &["server-disconnected", "setup-reset", "setup-silent"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let inside = session.facts.inside.as_ref()?;
    let settings = inside.result.filter(|result| result.value != McsResult::RT_SUCCESSFUL);
    let (result, what) = settings.map(|result| (result, "the settings")).or(inside.refused.map(|result| (result, "the Attach User Request")))?;
    let McsResult(number) = result.value;
    let text = format!("server answered {what} with the MCS result {} ({number})", result.value);
    let meaning = codes::mcs_result(number.into()).map_or(String::new(), |row| format!(": {}", row.meaning));
    Some(
        Verdict::failed(RULE.code, Side::Server, Confidence::Certain, Evidence::of(&result, text))
            .explain(format!("The server refused the client's settings with the MCS result {}{meaning}.", result.value)),
    )
}
