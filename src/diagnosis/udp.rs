//! What a session's RDP-UDP flows mean for the session itself: UDP is its fast lane, so that a flow that fails
//! makes it worse, and never broken.

use super::{Diagnosis, Evidence, Outcome, Verdict};
use crate::base::Timestamp;
use crate::knowledge::Fact;
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
            let verdict = worst.clone().knowing(Fact::TcpWorked, true);
            Diagnosis { verdict: Verdict { outcome: Outcome::Degraded, ..verdict }, others }
        }
        Outcome::Failed => {
            let Diagnosis { mut verdict, mut others } = own;
            let over = session.tcp.closing.map(|closing| closing.stamp);
            died_before(session, &mut verdict, flows);
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

/// A tunnel that dies takes the session of some clients and servers with it once their timers notice, 16 to 65
/// seconds later (MS-RDPEUDP, appendix A).
fn died_before(session: &Session, verdict: &mut Verdict, flows: &[(&UdpSession, &Verdict)]) {
    const NOTICED: std::ops::RangeInclusive<i64> = 5 * Timestamp::SECOND..=120 * Timestamp::SECOND;
    let broke = session.tcp.closing.map_or(session.tcp.last, |closing| closing.stamp);
    for (flow, _) in flows.iter().filter(|(_, verdict)| verdict.code == LOST) {
        let Some(silence) = flow.silence() else { continue };
        let since = silence.sent.first;
        let earlier = broke.time.since(since.time);
        if !since.before(&broke) || !NOTICED.contains(&earlier) {
            continue;
        }
        let seconds = earlier / Timestamp::SECOND;
        let silent = silence.silent.sender();
        let text =
            format!("from here on the {silent} was silent in the session's UDP flow, {seconds} s before");
        verdict.facts = verdict.facts.with(Fact::UdpDied, true);
        verdict.evidence.push(Evidence::seen(since, text));
        let told = format!(
            "The session's UDP flow had died {seconds} s before: some clients and servers give the whole session up when \
             they notice that, so look at UDP first."
        );
        verdict.explanation =
            if verdict.explanation.is_empty() { told } else { format!("{} {told}", verdict.explanation) };
        return;
    }
}

/// The code of a flow that broke off.
const LOST: &str = "udp-lost";

/// Each code once.
fn add<'a>(others: &mut Vec<Verdict>, first: &str, more: impl Iterator<Item = &'a Verdict>) {
    for verdict in more {
        if verdict.code != first && others.iter().all(|other| other.code != verdict.code) {
            others.push(verdict.clone());
        }
    }
}
