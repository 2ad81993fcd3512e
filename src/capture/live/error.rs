//! Why packets can't be captured, and what helps.

use thiserror::Error;

/// Why an interface could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LiveError {
    /// The system does not let this user.
    #[error(
        "no permission to capture on {device} ({why}); give the program the right to it once with \
         \"sudo setcap cap_net_raw+ep {program}\", run it as the service of the systemd unit rdpwhy.service, \
         which has that right and no other, or run it as root"
    )]
    Permission {
        /// The interface.
        device: String,
        /// What the system says.
        why: String,
        /// Path of this program.
        program: String,
    },
    /// No interface has this name.
    #[error("there is no interface {device}; there are {}", names(.there))]
    Missing {
        /// What was asked for.
        device: String,
        /// What there is.
        there: Vec<String>,
    },
    /// It is there, and down.
    #[error("{device} is down ({why})")]
    Down {
        /// The interface.
        device: String,
        /// What the system says.
        why: String,
    },
    /// The filter is no filter.
    #[error("the filter \"{filter}\" cannot be used on {device}: {why}")]
    Filter {
        /// The interface.
        device: String,
        /// As it was typed.
        filter: String,
        /// What libpcap says.
        why: String,
    },
    /// Another trouble.
    #[error("cannot capture on {device}: {why}")]
    Other {
        /// The interface.
        device: String,
        /// What the system says.
        why: String,
    },
    /// No interface was named, and there is no default route.
    #[error("no interface was named and none has the default route; there are {}", names(.there))]
    NoDefault {
        /// What there is.
        there: Vec<String>,
    },
}

fn names(there: &[String]) -> String {
    if there.is_empty() { "none that may be read".to_owned() } else { there.join(", ") }
}

impl LiveError {
    /// Finds out what libpcap's words mean: it tells errors by text alone.
    pub(super) fn of(device: &str, error: &pcap::Error) -> Self {
        let device = device.to_owned();
        let why = words(error);
        let lower = why.to_lowercase();
        let says = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
        if says(&["permission", "not permitted", "cap_net_raw"]) {
            let program =
                std::env::current_exe().map_or_else(|_| "rdpwhy".into(), |p| p.display().to_string());
            LiveError::Permission { device, why, program }
        } else if says(&["no such device", "doesn't exist", "does not exist"]) {
            let there = super::list().unwrap_or_default().into_iter().map(|found| found.name).collect();
            LiveError::Missing { device, there }
        } else if says(&["not up", "is down", "went down"]) {
            LiveError::Down { device, why }
        } else {
            LiveError::Other { device, why }
        }
    }
}

/// libpcap's words without the crate's.
pub(super) fn words(error: &pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) => text.clone(),
        other => other.to_string(),
    }
}
