//! The plain course of a connection: both streams are complete, and a packet carries what comes next or acknowledges
//! what came. Nearly all packets of a session do, and most of what a packet is looked through for cannot be in one
//! that does. [`Connection::goes_on`] takes those, and leaves the same behind as [`Connection::segment`] would.

use super::connection::Connection;
use super::embryo::{marks, print};
use super::facts::Reader;
use super::headers::PAUSE;
use super::options::Options;
use crate::base::{Chunk, Dir};
use crate::packet::{Meta, Segment, TcpFlags};

impl<R: Reader> Connection<R> {
    /// Whether the connection is on its plain course.
    pub(super) fn is_steady(&self) -> bool {
        let (facts, dirs) = (&self.headers.facts, &self.headers.dirs);
        self.reader.is_some()
            && (facts.syn_ack.is_none() || facts.handshake_ack.is_some())
            && Dir::BOTH.into_iter().all(|dir| {
                let (stream, facts) = (&dirs[dir], &facts.dir[dir]);
                stream.is_complete(facts.acked)
                    && facts.fin.is_none()
                    && facts.rst.is_none()
                    && facts.path.probes.is_none()
                    && facts.path.selective.is_none()
            })
    }

    /// Takes the next packet where it is one of a plain course; changes nothing where it is not.
    #[inline(always)]
    pub(super) fn goes_on(&mut self, dir: Dir, meta: &Meta, segment: &Segment<'_>) -> bool {
        const TELLING: u8 = TcpFlags::SYN.0 | TcpFlags::FIN.0 | TcpFlags::RST.0 | TcpFlags::ACK.0;
        let stamp = meta.stamp;
        if !self.steady || segment.flags.0 & TELLING != TcpFlags::ACK.0 || segment.window == 0 {
            return false;
        }
        let Some(options) = Options::plain(segment.options.0) else { return false };
        let (facts, dirs) = (&mut self.headers.facts, &mut self.headers.dirs);
        if !dirs[dir].is_next(segment.seq) || stamp.time.since(facts.last.time) >= PAUSE {
            return false;
        }
        let print = print(meta, segment, &options);
        if segment.payload_len == 0 && self.recent[dir].may_have_seen(&print) {
            return false;
        }
        let peer = dir.flip();
        let rtt = facts.rtt_to_sender(dir);
        if !dirs[peer].confirmed(&mut facts.dir[peer], segment.ack, stamp, &options, rtt) {
            return false;
        }
        self.recent[dir].remember(print);
        facts.last = stamp;
        let this = &mut facts.dir[dir];
        this.packets += 1;
        this.last_packet = Some(stamp);
        let marks = marks(meta, segment, &options);
        this.path.identification(this.marks, &marks);
        this.marks = Some(marks);
        if segment.payload_len > 0 {
            let offset = dirs[dir].went_on(this, meta, segment.payload_len);
            let len = u64::from(segment.payload_len);
            self.hand(dir, Chunk { offset, data: segment.payload, len, stamp });
        }
        true
    }
}
