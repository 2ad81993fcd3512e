//! One RDP connection, 10.0.0.2:50000 to 10.0.0.1:3389, packet by packet: what a test does not say is as a
//! sound connection has it.

use std::net::{Ipv4Addr, SocketAddrV4};

use rdpwhy::analyzer::{Analyzer, Diagnosed, Options};
use rdpwhy::base::Timestamp;

use super::Owned;
use super::made::{self, ACK, PSH, START, SYN};

const CLIENT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 50_000);
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 3389);

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Client,
    Server,
}

use By::{Client, Server};

/// One packet; `seq` and `ack` are stream offsets.
#[derive(Clone, Debug)]
pub struct Packet {
    pub by: By,
    pub flags: u8,
    pub seq: i64,
    pub ack: i64,
    pub len: usize,
    pub bytes: Option<Vec<u8>>,
    pub ttl: u8,
    pub id: u16,
    pub timestamps: bool,
    pub window: u16,
    /// SACK block, stream offsets of the other end.
    pub sack: Option<(i64, i64)>,
    pub syn: bool,
}

impl Packet {
    pub fn with(mut self, change: impl FnOnce(&mut Packet)) -> Self {
        change(&mut self);
        self
    }
}

#[derive(Clone, Copy, Debug)]
struct End {
    base: u32,
    sent: i64,
    ttl: u8,
    id: u16,
    /// Its last timestamp.
    clock: u32,
}

#[derive(Clone, Debug)]
pub struct Script {
    pub frames: Vec<Owned>,
    pub now: Timestamp,
    /// Whether packets carry TCP timestamps.
    pub timestamps: bool,
    ends: [End; 2],
}

impl Script {
    /// After the handshake, captured at the client of a server one router and 20 ms away.
    pub fn new() -> Self {
        Script::seen_with(64, 127)
    }

    /// The same with these TTLs.
    pub fn seen_with(client_ttl: u8, server_ttl: u8) -> Self {
        let client = End { base: 1000, sent: 0, ttl: client_ttl, id: 100, clock: 0 };
        let server = End { base: 0xffff_f000, sent: 0, ttl: server_ttl, id: 30_000, clock: 0 };
        let mut script = Script { frames: Vec::new(), now: START, timestamps: true, ends: [client, server] };
        let syn = |p: &mut Packet| (p.flags, p.seq, p.syn) = (SYN, -1, true);
        script.put(script.packet(Client).with(syn).with(|p| p.ack = 0));
        script.wait(20);
        script.put(script.packet(Server).with(syn).with(|p| p.flags = SYN | ACK));
        script.put(script.packet(Client));
        script
    }

    /// An active session: negotiation, then 24 records of the server and some of the client, TLS handshake
    /// left out.
    pub fn active() -> Self {
        let mut script = Script::new();
        script.activate();
        script
    }

    pub fn activate(&mut self) {
        self.negotiate();
        for n in 0..24 {
            self.record(Server, 1000);
            self.wait(20);
            if n % 4 == 0 {
                self.record(Client, 60);
                self.wait(20);
            }
            self.put(self.packet(Client));
        }
        self.put(self.packet(Server));
    }

    /// Connection Request and Confirm, both acknowledged.
    pub fn negotiate(&mut self) {
        self.say(Client, made::connection_request());
        self.wait(20);
        self.say(Server, made::connection_confirm(1));
        self.put(self.packet(Client));
    }

    pub fn wait(&mut self, milliseconds: i64) {
        self.now = self.now.plus(milliseconds * Timestamp::MILLISECOND);
    }

    fn end(&self, by: By) -> &End {
        &self.ends[by as usize]
    }

    /// The next packet of an end: a bare acknowledgement of everything.
    pub fn packet(&self, by: By) -> Packet {
        let other = if by == Client { Server } else { Client };
        Packet {
            by,
            flags: ACK,
            seq: self.end(by).sent,
            ack: self.end(other).sent,
            len: 0,
            bytes: None,
            ttl: self.end(by).ttl,
            id: self.end(by).id,
            timestamps: self.timestamps,
            window: 60_000,
            sack: None,
            syn: false,
        }
    }

