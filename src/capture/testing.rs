//! Builds captures in memory for the tests of this folder.

use std::io::{self, Cursor, Read, Write};

use super::reader::Capture;
use super::{CaptureInfo, Merged};

pub(super) const MICRO: u32 = 0xa1b2_c3d4;
pub(super) const NANO: u32 = 0xa1b2_3c4d;
pub(super) const MODIFIED: u32 = 0xa1b2_cd34;

/// A frame with everything that a reader says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) capture: u16,
    pub(super) number: u64,
    pub(super) time: i64,
    pub(super) link: u32,
    pub(super) interface: u32,
    pub(super) wire_len: u32,
    pub(super) data: Vec<u8>,
}

impl From<crate::base::Frame<'_>> for Owned {
    fn from(frame: crate::base::Frame<'_>) -> Self {
        Owned {
            capture: frame.at.capture(),
            number: frame.at.number(),
            time: frame.time.0,
            link: frame.link.0,
            interface: frame.interface,
            wire_len: frame.wire_len,
            data: frame.data.to_vec(),
        }
    }
}

pub(super) fn drain(mut capture: Capture) -> (Vec<Owned>, CaptureInfo) {
    let mut frames = Vec::new();
    while let Some(frame) = capture.next_frame() {
        frames.push(frame.into());
    }
    assert!(capture.next_frame().is_none(), "an end is final");
    (frames, capture.into_info())
}

pub(super) fn drain_merged(merged: &mut Merged) -> Vec<Owned> {
    let mut frames = Vec::new();
    while let Some(frame) = merged.next_frame() {
        frames.push(frame.into());
    }
    frames
}

pub(super) fn open(bytes: &[u8]) -> Capture {
    Capture::from_reader("t.cap", Cursor::new(bytes.to_vec()), 0).unwrap()
}

pub(super) fn read(bytes: &[u8]) -> (Vec<Owned>, CaptureInfo) {
    drain(open(bytes))
}

/// A pipe that hands out one byte at a time.
pub(super) struct Drip(pub(super) Cursor<Vec<u8>>);

impl Drip {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Drip(Cursor::new(bytes.to_vec()))
    }
}

impl Read for Drip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(1);
        self.0.read(&mut buffer[..len])
    }
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 1).unwrap()
}

/// Bytes that compress badly, so that a cut in compressed data falls into the middle.
pub(super) fn noise(len: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 24) as u8
        })
        .collect()
}

/// Integers in a byte order.
#[derive(Clone, Copy)]
pub(super) struct Put(pub(super) bool);

