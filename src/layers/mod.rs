//! The stack that lies between TCP and RDP's own PDUs: small state machines, bytes in, units out, each
//! with the frames that carried it. They resynchronize after a gap.
//!
//! TLS is the same whatever carries it. [`TlsStream`] takes the in-order bytes of a TCP connection, or of
//! an RDP-UDP flow that loses nothing; [`DtlsDatagrams`] takes the datagrams of one that may. Both show
//! [`Security`].

mod dtls;
mod fragments;
mod framer;
mod handshake;
mod http;
mod keys;
mod opener;
mod opening;
mod preamble;
mod security;
mod standard;
mod tls;
mod websocket;

pub use dtls::DtlsDatagrams;
#[cfg(test)]
pub(crate) use dtls::vectors as dtls_vectors;
pub use framer::{Framer, Framing, RdpFraming, RdpUnit, TlsFraming, Unit};
pub use http::{Http, HttpRequest, HttpResponse, HttpUnit, NoHttp};
pub use keys::{Added, Keys};
pub use opening::KeyFit;
pub use preamble::{Preamble, Preambles, Stripped};
pub use security::{Hides, Security, SecurityRecord, Show};
pub use standard::Standard;
pub use tls::TlsStream;
