//! The client refused a certificate that is outside its validity.

use super::*;
use crate::protocol::tls::AlertDescription;

pub(super) const RULE: Rule = Rule { code: "tls-certificate-expired", supersedes: &["tls-certificate-rejected"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let tls = session.facts.tls.as_deref()?;
    let refusal = certificate_refusal(session)?;
    let says_expired = refusal.alert.is_some_and(|alert| alert.value.description == AlertDescription::certificate_expired);
    let outside = tls.certificate_outside_validity(refusal.evidence.span.first.time);
    let confidence = match (outside, says_expired) {
        (Some(true) | None, true) => Confidence::Certain,
        (Some(true), false) => Confidence::Likely,
        _ => return None,
    };
    let validity = tls.certificates.as_ref().and_then(|chain| {
        let certificate = chain.value.first()?;
        let text = format!("the server's certificate is valid from {} to {}", day(certificate.not_before), day(certificate.not_after));
        Some(Evidence::of(chain, text))
    });
    let explanation = validity.as_ref().map_or(
        "The client said that the server's certificate has expired; under TLS 1.3 the certificate itself is not visible.".to_owned(),
        |validity| format!("The capture is of {}, and {}. The client refused it.", day(refusal.evidence.span.first.time), validity.text),
    );
    Some(Verdict::failed(RULE.code, Side::Client, confidence, refusal.evidence).with(validity).explain(explanation))
}
