//! The client refused the certificate.

use super::*;

pub(super) const RULE: Rule = Rule { code: "tls-certificate-rejected", supersedes: &[], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let tls = session.facts.tls.as_deref()?;
    let refusal = certificate_refusal(session)?;
    let confidence = if refusal.alert.is_some() { Confidence::Certain } else { Confidence::Likely };
    let certificate = tls.certificates.as_ref().and_then(|chain| {
        let certificate = chain.value.first()?;
        let by = if certificate.self_signed { "itself (self-signed)".to_owned() } else { certificate.issuer.clone() };
        Some(Evidence::of(chain, format!("the server's certificate is for {}, issued by {by}", certificate.subject)))
    });
    let what = certificate.as_ref().map_or(
        "Under TLS 1.3 the certificate itself is not visible.".to_owned(),
        |certificate| {
            // TLS 1.3 encrypts it.
            let how = if tls.is_13() { "Opened with the keys given" } else { "In clear" };
            format!("{how}: {}.", certificate.text)
        },
    );
    Some(
        Verdict::failed(RULE.code, Side::Client, confidence, refusal.evidence)
            .with(certificate)
            .explain(format!("{} {what}", refusal.explanation)),
    )
}
