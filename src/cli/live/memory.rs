//! `--memory`: all that is held stays within it.
//!
//! Connections, fragments and the recorder's frames have their shares ([`Limits::within`]). What single
//! connections hold beyond the usual (giant certificates, handshakes that drip) the allocator counts, with
//! everything else, and what tells least is given up as soon as that is too much.

use std::alloc::System;

use cap::Cap;
use rdpwhy::analyzer::{Analyzer, GivenUp};
use rdpwhy::base::Limits;
use rdpwhy::capture::BufferBounds;
use rdpwhy::report::text::number;

#[global_allocator]
static HELD: Cap<System> = Cap::new(System, usize::MAX);

const MIB: usize = 1 << 20;

/// The memory of one run, and what was given up to stay within it.
#[derive(Debug)]
pub(crate) struct Memory {
    /// MiB, as they were asked for.
    asked: u32,
    /// Bytes that may be allocated.
    most: usize,
    told: GivenUp,
}

impl Memory {
    /// MiB of a run unless told otherwise.
    pub(crate) const DEFAULT: u32 = 256;
    /// Program, libraries and stacks.
    const PROGRAM: usize = 16 * MIB;
    /// What must be left for the engine.
    const LEAST: usize = 16 * MIB;

    /// Of `asked` MiB, the kernel's buffers of all interfaces take `kernel` MiB, which count as this process's.
    pub(crate) fn new(asked: u32, kernel: usize) -> Result<Self, String> {
        let taken = kernel * MIB + Self::PROGRAM;
        // A quarter for what the allocator can't use: holes, and pages that it keeps.
        let most = (asked as usize * MIB).saturating_sub(taken) / 4 * 3;
        if most < Self::LEAST {
            let least = (taken + Self::LEAST * 4 / 3).div_ceil(MIB);
            return Err(format!(
                "--memory {asked} is too little: with {kernel} MiB for the kernel's buffers (--buffer) it takes {least}"
            ));
        }
        Ok(Memory { asked, most, told: GivenUp::default() })
    }

    /// The engine's bounds.
    pub(crate) fn limits(&self) -> Limits {
        Limits::within(self.most)
    }

    /// The recorder's: a fifth for frames.
    pub(crate) fn frames(&self) -> BufferBounds {
        BufferBounds { total: self.most / 5, ..BufferBounds::default() }
    }

    /// Connections whose secrets are kept: a sixteenth.
    pub(crate) fn keys(&self) -> usize {
        /// The five secrets of TLS 1.3, and what the allocator and the map add.
        const CONNECTION: usize = 768;
        self.most / 16 / CONNECTION
    }

    /// Bytes that are allocated.
    pub(crate) fn held() -> usize {
        HELD.allocated()
    }

    /// Bytes that may be.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// Whether something must go.
    pub(crate) fn is_short(&self) -> bool {
        Self::held() > self.most
    }

    /// What was given up, once more than was told before.
    pub(crate) fn more_given_up(&mut self, analyzer: &Analyzer) -> Option<String> {
        let now = analyzer.given_up();
        let before = std::mem::replace(&mut self.told, now);
        let more = GivenUp {
            half_open: now.half_open - before.half_open,
            other: now.other - before.other,
            begun: now.begun - before.begun,
            secured: now.secured - before.secured,
            udp: now.udp - before.udp,
        };
        self.text(&more)
    }

    /// What was given up since the start.
    pub(crate) fn given_up(&self, analyzer: &Analyzer) -> Option<String> {
        self.text(&analyzer.given_up())
    }

    fn text(&self, given_up: &GivenUp) -> Option<String> {
        let GivenUp { half_open, other, begun, secured, udp } = *given_up;
        let parts = [
            (half_open, "without payload"),
            (other, "not RDP"),
            (begun, "in RDP's negotiation or TLS handshake"),
            (secured, "RDP sessions beyond that"),
            (udp, "RDP-UDP flows"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{} {what}", number(*count)))
            .collect();
        (!parts.is_empty()).then(|| {
            format!(
                "{} connections were not followed to their end, to stay within {} MiB (--memory): {}",
                number(given_up.total()),
                self.asked,
                parts.join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_little_is_said_with_what_it_takes() {
        let error = Memory::new(64, 48).unwrap_err();
        let least: u32 = error.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(Memory::new(least, 48).is_ok() && Memory::new(least - 1, 48).is_err(), "{error}");
        let memory = Memory::new(Memory::DEFAULT, 16).unwrap();
        let limits = memory.limits();
        assert!(limits.flows >= 131_072 && limits.watched > 10_000, "{limits:?}");
    }

    #[test]
    fn what_is_held_is_counted() {
        let held = vec![0_u8; 64 * MIB];
        assert!(HELD.allocated() >= held.len());
        let memory = Memory { asked: 0, most: 32 * MIB, told: GivenUp::default() };
        assert!(memory.is_short());
    }
}
