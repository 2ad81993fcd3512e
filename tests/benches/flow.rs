//! Captures of one session, made here: a server that sends records of 1,100 bytes over TCP, or over RDP-UDP beside a short TCP
//! session, and a client that acknowledges every second one and moves its mouse. RDP-UDP loses one datagram in 200.

/// How the records travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Tcp,
    /// RDP-UDP of version 2, reliable.
    Datagrams,
    /// RDP-UDP of version 3.
    Packets,
}

/// A frame and when it came, in nanoseconds.
pub(crate) type Frame = (u64, Vec<u8>);

const CLIENT: ([u8; 4], u16) = ([10, 0, 1, 2], 50_000);
const SERVER: ([u8; 4], u16) = ([10, 0, 0, 1], 3389);
const TCP: u8 = 6;
const UDP: u8 = 17;
/// Bytes of the server's and the client's records.
const SCREEN: usize = 1100;
const MOUSE: usize = 40;

/// One direction of RDP-UDP.
struct Lane {
    /// Number of the next transmission, and of the next data.
    number: u32,
    data: u32,
    /// What the other end lacks below `acknowledged`, as its acknowledgements name it.
    lost: Vec<u32>,
    /// From where on and up to where the other end reports.
    reported: std::ops::Range<u32>,
}

struct Made {
    frames: Vec<Frame>,
    now: u64,
    way: Way,
    lanes: [Lane; 2],
    seq: [u32; 2],
}

/// About so many frames.
pub(crate) fn session(way: Way, frames: usize) -> Vec<Frame> {
    let first = if way == Way::Packets { 100 } else { 1001 };
    let lane = || Lane {
        number: first,
        data: if way == Way::Packets { 1 } else { first },
        lost: Vec::new(),
        reported: first..first,
    };
    let lanes = [lane(), lane()];
    let mut made = Made {
        frames: Vec::with_capacity(frames + 16),
        now: 1_795_165_200_000_000_000,
        way,
        lanes,
        seq: [1000, 9000],
    };
    made.opening();
    let mut again: Option<(u64, u32)> = None;
    for turn in 0_u64.. {
        if made.frames.len() >= frames {
            break;
        }
        if way == Way::Tcp {
            made.segment(1, 0x18, &record(SCREEN));
            if turn % 2 == 1 {
                made.segment(0, 0x10, &[]);
            }
            if turn % 8 == 7 {
                made.segment(0, 0x18, &record(MOUSE));
            }
            continue;
        }
        match again.take_if(|(due, _)| *due == turn) {
            Some((_, data)) => made.data(1, Some(data), false, &record(SCREEN)),
            None if turn % 200 == 100 => {
                again = Some((turn + 6, made.lanes[1].data));
                made.data(1, None, true, &record(SCREEN));
            }
            None => made.data(1, None, false, &record(SCREEN)),
        }
        if turn % 2 == 1 {
            made.acknowledgement();
        }
        if turn % 8 == 7 {
            made.data(0, None, false, &record(MOUSE));
        }
    }
    made.frames
}

/// A capture file of these frames.
pub(crate) fn pcap(frames: &[Frame]) -> Vec<u8> {
    let mut file = Vec::new();
    for field in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 1] {
        file.extend(field.to_le_bytes());
    }
    for (time, data) in frames {
        let (time, len) = ([time / 1_000_000_000, time % 1_000_000_000], data.len() as u32);
        for field in [time[0] as u32, time[1] as u32, len, len] {
            file.extend(field.to_le_bytes());
        }
        file.extend(data);
    }
    file
}

/// A record of TLS that hides so many bytes.
fn record(len: usize) -> Vec<u8> {
    let mut record = vec![23, 3, 3];
    record.extend((len as u16).to_be_bytes());
    record.resize(5 + len, 0xAB);
    record
}

/// A ClientHello (1) or ServerHello (2) of TLS 1.2, with what follows the session id.
fn hello(kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.resize(2 + 32 + 1, 0);
    body.extend(rest);
    let len = body.len() as u8;
    let mut hello = vec![22, 3, 3, 0, len + 4, kind, 0, 0, len];
    hello.extend(body);
    hello
}

impl Made {
    /// A packet of the client (0) or the server (1).
    fn packet(&mut self, sender: usize, protocol: u8, head: &[u8], payload: &[u8]) {
        self.now += 50_000;
        let ends = if sender == 0 { [CLIENT, SERVER] } else { [SERVER, CLIENT] };
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
        frame.extend((20 + 4 + head.len() as u16 + payload.len() as u16).to_be_bytes());
        frame.extend((self.frames.len() as u16 | 1).to_be_bytes());
        frame.extend([0x40, 0, 64, protocol, 0, 0]);
        frame.extend(ends[0].0);
        frame.extend(ends[1].0);
        frame.extend(ends[0].1.to_be_bytes());
        frame.extend(ends[1].1.to_be_bytes());
        frame.extend(head);
        frame.extend(payload);
        self.frames.push((self.now, frame));
    }

    fn datagram(&mut self, sender: usize, payload: &[u8]) {
        let len = (8 + payload.len() as u16).to_be_bytes();
        self.packet(sender, UDP, &[len[0], len[1], 0, 0], payload);
    }

    fn segment(&mut self, sender: usize, flags: u8, payload: &[u8]) {
        let mut head = Vec::from(self.seq[sender].to_be_bytes());
        head.extend(if flags == 2 { 0 } else { self.seq[1 - sender] }.to_be_bytes());
        head.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        self.packet(sender, TCP, &head, payload);
        self.seq[sender] += payload.len() as u32 + u32::from(flags & 3 != 0);
    }

