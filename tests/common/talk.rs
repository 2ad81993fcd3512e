//! A conversation forged packet by packet, and what the engine makes of it. Nothing here was captured.

use std::net::{IpAddr, SocketAddr};

use rdpwhy::analyzer::{Analyzer, Diagnosed, Options};
use rdpwhy::base::{Frame, FrameRef, LinkType, Timestamp};
use rdpwhy::diagnosis::{Confidence, Outcome, Side};

use super::made::{self, ACK, FIN, PSH, RST, START, SYN, record};
pub use super::messages::*;

/// A frame that waits for its turn.
#[derive(Clone, Debug)]
pub struct Made {
    pub capture: u16,
    pub time: Timestamp,
    pub data: Vec<u8>,
    pub wire_len: u32,
}

impl Made {
    pub fn frame(&self, number: u64) -> Frame<'_> {
        Frame {
            at: FrameRef::new(self.capture, number),
            time: self.time,
            link: LinkType::ETHERNET,
            interface: u32::from(self.capture),
            data: &self.data,
            wire_len: self.wire_len,
        }
    }
}

/// One connection. Sequence numbers follow what was sent; every packet acknowledges what the other end
/// sent so far.
#[derive(Clone, Debug)]
pub struct Talk {
    pub frames: Vec<Made>,
    pub client: SocketAddr,
    pub server: SocketAddr,
    /// Next sequence number of client and server.
    seq: [u32; 2],
    /// What each end acknowledges.
    ack: [u32; 2],
    id: u16,
    /// Nanoseconds since `START`.
    now: i64,
    /// Whose packets are captured.
    seen: [bool; 2],
    /// Bytes of a frame that are kept.
    snap: usize,
}

pub const C: usize = 0;
pub const S: usize = 1;

impl Talk {
    pub fn new() -> Self {
        Self::between("10.0.0.2:50204", "10.0.0.1:3389")
    }

    pub fn between(client: &str, server: &str) -> Self {
        Talk {
            frames: Vec::new(),
            client: client.parse().unwrap(),
            server: server.parse().unwrap(),
            seq: [1000, 70_000],
            ack: [0, 0],
            id: 1,
            now: 0,
            seen: [true, true],
            snap: usize::MAX,
        }
    }

    /// Only packets of this end are captured from now on.
    pub fn only(mut self, end: usize) -> Self {
        self.seen = [end == C, end == S];
        self
    }

    /// Packets of this end are not captured from now on.
    pub fn blind(mut self, end: usize) -> Self {
        self.seen[end] = false;
        self
    }

    /// Both ends are captured from now on.
    pub fn sight(mut self) -> Self {
        self.seen = [true, true];
        self
    }

    pub fn snap(mut self, bytes: usize) -> Self {
        self.snap = bytes;
        self
    }

    /// Milliseconds pass; may be negative, and fractional.
    pub fn wait(mut self, ms: f64) -> Self {
        self.now += (ms * 1e6) as i64;
        self
    }

    /// Another connection of the same ports from the same moment on.
    pub fn isn(mut self, client: u32, server: u32) -> Self {
        self.seq = [client, server];
        self.ack = [0, 0];
        self
    }

    pub fn port(mut self, client: u16) -> Self {
        self.client.set_port(client);
        self
    }

