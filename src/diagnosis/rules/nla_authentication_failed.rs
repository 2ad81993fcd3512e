//! The server refused the credentials: it said so, or shape and timing show it.

use super::*;
use crate::knowledge::codes::{self, Row};
use crate::protocol::credssp::AuthorizationResult;
use crate::protocol::rdstls::ResultCode;

pub(super) const RULE: Rule =
    Rule { code: "nla-authentication-failed", supersedes: &["client-left-after-tls", "nla-reset", "nla-silent"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    if let Some(said) = said(session) {
        return Some(said);
    }
    let refused = refused_credentials(session)?;
    let readable = session.facts.is_decrypted();
    let hidden = if readable { "It named no reason, so" } else { "What the server said is encrypted, so" };
    Some(concerning(
        Verdict::failed(RULE.code, Side::Server, refused.confidence, refused.evidence)
            .with(Evidence::seen(refused.asked, "client's last credential message"))
            .explain(format!(
                "{} {hidden} a wrong password, a locked or disabled account and a right that is missing look alike here.",
                refused.explanation
            )),
        &REASONS,
    ))
}

/// A refusal that can be read.
fn said(session: &Session) -> Option<Verdict> {
    let nla = &session.facts.inside.as_deref()?.nla;
    let refuses = |seen: Span, reasons: &[Fact], title: String, evidence: String, explanation: String| {
        let verdict = Verdict::failed(RULE.code, Side::Server, Confidence::Certain, Evidence::seen(seen, evidence))
            .with(nla.asked.map(|asked| Evidence::seen(asked, "client's last credential message")))
            .titled(title)
            .explain(explanation);
        concerning(verdict, reasons)
    };
    let authorization = nla.authorization.filter(|result| result.value != AuthorizationResult::AUTHZ_SUCCESS);
    if let Some(result) = authorization {
        return Some(refuses(
            result.span,
            &[Fact::Rights],
            "The server does not let this user in, though the password was right".to_owned(),
            format!("server sent the Early User Authorization Result {} ({:#x})", result.value, result.value.0),
            "The user proved who they are, and the server answered that they may not log on. That is a matter of logon rights, not of the password.".to_owned(),
        ));
    }
    if let Some(code) = nla.error_code {
        let (name, meaning) = named(codes::ntstatus(code.value).or_else(|| codes::security_status(code.value)), code.value);
        return Some(refuses(
            code.span,
            reasons(code.value),
            format!("The server refused the user's credentials and said why: {meaning}"),
            format!("server sent a TSRequest with the errorCode {name}"),
            format!("The server ended the logon exchange with an error code: {name}, {meaning}."),
        ));
    }
    if let Some(result) = nla.rdstls.filter(|result| result.value != ResultCode::RDSTLS_RESULT_SUCCESS) {
        let (name, meaning) = named(codes::rdstls_result(result.value.0), result.value.0);
        return Some(refuses(
            result.span,
            reasons(result.value.0),
            format!("The server refused the user's credentials and said why: {meaning}"),
            format!("server sent an RDSTLS Authentication Response with the result {name}"),
            format!("The server answered the redirected client's credentials with {name}: {meaning}."),
        ));
    }
    if let Some(result) = nla.rdsaad.filter(|result| result.value != 0) {
        return Some(refuses(
            result.span,
            &[],
            "The server refused the sign-in with Entra ID".to_owned(),
            format!("server sent the authentication result {:#x}", result.value),
            format!("The client showed a token of Entra ID, and the server answered with {:#x}.", result.value),
        ));
    }
    if let Some((code, span)) = nla.kerberos_error.filter(|error| error.value.0 == Dir::ServerToClient).map(|error| (error.value.1, error.span)) {
        let (name, meaning) = named(codes::kerberos_error(code), code);
        return Some(refuses(
            span,
            reasons(code),
            format!("The server refused the Kerberos ticket and said why: {meaning}"),
            format!("server sent the Kerberos error {name}"),
            format!("The server answered the client's ticket with {name}: {meaning}."),
        )).filter(|_| session.in_nla());
    }
    let rejected = nla.rejected.filter(|_| session.in_nla())?;
    Some(refuses(
        rejected,
        &REASONS,
        "The server refused the user's credentials".to_owned(),
        "server sent a SPNEGO answer that says reject".to_owned(),
        "The server rejected what the client sent to prove who the user is, and named no reason.".to_owned(),
    ))
}

/// What a refusal may be about.
const REASONS: [Fact; 4] = [Fact::Password, Fact::Account, Fact::Rights, Fact::Trust];

/// The verdict with what it may be about.
fn concerning(verdict: Verdict, reasons: &[Fact]) -> Verdict {
    reasons.iter().fold(verdict, |verdict, &reason| verdict.knowing(reason, true))
}

/// What a code of NTSTATUS, RDSTLS or Kerberos, whose numbers differ, is about.
const fn reasons(code: u32) -> &'static [Fact] {
    match code {
        0xC000_0064 | 0xC000_006A | 0xC000_006D | 0x52E | 6 | 24 => &[Fact::Password],
        0xC000_006E..=0xC000_0072 | 0xC000_0193 | 0xC000_0224 | 0xC000_0234 => &[Fact::Account],
        0x530 | 0x532 | 0x533 | 0x773 | 0x775 | 12 | 18 | 23 => &[Fact::Account],
        0xC000_0022 | 0xC000_0155 | 0xC000_015B | 0xC000_0413 | 5 => &[Fact::Rights],
        // SEC_E_LOGON_DENIED: no more than "no".
        0x8009_030C => &REASONS,
        _ => &[Fact::Trust],
    }
}

/// "NAME (0x...)" and what it means.
fn named(row: Option<&Row>, code: u32) -> (String, &'static str) {
    let name = row.and_then(|row| row.name).map_or_else(|| format!("{code:#x}"), |name| format!("{name} ({code:#x})"));
    (name, row.map_or("a code without a published meaning", |row| row.meaning))
}
