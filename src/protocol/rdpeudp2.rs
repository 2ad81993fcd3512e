//! Packets of the RDP UDP transport version 3 after its opening (MS-RDPEUDP2, section 2.2). Numbers are
//! little-endian.
//!
//! On the wire, bytes 0 and 7 of a UDP payload have changed places. Offsets here are those of the packet
//! as it was before; fields are read through an accessor, so that nothing is copied.

use super::Malformed;
use crate::base::{open_enum, open_flags};

#[cfg(test)]
mod tests;

open_flags! {
    /// Bits 0 to 11 of the header (section 2.2.1).
    pub struct Flags(u16) {
        /// An acknowledgement payload follows.
        ACK = 0x001,
        /// A data header and body follow.
        DATA = 0x004,
        /// An acknowledgement vector follows; not beside ACK.
        ACKVEC = 0x008,
        /// An ACK-of-ACKs follows.
        AOA = 0x010,
        /// The sender's overhead follows.
        OVERHEADSIZE = 0x040,
        /// How acknowledgements may be held back follows.
        DELAYACKINFO = 0x100,
    }
}

open_enum! {
    /// `Packet_Type_Index` (section 2.1).
    pub struct PacketType(u8) {
        /// A packet with data, acknowledgements or both.
        DATA = 0,
        /// Zeros that probe the path's bandwidth: numbered and acknowledged, never repeated.
        DUMMY = 8,
    }
}

impl Default for PacketType {
    fn default() -> Self {
        PacketType::DATA
    }
}

/// Fewest bytes of a packet: the prefix and seven more, of which some may be padding.
pub const MIN_LEN: usize = 8;

/// A UDP payload as it was before bytes 0 and 7 changed places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Swapped<'a>(&'a [u8]);

impl<'a> Swapped<'a> {
    const fn place(at: usize) -> usize {
        match at {
            0 => 7,
            7 => 0,
            at => at,
        }
    }

    fn get(self, at: usize) -> Option<u8> {
        self.0.get(Self::place(at)).copied()
    }

    /// Bytes from `at`, which is 7 or more, up to `end`, in two pieces of the payload.
    fn pieces(self, at: usize, end: usize) -> [&'a [u8]; 2] {
        let end = end.min(self.0.len());
        let head = if at == 7 && end > 7 { self.0.get(..1) } else { None };
        let tail = self.0.get(at.max(8)..end);
        [head.unwrap_or_default(), tail.unwrap_or_default()]
    }
}

/// One packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What it is.
    pub packet_type: PacketType,
    /// What it carries.
    pub flags: Flags,
    /// `LogWindowSize`: the sender has room for 2 to this power packets.
    pub log_window_size: u8,
    /// Acknowledges the newest packets.
    pub ack: Option<Ack<'a>>,
    /// Bytes that the sender adds to each packet.
    pub overhead_size: Option<u8>,
    /// How the peer may hold back acknowledgements.
    pub delay_ack_info: Option<DelayAckInfo>,
    /// `AckOfAcksSeqNum`: below it, the peer need not report any more.
    pub ack_of_acks: Option<u16>,
    /// `DataSeqNum`: grows by one with every transmission, dummies and repeats too; starts at 100.
    pub data_seq: Option<u16>,
    /// Acknowledges with holes.
    pub ack_vec: Option<AckVec<'a>>,
    /// What it carries; a dummy has none.
    pub body: Option<DataBody<'a>>,
    /// The field at which the capture ends though the packet goes on; what follows it is `None` here.
    /// `need` and `have` are bytes of the UDP payload.
    pub cut: Option<Malformed>,
}

/// `ACKPayload` (section 2.2.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// `SeqNum`: the newest packet received.
    pub seq: u16,
    /// `receivedTS`: when it came, by the receiver's clock, in units of 4 microseconds; 24 bits.
    pub received_ts: u32,
    /// `sendAckTimeGap`: how long the acknowledgement was held back, in milliseconds.
    pub send_ack_time_gap: u8,
    /// `delayAckTimeScale`: the times below are in units of 2 to this power microseconds.
    pub time_scale: u8,
    /// One byte for each packet before `seq` that is acknowledged too, newest first: how long before the
    /// one after it it came. At most 15.
    pub delayed: &'a [u8],
}

/// `DelayAckInfoPayload` (section 2.2.1.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayAckInfo {
    /// `MaxDelayedAcks`: packets that one acknowledgement may wait for.
    pub max_delayed_acks: u8,
    /// `DelayedAckTimeoutInMs`.
    pub timeout_ms: u16,
}

/// `DataBodyPayload` (section 2.2.1.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataBody<'a> {
    /// `ChannelSeqNum`: the number of this data, kept by a repeat; starts at 1.
    pub channel_seq: u16,
    /// What the capture has of the data: two pieces that follow each other, of which the first has at most
    /// one byte (the one that changed places).
    pub data: [&'a [u8]; 2],
    /// Bytes of the data on the wire.
    pub len: usize,
}