impl Put {
    pub(super) fn u16(self, value: u16) -> [u8; 2] {
        if self.0 { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    pub(super) fn u32(self, value: u32) -> [u8; 4] {
        if self.0 { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    pub(super) fn u64(self, value: u64) -> [u8; 8] {
        if self.0 { value.to_be_bytes() } else { value.to_le_bytes() }
    }
}

/// A pcap file in the making.
pub(super) struct PcapFile {
    put: Put,
    modified: bool,
    pub(super) bytes: Vec<u8>,
}

impl PcapFile {
    pub(super) fn new(big: bool, magic: u32, link: u32) -> Self {
        Self::with_version(big, magic, link, (2, 4))
    }

    pub(super) fn with_version(big: bool, magic: u32, link: u32, version: (u16, u16)) -> Self {
        let put = Put(big);
        let mut bytes = put.u32(magic).to_vec();
        bytes.extend(put.u16(version.0));
        bytes.extend(put.u16(version.1));
        bytes.extend([0; 8]);
        bytes.extend(put.u32(65_535));
        bytes.extend(put.u32(link));
        PcapFile { put, modified: magic == MODIFIED, bytes }
    }

    pub(super) fn packet(mut self, seconds: u32, fraction: u32, wire_len: u32, data: &[u8]) -> Self {
        self.record(seconds, fraction, data.len() as u32, wire_len);
        if self.modified {
            self.bytes.extend([7; 8]);
        }
        self.bytes.extend(data);
        self
    }

    pub(super) fn record(&mut self, seconds: u32, fraction: u32, captured: u32, wire_len: u32) {
        for value in [seconds, fraction, captured, wire_len] {
            self.bytes.extend(self.put.u32(value));
        }
    }
}

/// A pcapng file in the making.
pub(super) struct NgFile {
    pub(super) put: Put,
    pub(super) bytes: Vec<u8>,
}

impl NgFile {
    pub(super) fn new(big: bool) -> Self {
        NgFile { put: Put(big), bytes: Vec::new() }.section(big)
    }

    pub(super) fn section(mut self, big: bool) -> Self {
        self.put = Put(big);
        let mut body = self.put.u32(0x1a2b_3c4d).to_vec();
        body.extend(self.put.u16(1));
        body.extend(self.put.u16(0));
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body)
    }

    pub(super) fn block(mut self, kind: u32, body: &[u8]) -> Self {
        let padded = body.len().next_multiple_of(4);
        let total = self.put.u32(padded as u32 + 12);
        self.bytes.extend(self.put.u32(kind));
        self.bytes.extend(total);
        self.bytes.extend(body);
        self.bytes.extend(vec![0; padded - body.len()]);
        self.bytes.extend(total);
        self
    }

    pub(super) fn option(&self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut option = self.put.u16(code).to_vec();
        option.extend(self.put.u16(value.len() as u16));
        option.extend(value);
        option.resize(option.len().next_multiple_of(4), 0);
        option
    }

    pub(super) fn interface(self, link: u16, snaplen: u32, options: &[(u16, &[u8])]) -> Self {
        let mut body = self.put.u16(link).to_vec();
        body.extend([0; 2]);
        body.extend(self.put.u32(snaplen));
        self.with_options(1, body, options)
    }

    fn with_options(self, kind: u32, mut body: Vec<u8>, options: &[(u16, &[u8])]) -> Self {
        for (code, value) in options {
            body.extend(self.option(*code, value));
        }
        if !options.is_empty() {
            body.extend([0; 4]);
        }
        self.block(kind, &body)
    }

    pub(super) fn enhanced(self, interface: u32, units: u64, data: &[u8]) -> Self {
        let len = data.len() as u32;
        self.enhanced_with(interface, units, len, len, data, &[])
    }

    pub(super) fn enhanced_with(
        self,
        interface: u32,
        units: u64,
        captured: u32,
        wire_len: u32,
        data: &[u8],
        options: &[(u16, &[u8])],
    ) -> Self {
        let mut body = Vec::new();
        for value in [interface, (units >> 32) as u32, units as u32, captured, wire_len] {
            body.extend(self.put.u32(value));
        }
        body.extend(data);
        body.resize(body.len().next_multiple_of(4), 0);
        self.with_options(6, body, options)
    }

    pub(super) fn simple(self, wire_len: u32, data: &[u8]) -> Self {
        let mut body = self.put.u32(wire_len).to_vec();
        body.extend(data);
        self.block(3, &body)
    }

    pub(super) fn obsolete(self, interface: u16, drops: u16, units: u64, data: &[u8]) -> Self {
        let mut body = self.put.u16(interface).to_vec();
        body.extend(self.put.u16(drops));
        let len = data.len() as u32;
        for value in [(units >> 32) as u32, units as u32, len, len] {
            body.extend(self.put.u32(value));
        }
        body.extend(data);
        self.block(2, &body)
    }

    pub(super) fn statistics(self, interface: u32, options: &[(u16, &[u8])]) -> Self {
        let mut body = self.put.u32(interface).to_vec();
        body.extend([0; 8]);
        self.with_options(5, body, options)
    }

    pub(super) fn secrets(self, kind: u32, data: &[u8]) -> Self {
        let mut body = self.put.u32(kind).to_vec();
        body.extend(self.put.u32(data.len() as u32));
        body.extend(data);
        self.block(10, &body)
    }
}

/// One capture of each variant that matters, with a name.
pub(super) fn variants() -> Vec<(&'static str, Vec<u8>)> {
    let pcap = |big, magic| {
        let mut file = PcapFile::new(big, magic, 1);
        for index in 0..5_u32 {
            let len = [0, 1, 60, 7, 33][index as usize];
            file =
                file.packet(1_700_000_000 + index, 999_999 - index, len + index, &noise(len as usize, index));
        }
        file.bytes
    };
    let ng = |big: bool| {
        let drop = Put(big).u64(3);
        NgFile::new(big)
            .block(0x0bad, &noise(9, 1))
            .interface(1, 0, &[(2, b"eth0"), (9, &[9])])
            .interface(113, 40, &[(9, &[0x8a]), (14, &Put(big).u64(1000))])
            .secrets(0x544c_534b, b"CLIENT_RANDOM aa bb\n")
            .enhanced(0, 1_700_000_000_000_000_001, &noise(61, 2))
            .enhanced_with(1, 1024 * 5 + 512, 3, 90, &noise(3, 3), &[(1, b"a comment"), (4, &drop)])
            .block(4, &noise(20, 4))
            .simple(50, &noise(50, 5))
            .obsolete(0, 2, 1_700_000_000_000_000_003, &noise(6, 6))
            .statistics(0, &[(5, &Put(big).u64(9))])
            .section(!big)
            .interface(101, 0, &[])
            .enhanced(0, 1_700_000_000_000_000, &noise(20, 7))
            .bytes
    };
    vec![
        ("pcap, little-endian, microseconds", pcap(false, MICRO)),
        ("pcap, big-endian, microseconds", pcap(true, MICRO)),
        ("pcap, little-endian, nanoseconds", pcap(false, NANO)),
        ("pcap, big-endian, nanoseconds", pcap(true, NANO)),
        ("pcap, little-endian, modified", pcap(false, MODIFIED)),
        ("pcap, big-endian, modified", pcap(true, MODIFIED)),
        ("pcapng, little-endian first", ng(false)),
        ("pcapng, big-endian first", ng(true)),
    ]
}
