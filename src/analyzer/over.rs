//! Sessions that are over, in short: a scan leaves a million of which few are listed.

use std::ops::Deref;

use super::Diagnosed;
use crate::diagnosis::{Brief, Context, diagnose};
use crate::session::{Facts, Session};
use crate::transport::Bare;

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
}

impl Over {
    pub(super) fn bare(bare: Bare) -> Self {
        let session = Session::new(bare.facts(), Facts::default());
        let verdict = diagnose(&session, Context { short: true, ..Context::default() }).verdict;
        Over { brief: Brief::new(&session, &verdict), whole: Whole::Bare(bare) }
    }
}

impl From<Diagnosed> for Over {
    fn from(diagnosed: Diagnosed) -> Self {
        let brief = Brief::new(&diagnosed.session, &diagnosed.diagnosis.verdict);
        Over { brief, whole: Whole::Told(Box::new(diagnosed)) }
    }
}

impl Whole {
    /// The session and its verdict.
    pub fn told(&self) -> impl Deref<Target = Diagnosed> {
        match self {
            Whole::Told(diagnosed) => Told::Before(diagnosed),
            Whole::Bare(bare) => Told::Now(tell(bare)),
        }
    }

    /// The same, for keeps.
    pub fn into_told(self) -> Diagnosed {
        match self {
            Whole::Told(diagnosed) => *diagnosed,
            Whole::Bare(bare) => tell(&bare),
        }
    }
}

/// What earlier sessions showed is no news of one that carried nothing.
fn tell(bare: &Bare) -> Diagnosed {
    let session = Session::new(bare.facts(), Facts::default());
    let diagnosis = diagnose(&session, Context::default());
    Diagnosed { session, diagnosis }
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