    /// The TCP session up to data both ways, and where asked the opening of RDP-UDP.
    fn opening(&mut self) {
        self.segment(0, 0x02, &[]);
        self.segment(1, 0x12, &[]);
        self.segment(0, 0x10, &[]);
        self.segment(0, 0x18, &[3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0]);
        self.segment(1, 0x18, &[3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 2, 0, 8, 0, 1, 0, 0, 0]);
        self.segment(0, 0x18, &hello(1, &[0, 2, 0xC0, 0x2F, 1, 0]));
        self.segment(1, 0x18, &hello(2, &[0xC0, 0x2F, 0]));
        for (sender, len) in [(0, MOUSE), (1, SCREEN)].repeat(20) {
            self.segment(sender, 0x18, &record(len));
        }
        if self.way == Way::Tcp {
            return;
        }
        let version: u16 = if self.way == Way::Packets { 0x0101 } else { 2 };
        for (sender, acknowledges, flags) in [(0, u32::MAX, 0x1001_u16), (1, 1000, 0x1005)] {
            let mut syn = Vec::from(acknowledges.to_be_bytes());
            syn.extend([0, 64]);
            syn.extend(flags.to_be_bytes());
            syn.extend(1000_u32.to_be_bytes());
            syn.extend([4, 0xD0, 4, 0xD0, 0, 1]);
            syn.extend(version.to_be_bytes());
            syn.resize(1232, 0);
            self.datagram(sender, &syn);
        }
        for sender in [0, 1, 0, 1, 0, 1, 0, 1] {
            self.data(sender, None, false, &record(MOUSE));
        }
    }

    /// Data, anew or `again`; what is lost is seen by nobody.
    fn data(&mut self, sender: usize, again: Option<u32>, lost: bool, payload: &[u8]) {
        let lane = &mut self.lanes[sender];
        let number = lane.number;
        lane.number += 1;
        let data = again.unwrap_or(lane.data);
        lane.data += u32::from(again.is_none());
        let named = if self.way == Way::Packets { number } else { data };
        if lost {
            lane.lost.push(named);
        }
        if again.is_some() && self.way == Way::Datagrams {
            lane.lost.clear();
        }
        lane.reported.end = lane.reported.end.max(named + 1);
        // The other end reports of the last 20 or 30, and of what it lacks.
        if lane.reported.len() > 30 {
            lane.reported.start = lane.reported.end - 20;
            lane.lost.retain(|lost| lane.reported.contains(lost));
        }
        let from = lane.reported.start;
        if lost {
            return;
        }
        let mut bytes = if self.way == Way::Packets {
            let (ack, vector) = self.reports(1 - sender);
            let mut bytes = packet_head(if ack.is_empty() { 0x1C } else { 0x15 });
            bytes.extend(ack);
            bytes.extend((from as u16).to_le_bytes());
            bytes.extend((number as u16).to_le_bytes());
            bytes.extend(vector);
            bytes.extend((data as u16).to_le_bytes());
            bytes
        } else {
            let mut bytes = self.head(1 - sender, 0x000C);
            bytes.extend(number.to_be_bytes());
            bytes.extend(data.to_be_bytes());
            bytes
        };
        bytes.extend(payload);
        self.put(sender, bytes);
    }

    /// The client has what the server sent.
    fn acknowledgement(&mut self) {
        let bytes = if self.way == Way::Packets {
            let (ack, vector) = self.reports(1);
            let mut bytes = packet_head(if ack.is_empty() { 8 } else { 1 });
            bytes.extend(ack);
            bytes.extend(vector);
            bytes
        } else {
            self.head(1, 4)
        };
        self.put(0, bytes);
    }

    fn put(&mut self, sender: usize, mut bytes: Vec<u8>) {
        if self.way == Way::Packets {
            bytes.swap(0, 7);
        }
        self.datagram(sender, &bytes);
    }

    /// Header of versions 1 and 2, with the vector about what `lane` sent.
    fn head(&self, lane: usize, flags: u16) -> Vec<u8> {
        let lane = &self.lanes[lane];
        let mut runs: Vec<(bool, u8)> = Vec::new();
        for number in lane.reported.clone().rev() {
            let lost = lane.lost.contains(&number);
            match runs.last_mut() {
                Some((known, more)) if *known == lost => *more += 1,
                _ => runs.push((lost, 0)),
            }
        }
        let mut head = Vec::from((lane.reported.end - 1).to_be_bytes());
        head.extend([0, 64]);
        head.extend(flags.to_be_bytes());
        head.extend((runs.len() as u16).to_be_bytes());
        head.extend(runs.into_iter().map(|(lost, more)| if lost { 0xC0 | more } else { more }));
        head.resize(head.len().next_multiple_of(4), 0);
        head
    }

    /// An acknowledgement of version 3, or a vector where something is missing; the other is empty.
    fn reports(&self, lane: usize) -> (Vec<u8>, Vec<u8>) {
        let lane = &self.lanes[lane];
        if lane.lost.is_empty() {
            let newest = ((lane.reported.end - 1) as u16).to_le_bytes();
            return (vec![newest[0], newest[1], 1, 2, 3, 0, 0x71, 9], Vec::new());
        }
        let states: Vec<bool> = lane.reported.clone().map(|number| !lane.lost.contains(&number)).collect();
        let maps =
            states.chunks(7).map(|seven| seven.iter().rev().fold(0, |map, &came| map << 1 | u8::from(came)));
        let mut vector = Vec::from((lane.reported.start as u16).to_le_bytes());
        vector.push(0x80 | states.len().div_ceil(7) as u8);
        vector.extend([1, 2, 3, 0]);
        vector.extend(maps);
        (Vec::new(), vector)
    }
}

/// Prefix and header of a packet of version 3.
fn packet_head(flags: u16) -> Vec<u8> {
    let [low, high] = (flags | 0xC000).to_le_bytes();
    vec![0xE0, low, high]
}
