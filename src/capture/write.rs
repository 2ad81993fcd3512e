//! Writes pcapng (draft-ietf-opsawg-pcapng), little-endian: a section, its interfaces, packets with
//! comments. What a reader of this folder said of a frame and its interface comes out as it went in.

use std::io::{self, ErrorKind, Write};

use super::info::SecretsType;
use super::interface::{Interface, code};
use super::pcapng::block;
use crate::base::Timestamp;

/// Who wrote a section, and what it is.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// What the capture shows, for people; several lines may be.
    pub comment: Option<String>,
    /// The machine that captured.
    pub hardware: Option<String>,
    /// Its operating system.
    pub os: Option<String>,
    /// The program that writes.
    pub application: Option<String>,
}

/// One packet to be written.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// What [`Writer::interface`] returned.
    pub interface: u32,
    /// When it was captured.
    pub time: Timestamp,
    /// The bytes that were kept.
    pub data: &'a [u8],
    /// How many it had on the wire.
    pub wire_len: u32,
    /// Shown beside it by Wireshark, each by itself.
    pub comments: &'a [String],
    /// Packets lost since the one before it; 0 where none was or nobody counted.
    pub dropped: u64,
}

/// Counts of an interface, from the start of the capture (section 4.6); `None` is not known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statistics {
    /// Packets received.
    pub received: Option<u64>,
    /// Packets that the interface dropped.
    pub interface_dropped: Option<u64>,
    /// Packets that the operating system dropped.
    pub system_dropped: Option<u64>,
}

