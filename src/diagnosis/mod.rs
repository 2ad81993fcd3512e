//! Rules over an immutable [`Session`]: each looks at it alone, and data says which verdict goes first.

mod context;
mod rules;
mod verdict;

pub use context::{Context, History, ServerHistory};
pub use rules::{REGISTRY, Rule};
pub use verdict::{Confidence, Evidence, Outcome, Rival, Side, Verdict};

use crate::session::Session;

/// The verdict on a session, and the others that also fit.
#[derive(Debug)]
pub struct Diagnosis {
    /// The one that goes first.
    pub verdict: Verdict,
    /// The rest, in the registry's order.
    pub others: Vec<Verdict>,
}

/// Asks every rule and ranks what they say.
pub fn diagnose(session: &Session, context: Context<'_>) -> Diagnosis {
    diagnose_with(REGISTRY, session, context)
}

/// The order of `rules` does not matter where each pair that can fire together is ranked.
fn diagnose_with(rules: &[Rule], session: &Session, context: Context<'_>) -> Diagnosis {
    // One end alone never tells who did what.
    if session.missing_direction().is_some() {
        return Diagnosis { verdict: rules::inconclusive::verdict(session), others: Vec::new() };
    }
    let mut fired: Vec<(&Rule, Verdict)> = rules
        .iter()
        .filter_map(|rule| (rule.check)(session, &context).map(|verdict| (rule, verdict)))
        .collect();
    let first = fired.iter().position(|(rule, _)| {
        !fired.iter().any(|(other, _)| other.code != rule.code && other.supersedes.contains(&rule.code))
    });
    match first {
        Some(first) => {
            let (winner, verdict) = fired.remove(first);
            // What the winner goes before is the same break, told with less.
            fired.retain(|(rule, _)| !winner.supersedes.contains(&rule.code));
            Diagnosis { verdict, others: fired.into_iter().map(|(_, verdict)| verdict).collect() }
        }
        None => Diagnosis { verdict: rules::inconclusive::verdict(session), others: Vec::new() },
    }
}
