//! TLS secrets out of key logs (the format of NSS, `SSLKEYLOGFILE`; RFC 9850), by the client's random.
//!
//! Secrets never leave this module but for [`super::opener`]; nothing here can be printed.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::standard::Standard;
use crate::base::Dir;
use crate::protocol::gcc::EncryptionMethods;
use crate::protocol::rsa_key::{self, RsaPrivateKey};

/// What one label says.
#[derive(Clone)]
pub(super) struct Secret(Box<[u8]>);

impl Secret {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The secrets of one connection.
#[derive(Clone, Default)]
pub(super) struct Secrets {
    /// TLS 1.2 and before: the master secret.
    pub(super) master: Option<Secret>,
    /// TLS 1.3: what protects the handshake, of the client and of the server.
    pub(super) handshake: [Option<Secret>; 2],
    /// TLS 1.3: the first that protects application data.
    pub(super) traffic: [Option<Secret>; 2],
}

impl Secrets {
    /// Whether none is missing of either kind of connection.
    fn are_whole(&self) -> bool {
        self.master.is_some() || self.handshake.iter().chain(&self.traffic).all(Option::is_some)
    }

    /// Place of a direction's secret.
    pub(super) const fn of(dir: Dir) -> usize {
        match dir {
            Dir::ClientToServer => 0,
            Dir::ServerToClient => 1,
        }
    }
}

/// Connections kept; a key log that grew for months has more, and its oldest are of no use any more.
const MOST: usize = 1 << 18;

/// The secrets of the last connections that were told of.
struct Kept {
    /// So many connections fill a generation.
    generation: usize,
    recent: HashMap<[u8; 32], Secrets, ahash::RandomState>,
    older: HashMap<[u8; 32], Secrets, ahash::RandomState>,
}

impl Default for Kept {
    fn default() -> Self {
        Kept { generation: MOST / 2, recent: HashMap::default(), older: HashMap::default() }
    }
}

impl Kept {
    fn len(&self) -> usize {
        self.recent.len() + self.older.len()
    }

    fn get(&self, random: &[u8; 32]) -> Option<&Secrets> {
        self.recent.get(random).or_else(|| self.older.get(random))
    }

    /// The place of a connection's secrets; `forgotten` counts those that make room.
    fn entry(&mut self, random: [u8; 32], forgotten: &mut usize) -> &mut Secrets {
        if self.older.contains_key(&random) {
            return self.older.entry(random).or_default();
        }
        if self.recent.len() >= self.generation && !self.recent.contains_key(&random) {
            *forgotten += self.older.len();
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.entry(random).or_default()
    }
}

/// Connections remembered whose secrets were not known.
const MISSED: usize = 1 << 14;

/// What a key log held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Lines with a secret.
    pub secrets: usize,
    /// Lines that are neither a secret, nor a comment, nor of a kind that is not needed here.
    pub unknown: usize,
    /// The first of these, counted from 1.
    pub first_unknown: Option<u64>,
    /// Connections whose secrets are not kept any more, since there are too many later ones.
    pub forgotten: usize,
    /// Lines that end.
    pub lines: u64,
}

type More = Box<dyn FnMut(&Keys) + Send>;

#[derive(Default)]
struct Known {
    /// Connections that were asked for in vain.
    missed: Mutex<HashSet<[u8; 32], ahash::RandomState>>,
    secrets: RwLock<Kept>,
    more: Mutex<Option<More>>,
    /// Whether there are, or may come, secrets: asked at every record, so without a lock.
    expected: AtomicBool,
    fitted: AtomicBool,
    /// Of servers with Standard RDP Security.
    private: RwLock<Vec<RsaPrivateKey>>,
    private_fitted: AtomicBool,
}

/// Secrets that may open connections. Clones share them, so that keys that come with the packets, as in a
/// pcapng's secrets blocks, are there for connections that were already begun.
#[derive(Clone, Default)]
pub struct Keys(Arc<Known>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({} connections)", self.len())
    }
}

