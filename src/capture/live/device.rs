//! One interface: opened, read without waiting, and opened again where it was lost.

use std::time::{Duration, Instant};

use pcap::{Active, Capture, Linktype, Precision};

use super::error::{LiveError, words};
use super::{Counts, Event, Settings, now};
use crate::base::{Frame, FrameRef, LinkType, Timestamp};
use crate::capture::interface::{Interface, Resolution};

/// An interface that could be captured on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// The same for people.
    pub description: Option<String>,
    /// Its addresses.
    pub addresses: Vec<std::net::IpAddr>,
    /// Whether it is up.
    pub up: bool,
    /// Whether it is the loopback.
    pub loopback: bool,
}

/// The interfaces of this machine.
pub fn list() -> Result<Vec<Found>, LiveError> {
    let devices = pcap::Device::list()
        .map_err(|error| LiveError::Other { device: "any".into(), why: words(&error) })?;
    let found = devices.into_iter().map(|device| Found {
        up: device.flags.is_up(),
        loopback: device.flags.is_loopback(),
        addresses: device.addresses.iter().map(|address| address.addr).collect(),
        name: device.name,
        description: device.desc,
    });
    Ok(found.collect())
}

/// Counters as libpcap gives them: since the interface was opened, 32 bits that wrap.
#[derive(Clone, Copy, Debug, Default)]
struct Read {
    received: u32,
    kernel: u32,
    interface: u32,
}

pub(super) struct Device {
    counts: Counts,
    /// `None` while it is waited for.
    capture: Option<Capture<Active>>,
    nanoseconds: bool,
    link: LinkType,
    /// Index in the interfaces of the capture.
    interface: u32,
    /// The next packet, where one is at hand.
    head: Option<Head>,
    data: Vec<u8>,
    quiet_until: Timestamp,
    delay: i64,
    read: Read,
    /// Dropped, and not yet taken.
    dropped: u64,
    tried: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    time: Timestamp,
    wire_len: u32,
}

impl Device {
    /// Between stamping a packet and handing it on the kernel needs some time.
    const SLACK: Duration = Duration::from_millis(20);
    /// How often a lost interface is tried.
    const TRY: Duration = Duration::from_secs(1);

    pub(super) fn new(name: &str) -> Self {
        Device {
            counts: Counts { device: name.to_owned(), ..Counts::default() },
            capture: None,
            nanoseconds: false,
            link: LinkType::ETHERNET,
            interface: 0,
            head: None,
            data: Vec::new(),
            quiet_until: Timestamp::default(),
            delay: 0,
            read: Read::default(),
            dropped: 0,
            tried: Instant::now(),
        }
    }

    pub(super) fn open(
        &mut self,
        settings: &Settings,
        interfaces: &mut Vec<Interface>,
    ) -> Result<(), LiveError> {
        let name = self.counts.device.as_str();
        let failed = |error: pcap::Error| LiveError::of(name, &error);
        self.nanoseconds = has_nanoseconds(name);
        let mut device = Capture::from_device(name)
            .map_err(failed)?
            .snaplen(i32::try_from(settings.snaplen).unwrap_or(i32::MAX))
            .buffer_size(i32::try_from(settings.buffer).unwrap_or(i32::MAX))
            .promisc(settings.promiscuous && name != ANY)
            .immediate_mode(settings.immediate)
            .timeout(Settings::DELAY.as_millis() as i32);
        if self.nanoseconds {
            device = device.precision(Precision::Nano);
        }
        let mut capture = device.open().map_err(failed)?.setnonblock().map_err(failed)?;
        // The second version also tells the interface of each packet.
        let cooked = Linktype(LinkType::LINUX_SLL2.0 as i32);
        if name == ANY && capture.list_datalinks().is_ok_and(|links| links.contains(&cooked)) {
            capture.set_datalink(cooked).map_err(failed)?;
        }
        let filter = set_filter(&mut capture, settings, name)?;
        self.link = link_type(capture.get_datalink());
        let resolution = if self.nanoseconds { Resolution::NANOSECONDS } else { Resolution::MICROSECONDS };
        let described = Interface {
            snaplen: settings.snaplen,
            name: Some(name.to_owned()),
            filter,
            ..Interface::new(self.link, resolution)
        };
        let known = interfaces.iter().position(|known| *known == described);
        self.interface = known.unwrap_or(interfaces.len()) as u32;
        if known.is_none() {
            interfaces.push(described);
        }
        self.delay = if settings.immediate { Duration::ZERO } else { Settings::DELAY }.as_nanos() as i64
            + Self::SLACK.as_nanos() as i64;
        self.read = Read::default();
        self.counts.up = is_up(name);
        self.capture = Some(capture);
        Ok(())
    }

