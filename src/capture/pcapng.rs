//! The pcapng format (draft-ietf-opsawg-pcapng): blocks with their length at both ends, in sections
//! that may differ in byte order, with interfaces that may differ in link type and time resolution.

use super::bytes::Order;
use super::info::{CaptureInfo, SecretsType};
use super::input::Input;
use super::interface::{Clock, Interface as Described};
use super::options::Options;
use super::reader::{Found, MAX_CAPTURED, Step};
use crate::base::{LinkType, Timestamp};

/// Types of blocks, and codes of the counts in an Interface Statistics Block.
pub(super) mod block {
    /// Section Header Block; the same in both byte orders.
    pub(in super::super) const SECTION: u32 = 0x0a0d_0d0a;
    pub(in super::super) const INTERFACE: u32 = 1;
    /// Obsolete Packet Block (appendix A).
    pub(super) const PACKET: u32 = 2;
    pub(super) const SIMPLE_PACKET: u32 = 3;
    pub(in super::super) const STATISTICS: u32 = 5;
    pub(in super::super) const ENHANCED_PACKET: u32 = 6;
    pub(in super::super) const SECRETS: u32 = 10;
    /// isb_ifrecv
    pub(in super::super) const RECEIVED: u16 = 4;
    /// isb_ifdrop
    pub(in super::super) const INTERFACE_DROPPED: u16 = 5;
    /// isb_osdrop
    pub(in super::super) const SYSTEM_DROPPED: u16 = 7;
}
use block::*;

/// Bytes of the smallest Section Header Block that tell it is one: up to the versions.
pub(super) const SECTION_HEAD: usize = 16;

/// Type, length and the first four bytes of the body or the second length.
const BLOCK_HEAD: usize = 12;

/// Bytes of an Enhanced Packet Block before the packet's.
const DATA: usize = 28;

/// A block of a kind that is read whole may be this long, as in Wireshark. Longer packet blocks are
/// taken for damage, others are skipped.
const MAX_BLOCK: u32 = 16 * 1024 * 1024;

/// Interfaces of one section. Real captures have tens.
const MAX_INTERFACES: usize = 65_536;

/// Whether a file that starts so is a pcapng file.
pub(super) fn is_magic(head: [u8; 4]) -> bool {
    u32::from_le_bytes(head) == SECTION
}

/// Checks the start of a section; an error says what is wrong with it.
pub(super) fn section_order(head: &[u8]) -> Result<Order, String> {
    let order = match head.get(8..12) {
        Some([0x4d, 0x3c, 0x2b, 0x1a]) => Order { big: false },
        Some([0x1a, 0x2b, 0x3c, 0x4d]) => Order { big: true },
        Some(&[a, b, c, d]) => {
            return Err(format!("byte-order magic is {a:02x} {b:02x} {c:02x} {d:02x}, which is none"));
        }
        _ => return Err("section header is too short".into()),
    };
    match order.u16(head, 12) {
        1 => Ok(order),
        major => Err(format!("pcapng version {major}.{} is unknown, 1.0 is usual", order.u16(head, 14))),
    }
}

/// The state between blocks.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: Order,
    /// Those of the current section.
    interfaces: Vec<Interface>,
    /// How many interfaces the sections before had.
    earlier_interfaces: u32,
    last_time: Timestamp,
    /// Bytes of secrets kept, as [`CaptureInfo::keep_secrets`] counts.
    secrets: usize,
}

/// What an Interface Description Block says, and what was lost there.
#[derive(Debug)]
struct Interface {
    link: LinkType,
    /// 0 means no limit.
    snaplen: u32,
    clock: Clock,
    /// Sum of epb_dropcount and the obsolete drop counts.
    lost_between: u64,
    /// isb_ifdrop and isb_osdrop, each counted from the start of the capture.
    lost_before: [u64; 2],
    /// What of it is in [`CaptureInfo::dropped`].
    counted: u64,
}