    /// New bytes of an end.
    pub fn say(&mut self, by: By, bytes: Vec<u8>) -> i64 {
        let packet =
            self.packet(by).with(|p| (p.flags, p.len, p.bytes) = (ACK | PSH, bytes.len(), Some(bytes)));
        let at = packet.seq;
        self.put(packet);
        at
    }

    /// A TLS record of application data in one packet; where it begins.
    pub fn record(&mut self, by: By, len: usize) -> i64 {
        self.say(by, made::record(23, &vec![7; len - 5]))
    }

    /// Bytes as they come; new ones move the end's stream on.
    pub fn put(&mut self, packet: Packet) {
        let (from, to) = if packet.by == Client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        let (own, other) =
            (*self.end(packet.by), *self.end(if packet.by == Client { Server } else { Client }));
        let place = |end: End, offset: i64| end.base.wrapping_add(offset as u32);
        let mut options = Vec::new();
        if packet.syn {
            options.extend([2, 4, 5, 0xb4, 1, 1, 4, 2]);
        }
        if packet.timestamps {
            let clock = (self.now.0 / Timestamp::MILLISECOND) as u32;
            options.extend([1, 1, 8, 10]);
            options.extend(clock.to_be_bytes());
            options.extend(other.clock.to_be_bytes());
            self.ends[packet.by as usize].clock = clock;
        }
        if let Some((left, right)) = packet.sack {
            options.extend([1, 1, 5, 10]);
            options.extend(place(other, left).to_be_bytes());
            options.extend(place(other, right).to_be_bytes());
        }
        let mut tcp = Vec::new();
        tcp.extend(from.port().to_be_bytes());
        tcp.extend(to.port().to_be_bytes());
        tcp.extend(place(own, packet.seq).to_be_bytes());
        let ack = if packet.flags & ACK == 0 { 0 } else { place(other, packet.ack) };
        tcp.extend(ack.to_be_bytes());
        tcp.extend([(5 + options.len() as u8 / 4) << 4, packet.flags]);
        tcp.extend(packet.window.to_be_bytes());
        tcp.extend([0; 4]);
        tcp.extend(options);
        tcp.extend(packet.bytes.unwrap_or_else(|| vec![7; packet.len]));
        let mut frame = made::ipv4(*from.ip(), *to.ip(), 6, packet.id, 0x4000, &tcp, self.now);
        frame.data[22] = packet.ttl;
        self.frames.push(frame);
        let end = &mut self.ends[packet.by as usize];
        end.sent = end.sent.max(packet.seq + packet.len as i64);
        end.id = end.id.wrapping_add(1);
        self.now = self.now.plus(Timestamp::MILLISECOND / 10);
    }

    /// An ICMP error (type, code, last word) from 10.0.9.9 that quotes a packet of `by`.
    pub fn icmp(&mut self, by: By, kind: u8, code: u8, word: u16) {
        let (from, to) = if by == Client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        let mut quote =
            made::ipv4(*from.ip(), *to.ip(), 6, 1, 0x4000, &[0; 20], self.now).data[14..42].to_vec();
        quote[20..22].copy_from_slice(&from.port().to_be_bytes());
        quote[22..24].copy_from_slice(&to.port().to_be_bytes());
        let mut body = vec![kind, code, 0, 0, 0, 0];
        body.extend(word.to_be_bytes());
        body.extend(quote);
        self.frames.push(made::ipv4(Ipv4Addr::new(10, 0, 9, 9), *from.ip(), 1, 5, 0, &body, self.now));
    }

    /// A packet of nobody's, so that the capture goes on until now.
    pub fn capture_goes_on(&mut self) {
        let other = Ipv4Addr::new(10, 9, 9, 9);
        self.frames.push(made::ipv4(other, other, 17, 9, 0, &[0; 8], self.now));
    }

    /// What the engine makes of it.
    pub fn told(&self) -> Diagnosed {
        let mut analyzer = Analyzer::new(Options::default());
        for (index, frame) in self.frames.iter().enumerate() {
            analyzer.push(&frame.frame(index as u64 + 1));
        }
        analyzer.finish();
        let first = analyzer.poll().unwrap();
        assert!(analyzer.poll().is_none(), "one session");
        first
    }

    pub fn code(&self) -> &'static str {
        self.told().diagnosis.verdict.code
    }
}