    /// A packet as it is, 1 ms after the one before.
    pub fn raw(mut self, from: usize, flags: u8, seq: u32, ack: u32, payload: &[u8]) -> Self {
        self.now += 1_000_000;
        self.id = self.id.wrapping_add(1);
        if !self.seen[from] {
            return self;
        }
        let (source, target) =
            if from == C { (self.client, self.server) } else { (self.server, self.client) };
        let mut segment = Vec::new();
        segment.extend(source.port().to_be_bytes());
        segment.extend(target.port().to_be_bytes());
        segment.extend(seq.to_be_bytes());
        segment.extend(ack.to_be_bytes());
        segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        segment.extend(payload);
        let time = Timestamp(START.0 + self.now);
        let mut data = match (source.ip(), target.ip()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => made::ipv4(a, b, 6, self.id, 0x4000, &segment, time).data,
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let mut data = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd, 0x60, 0, 0, 0];
                data.extend((segment.len() as u16).to_be_bytes());
                data.extend([6, 64]);
                data.extend(a.octets());
                data.extend(b.octets());
                data.extend(&segment);
                data
            }
            _ => panic!("one family"),
        };
        let wire_len = data.len() as u32;
        data.truncate(self.snap);
        self.frames.push(Made { capture: 0, time, data, wire_len });
        self
    }

    /// The last frame once more, as another sighting after so many milliseconds.
    pub fn again(mut self, ms: f64) -> Self {
        let mut frame = self.frames.last().unwrap().clone();
        frame.time = Timestamp(frame.time.0 + (ms * 1e6) as i64);
        self.frames.push(frame);
        self
    }

    fn flow(self, from: usize, flags: u8, payload: &[u8], takes: u32) -> Self {
        let (seq, ack) = (self.seq[from], self.ack[from]);
        let mut this = self.raw(from, flags, seq, ack, payload);
        this.seq[from] = seq.wrapping_add(payload.len() as u32 + takes);
        this.ack[1 - from] = this.seq[from];
        this
    }

    pub fn syn(self) -> Self {
        self.flow(C, SYN, &[], 1)
    }

    /// The SYN again.
    pub fn resyn(self) -> Self {
        let seq = self.seq[C].wrapping_sub(1);
        self.raw(C, SYN, seq, 0, &[])
    }

    pub fn syn_ack(self) -> Self {
        self.flow(S, SYN | ACK, &[], 1)
    }

    pub fn re_syn_ack(self) -> Self {
        let (seq, ack) = (self.seq[S].wrapping_sub(1), self.ack[S]);
        self.raw(S, SYN | ACK, seq, ack, &[])
    }

    /// The three packets of the handshake.
    pub fn open(self) -> Self {
        self.syn().syn_ack().ack(C)
    }

    pub fn ack(self, from: usize) -> Self {
        self.flow(from, ACK, &[], 0)
    }

    pub fn send(self, from: usize, payload: &[u8]) -> Self {
        self.flow(from, PSH | ACK, payload, 0)
    }

    pub fn c(self, payload: &[u8]) -> Self {
        self.send(C, payload)
    }

    pub fn s(self, payload: &[u8]) -> Self {
        self.send(S, payload)
    }

    /// The last `len` bytes of this end again.
    pub fn repeat(self, from: usize, payload: &[u8]) -> Self {
        let (seq, ack) = (self.seq[from].wrapping_sub(payload.len() as u32), self.ack[from]);
        self.raw(from, PSH | ACK, seq, ack, payload)
    }

    /// Sent, and lost before the capture point: neither seen nor acknowledged.
    pub fn lost(mut self, from: usize, payload: &[u8]) -> Self {
        self.seq[from] = self.seq[from].wrapping_add(payload.len() as u32);
        self
    }

    /// Sent, missed by the capture, and taken by the other end.
    pub fn missed(mut self, from: usize, payload: &[u8]) -> Self {
        self.seq[from] = self.seq[from].wrapping_add(payload.len() as u32);
        self.ack[1 - from] = self.seq[from];
        self
    }

    pub fn fin(self, from: usize) -> Self {
        self.flow(from, FIN | ACK, &[], 1)
    }

    pub fn rst(self, from: usize) -> Self {
        self.flow(from, RST | ACK, &[], 0)
    }

    /// A RST in answer to the SYN.
    pub fn refuse(self) -> Self {
        let ack = self.ack[S];
        self.raw(S, RST | ACK, 0, ack, &[])
    }

    /// Both ends close, this one first.
    pub fn close(self, first: usize) -> Self {
        self.fin(first).fin(1 - first).ack(first)
    }

    /// A packet of another flow, so that the capture goes on until now.
    pub fn elsewhere(mut self) -> Self {
        let (client, server) = (self.client, self.server);
        self.client = "10.9.9.9:40000".parse().unwrap();
        self.server = "10.9.9.8:53".parse().unwrap();
        self.now -= 1_000_000;
        let seen = std::mem::replace(&mut self.seen, [true, true]);
        let mut this = self.raw(C, ACK, 5, 5, &[]);
        (this.client, this.server, this.seen) = (client, server, seen);
        this
    }

    // ---- RDP ----

    pub fn request(self) -> Self {
        self.c(&made::connection_request())
    }

    pub fn confirm(self, protocol: u8) -> Self {
        self.s(&made::connection_confirm(protocol))
    }

    /// Up to the Connection Confirm.
    pub fn negotiated(self, protocol: u8) -> Self {
        self.open().request().confirm(protocol)
    }

    pub fn failure(self, code: u8) -> Self {
        self.s(&failure(code))
    }

    // ---- TLS ----

    pub fn hello(self) -> Self {
        self.c(&client_hello())
    }

    /// TLS 1.2, from ClientHello to ServerHelloDone.
    pub fn flight12(self) -> Self {
        self.hello().s(&server_flight12())
    }

    /// TLS 1.2, the client's answer.
    pub fn finish12(self) -> Self {
        self.c(&client_finish12())
    }

    /// TLS 1.2, the whole handshake.
    pub fn tls12(self) -> Self {
        self.flight12().finish12().s(&[record(20, &[1]), record(22, &[9; 40])].concat())
    }

    /// TLS 1.3, up to the server's Finished.
    pub fn flight13(self) -> Self {
        self.hello().s(&server_flight13())
    }

    pub fn finish13(self) -> Self {
        self.c(&[record(20, &[1]), record(23, &[7; 53])].concat())
    }

    /// TLS 1.3 and what follows without NLA, up to licensing, by the lengths of its messages.
    pub fn setup13(self) -> Self {
        const HIDES: usize = 17;
        let mut this = self.flight13().finish13();
        let settings = [(C, 400), (S, 150), (C, 12), (C, 8), (S, 11), (C, 12), (S, 15), (C, 330), (S, 34)];
        for (from, plain) in settings {
            this = this.data(from, plain + HIDES);
        }
        this
    }

    /// Hidden data of this many bytes.
    pub fn data(self, from: usize, len: usize) -> Self {
        self.send(from, &record(23, &vec![5; len]))
    }

    /// As much as only graphics needs.
    pub fn active(self) -> Self {
        let mut this = self;
        for _ in 0..24 {
            this = this.data(C, 60).data(S, 1200);
        }
        this
    }

    pub fn verdicts(&self) -> Vec<Told> {
        analyze(&self.frames)
    }

    /// The only session's.
    pub fn told(&self) -> Told {
        let mut told = self.verdicts();
        assert_eq!(told.len(), 1, "{told:#?}");
        told.remove(0)
    }
}