/// Writes one pcapng file, block by block. Give it something buffered.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    interfaces: Vec<Interface>,
    /// Of the block in the making; kept for the next.
    block: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Begins with a section.
    pub fn new(out: W, section: &Section) -> io::Result<Self> {
        let mut this = Writer { out, interfaces: Vec::new(), block: Vec::new() };
        this.section(section)?;
        Ok(this)
    }

    /// Begins another section, whose interfaces are counted anew.
    pub fn section(&mut self, section: &Section) -> io::Result<()> {
        const HARDWARE: u16 = 2;
        const OS: u16 = 3;
        const APPLICATION: u16 = 4;
        self.interfaces.clear();
        self.begin(block::SECTION);
        self.u32(0x1a2b_3c4d);
        // Version 1.0.
        self.u32(1);
        // The section's length, not told.
        self.bytes(&u64::MAX.to_le_bytes());
        let texts = [
            (COMMENT, &section.comment),
            (HARDWARE, &section.hardware),
            (OS, &section.os),
            (APPLICATION, &section.application),
        ];
        for (code, text) in texts {
            self.text(code, text.as_deref());
        }
        self.end()
    }

    /// Describes an interface; returns what its packets call it. Stamps finer than nanoseconds become
    /// nanoseconds, which is all that was kept of them.
    pub fn interface(&mut self, interface: &Interface) -> io::Result<u32> {
        let interface = Interface { resolution: interface.resolution.writable(), ..interface.clone() };
        let link = u16::try_from(interface.link.0)
            .map_err(|_| invalid(format!("link type {} does not fit into pcapng", interface.link)))?;
        self.begin(block::INTERFACE);
        self.u32(u32::from(link));
        self.u32(interface.snaplen);
        self.text(code::NAME, interface.name.as_deref());
        self.text(code::DESCRIPTION, interface.description.as_deref());
        self.option(code::RESOLUTION, &[interface.resolution.0]);
        if let Some(filter) = &interface.filter {
            self.option(code::FILTER, format!("\0{filter}").as_bytes());
        }
        if interface.offset != 0 {
            self.option(code::OFFSET, &interface.offset.to_le_bytes());
        }
        self.end()?;
        self.interfaces.push(interface);
        u32::try_from(self.interfaces.len() - 1).map_err(|_| invalid("more interfaces than can be counted"))
    }

    /// Writes a packet. A time before the first that its interface can tell becomes that.
    pub fn packet(&mut self, packet: &Packet<'_>) -> io::Result<()> {
        const DROPPED: u16 = 4;
        let Some(interface) = self.interfaces.get(packet.interface as usize) else {
            return Err(invalid(format!(
                "packet of interface {}, which was not described",
                packet.interface
            )));
        };
        let units = interface.units(packet.time);
        let len = u32::try_from(packet.data.len()).map_err(|_| invalid("packet of more than 4 GiB"))?;
        self.begin(block::ENHANCED_PACKET);
        self.u32(packet.interface);
        self.u32((units >> 32) as u32);
        self.u32(units as u32);
        self.u32(len);
        self.u32(packet.wire_len);
        self.bytes(packet.data);
        for comment in packet.comments {
            self.text(COMMENT, Some(comment));
        }
        if packet.dropped != 0 {
            self.option(DROPPED, &packet.dropped.to_le_bytes());
        }
        self.end()
    }

    /// Writes secrets: whoever has the file can read what they protect. They must come before the packets.
    pub fn secrets(&mut self, kind: SecretsType, data: &[u8]) -> io::Result<()> {
        let len = u32::try_from(data.len()).map_err(|_| invalid("secrets of more than 4 GiB"))?;
        self.begin(block::SECRETS);
        self.u32(kind.0);
        self.u32(len);
        self.bytes(data);
        self.end()
    }

    /// Writes an interface's counts as of `time`.
    pub fn statistics(&mut self, interface: u32, time: Timestamp, counts: &Statistics) -> io::Result<()> {
        let Some(described) = self.interfaces.get(interface as usize) else {
            return Err(invalid(format!("counts of interface {interface}, which was not described")));
        };
        let units = described.units(time);
        self.begin(block::STATISTICS);
        self.u32(interface);
        self.u32((units >> 32) as u32);
        self.u32(units as u32);
        let counts = [
            (block::RECEIVED, counts.received),
            (block::INTERFACE_DROPPED, counts.interface_dropped),
            (block::SYSTEM_DROPPED, counts.system_dropped),
        ];
        for (code, count) in counts {
            if let Some(count) = count {
                self.option(code, &count.to_le_bytes());
            }
        }
        self.end()
    }

    /// Hands back what was written to.
    pub fn into_inner(self) -> W {
        self.out
    }

    // ---- a block: type, length, body and options, length ----

    fn begin(&mut self, kind: u32) {
        self.block.clear();
        self.u32(kind);
        self.u32(0);
    }

    fn end(&mut self) -> io::Result<()> {
        // End of options, and the second length; neither hurts where there are no options.
        self.u32(0);
        let len = self.block.len() + 4;
        let len = u32::try_from(len).map_err(|_| invalid("block of more than 4 GiB"))?;
        self.u32(len);
        if let Some(first) = self.block.get_mut(4..8) {
            first.copy_from_slice(&len.to_le_bytes());
        }
        self.out.write_all(&self.block)
    }

    fn u32(&mut self, value: u32) {
        self.block.extend_from_slice(&value.to_le_bytes());
    }

    /// Padded to whole words.
    fn bytes(&mut self, bytes: &[u8]) {
        self.block.extend_from_slice(bytes);
        self.block.resize(self.block.len().next_multiple_of(4), 0);
    }

    fn option(&mut self, code: u16, value: &[u8]) {
        let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.block.extend_from_slice(&code.to_le_bytes());
        self.block.extend_from_slice(&len.to_le_bytes());
        self.bytes(value.get(..usize::from(len)).unwrap_or(value));
    }

    /// Cut between characters where it is longer than an option can be.
    fn text(&mut self, code: u16, text: Option<&str>) {
        let Some(text) = text else { return };
        self.option(
            code,
            text.get(..text.floor_char_boundary(usize::from(u16::MAX))).unwrap_or(text).as_bytes(),
        );
    }
}

/// Option of every block.
const COMMENT: u16 = 1;

fn invalid(what: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, what.into())
}