impl Interface {
    /// Both ways of counting tell of the same losses, so the larger one stands.
    fn recount(&mut self, info: &mut CaptureInfo) {
        let [interface, system] = self.lost_before;
        let lost = self.lost_between.max(interface.saturating_add(system));
        info.dropped = info.dropped.saturating_add(lost.saturating_sub(self.counted));
        self.counted = self.counted.max(lost);
    }
}

impl Pcapng {
    pub(super) fn new() -> Self {
        Pcapng {
            order: Order { big: false },
            interfaces: Vec::new(),
            earlier_interfaces: 0,
            last_time: Timestamp::default(),
            secrets: 0,
        }
    }

    /// How long the block at the start of `bytes` claims to be, unchecked.
    #[inline]
    pub(super) fn length(&self, bytes: &[u8]) -> usize {
        self.order.u32(bytes, 4) as usize
    }

    /// The packet at the start of `window`, where that is a whole Enhanced Packet Block without options in a
    /// little-endian section: nearly always.
    #[inline(always)]
    pub(super) fn plain(&mut self, window: &[u8]) -> Option<Found> {
        let order = Order { big: false };
        if self.order != order {
            return None;
        }
        let head = window.first_chunk::<DATA>()?;
        let (length, captured) = (order.u32(head, 4), order.u32(head, 20));
        if captured > MAX_CAPTURED {
            return None;
        }
        let record = DATA + (captured as usize).next_multiple_of(4) + 4;
        let (block, _) = window.split_at_checked(record)?;
        let second = order.u32(block.last_chunk::<4>()?, 0);
        let interface = self.interfaces.get(order.u32(head, 8) as usize)?;
        let sound = order.u32(head, 0) == ENHANCED_PACKET && length as usize == record && second == length;
        if !sound {
            return None;
        }
        let units = u64::from(order.u32(head, 12)) << 32 | u64::from(order.u32(head, 16));
        self.last_time = interface.clock.time(units);
        Some(Found {
            start: DATA,
            len: captured as usize,
            record,
            time: self.last_time,
            timed: true,
            link: interface.link,
            interface: self.earlier_interfaces.saturating_add(order.u32(head, 8)),
            wire_len: order.u32(head, 24),
        })
    }

    /// Finds the next packet from the current offset on.
    pub(super) fn step(&mut self, input: &mut Input, info: &mut CaptureInfo) -> Step {
        loop {
            if input.window().len() < BLOCK_HEAD {
                let have = input.fill(BLOCK_HEAD);
                if have == 0 {
                    return Step::End;
                }
                if have < BLOCK_HEAD {
                    return Step::Cut { at: input.offset(), need: BLOCK_HEAD as u64, have: have as u64 };
                }
            }
            let Some(head) = input.window().first_chunk::<BLOCK_HEAD>() else { return Step::End };
            let kind = self.order.u32(head, 0);
            if matches!(kind, ENHANCED_PACKET | PACKET | SIMPLE_PACKET) {
                return self.packet(kind, self.order.u32(head, 4), input, info);
            }
            let head = *head;
            if let Some(step) = self.other(kind, head, input, info) {
                return step;
            }
        }
    }

    /// Reads a packet block of any of the three kinds.
    fn packet(&mut self, kind: u32, length: u32, input: &mut Input, info: &mut CaptureInfo) -> Step {
        let least = if kind == SIMPLE_PACKET { 16 } else { 32 };
        if length < least || length > MAX_BLOCK {
            return bad_length(length, least, input);
        }
        let whole = length.next_multiple_of(4) as usize;
        if input.window().len() < whole {
            let have = input.fill(whole);
            if have < whole {
                return Step::Cut { at: input.offset(), need: whole as u64, have: have as u64 };
            }
        }
        let block = input.window().get(..whole).unwrap_or_default();
        if self.order.u32(block, whole - 4) != length {
            return lengths_differ(length, self.order.u32(block, whole - 4), input);
        }
        match kind {
            SIMPLE_PACKET => self.simple(block, input),
            _ => self.full(kind, block, input, info),
        }
    }

