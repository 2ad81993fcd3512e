//! Sessions that are over, in short: a scan leaves a million of which few are listed.

use std::ops::Deref;

use super::{Diagnosed, DiagnosedUdp};
use crate::base::Timestamp;
use crate::diagnosis::{Brief, Context, Diagnosis, diagnose, diagnose_in_short};
use crate::session::{Facts, Session};
use crate::transport::{Bare, TcpFacts};

/// A session that is over, in short, and what the rest can be made from.
#[derive(Debug)]
pub struct Over {
    /// The session in short.
    pub brief: Brief,
    /// All of it.
    pub whole: Whole,
}

/// A session that is told when somebody asks: a scan leaves a million of which few are listed.
#[derive(Debug)]
pub enum Whole {
    /// It carried payload.
    Told(Box<Diagnosed>),
    /// It did not.
    Bare(Bare),
    /// An RDP-UDP flow whose TCP session is not in the capture.
    Udp(Box<DiagnosedUdp>),
}

impl Over {
    /// `room` is where the facts are looked at; it is left for the next.
    pub(super) fn bare(bare: Bare, room: &mut Option<Box<TcpFacts>>) -> Self {
        let facts = bare.facts();
        let tcp = match room.take() {
            Some(mut room) => {
                *room = facts;
                room
            }
            None => Box::new(facts),
        };
        let Diagnosed { session, diagnosis, .. } = self::bare(tcp, diagnose_in_short);
        let brief = Brief::new(&session, &diagnosis.verdict);
        *room = Some(session.tcp);
        Over { brief, whole: Whole::Bare(bare) }
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
    pub fn told(&self) -> Option<impl Deref<Target = Diagnosed>> {
        match self {
            Whole::Told(diagnosed) => Some(Told::Before(diagnosed)),
            Whole::Bare(bare) => Some(Told::Now(self::bare(bare.facts(), in_full))),
            Whole::Udp(_) => None,
        }
    }

    /// The same, but perhaps without texts, the title apart.
    pub fn told_in_short(&self) -> Option<impl Deref<Target = Diagnosed>> {
        match self {
            Whole::Told(diagnosed) => Some(Told::Before(diagnosed)),
            Whole::Bare(bare) => Some(Told::Now(self::bare(bare.facts(), diagnose_in_short))),
            Whole::Udp(_) => None,
        }
    }

    /// Until when the capture would have shown more of it.
    pub fn observed_until(&self) -> Timestamp {
        match self {
            Whole::Told(diagnosed) => diagnosed.session.tcp.observed_until,
            Whole::Bare(bare) => bare.facts().observed_until,
            Whole::Udp(flow) => flow.session.udp.observed_until,
        }
    }

    /// The same, for keeps.
    pub fn into_told(self) -> Option<Diagnosed> {
        match self {
            Whole::Told(diagnosed) => Some(*diagnosed),
            Whole::Bare(bare) => Some(self::bare(bare.facts(), in_full)),
            Whole::Udp(_) => None,
        }
    }
}

fn bare(tcp: impl Into<Box<TcpFacts>>, diagnose: impl FnOnce(&Session) -> Diagnosis) -> Diagnosed {
    let session = Session::new(tcp, Facts::default());
    let diagnosis = diagnose(&session);
    Diagnosed { session, diagnosis, udp: Vec::new() }
}

/// What earlier sessions showed is no news of one that carried nothing.
fn in_full(session: &Session) -> Diagnosis {
    diagnose(session, Context::default())
}

/// A session that was told when it was over, or just now.
enum Told<'a> {
    Before(&'a Diagnosed),
    Now(Diagnosed),
}

impl Deref for Told<'_> {
    type Target = Diagnosed;

    fn deref(&self) -> &Diagnosed {
        match self {
            Told::Before(diagnosed) => diagnosed,
            Told::Now(diagnosed) => diagnosed,
        }
    }
}