    /// Brings a packet to hand, where there is one.
    pub(super) fn fill(&mut self) -> Option<Event> {
        if self.head.is_some() {
            return None;
        }
        let before = now();
        let Some(capture) = &mut self.capture else {
            self.quiet_until = before.plus(-self.delay);
            return None;
        };
        match capture.next_packet() {
            Ok(packet) => {
                let unit = if self.nanoseconds { 1 } else { 1000 };
                let stamp = packet.header.ts;
                // Some systems have less than 64 bits there.
                #[allow(clippy::useless_conversion)]
                let (seconds, fraction) = (i64::from(stamp.tv_sec), i64::from(stamp.tv_usec));
                let nanoseconds = seconds.saturating_mul(Timestamp::SECOND);
                let time = Timestamp(nanoseconds.saturating_add(fraction.saturating_mul(unit)));
                self.head = Some(Head { time, wire_len: packet.header.len });
                self.data.clear();
                self.data.extend_from_slice(packet.data);
                None
            }
            Err(pcap::Error::TimeoutExpired) => {
                self.quiet_until = before.plus(-self.delay);
                None
            }
            Err(error) => {
                self.count();
                self.capture = None;
                self.tried = Instant::now();
                Some(self.down(words(&error)))
            }
        }
    }

    pub(super) fn head_time(&self) -> Option<Timestamp> {
        self.head.map(|head| head.time)
    }

    pub(super) fn head(&self, at: FrameRef) -> Option<Frame<'_>> {
        let head = self.head?;
        Some(Frame {
            at,
            time: head.time,
            link: self.link,
            interface: self.interface,
            data: &self.data,
            wire_len: head.wire_len,
        })
    }

    pub(super) fn release(&mut self) {
        self.head = None;
    }

    /// Up to when all of its packets were taken.
    pub(super) fn quiet_until(&self) -> Timestamp {
        self.head.map_or(self.quiet_until, |head| head.time)
    }

    /// Reads the counters, notices that it went down or came back, and opens it again where it was lost.
    pub(super) fn look_after(
        &mut self,
        settings: &Settings,
        interfaces: &mut Vec<Interface>,
    ) -> Option<Event> {
        if self.capture.is_some() {
            self.count();
            let up = is_up(&self.counts.device);
            return match (self.counts.up, up) {
                (true, false) => Some(self.down(NO_LINK.to_owned())),
                (false, true) => Some(self.up()),
                _ => None,
            };
        }
        if self.tried.elapsed() < Self::TRY {
            return None;
        }
        self.tried = Instant::now();
        let was_up = self.counts.up;
        self.open(settings, interfaces).ok()?;
        (self.counts.up && !was_up).then(|| self.up())
    }

    /// What there is to tell where it is open, and has no link yet.
    pub(super) fn is_down(&mut self) -> Option<Event> {
        (!self.counts.up).then(|| self.down(NO_LINK.to_owned()))
    }

    fn up(&mut self) -> Event {
        self.counts.up = true;
        Event::Up { device: self.counts.device.clone() }
    }

    fn down(&mut self, why: String) -> Event {
        self.counts.up = false;
        Event::Down { device: self.counts.device.clone(), why }
    }

    fn count(&mut self) {
        let Some(stat) = self.capture.as_mut().and_then(|capture| capture.stats().ok()) else { return };
        let now = Read { received: stat.received, kernel: stat.dropped, interface: stat.if_dropped };
        let more = |now: u32, before: u32| u64::from(now.wrapping_sub(before));
        let kernel = more(now.kernel, self.read.kernel);
        let interface = more(now.interface, self.read.interface);
        self.counts.received += more(now.received, self.read.received);
        self.counts.kernel_dropped += kernel;
        self.counts.interface_dropped += interface;
        self.dropped += kernel + interface;
        self.read = now;
    }

    /// Packets that were dropped since the last call.
    pub(super) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts.clone()
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device")
            .field("counts", &self.counts)
            .field("link", &self.link)
            .finish_non_exhaustive()
    }
}

const NO_LINK: &str = "it has no link";

/// Linux's name for all interfaces.
const ANY: &str = "any";

/// Sets the filter; returns it as it was typed to libpcap.
fn set_filter(
    capture: &mut Capture<Active>,
    settings: &Settings,
    name: &str,
) -> Result<Option<String>, LiveError> {
    let [Some(first), Some(second)] = settings.filter.expressions() else { return Ok(None) };
    if capture.filter(&first, true).is_ok() {
        return Ok(Some(first));
    }
    match capture.filter(&second, true) {
        Ok(()) => Ok(Some(second)),
        Err(error) => Err(LiveError::Filter { device: name.to_owned(), filter: second, why: words(&error) }),
    }
}

/// Linux stamps packets of network interfaces to the nanosecond; libpcap's other sources don't.
fn has_nanoseconds(name: &str) -> bool {
    const OTHERS: [&str; 5] = ["usbmon", "bluetooth", "dbus", "nflog", "nfqueue"];
    cfg!(target_os = "linux") && !OTHERS.iter().any(|other| name.starts_with(other))
}

/// The number that files use for a link type of libpcap: the same but for raw IP.
fn link_type(link: Linktype) -> LinkType {
    match link.0 {
        12 | 14 => LinkType::RAW,
        other => LinkType(other as u32),
    }
}

/// Whether Linux says that an interface is up and has its link; where it says nothing, it is. Its "operstate" would
/// say so up to a second later.
fn is_up(name: &str) -> bool {
    const IFF_UP: u32 = 1;
    let read = |file: &str| std::fs::read_to_string(format!("/sys/class/net/{name}/{file}")).ok();
    let flags =
        read("flags").and_then(|text| u32::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok());
    flags.is_none_or(|flags| flags & IFF_UP != 0)
        && read("carrier").is_none_or(|carrier| carrier.trim() != "0")
}
