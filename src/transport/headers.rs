//! What the headers of a connection's packets show: handshake, teardown, RSTs, and where both streams stand.

use super::direction::{Direction, FARTHEST};
use super::embryo::{Base, Embryo, Head, plausible_reset, refuses};
use super::facts::{Closing, Repeats, Rst, TcpFacts};
use super::options::Options;
use super::path::{self, TooBig};
use crate::base::{Dir, PerDir, Seen, Span, Stamp, Timestamp};
use crate::packet::{IcmpError, TcpFlags};

/// How far an acknowledgement is believed before its sender answered the SYN: it may belong to an older
/// connection between the same ports (a challenge ACK, RFC 5961).
const UNANSWERED_AHEAD: u64 = 64 * 1024;

/// Quiet time worth noting: firewalls and keep-alives count in tens of seconds and more.
pub(super) const PAUSE: i64 = 10 * Timestamp::SECOND;

/// The facts, and what they are made with.
#[derive(Debug)]
pub(super) struct Headers {
    pub facts: TcpFacts,
    pub dirs: PerDir<Direction>,
    reset: bool,
}

fn add(repeats: &mut Option<Repeats>, stamp: Stamp, count: u32) {
    match repeats {
        Some(repeats) => {
            repeats.last = stamp;
            repeats.count = repeats.count.saturating_add(count);
        }
        None => *repeats = Some(Repeats { first: stamp, last: stamp, count }),
    }
}

impl Headers {
    /// `facts` are those of a connection of which nothing was read yet.
    pub(super) fn new(facts: TcpFacts) -> Self {
        Headers { facts, dirs: PerDir::default(), reset: false }
    }

    /// What a compact record stood for.
    pub(super) fn replay(&mut self, client_is_a: bool, embryo: &Embryo) {
        for replay in embryo.replay() {
            let dir = if replay.from_a == client_is_a { Dir::ClientToServer } else { Dir::ServerToClient };
            for (head, count) in std::iter::once((replay.head, 1)).chain(replay.repeats) {
                self.header(dir, &head, count, &Options::default());
            }
            self.facts.dir[dir].duplicate_frames += u64::from(replay.duplicate_frames);
        }
        if let Some(icmp) = &embryo.icmp {
            self.icmp(icmp.value, icmp.span.first);
        }
    }

    /// Whether both ends closed, or one reset it.
    pub(super) fn closed(&self) -> bool {
        self.reset || Dir::BOTH.iter().all(|&dir| self.facts.dir[dir].fin.is_some())
    }

    pub(super) fn base(&self, dir: Dir) -> Option<Base> {
        let this = &self.dirs[dir];
        this.base().map(|seq| Base { seq, syn: this.syn })
    }

    pub(super) fn has_data(&self, dir: Dir) -> bool {
        self.dirs[dir].has_data
    }

    pub(super) fn icmp(&mut self, error: IcmpError, stamp: Stamp) {
        let facts = &mut self.facts;
        let error = Seen::new(error, stamp);
        if TooBig::is(&error.value) {
            let from_client =
                (error.value.src, error.value.src_port) == (facts.client.ip(), facts.client.port());
            let dir = if from_client { Dir::ClientToServer } else { Dir::ServerToClient };
            facts.too_big.get_or_insert_with(|| Box::new(TooBig { error, dir, ignored: None }));
        } else if facts.icmp.is_some() {
            facts.last_icmp = Some(Box::new(error));
        } else {
            facts.icmp = Some(Box::new(error));
        }
    }

    /// The facts of one packet, or of `count` alike.
    #[inline(always)]
    pub(super) fn header(&mut self, dir: Dir, head: &Head, count: u32, options: &Options) {
        let stamp = head.marks.stamp;
        let facts = &mut self.facts;
        if facts.last.before(&stamp) {
            let quiet = stamp.time.since(facts.last.time);
            let longest = facts.pause.as_ref().map_or(PAUSE, |pause| pause.last.time.since(pause.first.time));
            if quiet >= longest {
                facts.pause = Some(Box::new(Span { first: facts.last, last: stamp }));
            }
            facts.last = stamp;
        }
        facts.dir[dir.flip()].path.probes = None;
        if self.dirs[dir].is_probe(head) {
            path::add(&mut facts.dir[dir].path.probes, stamp);
        }
        let this = &mut facts.dir[dir];
        this.packets += u64::from(count);
        this.ttl.get_or_insert(head.marks.ttl);
        if this.last_packet.is_none_or(|last| last.before(&stamp)) {
            this.last_packet = Some(stamp);
        }
        if head.has(TcpFlags::RST) {
            self.rst(dir, *head, count);
            return;
        }
        this.path.identification(this.marks, &head.marks);
        this.marks = Some(head.marks);
        if head.has(TcpFlags::SYN) {
            this.mss = this.mss.or(head.mss);
            this.sack |= head.sack;
            self.dirs[dir].synchronize(head.seq);
        } else {
            let closed = head.marks.window == 0;
            if closed && !self.dirs[dir].window_closed {
                this.zero_window += 1;
            }
            self.dirs[dir].window_closed = closed;
            this.path.window(closed, stamp);
            self.dirs[dir].guess(head.seq, head.len > 0);
            if head.len == 0
                && let Some((offset, seen)) = self.dirs[dir].ahead(head.seq)
            {
                this.path.stands_ahead(offset, seen, stamp);
            }
        }
        if head.has(TcpFlags::ACK) {
            self.acknowledgement(dir, head, options);
        }
        self.handshake(dir, head, count);
        if head.has(TcpFlags::FIN) {
            self.facts.dir[dir].fin.get_or_insert(stamp);
            self.facts.closing.get_or_insert(Closing { dir, reset: false, stamp });
            let extra = i64::from(head.len) + i64::from(head.has(TcpFlags::SYN));
            if let Some(offset) = self.dirs[dir].place(head.seq) {
                self.dirs[dir].finish_at(offset.saturating_add(extra));
            }
        }
    }