/// What the engine says.
#[derive(Clone, Debug)]
pub struct Told {
    pub code: &'static str,
    pub outcome: Outcome,
    pub side: Side,
    pub confidence: Confidence,
    pub phase: &'static str,
    pub owner: Option<&'static str>,
    pub others: Vec<&'static str>,
    pub text: String,
}

impl Told {
    #[track_caller]
    pub fn is(&self, code: &str) -> &Self {
        assert_eq!(self.code, code, "{self:#?}");
        assert!(self.others.is_empty(), "others: {self:#?}");
        self
    }

    #[track_caller]
    pub fn side(&self, side: Side) -> &Self {
        assert_eq!(self.side, side, "{self:#?}");
        self
    }

    #[track_caller]
    pub fn sure(&self, confidence: Confidence) -> &Self {
        assert_eq!(self.confidence, confidence, "{self:#?}");
        self
    }

    #[track_caller]
    pub fn phase(&self, phase: &str) -> &Self {
        assert_eq!(self.phase, phase, "{self:#?}");
        self
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.text.contains(text), "not said: {text}\n{self:#?}");
        self
    }

    #[track_caller]
    pub fn never_says(&self, text: &str) -> &Self {
        assert!(!self.text.contains(text), "said: {text}\n{self:#?}");
        self
    }
}

impl From<&Diagnosed> for Told {
    fn from(done: &Diagnosed) -> Self {
        let verdict = &done.diagnosis.verdict;
        let mut text = verdict.explanation.clone();
        for evidence in &verdict.evidence {
            text += " | ";
            text += &evidence.text;
        }
        if matches!(verdict.outcome, Outcome::Healthy | Outcome::Probe | Outcome::Inconclusive) {
            assert_eq!(verdict.side, Side::Unknown, "{verdict:?}");
        }
        Told {
            code: verdict.code,
            outcome: verdict.outcome,
            side: verdict.side,
            confidence: verdict.confidence,
            phase: done.session.phase().as_str(),
            owner: verdict.owner,
            others: done.diagnosis.others.iter().map(|other| other.code).collect(),
            text,
        }
    }
}

pub fn analyze(frames: &[Made]) -> Vec<Told> {
    let mut analyzer = Analyzer::new(Options::default());
    for (number, frame) in frames.iter().enumerate() {
        analyzer.push(&frame.frame(number as u64 + 1));
    }
    analyzer.finish();
    let mut told = Vec::new();
    while let Some(done) = analyzer.poll() {
        told.push((done.session.tcp.first.order, Told::from(&done)));
    }
    told.sort_by_key(|(order, _)| *order);
    told.into_iter().map(|(_, told)| told).collect()
}
