//! What the path did to a session: where the capture was taken, what never got through, what loss cost.

use super::Session;
use crate::base::{Dir, PerDir, Seen, Span, Stamp, Timestamp};
use crate::transport::{DirFacts, IcmpError, OpenHole, Repeats, TooBig};

/// Where a capture was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vantage {
    /// At the client, or before the first router behind it.
    Client,
    /// At the server, or before the first router in front of it.
    Server,
    /// On the way.
    Between,
    /// It cannot be told.
    Unknown,
}

/// Segments of one size that never got through, while smaller ones did.
#[derive(Clone, Copy, Debug)]
pub struct BlackHole<'a> {
    /// Their direction.
    pub dir: Dir,
    /// IP packet length in bytes that did not pass.
    pub size: u32,
    /// Largest IP packet length in bytes that did, where one is known.
    pub passed: u32,
    /// What shows it.
    pub shown: Shown<'a>,
    /// When it ended: the packet with which an end gave up, or the capture's end.
    pub end: End,
}

/// What shows that size decides.
#[derive(Clone, Copy, Debug)]
pub enum Shown<'a> {
    /// The repeats, and a router that called them too big.
    TooBig(Repeats, &'a TooBig),
    /// The repeats, and selective acknowledgements of smaller segments behind them.
    Selective(Repeats, Repeats),
    /// The repeats, and the other end, which is alive and has all that is small.
    Alive(Repeats, Stamp),
    /// Smaller segments behind a hole that nothing filled.
    Hole(OpenHole),
}

/// How a wait ended.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// An end of the connection gave up.
    GaveUp(Dir, Stamp),
    /// The capture, or what it has of this connection, was over.
    CaptureEnded(Timestamp),
}

impl End {
    /// When that was.
    pub fn time(self) -> Timestamp {
        match self {
            End::GaveUp(_, stamp) => stamp.time,
            End::CaptureEnded(time) => time,
        }
    }
}

/// What shows that one direction did not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// Data repeated without an acknowledgement.
    Data,
    /// Keep-alives that nobody answered.
    KeepAlives,
    /// Seen at the receiving end: packets behind bytes that never came.
    Missing,
}

/// What one end sent did not get through.
#[derive(Clone, Copy, Debug)]
pub struct Stall {
    /// Whose packets.
    pub dir: Dir,
    /// The packets that show it.
    pub repeats: Repeats,
    /// What they are.
    pub waits: Waits,
    /// The last packet that came after the first of them, of the other end; where bytes are missing, of their sender.
    pub alive: Option<Stamp>,
    /// How it ended.
    pub end: End,
}

/// Loss that users feel.
#[derive(Clone, Copy, Debug, Default)]
pub struct Loss {
    /// Segments lost.
    pub lost: u64,
    /// Segments of the wire.
    pub segments: u64,
    /// Whether that is ten and two per cent, or more.
    pub heavy: bool,
    /// The longest wait of more than a second, once the session was active.
    pub stall: Option<Span>,
}

/// Initial TTLs and hop limits of common systems: who sent it is on this side of the first router.
const AT_SOURCE: [u8; 3] = [64, 128, 255];
/// Smallest packet that every path carries (RFC 791, section 3.2).
const SMALLEST: u32 = 576;
/// How long a wait must be where an end gave up, and where the capture ended.
const GAVE_UP: i64 = Timestamp::SECOND;
const CAPTURE_ENDED: i64 = 5 * Timestamp::SECOND;

impl Session {
    /// Where the capture was taken: TTLs that are as sent, and how long the handshake took each way.
    pub fn vantage(&self) -> Vantage {
        /// Below that, processing time hides the path's.
        const TELLING: i64 = Timestamp::MILLISECOND / 2;
        const FAR: i64 = 4;
        let at_source = self.tcp.dir.map(|dir| dir.ttl.map(|ttl| AT_SOURCE.contains(&ttl)));
        let near = match (self.tcp.rtt_client, self.tcp.rtt_server) {
            (Some(client), Some(server)) if server >= TELLING && client.saturating_mul(FAR) <= server => {
                Some(Vantage::Client)
            }
            (Some(client), Some(server)) if client >= TELLING && server.saturating_mul(FAR) <= client => {
                Some(Vantage::Server)
            }
            _ => None,
        };
        let by_ttl = match (at_source.client_to_server, at_source.server_to_client) {
            (Some(true), Some(false)) => Vantage::Client,
            (Some(false), Some(true)) => Vantage::Server,
            (Some(false), Some(false)) => return Vantage::Between,
            (Some(true), Some(true)) => return near.unwrap_or(Vantage::Unknown),
            _ => return Vantage::Unknown,
        };
        if near.is_none_or(|near| near == by_ttl) { by_ttl } else { Vantage::Unknown }
    }

