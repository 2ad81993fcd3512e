//! The first bytes of an end belong to another protocol.

use super::*;

pub(super) const RULE: Rule = Rule { code: "not-rdp", supersedes: &["tcp-probe", "negotiation-closed", "negotiation-reset"], check };

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let foreign = session.facts.foreign?;
    let who = foreign.value.dir.sender();
    let name = foreign.value.name.unwrap_or("no RDP");
    let evidence = Evidence::of(&foreign, format!("the {who}'s first bytes are {name}"));
    let Some(request) = &session.facts.request else {
        return Some(Verdict::new(RULE.code, Outcome::Probe, Side::Unknown, Confidence::Certain, evidence).explain(
            format!("The {who} spoke {name} on {}; no RDP was attempted on this connection.", server(session)),
        ));
    };
    Some(
        Verdict::failed(RULE.code, Side::Server, Confidence::Certain, evidence)
            .with(Evidence::of(request, request_text(&request.value)))
            .explain(format!("The client asked for RDP and {} answered with {name}: another service owns that port.", server(session))),
    )
}
