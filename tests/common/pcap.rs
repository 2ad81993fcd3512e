//! Captures made by hand: raw IPv4, TCP without options.

/// 2026-11-20T09:00:00Z.
pub const NINE: u32 = 1_795_165_200;

pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const RST: u8 = 0x04;
pub const PSH: u8 = 0x08;
pub const ACK: u8 = 0x10;

/// A capture in the making.
pub struct Pcap(Vec<u8>);

impl Default for Pcap {
    /// Little-endian, microseconds, LINKTYPE_RAW.
    fn default() -> Self {
        let mut bytes = Vec::new();
        for word in [0xa1b2_c3d4_u32, 4 << 16 | 2, 0, 0, 65535, 101] {
            bytes.extend(word.to_le_bytes());
        }
        Pcap(bytes)
    }
}

/// One end.
pub type End = ([u8; 4], u16);

impl Pcap {
    /// A packet `millis` after nine.
    #[allow(clippy::too_many_arguments)]
    pub fn tcp(
        mut self,
        millis: u32,
        from: End,
        to: End,
        flags: u8,
        seq: u32,
        ack: u32,
        payload: &[u8],
    ) -> Self {
        let length = 40 + payload.len();
        let mut packet = vec![0x45, 0];
        packet.extend((length as u16).to_be_bytes());
        packet.extend([0, 1, 0x40, 0, 64, 6, 0, 0]);
        packet.extend(from.0);
        packet.extend(to.0);
        packet.extend(from.1.to_be_bytes());
        packet.extend(to.1.to_be_bytes());
        packet.extend(seq.to_be_bytes());
        packet.extend(ack.to_be_bytes());
        packet.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        packet.extend(payload);
        for word in [NINE + millis / 1000, millis % 1000 * 1000, length as u32, length as u32] {
            self.0.extend(word.to_le_bytes());
        }
        self.0.extend(packet);
        self
    }

    /// A connection that the server refuses at once.
    pub fn refused(self, millis: u32, client: End, server: End) -> Self {
        self.tcp(millis, client, server, SYN, 1000, 0, &[]).tcp(
            millis + 1,
            server,
            client,
            RST | ACK,
            0,
            1001,
            &[],
        )
    }

    /// A connection whose request, with this cookie, is answered by RDP_NEG_FAILURE 5.
    pub fn nla_required(self, millis: u32, client: End, server: End, cookie: &str) -> Self {
        let line = format!("Cookie: mstshash={cookie}\r\n");
        let total = 11 + line.len() + 8;
        let mut request = vec![3, 0, 0, total as u8, (total - 5) as u8, 0xe0, 0, 0, 0, 0, 0];
        request.extend(line.as_bytes());
        request.extend([1, 0, 8, 0, 1, 0, 0, 0]);
        let confirm = [3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 3, 0, 8, 0, 5, 0, 0, 0];
        let (c, s) = (1001 + request.len() as u32, 5001 + confirm.len() as u32);
        self.tcp(millis, client, server, SYN, 1000, 0, &[])
            .tcp(millis + 1, server, client, SYN | ACK, 5000, 1001, &[])
            .tcp(millis + 2, client, server, ACK, 1001, 5001, &[])
            .tcp(millis + 3, client, server, PSH | ACK, 1001, 5001, &request)
            .tcp(millis + 4, server, client, PSH | ACK, 5001, c, &confirm)
            .tcp(millis + 5, client, server, FIN | ACK, c, s, &[])
            .tcp(millis + 6, server, client, FIN | ACK, s, c + 1, &[])
            .tcp(millis + 7, client, server, ACK, c + 1, s + 1, &[])
    }

    /// The file's bytes.
    pub fn bytes(self) -> Vec<u8> {
        self.0
    }
}