/// `AckVecPayload` (section 2.2.1.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckVec<'a> {
    /// `BaseSeqNum`: the packet that the first element begins with.
    pub base_seq: u16,
    /// When the newest packet came, as `receivedTS`, and how long the acknowledgement was held back in
    /// milliseconds (255: not told).
    pub time: Option<(u32, u8)>,
    bytes: Swapped<'a>,
    start: usize,
    size: usize,
}

/// One element of an acknowledgement vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckElement {
    /// The first packet that it tells of.
    pub first: u16,
    /// What it tells.
    pub states: AckStates,
}

/// What became of the packets of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckStates {
    /// Seven packets, the first in bit 0; a bit is set where the packet came. In the last element, bits
    /// above the newest packet say nothing.
    Bitmap(u8),
    /// So many packets, up to 63, all the same.
    Run {
        /// Whether they came.
        received: bool,
        /// How many.
        count: u8,
    },
}

impl<'a> AckVec<'a> {
    /// The elements, oldest packet first; at most 127, for up to 8,001 packets.
    pub fn elements(self) -> impl Iterator<Item = AckElement> + 'a {
        let mut next = self.base_seq;
        (0..self.size).map_while(move |at| {
            let coded = self.bytes.get(self.start.saturating_add(at))?;
            let first = next;
            let (states, count) = if coded & 0x80 == 0 {
                (AckStates::Bitmap(coded), 7)
            } else {
                let count = coded & 0x3F;
                (AckStates::Run { received: coded & 0x40 != 0, count }, count)
            };
            next = next.wrapping_add(u16::from(count));
            Some(AckElement { first, states })
        })
    }
}

/// Reads fields one after another.
struct Fields<'a> {
    bytes: Swapped<'a>,
    at: usize,
    /// Where the packet ends, padding apart.
    end: usize,
    /// What is being read.
    what: &'static str,
}

impl Fields<'_> {
    #[cold]
    fn lacks(&self, count: usize) -> Malformed {
        let need = self.at.saturating_add(count) as u64;
        Malformed { what: self.what, offset: self.at, need, have: self.bytes.0.len().min(self.end) as u64 }
    }

    #[inline(always)]
    fn u8(&mut self) -> Result<u8, Malformed> {
        let at = Some(self.at).filter(|&at| at < self.end);
        let byte = at.and_then(|at| self.bytes.get(at)).ok_or_else(|| self.lacks(1))?;
        self.at = self.at.saturating_add(1);
        Ok(byte)
    }

    #[inline(always)]
    fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_le_bytes([self.u8()?, self.u8()?]))
    }

    fn u24(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes([self.u8()?, self.u8()?, self.u8()?, 0]))
    }

    /// Steps over `count` bytes, which must all be there.
    fn skip(&mut self, count: usize) -> Result<usize, Malformed> {
        let (at, next) = (self.at, self.at.saturating_add(count));
        if next > self.end.min(self.bytes.0.len()) {
            return Err(self.lacks(count));
        }
        self.at = next;
        Ok(at)
    }
}

/// Parses a UDP payload of `wire_len` bytes, of which the capture has `bytes`.
///
/// # Errors
/// A packet that ends before its fields do, or whose prefix cannot be one: it is none of this protocol, or
/// broken. One that only the capture cut short is no error: see [`Packet::cut`]. The first eight bytes
/// must be there in any case.
pub fn parse(bytes: &[u8], wire_len: usize) -> Result<Packet<'_>, Malformed> {
    let mut packet = Packet::default();
    parse_into(&mut packet, bytes, wire_len)?;
    Ok(packet)
}

/// [`parse`] into a [`Packet::default`] where the caller keeps it: to move it costs as much as to parse it.
///
/// # Errors
/// Those of [`parse`].
pub fn parse_into<'a>(packet: &mut Packet<'a>, bytes: &'a [u8], wire_len: usize) -> Result<(), Malformed> {
    read(packet, bytes, wire_len).map(|_| ())
}

