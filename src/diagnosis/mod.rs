//! Rules over an immutable [`Session`]: each looks at it alone, and data says which verdict goes first.
//!
//! [`Attempts`] and [`patterns`](patterns()) are a second step over all sessions of a run, which never changes
//! a verdict.

mod attempts;
mod context;
mod groups;
mod injection;
mod keys;
mod ledger;
mod patterns;
mod rules;
mod udp;
mod verdict;

pub use attempts::{Attempts, Decided, GAP};
pub use context::{Context, History, ServerHistory};
pub use groups::{Group, groups};
pub use ledger::{Asked, Brief, Kept, Ledger};
pub use patterns::{Pattern, Scope, patterns};
pub use rules::{CONNECT, REGISTRY, Rule, UDP_REGISTRY};
pub use udp::with_udp;
pub use verdict::{Confidence, Evidence, Outcome, Rival, Side, Verdict};

use crate::session::{KeyFit, Session, Tls, UdpSession};

/// The verdict on a session, and the others that also fit.
#[derive(Debug)]
pub struct Diagnosis {
    /// The one that goes first.
    pub verdict: Verdict,
    /// The rest, in the registry's order.
    pub others: Vec<Verdict>,
}

/// What rules judge.
pub trait Subject: Sized + 'static {
    /// Every rule for it.
    const RULES: &'static [Rule<Self>];
    /// Whether only one end's packets are there: they never tell who did what.
    fn one_sided(&self) -> bool;
    /// The verdict where no rule fires.
    fn inconclusive(&self, context: &Context<'_>) -> Verdict;
    /// What may be encrypted.
    fn tls(&self) -> Option<&Tls>;
}

impl Subject for Session {
    const RULES: &'static [Rule<Self>] = REGISTRY;

    fn one_sided(&self) -> bool {
        self.missing_direction().is_some()
    }

    fn inconclusive(&self, context: &Context<'_>) -> Verdict {
        rules::inconclusive::verdict(self, context)
    }

    fn tls(&self) -> Option<&Tls> {
        self.facts.tls.as_deref()
    }
}

impl Subject for UdpSession {
    const RULES: &'static [Rule<Self>] = UDP_REGISTRY;

    fn one_sided(&self) -> bool {
        self.missing_direction().is_some()
    }

    fn inconclusive(&self, _: &Context<'_>) -> Verdict {
        rules::udp::inconclusive(self)
    }

    fn tls(&self) -> Option<&Tls> {
        Some(&self.flow.inside.tls)
    }
}

/// Asks every rule and ranks what they say.
pub fn diagnose<S: Subject>(session: &S, context: Context<'_>) -> Diagnosis {
    let short = context.short;
    let mut diagnosis = diagnose_with(S::RULES, session, context);
    if !short && let Some(tls) = session.tls() {
        keys::mention(&mut diagnosis.verdict, tls);
    }
    diagnosis
}

/// [`diagnose`] with other rules, or in another order: that must not matter, since `supersedes` or the outcome
/// ranks each pair that can fire together.
pub fn diagnose_with<S: Subject>(rules: &[Rule<S>], session: &S, context: Context<'_>) -> Diagnosis {
    if session.one_sided() {
        return Diagnosis { verdict: session.inconclusive(&context), others: Vec::new() };
    }
    let mut fired: Vec<(&Rule<S>, Verdict)> = rules
        .iter()
        .filter_map(|rule| (rule.check)(session, &context).map(|verdict| (rule, verdict)))
        .collect();
    let goes_first = |rule: &Rule<S>| {
        !fired.iter().any(|(other, _)| other.code != rule.code && other.supersedes.contains(&rule.code))
    };
    // What broke a session goes before what only troubled it.
    let first = (0..fired.len())
        .filter(|&at| fired.get(at).is_some_and(|(rule, _)| goes_first(rule)))
        .min_by_key(|&at| fired.get(at).map(|(_, verdict)| verdict.outcome));
    match first {
        Some(first) => {
            let (winner, verdict) = fired.remove(first);
            // What the winner goes before is the same break, told with less.
            fired.retain(|(rule, _)| !winner.supersedes.contains(&rule.code));
            Diagnosis { verdict, others: fired.into_iter().map(|(_, verdict)| verdict).collect() }
        }
        None => Diagnosis { verdict: session.inconclusive(&context), others: Vec::new() },
    }
}
