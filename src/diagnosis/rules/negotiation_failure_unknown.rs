//! RDP_NEG_FAILURE with a code that no specification names.

use super::*;

pub(super) const RULE: Rule = Rule { code: "negotiation-failure-unknown", supersedes: &[], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    negotiation_failure(session, RULE.code, |code| code.name().is_none())
}