/// The same, and the reader where the fields end.
#[inline(always)]
fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8], wire_len: usize) -> Result<Fields<'a>, Malformed> {
    let have = bytes.len() as u64;
    let swapped = Swapped(bytes);
    let Some(prefix) = swapped.get(0) else {
        return Err(Malformed { what: "PacketPrefixByte", offset: 7, need: MIN_LEN as u64, have });
    };
    if prefix & 1 != 0 {
        return Err(Malformed { what: "PacketPrefixByte", offset: 7, need: 0, have: 1 });
    }
    // A packet of fewer than seven bytes was padded to seven (section 3.1.1.1.5.2).
    let padding = match prefix >> 5 {
        0 => 0,
        short => 7_usize.saturating_sub(usize::from(short)),
    };
    let end = wire_len.saturating_sub(padding);
    let mut fields = Fields { bytes: swapped, at: 1, end, what: "header" };
    let header = fields.u16()?;
    packet.packet_type = PacketType(prefix >> 1 & 0xF);
    packet.flags = Flags(header & 0xFFF);
    packet.log_window_size = (header >> 12) as u8;
    if let Err(why) = payloads(packet, &mut fields) {
        if why.need > end as u64 {
            return Err(why);
        }
        packet.cut = Some(why);
    }
    Ok(fields)
}

/// Fills `packet` as far as the bytes go (section 2.2.1: this order, whatever the flags' order).
#[inline(always)]
fn payloads<'a>(packet: &mut Packet<'a>, fields: &mut Fields<'a>) -> Result<(), Malformed> {
    let flags = packet.flags;
    if flags.contains(Flags::ACK) {
        fields.what = "ACKPayload";
        let (seq, received_ts, send_ack_time_gap) = (fields.u16()?, fields.u24()?, fields.u8()?);
        let sizes = fields.u8()?;
        let count = usize::from(sizes & 0xF);
        let at = fields.skip(count)?;
        let delayed = fields.bytes.0.get(at..at.saturating_add(count)).unwrap_or_default();
        packet.ack = Some(Ack { seq, received_ts, send_ack_time_gap, time_scale: sizes >> 4, delayed });
    }
    if flags.contains(Flags::OVERHEADSIZE) {
        fields.what = "OverheadSizePayload";
        packet.overhead_size = Some(fields.u8()?);
    }
    if flags.contains(Flags::DELAYACKINFO) {
        fields.what = "DelayAckInfoPayload";
        let (max_delayed_acks, timeout_ms) = (fields.u8()?, fields.u16()?);
        packet.delay_ack_info = Some(DelayAckInfo { max_delayed_acks, timeout_ms });
    }
    if flags.contains(Flags::AOA) {
        fields.what = "AckOfAcksPayload";
        packet.ack_of_acks = Some(fields.u16()?);
    }
    if flags.contains(Flags::DATA) {
        fields.what = "DataHeaderPayload";
        packet.data_seq = Some(fields.u16()?);
    }
    if flags.contains(Flags::ACKVEC) {
        fields.what = "AckVecPayload";
        let (base_seq, sizes) = (fields.u16()?, fields.u8()?);
        let time = if sizes & 0x80 != 0 { Some((fields.u24()?, fields.u8()?)) } else { None };
        let size = usize::from(sizes & 0x7F);
        let start = fields.skip(size)?;
        packet.ack_vec = Some(AckVec { base_seq, time, bytes: fields.bytes, start, size });
    }
    if flags.contains(Flags::DATA) && packet.packet_type != PacketType::DUMMY {
        fields.what = "DataBodyPayload";
        let channel_seq = fields.u16()?;
        let data = fields.bytes.pieces(fields.at, fields.end);
        packet.body = Some(DataBody { channel_seq, data, len: fields.end.saturating_sub(fields.at) });
    }
    Ok(())
}

/// Whether a UDP payload may be a packet of version 3. Weak alone: a flow whose opening is not in the
/// capture needs several, both ways, whose numbers agree.
pub fn looks_like_packet(bytes: &[u8], wire_len: usize) -> bool {
    const MAY: u16 = 0x15D;
    let [_, low, high, _, _, _, _, prefix, ..] = bytes else { return false };
    let flags = Flags(u16::from_le_bytes([*low, *high]) & 0xFFF);
    let both = flags.contains(Flags::ACK) && flags.contains(Flags::ACKVEC);
    // Most datagrams of other protocols are told by these three bytes.
    if prefix & 1 != 0 || flags.0 == 0 || flags.0 & !MAY != 0 || both {
        return false;
    }
    let dummy = match PacketType(prefix >> 1 & 0xF) {
        PacketType::DATA => false,
        PacketType::DUMMY => true,
        _ => return false,
    };
    let short = prefix >> 5;
    if short < 7 && (short < 3 || wire_len != MIN_LEN) || wire_len < MIN_LEN {
        return false;
    }
    let mut packet = Packet::default();
    let Ok(fields) = read(&mut packet, bytes, wire_len) else { return false };
    if packet.cut.is_some() {
        return true;
    }
    let mut left = fields.at..fields.end;
    match packet.body {
        Some(body) => body.len > 0,
        None if dummy => {
            let zero = |at| fields.bytes.get(at).is_none_or(|byte| byte == 0);
            flags.contains(Flags::DATA) && !left.is_empty() && left.all(zero)
        }
        None => left.is_empty(),
    }
}
