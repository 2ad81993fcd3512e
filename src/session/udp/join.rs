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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::{FrameRef, Limits, Seen, Span};
    use crate::layers::Keys;
    use crate::protocol::multitransport::{Request, RequestedProtocol};
    use crate::session::{Facts, Inside, Multitransport, Repeats};
    use crate::transport::TcpFacts;

    fn stamp(seconds: u64) -> Stamp {
        let order = seconds + 1;
        Stamp { at: FrameRef::new(0, order), time: Timestamp(seconds as i64 * Timestamp::SECOND), order }
    }

    /// A session that knows these invitations, each by its number and cookie, and is ready for UDP at once.
    fn session(invitations: &[(u32, u8)]) -> Session {
        let mut tcp =
            TcpFacts::new("10.0.0.2:50000".parse().unwrap(), "10.0.0.1:3389".parse().unwrap(), stamp(0));
        (tcp.last, tcp.observed_until) = (stamp(30), stamp(30).time);
        let invited = |&(request_id, cookie): &(u32, u8)| {
            let protocol = RequestedProtocol::INITIATE_REQUEST_PROTOCOL_UDPFECR;
            let request = Request { request_id, protocol, cookie_hash: [cookie; 32] };
            Multitransport { request: Seen::new(request, stamp(1)), response: None }
        };
        let mut inside = Inside::default();
        inside.multitransport = invitations.iter().map(invited).collect();
        let facts = Facts { midstream: true, inside: Some(Box::new(inside)), ..Facts::default() };
        Session::new(tcp, facts)
    }

    /// A flow whose SYN shows a cookie's hash, and whose tunnel request, where it can be read, names an invitation.
    fn joined(session: &Session, cookie: Option<u8>, create: Option<(u32, u8)>) -> Option<Joined> {
        let mut flow = Flow::new(Arc::new(Limits::default()), Keys::default(), None);
        flow.syn = Some(Opening {
            seen: Repeats::once(stamp(2)),
            initial_sequence: 1,
            mtu: (1232, 1232),
            version: None,
            answers: u32::MAX,
            lossy: false,
            window: 64,
            correlation_id: None,
            cookie_hash: cookie.map(|cookie| [cookie; 32]),
            ip_len: 1260,
            in_one_piece: true,
        });
        flow.inside.create = create.map(|(request_id, cookie)| {
            Seen::new(Create { request_id, cookie_hash: [cookie; 32] }, Span::from(stamp(3)))
        });
        let (client, server) = ("10.0.0.2:50001".parse().unwrap(), "10.0.0.1:3389".parse().unwrap());
        session.owns(&UdpFacts::new(client, server, stamp(2)), &flow)
    }

    #[test]
    fn an_invitation_goes_before_time() {
        let session = session(&[(7, 0xAA), (8, 0xBB)]);
        assert_eq!(joined(&session, None, None), Some(Joined::HostsAndTime));
        assert_eq!(joined(&session, None, Some((8, 0xBB))), Some(Joined::Invitation));
        assert_eq!(joined(&session, None, Some((7, 0xBB))), None, "another session's");
        assert_eq!(joined(&session, Some(0xAA), None), Some(Joined::CookieHash));
        assert_eq!(
            joined(&session, Some(0xCC), None),
            Some(Joined::HostsAndTime),
            "not every client sends the hash"
        );
    }

    #[test]
    fn without_the_sessions_invitations_time_decides() {
        let session = session(&[]);
        assert_eq!(joined(&session, Some(0xAA), Some((7, 0xAA))), Some(Joined::HostsAndTime));
    }
}
