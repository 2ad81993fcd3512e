//! The stack that lies between TCP and RDP's own PDUs: small state machines, bytes in, units out, each
//! with the frames that carried it. They resynchronize after a gap.

mod framer;
mod handshake;
mod preamble;

pub use framer::{Framer, Framing, RdpFraming, RdpUnit, TlsFraming, Unit};
pub use handshake::Handshakes;
pub use preamble::{Preamble, Preambles, Stripped};
