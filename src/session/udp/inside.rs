//! The TLS or DTLS inside a flow, and the tunnel request and answer inside that (MS-RDPEMT), which are encrypted and
//! told by their lengths.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::traffic::nearest;
use crate::base::{Chunk, Dir, Gap, Limits, PerDir, Seen, Span, Stamp};
use crate::layers::{DtlsDatagrams, Keys, TlsStream};
use crate::protocol::{Step, multitransport, rdpemt};
use crate::session::Tls;

/// Bytes of a Tunnel Create Request and Response (MS-RDPEMT, sections 2.2.2.1 and 2.2.2.2).
const CREATE_REQUEST: usize = 28;
const CREATE_RESPONSE: usize = 8;
/// Records both ways after the request that prove a tunnel, where its answer is not in the capture.
const PROOF: usize = 3;

/// What a flow carries.
#[derive(Debug)]
pub struct Tunnel {
    /// What TLS or DTLS showed.
    pub tls: Tls,
    dtls: Option<bool>,
    /// The client's request for the tunnel, where keys opened it.
    pub create: Option<Seen<Create>>,
    /// The server's answer to the tunnel's request, where keys opened it.
    pub response: Option<Seen<rdpemt::HResult>>,
    reader: Reader,
    keys: Keys,
}

/// What a request for a tunnel names: the server's invitation, sent over TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Create {
    /// `RequestID`.
    pub request_id: u32,
    /// SHA-256 of the `SecurityCookie`, which is not kept.
    pub cookie_hash: [u8; 32],
}

#[derive(Debug)]
enum Reader {
    /// No data yet.
    Waiting,
    /// TLS.
    Stream(Box<TlsStream>, PerDir<InOrder>),
    /// DTLS.
    Datagrams(Box<DtlsDatagrams>),
    /// Enough was read.
    Done,
}

/// One payload of the transport.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payload<'a> {
    /// Its number.
    pub number: u32,
    /// How many bits that has on the wire.
    pub bits: u32,
    /// The bytes that the capture has.
    pub data: &'a [u8],
    /// How many there were.
    pub len: usize,
    pub stamp: Stamp,
}

impl Tunnel {
    pub(super) fn new(keys: Keys) -> Self {
        Tunnel {
            tls: Tls::default(),
            dtls: None,
            create: None,
            response: None,
            reader: Reader::Waiting,
            keys,
        }
    }

    /// Takes a payload. `first` is the number of the direction's first one, where the opening told it.
    pub(super) fn payload(&mut self, dir: Dir, payload: &Payload<'_>, first: Option<u32>, limits: &Limits) {
        if let Reader::Waiting = self.reader {
            // A record of DTLS has a version whose first byte is FE, one of TLS 3.
            self.reader = match payload.data {
                [] => return,
                [0x14..=0x19, 0xFE, ..] => {
                    Reader::Datagrams(Box::new(DtlsDatagrams::new(limits, self.keys.clone())))
                }
                _ => Reader::Stream(Box::new(TlsStream::new(limits, self.keys.clone())), PerDir::default()),
            };
            self.dtls = Some(matches!(self.reader, Reader::Datagrams(_)));
        }
        match &mut self.reader {
            Reader::Waiting | Reader::Done => return,
            Reader::Datagrams(reader) => {
                let chunk =
                    Chunk { offset: 0, data: payload.data, len: payload.len as u64, stamp: payload.stamp };
                // Bytes that are no record are no fault that users feel.
                let _ = self.tls.datagram(reader, dir, &chunk);
            }
            Reader::Stream(reader, lanes) => {
                let tls = &mut self.tls;
                lanes[dir].push(payload, first, &mut |piece| match piece {
                    Piece::Data(chunk) => {
                        let _ = tls.stream(reader, dir, &chunk);
                    }
                    Piece::Gap(gap) => tls.gap(reader, dir, &gap),
                });
            }
        }
        for (clear, _, span) in self.tls.take_clear() {
            let Step::Done(pdu, _) = rdpemt::parse(&clear) else { continue };
            match (dir, pdu.body) {
                (Dir::ClientToServer, rdpemt::Body::CreateRequest { request_id, security_cookie }) => {
                    let cookie_hash = multitransport::cookie_hash(&security_cookie);
                    self.create.get_or_insert(Seen::new(Create { request_id, cookie_hash }, span));
                }
                (Dir::ServerToClient, rdpemt::Body::CreateResponse(result)) => {
                    self.response.get_or_insert(Seen::new(result, span));
                }
                _ => {}
            }
        }
        if self.tls.opening.len() >= Tls::OPENING {
            self.reader = Reader::Done;
        }
    }

