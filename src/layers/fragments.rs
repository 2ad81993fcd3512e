//! DTLS handshake messages out of their fragments (RFC 6347, section 4.2.3), which come in any order,
//! overlap, and come again, cut otherwise, when a flight is sent again.

use std::collections::VecDeque;

use crate::base::{Seen, Span, Stamp};
use crate::protocol::Malformed;
use crate::protocol::dtls::{self, Fragment};
use crate::protocol::tls::{HandshakeMessage, HandshakeType};

/// Which message a fragment is of: kind and length too, since peers that keep no state before the cookie
/// may use a number twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    message_seq: u16,
    kind: HandshakeType,
    length: usize,
}

#[derive(Debug)]
struct Unfinished {
    key: Key,
    span: Span,
    /// What came, by offset; no two overlap.
    parts: Vec<(usize, Vec<u8>)>,
    have: usize,
}

/// Puts one direction's handshake messages together.
#[derive(Debug, Default)]
pub struct Fragments {
    unfinished: VecDeque<Unfinished>,
    done: VecDeque<Key>,
}

impl Fragments {
    /// Messages in the making: a flight has fewer.
    const UNFINISHED: usize = 8;
    /// Parts of one message: a certificate chain of 64 KiB in datagrams of 600 bytes.
    const PARTS: usize = 112;
    /// Messages that are known to be repeats: more than a handshake has.
    const DONE: usize = 32;

    /// Takes a fragment and hands out the message that it finishes. All that is kept stays below `limit`
    /// bytes; the oldest unfinished message makes room.
    ///
    /// # Errors
    /// A message that is longer than `limit`, or malformed.
    pub fn push(
        &mut self,
        fragment: &Fragment<'_>,
        stamp: Stamp,
        limit: usize,
        mut emit: impl FnMut(Seen<HandshakeMessage<'_>>),
    ) -> Result<(), Malformed> {
        let &Fragment { kind, length, message_seq, offset, body } = fragment;
        let key = Key { message_seq, kind, length };
        if self.done.contains(&key) {
            return Ok(());
        }
        if length > limit {
            let (need, have) = (limit as u64, length as u64);
            return Err(Malformed { what: "handshake message length", offset: 1, need, have });
        }
        let known = self.unfinished.iter().position(|message| message.key == key);
        if body.len() == length {
            let first = known.and_then(|at| self.unfinished.remove(at)).map_or(stamp, |old| old.span.first);
            self.finish(key);
            emit(Seen::new(dtls::parse_message(kind, body)?, Span { first, last: stamp }));
            return Ok(());
        }
        let mut message = known.and_then(|at| self.unfinished.remove(at)).unwrap_or_else(|| Unfinished {
            key,
            span: stamp.into(),
            parts: Vec::new(),
            have: 0,
        });
        if message.add(offset, body) {
            message.span.last = stamp;
        }
        if message.have < length {
            self.keep(message, limit);
            return Ok(());
        }
        self.finish(key);
        let body: Vec<u8> = message.parts.into_iter().flat_map(|(_, part)| part).collect();
        emit(Seen::new(dtls::parse_message(kind, &body)?, message.span));
        Ok(())
    }

    /// Unfinished messages and their bytes.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize) {
        let bytes =
            self.unfinished.iter().flat_map(|message| &message.parts).map(|(_, part)| part.len()).sum();
        (self.unfinished.len(), bytes)
    }

    fn finish(&mut self, key: Key) {
        if self.done.len() == Self::DONE {
            self.done.pop_front();
        }
        self.done.push_back(key);
    }

    fn keep(&mut self, message: Unfinished, limit: usize) {
        if message.parts.len() > Self::PARTS {
            return;
        }
        self.unfinished.push_back(message);
        let mut kept: usize = self.unfinished.iter().map(|message| message.have).sum();
        while self.unfinished.len() > Self::UNFINISHED || kept > limit {
            let Some(oldest) = self.unfinished.pop_front() else { return };
            kept -= oldest.have;
        }
    }
}

impl Unfinished {
    /// Takes what of `body` did not come before; whether anything did not.
    fn add(&mut self, offset: usize, body: &[u8]) -> bool {
        let (mut at, end, had) = (offset, offset + body.len(), self.have);
        let mut index = self.parts.partition_point(|(start, part)| start + part.len() <= offset);
        while at < end {
            let next = self.parts.get(index).map(|(start, part)| (*start, start + part.len()));
            let gap_end = next.map_or(end, |(start, _)| start.min(end));
            if at < gap_end {
                let part = body.get(at - offset..gap_end - offset).unwrap_or_default().to_vec();
                self.have += part.len();
                self.parts.insert(index, (at, part));
                index += 1;
            }
            // Past the part that came before.
            at = next.map_or(end, |(_, end)| end).max(gap_end);
            index += 1;
        }
        self.have > had
    }
}