    /// Whether the capture was taken at the sender of `dir`, so that what it does not show was not sent.
    pub fn at(&self, dir: Dir) -> bool {
        self.vantage()
            == match dir {
                Dir::ClientToServer => Vantage::Client,
                Dir::ServerToClient => Vantage::Server,
            }
    }

    /// How the wait that began with `first` ended, if it was long enough to mean something.
    fn waited(&self, first: Stamp) -> Option<End> {
        match self.tcp.closing {
            Some(closing) => (closing.stamp.time.since(first.time) >= GAVE_UP
                && first.before(&closing.stamp))
            .then_some(End::GaveUp(closing.dir, closing.stamp)),
            None => (self.tcp.observed_until.since(first.time) >= CAPTURE_ENDED)
                .then_some(End::CaptureEnded(self.tcp.observed_until)),
        }
    }

    /// The bytes that the sender of `dir` repeated to the end without an acknowledgement, and how that ended.
    /// A sender that sent something new after them had its acknowledgement, wherever the capture lost it.
    fn repeated(&self, dir: Dir) -> Option<(Repeats, End)> {
        let facts = &self.tcp.dir[dir];
        let repeats = *facts.unanswered.as_deref().filter(|repeats| repeats.count >= 2)?;
        let stuck = facts.path.selective.is_some()
            || facts.last_data.is_none_or(|last| last.order <= repeats.last.order);
        let end = self.waited(repeats.first).filter(|_| stuck)?;
        // Two sendings are a tail-loss probe unless nothing came for long.
        let long = end.time().since(repeats.first.time) >= CAPTURE_ENDED;
        (repeats.count >= 3 || long).then_some((repeats, end))
    }

    /// Segments of one direction that never got through while their receiver had acknowledged data before, or
    /// keep-alives that nobody answered.
    pub fn stall(&self) -> Option<Stall> {
        if self.lacks_any() {
            return None;
        }
        // What was on its way already comes a little later.
        let alive = |dir: Dir, since: Stamp| {
            self.tcp.dir[dir.flip()]
                .marks
                .map(|marks| marks.stamp)
                .filter(|last| since.before(last) && last.time.since(since.time) >= GAVE_UP)
        };
        let by_data = Dir::BOTH.into_iter().filter_map(|dir| {
            let (repeats, end) = self.repeated(dir)?;
            self.tcp.dir[dir].acked_at?;
            // A receiver that takes nothing is no fault of the path.
            let open = self.tcp.dir[dir.flip()].path.closed.is_none();
            let alive = alive(dir, repeats.first);
            open.then_some(Stall { dir, repeats, waits: Waits::Data, alive, end })
        });
        let by_probes = Dir::BOTH.into_iter().filter_map(|dir| {
            let repeats =
                self.tcp.dir[dir].path.probes.as_deref().copied().filter(|probes| probes.count >= 3)?;
            let end = self.waited(repeats.first)?;
            // A closed window is no dead end.
            let open = self.tcp.dir[dir.flip()].marks.is_some_and(|marks| marks.window > 0);
            let long = end.time().since(repeats.first.time) >= CAPTURE_ENDED;
            (open && long).then_some(Stall { dir, repeats, waits: Waits::KeepAlives, alive: None, end })
        });
        let by_holes = Dir::BOTH.into_iter().filter_map(|dir| {
            self.tcp.dir[dir].acked_at?;
            let repeats = self.missing(dir)?;
            let end = self.waited(repeats.first)?;
            let long = end.time().since(repeats.first.time) >= CAPTURE_ENDED;
            (repeats.count >= 3 || long).then_some(Stall {
                dir,
                repeats,
                waits: Waits::Missing,
                alive: Some(repeats.last),
                end,
            })
        });
        by_data.chain(by_probes).chain(by_holes).min_by_key(|stall| stall.repeats.first.order)
    }

