//! RDP_NEG_FAILURE 1 (MS-RDPBCGR, section 2.2.1.2.2).

use super::*;
use crate::protocol::negotiation::FailureCode;

pub(super) const RULE: Rule = Rule { code: "negotiation-ssl-required", supersedes: &[], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    negotiation_failure(session, RULE.code, |code| code == FailureCode::SSL_REQUIRED_BY_SERVER)
}
