//! The server refused the credentials, as shape and timing show.

use super::*;

pub(super) const RULE: Rule =
    Rule { code: "nla-authentication-failed", supersedes: &["client-left-after-tls"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let refused = refused_credentials(session)?;
    Some(
        Verdict::failed(RULE.code, Side::Server, refused.confidence, refused.evidence)
            .with(Evidence::seen(refused.asked, "client's last credential message"))
            .explain(format!(
                "{} What the server said is encrypted, so a wrong password, a locked or disabled account and a \
                 right that is missing look alike here.",
                refused.explanation
            )),
    )
}