impl Keys {
    /// How many connections there are secrets of.
    pub fn len(&self) -> usize {
        self.0.secrets.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Keeps the secrets of about so many connections, the last that it is told of, and no more.
    pub fn keep(&self, connections: usize) {
        let mut known = self.0.secrets.write().unwrap_or_else(PoisonError::into_inner);
        known.generation = (connections.min(MOST) / 2).max(1);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there are, or may come, secrets of the connection whose client begins with these bytes; `None` where
    /// they are too few to tell. Where there are none, they are missed ([`Keys::came_late`]).
    pub fn may_open(&self, first_bytes: &[u8]) -> Option<bool> {
        /// Record header, message header and version of a ClientHello.
        const BEFORE_RANDOM: usize = 5 + 4 + 2;
        let may_come = self.may_come();
        let hello = first_bytes.split_at_checked(BEFORE_RANDOM);
        let Some((before, random)) = hello.and_then(|(before, rest)| Some((before, rest.first_chunk()?)))
        else {
            return if may_come { None } else { Some(false) };
        };
        if !matches!(before, [0x16, _, _, _, _, 1, ..]) {
            return Some(false);
        }
        let known = || self.0.secrets.read().unwrap_or_else(PoisonError::into_inner).get(random).is_some();
        let more = || self.0.more.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let opens = may_come && (known() || more());
        if !opens {
            self.miss(random);
        }
        Some(opens)
    }

    /// Adds the RSA private keys in a file (PEM, or xrdp's rsakeys.ini), and says how many there are: they open
    /// Standard RDP Security.
    pub fn add_private(&self, file: &[u8]) -> usize {
        let found = rsa_key::parse(file);
        let count = found.len();
        self.0.private.write().unwrap_or_else(PoisonError::into_inner).extend(found);
        count
    }

    /// Whether private keys were given, and none was of a connection that was read.
    pub fn is_private_unused(&self) -> bool {
        let given = !self.0.private.read().unwrap_or_else(PoisonError::into_inner).is_empty();
        given && !self.0.private_fitted.load(Ordering::Relaxed)
    }

    /// What opens a connection with Standard RDP Security: `sealed` is what its Security Exchange holds.
    pub fn standard(
        &self,
        method: EncryptionMethods,
        sealed: &[u8],
        server_random: &[u8; 32],
    ) -> Option<Standard> {
        let private = self.0.private.read().unwrap_or_else(PoisonError::into_inner);
        let opens = Standard::new(&private, method, sealed, server_random);
        self.0.private_fitted.fetch_or(opens.is_some(), Ordering::Relaxed);
        opens
    }

    /// Whether any of them was of a connection that was read.
    pub fn fitted_any(&self) -> bool {
        self.0.fitted.load(Ordering::Relaxed)
    }

    /// Whether secrets of a connection came only after they had been needed.
    pub fn came_late(&self) -> bool {
        let known = self.0.secrets.read().unwrap_or_else(PoisonError::into_inner);
        let missed = self.0.missed.lock().unwrap_or_else(PoisonError::into_inner);
        missed.iter().any(|random| known.get(random).is_some())
    }

    /// Whether there are, or may come, any.
    pub(super) fn may_come(&self) -> bool {
        self.0.expected.load(Ordering::Relaxed)
    }

    /// Where a connection's secrets are not known, `more` is asked to add what there is by then: key logs are
    /// written while their connections are captured.
    pub fn on_miss(&self, more: impl FnMut(&Keys) + Send + 'static) {
        *self.0.more.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(more));
        self.0.expected.store(true, Ordering::Relaxed);
    }

    /// Adds the lines of a key log: `LABEL client-random secret`, the latter two in hexadecimal.
    pub fn add(&self, log: &[u8]) -> Added {
        let mut added = Added::default();
        let mut known = self.0.secrets.write().unwrap_or_else(PoisonError::into_inner);
        for (line, number) in log.split(|byte| *byte == b'\n').zip(1..) {
            added.lines = number - 1;
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            match Line::parse(line) {
                Some(Line::Secret { random, label, secret }) => {
                    added.secrets += 1;
                    let secrets = known.entry(random, &mut added.forgotten);
                    let place = match label {
                        Label::Master => &mut secrets.master,
                        Label::Handshake(dir) => &mut secrets.handshake[Secrets::of(dir)],
                        Label::Traffic(dir) => &mut secrets.traffic[Secrets::of(dir)],
                    };
                    *place = Some(secret);
                }
                Some(Line::NotNeeded) => {}
                None => {
                    added.unknown += 1;
                    added.first_unknown.get_or_insert(number);
                }
            }
        }
        self.0.expected.fetch_or(added.secrets > 0, Ordering::Relaxed);
        added
    }

    /// The secrets of the connection that began with this random.
    pub(super) fn find(&self, client_random: &[u8; 32]) -> Option<Secrets> {
        let known =
            || self.0.secrets.read().unwrap_or_else(PoisonError::into_inner).get(client_random).cloned();
        let found = known().filter(Secrets::are_whole).or_else(|| {
            if let Some(more) = &mut *self.0.more.lock().unwrap_or_else(PoisonError::into_inner) {
                more(self);
            }
            known()
        });
        self.0.fitted.fetch_or(found.is_some(), Ordering::Relaxed);
        if found.is_none() {
            self.miss(client_random);
        }
        found
    }

    /// The secrets of this connection were needed, and not known.
    pub(super) fn miss(&self, client_random: &[u8; 32]) {
        let mut missed = self.0.missed.lock().unwrap_or_else(PoisonError::into_inner);
        if missed.len() < MISSED {
            missed.insert(*client_random);
        }
    }
}

enum Label {
    Master,
    Handshake(Dir),
    Traffic(Dir),
}

enum Line {
    Secret { random: [u8; 32], label: Label, secret: Secret },
    NotNeeded,
}

impl Line {
    fn parse(line: &[u8]) -> Option<Self> {
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let label = match words.next()? {
            b"CLIENT_RANDOM" => Label::Master,
            b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" => Label::Handshake(Dir::ClientToServer),
            b"SERVER_HANDSHAKE_TRAFFIC_SECRET" => Label::Handshake(Dir::ServerToClient),
            b"CLIENT_TRAFFIC_SECRET_0" => Label::Traffic(Dir::ClientToServer),
            b"SERVER_TRAFFIC_SECRET_0" => Label::Traffic(Dir::ServerToClient),
            b"EXPORTER_SECRET"
            | b"EARLY_EXPORTER_SECRET"
            | b"CLIENT_EARLY_TRAFFIC_SECRET"
            | b"ECH_SECRET"
            | b"ECH_CONFIG"
            | b"RSA" => return Some(Line::NotNeeded),
            // Those of a KeyUpdate follow from the first.
            label
                if label.starts_with(b"CLIENT_TRAFFIC_SECRET_")
                    || label.starts_with(b"SERVER_TRAFFIC_SECRET_") =>
            {
                return Some(Line::NotNeeded);
            }
            _ => return None,
        };
        let random = unhex(words.next()?)?.try_into().ok()?;
        let secret = unhex(words.next()?).filter(|secret| matches!(secret.len(), 32 | 48))?;
        Some(Line::Secret { random, label, secret: Secret(secret.into()) })
    }
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    // A secret has 48 bytes at most.
    if text.len() > 128 || !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16).map(|digit| digit as u8);
    text.chunks_exact(2).map(|pair| Some(digit(pair.first()?)? << 4 | digit(pair.last()?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_secrets_or_counted() {
        let keys = Keys::default();
        let log = format!(
            "# made by hand\r\nCLIENT_RANDOM {} {}\nSERVER_TRAFFIC_SECRET_0 {} {}\nEXPORTER_SECRET x y\nnonsense\n\
             CLIENT_RANDOM 00 11\n",
            "0a".repeat(32),
            "0B".repeat(48),
            "0a".repeat(32),
            "0c".repeat(32),
        );
        let added = keys.add(log.as_bytes());
        assert_eq!((added.secrets, added.unknown, added.first_unknown, added.lines), (2, 2, Some(5), 6));
        assert_eq!(keys.len(), 1);
        let secrets = keys.find(&[10; 32]).unwrap();
        assert_eq!(secrets.master.unwrap().bytes(), [11; 48]);
        assert_eq!(secrets.traffic[1].as_ref().unwrap().bytes(), [12; 32]);
        assert!(secrets.traffic[0].is_none() && keys.find(&[0; 32]).is_none());
    }

    #[test]
    fn what_is_missed_is_asked_for() {
        let keys = Keys::default();
        assert!(!keys.may_come() && keys.find(&[10; 32]).is_none());
        let mut asked = 0;
        keys.on_miss(move |keys| {
            asked += 1;
            if asked == 2 {
                keys.add(format!("CLIENT_RANDOM {} {}", "0a".repeat(32), "0b".repeat(48)).as_bytes());
            }
        });
        assert!(keys.may_come() && keys.find(&[10; 32]).is_none());
        assert!(keys.find(&[10; 32]).is_some());
    }

    #[test]
    fn what_came_late_for_a_first_look_is_known() {
        let keys = Keys::default();
        let hello = [&[0x16, 3, 1, 0, 50, 1, 0, 0, 46, 3, 3][..], &[10; 32]].concat();
        assert_eq!((keys.may_open(&hello[..20]), keys.may_open(&hello)), (Some(false), Some(false)));
        keys.add(format!("CLIENT_RANDOM {} {}", "0a".repeat(32), "0b".repeat(48)).as_bytes());
        assert!(keys.came_late());
        assert_eq!((keys.may_open(&hello[..20]), keys.may_open(&hello)), (None, Some(true)));
    }

    #[test]
    fn what_came_late_is_known() {
        let keys = Keys::default();
        assert!(keys.find(&[10; 32]).is_none() && !keys.came_late());
        keys.add(format!("CLIENT_RANDOM {} {}", "0b".repeat(32), "0b".repeat(48)).as_bytes());
        assert!(!keys.came_late());
        keys.add(format!("CLIENT_RANDOM {} {}", "0a".repeat(32), "0b".repeat(48)).as_bytes());
        assert!(keys.came_late());
    }

    #[test]
    fn the_last_are_kept() {
        let keys = Keys::default();
        keys.keep(20);
        let line =
            |n: u8, label: &str| format!("{label} {} {}\n", format!("{n:02x}").repeat(32), "0b".repeat(32));
        let mut forgotten = 0;
        for n in 0..100 {
            let log = line(n, "CLIENT_TRAFFIC_SECRET_0") + &line(n, "SERVER_TRAFFIC_SECRET_0");
            forgotten += keys.add(log.as_bytes()).forgotten;
            assert!(
                keys.find(&[n; 32]).is_some_and(|found| found.traffic.iter().all(Option::is_some)),
                "{n}"
            );
            assert!(keys.len() <= 20);
        }
        assert!(keys.find(&[90; 32]).is_some() && keys.find(&[70; 32]).is_none());
        assert_eq!(forgotten + keys.len(), 100);
        // What belongs to one that is known stays with it.
        assert_eq!(keys.add(line(85, "CLIENT_HANDSHAKE_TRAFFIC_SECRET").as_bytes()).forgotten, 0);
        let found = keys.find(&[85; 32]).unwrap();
        assert!(found.traffic[0].is_some() && found.handshake[0].is_some());
    }

    #[test]
    fn nothing_of_them_is_printed() {
        let keys = Keys::default();
        keys.add(format!("CLIENT_RANDOM {} {}", "0a".repeat(32), "0b".repeat(48)).as_bytes());
        assert_eq!(format!("{keys:?}"), "Keys(1 connections)");
    }
}