    /// Whether payloads are read still.
    pub(super) const fn is_reading(&self) -> bool {
        !matches!(self.reader, Reader::Done)
    }

    /// Nothing more comes: what waits for what was missed is read without it.
    pub(super) fn finish(&mut self) {
        if let Reader::Stream(reader, lanes) = &mut self.reader {
            let tls = &mut self.tls;
            for dir in Dir::BOTH {
                lanes[dir].give_up(0, &mut |piece| match piece {
                    Piece::Data(chunk) => {
                        let _ = tls.stream(reader, dir, &chunk);
                    }
                    Piece::Gap(gap) => tls.gap(reader, dir, &gap),
                });
            }
        }
        self.reader = Reader::Done;
    }

    /// Whether DTLS was read rather than TLS; `None` where there was no data.
    pub const fn is_dtls(&self) -> Option<bool> {
        self.dtls
    }

    /// The tunnel's request: the client's first hidden record.
    pub fn request(&self) -> Option<Span> {
        self.first(Dir::ClientToServer, 0, |_| true).map(|(_, span)| span)
    }

    /// The server's answer, where keys opened it and it refuses the tunnel.
    pub fn refusal(&self) -> Option<&Seen<rdpemt::HResult>> {
        self.response.as_ref().filter(|response| response.value.is_failure())
    }

    /// Its answer, by its length where keys did not open it.
    pub fn answer(&self) -> Option<Span> {
        self.answered().map(|(_, span)| span)
    }

    fn answered(&self) -> Option<(usize, Span)> {
        if let Some(Seen { span, .. }) = self.response {
            let at = self.tls.opening.iter().position(|record| record.span == span)?;
            return Some((at, span));
        }
        let (asked, _) = self.first(Dir::ClientToServer, 0, |_| true)?;
        let is_answer = |length| self.tls.may_hide(length, CREATE_RESPONSE);
        self.first(Dir::ServerToClient, asked, is_answer)
    }

    /// Whether the request has the length of one.
    pub fn asks(&self) -> bool {
        let request = self.tls.opening.iter().find(|record| record.dir == Dir::ClientToServer);
        request.is_some_and(|record| self.tls.may_hide(record.length, CREATE_REQUEST))
    }

    /// The first data after the tunnel's answer, where that is not known to be a refusal.
    pub fn active(&self) -> Option<Span> {
        if self.refusal().is_some() {
            return None;
        }
        if let Some((answered, _)) = self.answered() {
            return self.tls.opening.get(answered + 1).map(|record| record.span);
        }
        let (asked, _) = self.first(Dir::ClientToServer, 0, |_| true)?;
        // Its answer was missed, or cannot be told by its length.
        let rest = self.tls.opening.get(asked + 1..)?;
        let of = |dir| rest.iter().filter(move |record| record.dir == dir);
        let enough = Dir::BOTH.into_iter().all(|dir| of(dir).nth(PROOF - 1).is_some());
        enough.then(|| rest.last().map(|record| record.span)).flatten()
    }