    /// The packets that show that the sender of `dir` had sent bytes that never came to the capture point, nor, as
    /// far as that shows, to the other end.
    pub fn missing(&self, dir: Dir) -> Option<Repeats> {
        let path = &self.tcp.dir[dir].path;
        let behind = path.open_hole.as_ref().map(|hole| hole.behind);
        behind.or(path.ahead.as_ref().map(|ahead| ahead.packets)).filter(|_| self.holes(dir))
    }

    /// An end that closed its receive window and did not open it again: who, since when, and how that ended.
    pub fn choked(&self) -> Option<(Dir, Stamp, End)> {
        /// A busy program reads again after a moment.
        const LONG: i64 = 10 * Timestamp::SECOND;
        Dir::BOTH.into_iter().find_map(|dir| {
            let since = **self.tcp.dir[dir].path.closed.as_ref()?;
            let end = self.waited(since)?;
            (end.time().since(since.time) >= LONG).then_some((dir, since, end))
        })
    }

    /// An active session in which one end repeated itself to the end, and nothing came back any more.
    pub fn lost(&self) -> Option<Stall> {
        let stall = self.stall().filter(|stall| self.is_active() && stall.alive.is_none())?;
        // The silent end's own close says that it was there.
        matches!(stall.end, End::CaptureEnded(_)).then_some(stall).or_else(|| match stall.end {
            End::GaveUp(dir, _) if dir == stall.dir => Some(stall),
            _ => None,
        })
    }

