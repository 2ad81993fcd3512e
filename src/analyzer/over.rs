//! Sessions that are over, in short: a scan leaves a million of which few are listed.

use std::ops::Deref;

use super::Diagnosed;
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
        let Diagnosed { session, diagnosis } = self::bare(tcp, diagnose_in_short);
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

impl Whole {
    /// The session and its verdict.
    pub fn told(&self) -> impl Deref<Target = Diagnosed> {
        match self {
            Whole::Told(diagnosed) => Told::Before(diagnosed),
            Whole::Bare(bare) => Told::Now(self::bare(bare.facts(), in_full)),
        }
    }

    /// The same, but perhaps without texts, the title apart.
    pub fn told_in_short(&self) -> impl Deref<Target = Diagnosed> {
        match self {
            Whole::Told(diagnosed) => Told::Before(diagnosed),
            Whole::Bare(bare) => Told::Now(self::bare(bare.facts(), diagnose_in_short)),
        }
    }

    /// The same, for keeps.
    pub fn into_told(self) -> Diagnosed {
        match self {
            Whole::Told(diagnosed) => *diagnosed,
            Whole::Bare(bare) => self::bare(bare.facts(), in_full),
        }
    }
}

fn bare(tcp: impl Into<Box<TcpFacts>>, diagnose: impl FnOnce(&Session) -> Diagnosis) -> Diagnosed {
    let session = Session::new(tcp, Facts::default());
    let diagnosis = diagnose(&session);
    Diagnosed { session, diagnosis }
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
