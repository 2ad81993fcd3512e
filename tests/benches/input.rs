//! What is measured: the capture named by `RDPWHY_BENCH_CAPTURE`, or a small one made here.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rdpwhy::capture::{Capture, Source};

/// The capture and its packets.
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    pub(crate) packets: u64,
}

impl Input {
    pub(crate) fn open(&self) -> Capture {
        Capture::open(Source::Path(self.path.clone()), 0).unwrap()
    }
}

/// The same capture for every bench of a run.
pub(crate) fn input() -> &'static Input {
    static INPUT: OnceLock<Input> = OnceLock::new();
    INPUT.get_or_init(|| {
        let path = if let Some(path) = std::env::var_os("RDPWHY_BENCH_CAPTURE") {
            PathBuf::from(path)
        } else {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench.pcap");
            make(&path);
            path
        };
        // Read once, so that the page cache is warm for all.
        let mut capture = Capture::open(Source::Path(path.clone()), 0).unwrap();
        let mut packets = 0;
        while capture.next_frame().is_some() {
            packets += 1;
        }
        eprintln!("{}: {packets} packets", path.display());
        Input { path, packets }
    })
}

/// 50 RDP-over-TLS sessions of 400 records, as many connections to port 443, and DNS between them:
/// 22 MB.
fn make(path: &Path) {
    let mut file = Vec::new();
    for field in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 1] {
        file.extend(field.to_le_bytes());
    }
    let mut time = 1_795_165_200_000_000_000_u64;
    let mut frame =
        |from: (Ipv4Addr, u16), to: (Ipv4Addr, u16), protocol: u8, head: &[u8], payload: &[u8]| {
            time += 20_000;
            let len = 34 + 4 + head.len() + payload.len();
            for field in
                [(time / 1_000_000_000) as u32, (time % 1_000_000_000) as u32, len as u32, len as u32]
            {
                file.extend(field.to_le_bytes());
            }
            file.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0]);
            file.extend(((len - 14) as u16).to_be_bytes());
            file.extend(((time / 20_000) as u16).to_be_bytes());
            file.extend([0x40, 0, 64, protocol, 0, 0]);
            file.extend(from.0.octets());
            file.extend(to.0.octets());
            file.extend(from.1.to_be_bytes());
            file.extend(to.1.to_be_bytes());
            file.extend(head);
            file.extend(payload);
        };
    let tcp = |seq: u32, ack: u32, flags: u8| {
        let mut head = Vec::from(seq.to_be_bytes());
        head.extend(ack.to_be_bytes());
        head.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        head
    };
    let record = |kind: u8, len: usize| {
        let mut record = vec![kind, 3, 3];
        record.extend((len as u16).to_be_bytes());
        record.resize(5 + len, 0);
        record
    };
    let request = [3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0];
    let confirm = [3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 2, 0, 8, 0, 1, 0, 0, 0];
    for (index, port) in (0..100_u16).map(|n| (n, if n % 2 == 0 { 3389 } else { 443 })) {
        let client = (Ipv4Addr::new(10, 0, 1, (index % 250) as u8 + 1), 40_000 + index);
        let server = (Ipv4Addr::new(10, 0, 0, (index % 7) as u8 + 1), port);
        let (mut c, mut s) = (1000_u32, 9000_u32);
        frame(client, server, 6, &tcp(c, 0, 2), &[]);
        frame(server, client, 6, &tcp(s, c + 1, 0x12), &[]);
        (c, s) = (c + 1, s + 1);
        frame(client, server, 6, &tcp(c, s, 0x10), &[]);
        if port == 3389 {
            frame(client, server, 6, &tcp(c, s, 0x18), &request);
            c += request.len() as u32;
            frame(server, client, 6, &tcp(s, c, 0x18), &confirm);
            s += confirm.len() as u32;
        }
        for step in 0..200_usize {
            let up = record(23, 40 + step % 50);
            frame(client, server, 6, &tcp(c, s, 0x18), &up);
            c += up.len() as u32;
            let down = record(23, 1200 + step % 200);
            frame(server, client, 6, &tcp(s, c, 0x18), &down);
            s += down.len() as u32;
            frame(client, server, 6, &tcp(c, s, 0x10), &[]);
            if step % 20 == 0 {
                frame(client, (Ipv4Addr::new(10, 0, 0, 53), 53), 17, &[0, 48, 0, 0], &[0; 40]);
            }
        }
        frame(client, server, 6, &tcp(c, s, 0x11), &[]);
        frame(server, client, 6, &tcp(s, c + 1, 0x11), &[]);
    }
    std::fs::write(path, file).unwrap();
}