    /// Enhanced Packet Block (section 4.3) and Packet Block, which differ in the first word.
    fn full(&mut self, kind: u32, block: &[u8], input: &Input, info: &mut CaptureInfo) -> Step {
        const EPB_DROPCOUNT: u16 = 4;
        let (id, mut lost) = if kind == ENHANCED_PACKET {
            (self.order.u32(block, 8), 0)
        } else {
            // 0xffff means that the count is not known.
            let lost = self.order.u16(block, 10);
            (u32::from(self.order.u16(block, 8)), if lost == u16::MAX { 0 } else { u64::from(lost) })
        };
        let units = u64::from(self.order.u32(block, 12)) << 32 | u64::from(self.order.u32(block, 16));
        let captured = self.order.u32(block, 20);
        let room = block.len() - DATA - 4;
        if captured > MAX_CAPTURED || captured as usize > room {
            let most = room.min(MAX_CAPTURED as usize);
            return Step::Damaged {
                at: input.offset(),
                why: format!("packet block claims {captured} captured bytes, at most {most} can be"),
            };
        }
        let count = self.interfaces.len();
        let Some(interface) = self.interfaces.get_mut(id as usize) else {
            return Step::Damaged {
                at: input.offset(),
                why: format!("packet block names interface {id}, but its section describes {count}"),
            };
        };
        let len = captured as usize;
        let options = block.get(DATA + len.next_multiple_of(4)..block.len() - 4).unwrap_or_default();
        if kind == ENHANCED_PACKET && !options.is_empty() {
            for (code, value) in Options::new(options, self.order) {
                if code == EPB_DROPCOUNT && value.len() == 8 {
                    lost = self.order.u64(value, 0);
                }
            }
        }
        if lost != 0 {
            interface.lost_between = interface.lost_between.saturating_add(lost);
            interface.recount(info);
        }
        let time = interface.clock.time(units);
        self.last_time = time;
        Step::Packet(Found {
            start: DATA,
            len,
            record: block.len(),
            time,
            timed: true,
            link: interface.link,
            interface: self.earlier_interfaces.saturating_add(id),
            wire_len: self.order.u32(block, 24),
        })
    }

    /// Simple Packet Block (section 4.4): the first interface's, without a time.
    fn simple(&self, block: &[u8], input: &Input) -> Step {
        const DATA: usize = 12;
        let Some(interface) = self.interfaces.first() else {
            return Step::Damaged {
                at: input.offset(),
                why: "packet block in a section that describes no interface".into(),
            };
        };
        let wire_len = self.order.u32(block, 8);
        let snaplen = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let len = (wire_len.min(snaplen).min(MAX_CAPTURED) as usize).min(block.len() - DATA - 4);
        Step::Packet(Found {
            start: DATA,
            len,
            record: block.len(),
            time: self.last_time,
            timed: false,
            link: interface.link,
            interface: self.earlier_interfaces,
            wire_len,
        })
    }

