//! Which datagrams are RDP-UDP, on any port: by the structure of an opening, or, where that is not in the capture,
//! by several datagrams both ways whose numbers agree.

use super::Flow;
use crate::protocol::rdpeudp;
use crate::transport::udp::{self, Opened};
use crate::transport::{Datagram, Meta};

/// See the module's description.
#[derive(Debug, Default)]
pub struct Recognizer {}

impl udp::Recognizer<Flow> for Recognizer {
    fn opens(&mut self, _: &Meta, datagram: &Datagram<'_>) -> Option<Opened<Flow>> {
        let (bytes, len) = (datagram.payload, datagram.payload_len as usize);
        let by_client = rdpeudp::looks_like_syn(bytes, len);
        (by_client || rdpeudp::looks_like_syn_ack(bytes, len))
            .then(|| Opened { by_client, reader: Flow::default() })
    }

    fn continues(&mut self, _: &Meta, _: &Datagram<'_>) -> Option<Opened<Flow>> {
        None
    }
}
