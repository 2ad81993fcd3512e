//! Whether a RST came from the end that it names. The tests of sequence numbers are those of N. Weaver,
//! R. Sommer and V. Paxson, "Detecting Forged TCP Reset Packets" (NDSS 2009): data at or beyond the RST, and
//! a RST that is behind or ahead of its sender's data. Like theirs they would rather miss a forged one than
//! accuse an honest host.

use super::{Evidence, Verdict};
use crate::base::{Dir, Timestamp};
use crate::knowledge::Fact;
use crate::session::{DirFacts, Rst, Session};

/// What speaks against a RST's supposed sender.
#[derive(Debug, Default)]
pub(super) struct Signs {
    /// Later data of that sender at or beyond the RST: alone enough.
    pub proof: Option<Evidence>,
    /// Independent signs that honest hosts hardly ever give.
    pub strong: Vec<Evidence>,
    /// Independent signs that some honest RSTs give too.
    pub weak: Vec<Evidence>,
}

impl Signs {
    /// Whether they are enough to say that something on the path sent it.
    pub(super) fn are_enough(&self) -> bool {
        self.proof.is_some() || self.strong.len() + self.weak.len() >= 2
    }

    fn all(&self) -> impl Iterator<Item = &Evidence> {
        self.proof.iter().chain(&self.strong).chain(&self.weak)
    }

    fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }
}

/// The signs on the RST that began the end of an established connection. `None` where no RST did, or where an
/// end had closed or said goodbye before it: such RSTs come late and odd from honest hosts.
pub(super) fn signs(session: &Session) -> Option<Signs> {
    let tcp = &session.tcp;
    let closing = tcp.closing.filter(|closing| closing.reset)?;
    let facts = &tcp.dir[closing.dir];
    let rst = facts.rst.as_deref().filter(|rst| rst.stamp == closing.stamp)?;
    let established = tcp.dir.client_to_server.bytes + tcp.dir.server_to_client.bytes > 0;
    if !established || rst.after_own_fin || rst.after_peer_fin || said_goodbye(session, rst) {
        return None;
    }
    let sender = closing.dir.sender();
    let mut signs = Signs::default();
    if let Some(&data) = facts.beyond_rst.as_deref() {
        let text = format!("{sender} sent data at or beyond the RST's sequence number after it");
        signs.proof = Some(Evidence::seen(data, text));
    }
    if let Some(repeats) = facts.path.repeats_after_rst.as_deref() {
        signs.strong.push(Evidence::seen(
            repeats.first,
            format!("{sender} went on retransmitting after \"its\" RST"),
        ));
    }
    let seen = |text: String| Evidence::seen(rst.stamp, text);
    signs.strong.extend(ttl(rst).map(seen));
    signs.strong.extend(identification(facts, rst).map(seen));
    signs.strong.extend(sequence(session, closing.dir, rst).map(seen));
    signs.weak.extend(form(rst).map(seen));
    signs.weak.extend(speed(session, closing.dir, rst).map(seen));
    Some(signs)
}

/// Adds a single sign on the RST to the verdict's evidence, and the rival that it speaks for.
pub(super) fn with_rival(session: &Session, verdict: Verdict) -> Verdict {
    let Some(signs) = signs(session).filter(|signs| !signs.is_empty()) else { return verdict };
    let honest = if signs.weak.is_empty() { "" } else { ", a weak one, since many honest ones look so" };
    let Some(sign) = signs.all().next().cloned() else { return verdict };
    let text = format!("{}: a sign that something else sent it{honest}", sign.text);
    let sender = session.closed_by().map_or("sender", Dir::sender);
    verdict.with(Evidence { text, ..sign }).knowing(Fact::Odd, true).rival(
        format!("a device on the path sent the RST in the {sender}'s name; the evidence has one sign of it"),
        format!("capture at the {sender}: whether the RST leaves it; logs of firewalls and inspection devices at that second"),
    )
}

/// Whether the RST looks like its supposed sender's other packets in all that was compared.
pub(super) fn looks_genuine(session: &Session) -> bool {
    let Some(closing) = session.tcp.closing.filter(|closing| closing.reset) else { return false };
    let facts = &session.tcp.dir[closing.dir];
    let counted = facts.rst.as_ref().is_some_and(|rst| {
        rst.identification_off_by().is_some_and(|off| (1..=64).contains(&off))
            && facts.path.counts_identifications()
            && rst.prior.is_some_and(|prior| prior.ttl == rst.ttl && prior.interface == rst.marks.interface)
    });
    counted && signs(session).is_some_and(|signs| signs.is_empty())
}

/// Whether an end had closed by a message before.
fn said_goodbye(session: &Session, rst: &Rst) -> bool {
    let facts = &session.facts;
    let before = |stamp: crate::base::Stamp| stamp.before(&rst.stamp);
    let tls = facts.tls.as_deref().is_some_and(|tls| {
        let hidden = [tls.hidden_alert.client_to_server, tls.hidden_alert.server_to_client];
        hidden.into_iter().flatten().any(|alert| before(alert.first))
            || tls.alerts.iter().any(|alert| before(alert.span.first))
            || session.is_active()
                && Dir::BOTH.into_iter().any(|dir| {
                    let last =
                        tls.recent.iter().rfind(|record| record.dir == dir && before(record.span.first));
                    last.is_some_and(|record| tls.may_be_ultimatum(record))
                })
    });
    tls || facts.clear_ultimatum.is_some_and(|ultimatum| before(ultimatum.span.first))
        || facts
            .inside
            .as_deref()
            .and_then(|inside| inside.ultimatum)
            .is_some_and(|ultimatum| before(ultimatum.span.first))
}