    /// Index and packets of the first hidden record of `dir` from `from` on whose length is right.
    fn first(&self, dir: Dir, from: usize, right: impl Fn(usize) -> bool) -> Option<(usize, Span)> {
        let records = self.tls.opening.iter().enumerate().skip(from);
        records
            .filter(|(_, record)| record.dir == dir && right(record.length))
            .map(|(at, record)| (at, record.span))
            .next()
    }
}

/// What comes out of [`InOrder`].
enum Piece<'a> {
    Data(Chunk<'a>),
    Gap(Gap),
}

/// Puts a direction's payloads in order.
#[derive(Debug, Default)]
struct InOrder {
    /// The one that is due; `None` until it is known which is the first.
    next: Option<u64>,
    held: BTreeMap<u64, Held>,
    /// Stream offset of the next.
    offset: u64,
}

#[derive(Debug)]
struct Held {
    data: Vec<u8>,
    len: usize,
    stamp: Stamp,
}

impl InOrder {
    /// Payloads kept while one before them is missing: more than a flow sends before it repeats what was lost.
    const HELD: usize = 64;
    /// Payloads kept until the first one is known.
    const UNKNOWN: usize = 8;
    /// Stands for the unknown length of what is missing: beyond any record's.
    const MISSING: u64 = 1 << 20;
    /// Numbers begin here, so that there is room before the first.
    const BASE: u64 = 1 << 40;

    fn push(&mut self, payload: &Payload<'_>, first: Option<u32>, emit: &mut impl FnMut(Piece<'_>)) {
        let reference = self.next.or_else(|| self.held.keys().next().copied()).unwrap_or(Self::BASE);
        let number = nearest(payload.number, payload.bits, reference);
        if self.next.is_none() {
            let begins = TlsStream::begins(payload.data);
            self.next = match first {
                Some(first) => Some(nearest(first, payload.bits, number)),
                None => begins.then_some(number),
            };
        }
        if self.next.is_some_and(|next| number < next) {
            return;
        }
        if self.next == Some(number) {
            self.give(payload.data, payload.len, payload.stamp, emit);
        } else {
            let held = Held { data: payload.data.to_vec(), len: payload.len, stamp: payload.stamp };
            self.held.entry(number).or_insert(held);
        }
        self.drain(emit);
        let most = if self.next.is_some() { Self::HELD } else { Self::UNKNOWN };
        if self.held.len() > most {
            self.give_up(most / 2, emit);
        }
    }

    /// Hands out the one that is due.
    fn give(&mut self, data: &[u8], len: usize, stamp: Stamp, emit: &mut impl FnMut(Piece<'_>)) {
        let len = len as u64;
        emit(Piece::Data(Chunk { offset: self.offset, data, len, stamp }));
        self.offset += len;
        self.next = self.next.map(|next| next + 1);
    }

    fn drain(&mut self, emit: &mut impl FnMut(Piece<'_>)) {
        while let Some(next) = self.next
            && let Some(held) = self.held.remove(&next)
        {
            self.give(&held.data, held.len, held.stamp, emit);
        }
        if let Some(next) = self.next {
            while self.held.first_key_value().is_some_and(|(number, _)| *number < next) {
                self.held.pop_first();
            }
        }
    }

    /// Goes on without what is missing, until no more than `most` are kept.
    fn give_up(&mut self, most: usize, emit: &mut impl FnMut(Piece<'_>)) {
        while self.held.len() > most
            && let Some((&number, held)) = self.held.first_key_value()
        {
            if self.next.is_some() {
                let stamp = held.stamp;
                emit(Piece::Gap(Gap { offset: self.offset, len: Self::MISSING, acknowledged: false, stamp }));
                self.offset += Self::MISSING;
            }
            self.next = Some(number);
            self.drain(emit);
        }
    }
}

/// The two pieces as one.
pub(super) fn joined(pieces: [&[u8]; 2]) -> Cow<'_, [u8]> {
    match pieces {
        [[], only] | [only, []] => Cow::Borrowed(only),
        [head, tail] => Cow::Owned([head, tail].concat()),
    }
}
