//! Sessions that are over, in short: a scan leaves a million of which few are listed.

use std::ops::Deref;

use super::{Diagnosed, DiagnosedUdp};
use crate::base::Timestamp;
use crate::diagnosis::{Brief, CONNECT, Context, Diagnosis, REGISTRY, Rule, diagnose, diagnose_with};
use crate::session::{Facts, Phase, Session};
use crate::transport::Bare;

/// A session that is over, in short, and what the rest can be made from.
#[derive(Debug)]
pub struct Over {
    /// The session in short.
    pub brief: Brief,
    /// All of it.
    pub whole: Whole,
}

/// A session, as small as may be. What earlier sessions showed is no news of one that never came to TLS: its
/// verdict can be told at any time.
#[derive(Debug)]
pub enum Whole {
    /// It came to TLS.
    Told(Box<Diagnosed>),
    /// It did not.
    Early(Box<Session>),
    /// It carried no payload.
    Bare(Bare),
    /// An RDP-UDP flow whose TCP session is not in the capture.
    Udp(Box<DiagnosedUdp>),
}

impl Over {
    pub(super) fn bare(bare: Bare) -> Self {
        let session = Session::new(bare.facts(), Facts::default());
        let brief = Brief::new(&session, &in_short(&session, CONNECT).verdict);
        Over { brief, whole: Whole::Bare(bare) }
    }

    /// Whether a session with payload did not come to TLS.
    pub(super) fn is_early(session: &Session) -> bool {
        session.phase() <= Phase::X224Negotiation && session.facts.tls.is_none()
    }

    /// Such a session, without RDP-UDP flows.
    pub(super) fn early(session: Session) -> Self {
        let brief = Brief::new(&session, &in_short(&session, REGISTRY).verdict);
        Over { brief, whole: Whole::Early(Box::new(session)) }
    }
}

impl From<Diagnosed> for Over {
    fn from(diagnosed: Diagnosed) -> Self {
        let brief = Brief::new(&diagnosed.session, &diagnosed.diagnosis.verdict);
        Over { brief, whole: Whole::Told(Box::new(diagnosed)) }
    }
}

impl From<DiagnosedUdp> for Over {
    fn from(diagnosed: DiagnosedUdp) -> Self {
        let brief = Brief::of_udp(&diagnosed.session, &diagnosed.diagnosis.verdict);
        Over { brief, whole: Whole::Udp(Box::new(diagnosed)) }
    }
}

impl Whole {
    /// The TCP session and its verdict.
    pub fn told(&self) -> Option<Told<'_>> {
        self.tell(|session, _| in_full(session))
    }

    /// The same, but perhaps without texts, the title apart.
    pub fn told_in_short(&self) -> Option<Told<'_>> {
        self.tell(in_short)
    }

    fn tell(&self, diagnose: impl FnOnce(&Session, &[Rule]) -> Diagnosis) -> Option<Told<'_>> {
        let (session, rules) = match self {
            Whole::Told(told) => {
                let (session, diagnosis) = (Lent::Kept(&told.session), Lent::Kept(&told.diagnosis));
                return Some(Told { session, diagnosis, udp: &told.udp });
            }
            Whole::Early(session) => (Lent::Kept(&**session), REGISTRY),
            Whole::Bare(bare) => (Lent::Made(Session::new(bare.facts(), Facts::default())), CONNECT),
            Whole::Udp(_) => return None,
        };
        Some(Told { diagnosis: Lent::Made(diagnose(&session, rules)), session, udp: &[] })
    }

    /// [`Self::told`], for keeps.
    pub fn into_told(self) -> Option<Diagnosed> {
        let session = match self {
            Whole::Told(told) => return Some(*told),
            Whole::Early(session) => *session,
            Whole::Bare(bare) => Session::new(bare.facts(), Facts::default()),
            Whole::Udp(_) => return None,
        };
        Some(Diagnosed { diagnosis: in_full(&session), session, udp: Vec::new() })
    }

    /// Until when the capture would have shown more of it.
    pub fn observed_until(&self) -> Timestamp {
        match self {
            Whole::Told(diagnosed) => diagnosed.session.tcp.observed_until,
            Whole::Early(session) => session.tcp.observed_until,
            Whole::Bare(bare) => bare.observed_until(),
            Whole::Udp(flow) => flow.session.udp.observed_until,
        }
    }
}

fn in_full(session: &Session) -> Diagnosis {
    diagnose(session, Context::default())
}

fn in_short(session: &Session, rules: &[Rule]) -> Diagnosis {
    diagnose_with(rules, session, Context { short: true, ..Context::default() })
}

/// A session and its verdict, for as long as they are looked at.
#[derive(Debug)]
pub struct Told<'a> {
    /// What happened.
    pub session: Lent<'a, Session>,
    /// Why it ended.
    pub diagnosis: Lent<'a, Diagnosis>,
    /// Its RDP-UDP flows.
    pub udp: &'a [DiagnosedUdp],
}

/// What is kept elsewhere, or was made just now.
#[derive(Debug)]
pub enum Lent<'a, T> {
    /// Kept.
    Kept(&'a T),
    /// Made.
    Made(T),
}

impl<T> Deref for Lent<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Lent::Kept(kept) => kept,
            Lent::Made(made) => made,
        }
    }
}
