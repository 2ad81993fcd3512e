//! The story of a flow, derived from its facts.

use super::{Opening, UdpSession};
use crate::base::{Dir, Span};
use crate::protocol::rdpeudp::UdpVersion;
use crate::session::timeline::{self, Timeline};
use crate::session::{Entry, Phase};

/// Derives the timeline. Bounded, since every list of facts is.
pub fn udp_timeline(session: &UdpSession) -> Vec<Entry> {
    use Dir::{ClientToServer as C, ServerToClient as S};
    let mut timeline = Timeline::default();
    let connect = Phase::UdpConnect;
    if let Some(syn) = &session.flow.syn {
        let lossy = if syn.lossy { ", may lose datagrams" } else { "" };
        let what = format!("RDP-UDP SYN: offers {}, MTU {}{lossy}", version(syn), syn.mtu.0.min(syn.mtu.1));
        timeline.repeats(syn.seen, C, connect, "udp-syn", what);
        details(&mut timeline, syn);
    }
    if let Some(answer) = &session.flow.syn_ack {
        let what =
            format!("RDP-UDP SYN+ACK: chooses {}, MTU {}", version(answer), answer.mtu.0.min(answer.mtu.1));
        timeline.repeats(answer.seen, S, connect, "udp-syn-ack", what);
        details(&mut timeline, answer);
    }
    inside(session, &mut timeline);
    for dir in Dir::BOTH {
        if let Some(first) = session.flow.spoke[dir] {
            let what = format!("first datagram of the {} beyond the opening", dir.sender());
            timeline.add(first, dir, connect, "udp-first-datagram", what);
        }
        if let Some(quoted) = &session.udp.icmp[dir] {
            let error = quoted.error.value;
            let span = Span { first: quoted.all.first, last: quoted.all.last };
            let times =
                if quoted.all.count > 1 { format!(", {} times", quoted.all.count) } else { String::new() };
            let what = format!(
                "ICMP error from {} about a datagram of the {}: type {} code {}{times}",
                error.from,
                dir.sender(),
                error.kind,
                error.code
            );
            let entry = timeline.add(span, dir.flip(), session.phase(), "icmp-error", what);
            entry.dir = None;
            entry.details.push(("from", error.from.to_string()));
        }
    }
    timeline.sorted()
}

fn inside(session: &UdpSession, timeline: &mut Timeline) {
    use Dir::{ClientToServer as C, ServerToClient as S};
    let inside = &session.flow.inside;
    if inside.tls.has_begun() && inside.tls.shows_handshake() {
        timeline::handshake(&inside.tls, Phase::UdpSecurity, session.phase(), timeline);
    }
    if let Some(span) = inside.tls.established {
        timeline.add(span, S, Phase::UdpSecurity, "tls-established", "security handshake over").dir = None;
    }
    if session.flow.syn.is_some() || inside.tls.shows_handshake() {
        if let Some(span) = inside.request() {
            let what = if inside.asks() {
                "tunnel request, by its length"
            } else {
                "first encrypted data of the client, where the tunnel's request is due"
            };
            timeline.add(span, C, Phase::UdpTunnel, "emt-create-request", what).inferred = true;
        }
        if let Some(span) = inside.answer() {
            let what = "tunnel answer, by its length; what it says is encrypted";
            timeline.add(span, S, Phase::UdpTunnel, "emt-create-response", what).inferred = true;
        }
    }
    if let Some(span) = session.active_since() {
        let entry = timeline.add(span, S, Phase::UdpActive, "udp-active", "UDP flow is active");
        entry.dir = None;
        entry.inferred = true;
    }
}

fn version(opening: &Opening) -> String {
    match opening.version {
        None | Some(UdpVersion::RDPUDP_PROTOCOL_VERSION_1) => "version 1".to_owned(),
        Some(UdpVersion::RDPUDP_PROTOCOL_VERSION_2) => "version 2".to_owned(),
        Some(UdpVersion::RDPUDP_PROTOCOL_VERSION_3) => "version 3".to_owned(),
        Some(other) => format!("version {:#06x}", other.0),
    }
}

fn details(timeline: &mut Timeline, opening: &Opening) {
    let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let Some(entry) = timeline.last() else { return };
    entry.details.push(("mtu", format!("{} up, {} down", opening.mtu.0, opening.mtu.1)));
    if let Some(version) = opening.version {
        entry.details.push(("version", format!("{:#06x}", version.0)));
    }
    if let Some(id) = opening.correlation_id {
        entry.details.push(("correlation_id", hex(&id)));
    }
    if let Some(hash) = opening.cookie_hash {
        entry.details.push(("cookie_hash", hex(&hash)));
    }
}