    /// Everything but packets: rare.
    #[cold]
    fn other(
        &mut self,
        kind: u32,
        head: [u8; BLOCK_HEAD],
        input: &mut Input,
        info: &mut CaptureInfo,
    ) -> Option<Step> {
        if kind == SECTION {
            let have = input.fill(SECTION_HEAD);
            if have < SECTION_HEAD {
                return Some(Step::Cut { at: input.offset(), need: SECTION_HEAD as u64, have: have as u64 });
            }
            match section_order(input.window()) {
                Ok(order) => self.order = order,
                Err(why) => return Some(Step::Damaged { at: input.offset(), why }),
            }
        }
        let length = self.order.u32(&head, 4);
        let least = match kind {
            SECTION => 28,
            INTERFACE | SECRETS => 20,
            STATISTICS => 24,
            _ => BLOCK_HEAD as u32,
        };
        if length < least {
            return Some(bad_length(length, least, input));
        }
        if matches!(kind, INTERFACE | STATISTICS | SECRETS) && length <= MAX_BLOCK {
            let whole = length.next_multiple_of(4) as usize;
            let have = input.fill(whole);
            if have < whole {
                return Some(Step::Cut { at: input.offset(), need: whole as u64, have: have as u64 });
            }
            let body = input.window().get(8..whole - 4).unwrap_or_default();
            match kind {
                INTERFACE if self.interfaces.len() >= MAX_INTERFACES => {
                    return Some(Step::Damaged {
                        at: input.offset(),
                        why: format!("section describes more than {MAX_INTERFACES} interfaces"),
                    });
                }
                INTERFACE => self.interface(body, info),
                STATISTICS => self.statistics(body, info),
                _ => self.secrets(body, info),
            }
        } else if kind == SECTION {
            let count = u32::try_from(self.interfaces.len()).unwrap_or(u32::MAX);
            self.earlier_interfaces = self.earlier_interfaces.saturating_add(count);
            self.interfaces.clear();
        } else if kind == SECRETS {
            info.leave_out_secrets(&mut self.secrets);
        }
        self.leave_block(length, input)
    }

    /// Moves behind a block and compares its two lengths.
    fn leave_block(&self, length: u32, input: &mut Input) -> Option<Step> {
        let at = input.offset();
        let whole = u64::from(length).next_multiple_of(4);
        let skipped = input.skip(whole - 4);
        let have = input.fill(4);
        if skipped < whole - 4 || have < 4 {
            return Some(Step::Cut { at, need: whole, have: skipped + have as u64 });
        }
        let second = self.order.u32(input.window(), 0);
        if second != length {
            return Some(lengths_differ(length, second, input));
        }
        input.advance(4);
        None
    }

    /// Interface Description Block (section 4.2).
    fn interface(&mut self, body: &[u8], info: &mut CaptureInfo) {
        let described = Described::parse(body, self.order);
        self.interfaces.push(Interface {
            link: described.link,
            snaplen: described.snaplen,
            clock: described.clock(),
            lost_between: 0,
            lost_before: [0; 2],
            counted: 0,
        });
        info.describe(described);
    }

    /// Interface Statistics Block (section 4.6).
    fn statistics(&mut self, body: &[u8], info: &mut CaptureInfo) {
        let Some(interface) = self.interfaces.get_mut(self.order.u32(body, 0) as usize) else { return };
        let [by_interface, by_system] = &mut interface.lost_before;
        for (code, value) in Options::new(body.get(12..).unwrap_or_default(), self.order) {
            let total = match code {
                INTERFACE_DROPPED => &mut *by_interface,
                SYSTEM_DROPPED => &mut *by_system,
                _ => continue,
            };
            let count = self.order.u64(value, 0);
            // All ones is how some writers say "not known".
            if value.len() == 8 && count != u64::MAX {
                *total = count.max(*total);
            }
        }
        interface.recount(info);
    }

    /// Decryption Secrets Block (section 4.7).
    fn secrets(&mut self, body: &[u8], info: &mut CaptureInfo) {
        let kind = SecretsType(self.order.u32(body, 0));
        let len = self.order.u32(body, 4) as usize;
        let data = body.get(8..).unwrap_or_default();
        info.keep_secrets(&mut self.secrets, kind, data.get(..len).unwrap_or(data));
    }
}

#[cold]
fn bad_length(length: u32, least: u32, input: &Input) -> Step {
    let why = if length < least {
        format!("block claims to be {length} bytes long, it needs {least} at least")
    } else {
        format!("packet block claims to be {length} bytes long, at most {MAX_BLOCK} can be")
    };
    Step::Damaged { at: input.offset(), why }
}

#[cold]
fn lengths_differ(first: u32, second: u32, input: &Input) -> Step {
    Step::Damaged {
        at: input.offset(),
        why: format!("block is {first} bytes long by its start and {second} by its end"),
    }
}
