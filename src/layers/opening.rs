//! Which secrets a TLS or DTLS connection has: told by its hellos, asked for when there is something to open.

use super::keys::Keys;
use super::opener::Opener;
use crate::base::Dir;
use crate::protocol::tls::{HandshakeMessage, ServerHello};

/// What the keys that were given are to a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyFit {
    /// None were given, or nothing was encrypted yet.
    #[default]
    NoneGiven,
    /// They are of other connections.
    OthersOnly,
    /// They are of this one, but not those that its version and suite need.
    Unusable,
    /// They are of this one.
    Fits,
}

/// How a connection's records are opened, once its hellos told.
#[derive(Debug, Default)]
pub(super) struct Opening {
    keys: Keys,
    client_random: Option<[u8; 32]>,
    server_hello: Option<Box<ServerHello>>,
    fit: KeyFit,
    /// How often secrets were asked for.
    asked: u8,
    opener: Option<Box<Opener>>,
}

impl Opening {
    /// A key log may be written while its connection is captured. The first record whose secret is known to both
    /// ends comes soon after the hellos; this many are waited for.
    const ASKED: u8 = 32;

    pub(super) fn new(keys: Keys) -> Self {
        Opening { keys, ..Opening::default() }
    }

    /// Whether encrypted bodies are, or may turn out to be, of use.
    pub(super) fn may_open(&self) -> bool {
        self.opener.is_some() || self.asked < Self::ASKED && self.keys.may_come()
    }

    pub(super) fn fit(&self) -> KeyFit {
        self.fit
    }

    /// Takes a message in clear: the hellos tell which keys there are, and how they are used.
    pub(super) fn hello(&mut self, message: &HandshakeMessage<'_>) {
        match message {
            // The random of a second hello is that of the first.
            HandshakeMessage::ClientHello(hello) => self.client_random = Some(hello.random),
            HandshakeMessage::ServerHello(hello) if self.server_hello.is_none() => {
                if self.keys.may_come() {
                    self.server_hello = Some(Box::new(hello.clone()));
                } else if let Some(random) = &self.client_random {
                    self.keys.miss(random);
                }
            }
            _ => {}
        }
    }

    /// What opened a record before this one, if any did.
    pub(super) fn known(&mut self) -> Option<&mut Opener> {
        self.opener.as_deref_mut()
    }

    /// What opens the record that came.
    pub(super) fn opener(&mut self) -> Option<&mut Opener> {
        if self.asked < Self::ASKED && self.opener.as_ref().is_none_or(|opener| opener.lacks_secrets()) {
            self.ask();
        }
        self.opener.as_deref_mut()
    }

    fn ask(&mut self) -> Option<()> {
        self.asked += 1;
        let (random, hello) = (self.client_random.as_ref()?, self.server_hello.as_deref()?);
        if self.fit == KeyFit::NoneGiven {
            self.fit = KeyFit::OthersOnly;
        }
        let secrets = self.keys.find(random)?;
        if let Some(opener) = &mut self.opener {
            opener.learn(secrets);
            return Some(());
        }
        self.fit = KeyFit::Unusable;
        let mut opener = Opener::new(secrets, random, hello)?;
        self.fit = KeyFit::Fits;
        if self.asked > 1 {
            for dir in Dir::BOTH {
                opener.skip(dir);
            }
        }
        self.opener = Some(Box::new(opener));
        Some(())
    }
}