    /// Large segments that never got through while small ones did.
    pub fn black_hole(&self) -> Option<BlackHole<'_>> {
        if self.lacks_any() {
            return None;
        }
        Dir::BOTH.into_iter().find_map(|dir| self.repeated_too_big(dir).or_else(|| self.missing_too_big(dir)))
    }

    /// Largest IP packet of this direction's full segments, by what its receiver (and its sender) said they
    /// take. TCP's options count in that size.
    fn full_size(&self, dir: Dir) -> Option<u32> {
        let headers = if self.tcp.client.is_ipv4() { 40 } else { 60 };
        let own = self.tcp.dir[dir].mss.unwrap_or(u16::MAX);
        Some(u32::from(self.tcp.dir[dir.flip()].mss?.min(own)) + headers)
    }

    /// Captured in front of the black hole.
    fn repeated_too_big(&self, dir: Dir) -> Option<BlackHole<'_>> {
        /// The other end's repeats that a piggybacked acknowledgement inside the lost segment explains.
        const FEW: u32 = 2;
        let (facts, peer) = (&self.tcp.dir[dir], &self.tcp.dir[dir.flip()]);
        let (repeats, end) = self.repeated(dir)?;
        // Where offload was not done yet, several segments look like one.
        let most = self.full_size(dir);
        let wire = |ip_len: u32| most.map_or(ip_len, |most| ip_len.min(most));
        let size = wire(facts.unanswered_ip_len);
        if size <= SMALLEST || facts.acked_at.is_none() || (most.is_none() && size > 9000) {
            return None;
        }
        let before = wire(facts.largest_acked);
        let after = wire(facts.path.largest_selective);
        if let Some(too_big) = self.tcp.too_big.as_deref()
            && too_big.dir == dir
            && too_big.ignored.is_some()
        {
            let limit = too_big.error.value.mtu.unwrap_or(SMALLEST);
            let passed = if after > 0 { after } else { before.min(limit) };
            return Some(BlackHole { dir, size, passed, shown: Shown::TooBig(repeats, too_big), end });
        }
        if let Some(selective) = facts.path.selective.as_deref().copied()
            && (1..size).contains(&after)
        {
            let shown = Shown::Selective(repeats, selective);
            return Some(BlackHole { dir, size, passed: after, shown, end });
        }
        // Without selective acknowledgements: nothing as large ever passed, and the other end, whose packets
        // come through, got the small acknowledgements of what it sent meanwhile.
        let heard = peer.last_data.filter(|last| repeats.first.before(last))?;
        let settled = end.time().since(heard.time) >= GAVE_UP;
        let repeated = peer
            .path
            .needless
            .as_ref()
            .is_some_and(|needless| needless.count > FEW && repeats.first.before(&needless.last));
        let shown = Shown::Alive(repeats, heard);
        ((1..size).contains(&before) && settled && !repeated && peer.unanswered.is_none())
            .then_some(BlackHole { dir, size, passed: before, shown, end })
    }

    /// Captured behind it: full segments are missing, smaller ones that followed them are there.
    fn missing_too_big(&self, dir: Dir) -> Option<BlackHole<'_>> {
        let (facts, peer) = (&self.tcp.dir[dir], &self.tcp.dir[dir.flip()]);
        let hole = *facts.path.open_hole.as_deref()?;
        let end = self.waited(hole.behind.first)?;
        let full = self.full_size(dir)?;
        let headers = if self.tcp.client.is_ipv4() { 40 } else { 60 };
        let missing = u32::try_from(hole.len).unwrap_or(u32::MAX).saturating_add(headers);
        let size = full.min(missing);
        // The receiver is there and asks for it.
        let asked = peer.marks.is_some_and(|marks| hole.behind.first.before(&marks.stamp));
        (size > SMALLEST && hole.largest < size && asked).then_some(BlackHole {
            dir,
            size,
            passed: hole.largest,
            shown: Shown::Hole(hole),
            end,
        })
    }

    /// What was lost of each direction.
    pub fn loss(&self) -> PerDir<Loss> {
        let one = |dir: Dir| {
            let facts = &self.tcp.dir[dir];
            let segments = self.wire_segments(dir, facts);
            let heavy = facts.lost >= 10 && facts.lost.saturating_mul(50) >= segments;
            // A receiver that took nothing more explains a wait as well.
            let active = self.active_since().map(|span| span.first);
            let stall = [&facts.path.longest_stall, &facts.path.last_stall]
                .into_iter()
                .flatten()
                .map(|stall| **stall)
                .filter(|_| self.tcp.dir[dir.flip()].zero_window == 0)
                .find(|stall| active.is_some_and(|active| !stall.first.before(&active)));
            Loss { lost: facts.lost, segments, heavy, stall }
        };
        PerDir { client_to_server: one(Dir::ClientToServer), server_to_client: one(Dir::ServerToClient) }
    }

    /// Whether an active session lost so much that users feel it.
    pub fn is_lossy(&self) -> bool {
        let loss = self.loss();
        self.is_active() && Dir::BOTH.into_iter().any(|dir| loss[dir].heavy || loss[dir].stall.is_some())
    }

    /// Segments of the wire: where offload was not done yet, a captured packet is several.
    fn wire_segments(&self, dir: Dir, facts: &DirFacts) -> u64 {
        const COMMON: u16 = 1448;
        let mss = u64::from(self.tcp.dir[dir.flip()].mss.filter(|mss| *mss > 0).unwrap_or(COMMON));
        facts.segments.max(facts.bytes.div_ceil(mss))
    }

    /// Whether the capture lacks the last bytes of an end, which may have been its goodbye.
    pub fn lacks_last_words(&self) -> bool {
        let dir = &self.tcp.dir;
        Dir::BOTH.into_iter().any(|of| {
            let beyond =
                dir[of].rst.as_ref().and_then(|rst| rst.offset).and_then(|offset| u64::try_from(offset).ok());
            dir[of].acked.max(beyond.unwrap_or(0)) > dir[of].sent
        })
    }

    /// The last ICMP error after `since` that says that the connection's packets do not arrive.
    pub fn unreachable_since(&self, since: Stamp) -> Option<&Seen<IcmpError>> {
        let tcp = &self.tcp;
        tcp.last_icmp.as_deref().or(tcp.icmp.as_deref()).filter(|error| since.before(&error.span.first))
    }
}
