//! Pure parsers, one protocol a file: bytes in, PDU out. No frames, no clock, no state.
//!
//! A parser of a stream gives a [`Step`]: a message says where it ends, so more bytes may be due. A
//! parser of something whose end is known (the payload of a TPKT, say) gives a `Result`.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub mod autodetect;
pub mod capabilities;
pub mod certificate;
pub mod client_info;
pub mod credssp;
mod der;
pub mod dtls;
pub mod fastpath;
pub mod first_bytes;
pub mod gateway_udp;
pub mod gcc;
pub mod heartbeat;
pub mod ja;
pub mod kerberos;
pub mod license;
pub mod mcs;
pub mod multitransport;
pub mod negotiation;
pub mod ntlm;
pub mod preamble;
pub mod rdpemt;
pub mod rdpeudp;
pub mod rdpeudp2;
pub mod rdsaad;
pub mod rdstls;
pub mod redirection;
pub mod rsa_key;
pub mod security;
pub mod session_info;
pub mod share;
pub mod spnego;
pub mod tls;
pub mod tpkt;
pub mod tsgu;
mod wire;
pub mod x224;

/// What a parser makes of the bytes it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// A whole message, and how many bytes it took.
    Done(T, usize),
    /// Not whole yet: at least this many bytes are needed from the start of the message.
    Need(usize),
    /// This is not, or not a sound, message of the protocol.
    Broken(Malformed),
}

impl<T> Step<T> {
    /// The same step with another view of the message.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Step<U> {
        match self {
            Step::Done(message, taken) => Step::Done(f(message), taken),
            Step::Need(bytes) => Step::Need(bytes),
            Step::Broken(why) => Step::Broken(why),
        }
    }

    /// The message, if it is whole.
    pub fn done(self) -> Option<T> {
        match self {
            Step::Done(message, _) => Some(message),
            Step::Need(_) | Step::Broken(_) => None,
        }
    }
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {offset}: need {need}, have {have}")]
pub struct Malformed {
    /// The field.
    pub what: &'static str,
    /// Offset from the message's start, in bytes.
    pub offset: usize,
    /// What the field had to be, or how many bytes it needs.
    pub need: u64,
    /// What it was, or how many bytes there are.
    pub have: u64,
}

#[cfg(test)]
mod testing;
