//! What a session's RDP-UDP flows mean for the session itself: UDP is its fast lane, so that a flow that fails
//! makes it worse, and never broken.

use super::{Diagnosis, Outcome, Verdict};
use crate::session::{Session, UdpSession};

/// Weighs the verdicts on the flows of a session. A session that works is degraded by a flow that does not; of one
/// that broke, a flow that failed before is told beside the verdict.
pub fn with_udp(session: &Session, own: Diagnosis, flows: &[(&UdpSession, &Verdict)]) -> Diagnosis {
    let bad = |outcome| matches!(outcome, Outcome::Failed | Outcome::Degraded);
    let mut faults: Vec<&(&UdpSession, &Verdict)> =
        flows.iter().filter(|(_, verdict)| bad(verdict.outcome)).collect();
    // What broke goes before what only troubles.
    faults.sort_by_key(|(flow, verdict)| (verdict.outcome, flow.udp.first.order));
    match own.verdict.outcome {
        Outcome::Healthy | Outcome::Degraded => {
            let Some(&&(_, worst)) = faults.first() else { return own };
            let mut others: Vec<Verdict> = Vec::new();
            if own.verdict.outcome == Outcome::Degraded {
                others.push(own.verdict);
            }
            others.extend(own.others);
            add(&mut others, worst.code, faults.iter().skip(1).map(|(_, verdict)| *verdict));
            Diagnosis { verdict: Verdict { outcome: Outcome::Degraded, ..worst.clone() }, others }
        }
        Outcome::Failed => {
            let Diagnosis { verdict, mut others } = own;
            let over = session.tcp.closing.map(|closing| closing.stamp);
            let before = faults
                .iter()
                .filter(|(flow, _)| over.is_none_or(|over| flow.udp.first.before(&over)))
                .map(|(_, verdict)| *verdict);
            add(&mut others, verdict.code, before);
            Diagnosis { verdict, others }
        }
        Outcome::Aborted | Outcome::Inconclusive | Outcome::Probe => own,
    }
}

/// Each code once.
fn add<'a>(others: &mut Vec<Verdict>, first: &str, more: impl Iterator<Item = &'a Verdict>) {
    for verdict in more {
        if verdict.code != first && others.iter().all(|other| other.code != verdict.code) {
            others.push(verdict.clone());
        }
    }
}
