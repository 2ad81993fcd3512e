//! Which TCP session a flow belongs to.
//!
//! With the keys of both, the tunnel's request names the invitation that the server sent over TCP (MS-RDPEMT, section
//! 2.2.2.1); with those of the TCP session, the SYN names that invitation's cookie, where the client fills it in (MS-RDPEUDP,
//! section 2.2.2.9). Without keys two things tell: the correlation id, which the Connection Request and the SYN of one session
//! share (MS-RDPBCGR, section 2.2.1.1.2; MS-RDPEUDP, section 2.2.2.8), or hosts and time: a client asks for UDP
//! once the server has invited it, which it does right after licensing (MS-RDPBCGR, section 1.3.1.1).

use super::{Create, Flow, Joined, Opening};
use crate::base::{Stamp, Timestamp};
use crate::session::Session;
use crate::transport::udp::UdpFacts;

/// Nanoseconds that a client takes at most to act on the invitation.
const INVITED: i64 = 10 * Timestamp::SECOND;

impl Session {
    /// Whether a flow is this session's, and what says so.
    pub fn owns(&self, udp: &UdpFacts, flow: &Flow) -> Option<Joined> {
        if (udp.client.ip(), udp.server.ip()) != (self.tcp.client.ip(), self.tcp.server.ip()) {
            return None;
        }
        let invited = self.facts.inside.as_deref().map_or(&[][..], |inside| &inside.multitransport);
        let mut invited = invited.iter().map(|invitation| invitation.request.value).peekable();
        if let Some(create) = flow.inside.create.filter(|_| invited.peek().is_some()) {
            let Create { request_id, cookie_hash } = create.value;
            return invited
                .any(|request| (request.request_id, request.cookie_hash) == (request_id, cookie_hash))
                .then_some(Joined::Invitation);
        }
        let hash = flow.syn.as_ref().and_then(|syn| syn.cookie_hash);
        if hash.is_some() && invited.any(|request| Some(request.cookie_hash) == hash) {
            return Some(Joined::CookieHash);
        }
        let asked = self.facts.request.as_ref().and_then(|request| request.value.correlation_id);
        let named = flow.syn.as_ref().and_then(|syn: &Opening| syn.correlation_id);
        if let (Some(asked), Some(named)) = (asked, named)
            && named != [0; 16]
        {
            // The last two bytes are often 0 in the SYN alone.
            let same = asked == named || asked[..14] == named[..14];
            return same.then_some(Joined::CorrelationId);
        }
        let over = self.tcp.closing.is_some_and(|closing| closing.stamp.before(&udp.first));
        let (from, to) = self.ready_for_udp()?;
        let begun = udp.first.time;
        let middle = flow.syn.is_none() && self.facts.midstream;
        let fits = from.before(&udp.first) && begun.since(to.time) <= INVITED;
        (!over && (fits || middle)).then_some(Joined::HostsAndTime)
    }

    /// From when on, and until when, the server may have invited the client to UDP: security was up, and the
    /// session was active at last.
    fn ready_for_udp(&self) -> Option<(Stamp, Stamp)> {
        let tls = self.facts.tls.as_ref().and_then(|tls| tls.established);
        let standard =
            self.facts.inside.as_ref().and_then(|inside| inside.phases.first().map(|(_, span)| *span));
        let secured = tls.or(standard).map_or_else(
            // The capture begins in the middle of it.
            || self.facts.midstream.then_some(self.tcp.first),
            |span| Some(span.last),
        )?;
        let last = self.shape.entered.last().map(|(_, span)| span.last);
        let active = self.active_since().map(|span| span.last);
        let latest = [last, active].into_iter().flatten().max_by_key(|stamp| stamp.order);
        Some((secured, latest.unwrap_or(secured)))
    }
}