    #[inline(always)]
    fn acknowledgement(&mut self, dir: Dir, head: &Head, options: &Options) {
        let peer = dir.flip();
        let ahead = if self.dirs[peer].syn && !self.dirs[dir].syn { UNANSWERED_AHEAD } else { FARTHEST };
        let rtt = self.facts.rtt_to_sender(dir);
        let stamp = head.marks.stamp;
        let before = self.facts.dir[peer].acked;
        self.dirs[peer].acknowledged(&mut self.facts.dir[peer], head.ack, ahead, stamp, options, rtt);
        if self.reset && self.facts.dir[peer].acked > before && path::outlives_reset(&self.facts, dir, stamp)
        {
            self.reset = false;
            path::forget_resets(&mut self.facts);
        }
    }

    #[inline(always)]
    fn handshake(&mut self, dir: Dir, head: &Head, count: u32) {
        let stamp = head.marks.stamp;
        let (syn, ack) = (head.has(TcpFlags::SYN), head.has(TcpFlags::ACK));
        let facts = &mut self.facts;
        match (dir, syn, ack) {
            (Dir::ClientToServer, true, false) => add(&mut facts.syn, stamp, count),
            (Dir::ServerToClient, true, true) => {
                let client = &self.dirs.client_to_server;
                if !client.syn || client.base() == Some(head.ack) || client.has_data {
                    add(&mut facts.syn_ack, stamp, count);
                }
            }
            (Dir::ClientToServer, false, true)
                if facts.syn_ack.is_some() && facts.handshake_ack.is_none() =>
            {
                if self.dirs.server_to_client.place(head.ack).is_some_and(|offset| offset >= 0) {
                    facts.handshake_ack = Some(stamp);
                }
            }
            _ => return,
        }
        let once =
            |repeats: Option<Repeats>| repeats.filter(|repeats| repeats.count == 1).map(|r| r.first.time);
        let trip = |from: Option<Timestamp>, to: Option<Timestamp>| {
            Some(to?.since(from?)).filter(|&nanoseconds| nanoseconds >= 0)
        };
        let answer = once(facts.syn_ack);
        facts.rtt_server = trip(once(facts.syn), answer);
        facts.rtt_client = trip(answer, facts.handshake_ack.map(|stamp| stamp.time));
    }

    #[cold]
    fn rst(&mut self, dir: Dir, head: Head, count: u32) {
        let stamp = head.marks.stamp;
        let offset = self.dirs[dir].place(head.seq);
        let peer = &self.facts.dir[dir.flip()];
        let after_peer_fin = peer.fin.is_some();
        let heard = peer.last_data.map(|stamp| (stamp, peer.sent));
        let acknowledged = self.dirs[dir.flip()].place(head.ack).filter(|_| head.has(TcpFlags::ACK));
        let this = &mut self.facts.dir[dir];
        this.rsts = this.rsts.saturating_add(count);
        let (sent, prior, after_own_fin) = (this.sent, this.marks, this.fin.is_some());
        this.rst.get_or_insert_with(|| {
            Box::new(Rst {
                stamp,
                seq: head.seq,
                offset,
                sent,
                ack: head.has(TcpFlags::ACK).then_some(head.ack),
                ttl: head.marks.ttl,
                ip_id: head.marks.ip_id,
                window: head.marks.window,
                marks: head.marks,
                prior,
                heard,
                acknowledged,
                after_own_fin,
                after_peer_fin,
            })
        });
        let client = self.base(Dir::ClientToServer);
        let opening = dir == Dir::ServerToClient && self.facts.syn.is_some() && self.facts.syn_ack.is_none();
        if opening && !self.dirs[dir].has_data && refuses(client, head.flags, head.seq, head.ack) {
            path::add_all(&mut self.facts.refused, stamp, count);
            return;
        }
        // Before any payload a RST may belong to the older connection that a challenge ACK spoke of.
        if self.dirs[dir].has_data || self.base(dir).is_none_or(|base| plausible_reset(head.seq, base.seq)) {
            self.reset = true;
            self.facts.closing.get_or_insert(Closing { dir, reset: true, stamp });
        }
    }
}
