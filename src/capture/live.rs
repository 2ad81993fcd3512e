//! Live capture with libpcap: the packets of one or more interfaces as one capture, in time order.
//!
//! Nothing here waits: [`Live::next_frame`] gives what is at hand, [`Live::quiet_until`] says up to which time
//! nothing more can come, which is how far the engine may let time pass.
//!
//! An interface that goes down, or away, is waited for. What it, or the kernel, drops is counted with the
//! time in which it happened.

mod device;
mod error;
mod filter;
mod losses;
mod route;

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::interface::Interface;
use crate::base::{Frame, FrameRef, Timestamp};
use device::Device;

pub use device::{Found, list};
pub use error::LiveError;
pub use filter::Filter;
pub use losses::Losses;
pub use route::default_device;

/// What to capture, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Names of interfaces; "any" stands for all on Linux.
    pub devices: Vec<String>,
    /// Which packets.
    pub filter: Filter,
    /// The most bytes of a packet that are kept.
    pub snaplen: u32,
    /// Bytes of the kernel's buffer for each interface.
    pub buffer: u32,
    /// Whether packets for other machines are wanted too.
    pub promiscuous: bool,
    /// Whether each packet is handed on at once; else up to [`Settings::DELAY`] later, which costs less.
    pub immediate: bool,
}

impl Settings {
    /// How long the kernel may gather packets before it hands them on.
    pub const DELAY: Duration = Duration::from_millis(50);
    /// As much as any packet has.
    pub const SNAPLEN: u32 = super::reader::MAX_CAPTURED;
    /// Half a second of a full gigabit link is 60 MB; RDP is a part of that.
    pub const BUFFER: u32 = 16 * 1024 * 1024;
}

/// What happened to an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Its packets come no more; it is waited for.
    Down {
        /// Its name.
        device: String,
        /// What the system says.
        why: String,
    },
    /// They come again.
    Up {
        /// Its name.
        device: String,
    },
}

/// Counts of one interface since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Its name.
    pub device: String,
    /// Packets that passed the filter.
    pub received: u64,
    /// Packets that the kernel dropped since its buffer was full.
    pub kernel_dropped: u64,
    /// Packets that the interface or its driver dropped, whosever they were.
    pub interface_dropped: u64,
    /// Whether its packets come.
    pub up: bool,
}

/// Open interfaces.
#[derive(Debug)]
pub struct Live {
    settings: Settings,
    devices: Vec<Device>,
    /// As [`Frame::interface`] counts them.
    interfaces: Vec<Interface>,
    events: VecDeque<Event>,
    losses: Losses,
    /// The device whose frame is lent out.
    lent: Option<usize>,
    frames: u64,
    bytes: u64,
    checked: Instant,
}

impl Live {
    /// How often counters and lost interfaces are looked at.
    const EVERY: Duration = Duration::from_millis(500);

    /// Opens the interfaces. One that is down is waited for; one that is not there, or may not be read, is an
    /// error.
    pub fn open(settings: Settings) -> Result<Self, LiveError> {
        let (mut devices, mut interfaces, mut events) = (Vec::new(), Vec::new(), VecDeque::new());
        for name in &settings.devices {
            let mut device = Device::new(name);
            match device.open(&settings, &mut interfaces) {
                Ok(()) => events.extend(device.is_down()),
                Err(LiveError::Down { device, why }) => events.push_back(Event::Down { device, why }),
                Err(error) => return Err(error),
            }
            devices.push(device);
        }
        Ok(Live {
            settings,
            devices,
            interfaces,
            events,
            losses: Losses::default(),
            lent: None,
            frames: 0,
            bytes: 0,
            checked: Instant::now(),
        })
    }

    /// The next frame; `None` where none is at hand now.
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        if let Some(lent) = self.lent.take().and_then(|at| self.devices.get_mut(at)) {
            lent.release();
        }
        let (mut first, mut others_until) = (None, Timestamp(i64::MAX));
        for (at, device) in self.devices.iter_mut().enumerate() {
            if let Some(event) = device.fill() {
                self.events.push_back(event);
            }
            match device.head_time() {
                Some(time) if first.is_none_or(|(earliest, _)| time < earliest) => first = Some((time, at)),
                Some(_) => {}
                None => others_until = others_until.min(device.quiet_until()),
            }
        }
        // Another interface may still bring an earlier one.
        let (_, at) = first.filter(|(time, _)| *time <= others_until)?;
        self.lent = Some(at);
        self.frames += 1;
        let frame = self.devices.get(at)?.head(FrameRef::new(0, self.frames))?;
        self.bytes += frame.data.len() as u64;
        Some(frame)
    }

    /// Up to which time every packet was handed out.
    pub fn quiet_until(&self) -> Timestamp {
        self.devices.iter().map(Device::quiet_until).min().unwrap_or_default()
    }

    /// Looks after counters and lost interfaces; to be called now and then.
    pub fn look_after(&mut self) {
        if self.checked.elapsed() >= Self::EVERY {
            self.look_after_now();
        }
    }

    /// The same at once: at the end, for the last counts.
    pub fn look_after_now(&mut self) {
        self.checked = Instant::now();
        let mut dropped = 0;
        for device in &mut self.devices {
            if let Some(event) = device.look_after(&self.settings, &mut self.interfaces) {
                self.events.push_back(event);
            }
            dropped += device.take_dropped();
        }
        self.losses.add(now(), dropped);
    }

    /// What happened to an interface since the last call.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Counts by interface.
    pub fn counts(&self) -> impl Iterator<Item = Counts> + '_ {
        self.devices.iter().map(Device::counts)
    }

    /// What was dropped, and when.
    pub fn losses(&self) -> &Losses {
        &self.losses
    }

    /// The interfaces of the frames so far, for writing them.
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// Frames handed out so far, and their bytes.
    pub fn handed_out(&self) -> (u64, u64) {
        (self.frames, self.bytes)
    }
}

/// The clock that stamps packets.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