/// Two hops off or more, at the same capture point; one hop off is the other side of a router.
fn ttl(rst: &Rst) -> Option<String> {
    const HOPS: u8 = 2;
    let prior = rst.prior.filter(|prior| prior.interface == rst.marks.interface)?;
    (prior.ttl.abs_diff(rst.ttl) >= HOPS).then(|| {
        format!(
            "the RST's TTL is {}, that of its supposed sender's packet before it {}",
            distance(rst.ttl),
            distance(prior.ttl)
        )
    })
}

/// "57 (of 64, so probably 7 hops away)", by the initial TTLs of common systems.
fn distance(ttl: u8) -> String {
    let start: u8 = [64, 128].into_iter().find(|start| ttl <= *start).unwrap_or(255);
    match start.saturating_sub(ttl) {
        0 => format!("{ttl} (as sent, so from this network)"),
        1 => format!("{ttl} (of {start}, so probably 1 hop away)"),
        hops => format!("{ttl} (of {start}, so probably {hops} hops away)"),
    }
}

/// Far outside a running count. 0 belongs to [`form`].
fn identification(facts: &DirFacts, rst: &Rst) -> Option<String> {
    const FAR: u16 = 2000;
    /// A counter that many destinations share moves on meanwhile.
    const SOON: i64 = 5 * Timestamp::SECOND;
    let prior = rst.prior?;
    let (id, last) = (rst.ip_id.filter(|id| *id != 0)?, prior.ip_id?);
    let soon = (0..SOON).contains(&rst.stamp.time.since(prior.stamp.time));
    (soon && facts.path.counts_identifications() && rst.identification_off_by()? > FAR).then(|| {
        format!("the RST's IP ID is {id:#06x}, while its supposed sender counts up and was at {last:#06x}")
    })
}

/// Behind data that its sender had sent, or ahead of all of it. A RST without ACK takes its number from the
/// packet that it answers (RFC 9293, section 3.10.7.1), and a sender in the middle of repeats from the oldest
/// unacknowledged byte.
fn sequence(session: &Session, dir: Dir, rst: &Rst) -> Option<String> {
    let facts = &session.tcp.dir[dir];
    let offset = rst.offset?;
    let off = offset - i64::try_from(rst.sent).ok()?;
    if rst.ack.is_none() || session.lacks(dir) || facts.holes > 0 {
        return None;
    }
    let calm = facts.retransmitted == 0 && session.tcp.dir[dir.flip()].zero_window == 0;
    if off < 0 && calm {
        return Some(format!("the RST's sequence number is {} bytes behind what its sender had sent", -off));
    }
    // One further: a FIN that was not seen.
    (off > 1).then(|| format!("the RST's sequence number is {off} bytes ahead of what its sender had sent"))
}

/// No ACK flag, IP ID 0, no timestamps: many honest RSTs have them together.
fn form(rst: &Rst) -> Option<String> {
    let prior = rst.prior?;
    let mut odd = Vec::new();
    if rst.ack.is_none() {
        odd.push("no ACK flag");
    }
    if rst.ip_id == Some(0) && prior.ip_id.is_some_and(|id| id != 0) {
        odd.push("IP ID 0");
    }
    if prior.timestamps && !rst.marks.timestamps {
        odd.push("no timestamps");
    }
    (!odd.is_empty())
        .then(|| format!("the RST has {}, unlike its supposed sender's packet before it", odd.join(", ")))
}

/// It acknowledges (or, before the session is active, follows) a message that its supposed sender cannot
/// have had yet, by the fastest answer that it ever gave.
fn speed(session: &Session, dir: Dir, rst: &Rst) -> Option<String> {
    let peer = &session.tcp.dir[dir.flip()];
    let (heard, end) = rst.heard.filter(|(heard, _)| rst.prior.is_some_and(|p| p.stamp.before(heard)))?;
    let answers = match (rst.ack, rst.acknowledged) {
        (Some(_), Some(acknowledged)) => u64::try_from(acknowledged).is_ok_and(|offset| offset >= end),
        _ => !session.is_active(),
    };
    let handshake = match dir {
        Dir::ServerToClient => session.tcp.rtt_server,
        Dir::ClientToServer => session.tcp.rtt_client,
    };
    let fastest = peer.path.fastest?.min(handshake.unwrap_or(i64::MAX));
    let took = rst.stamp.time.since(heard.time);
    let impossible =
        took >= 0 && fastest - took >= Timestamp::MILLISECOND && took.saturating_mul(2) < fastest;
    (answers && impossible).then(|| {
        format!(
            "the RST came {:.1} ms after the message that it answers, while the path takes {:.1} ms at least",
            took as f64 / 1e6,
            fastest as f64 / 1e6
        )
    })
}
