//! RDP_NEG_FAILURE 3 (MS-RDPBCGR, section 2.2.1.2.2).

use super::*;
use crate::protocol::negotiation::FailureCode;

pub(super) const RULE: Rule = Rule { code: "negotiation-ssl-cert-missing", supersedes: &[], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    negotiation_failure(session, RULE.code, |code| code == FailureCode::SSL_CERT_NOT_ON_SERVER)
}
