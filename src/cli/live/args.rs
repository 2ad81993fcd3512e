//! What `live` takes.

use std::io::IsTerminal;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use rdpwhy::capture::live::{Filter, Settings};
use rdpwhy::report::{Lines, Zone};

pub(crate) const EXAMPLES: &str = "\
Examples:
  rdpwhy live                                sessions at the interface of the default route: on a terminal a live
                                             table (Enter opens a session, q ends), else a line as each ends
  rdpwhy live --list                         which interfaces there are
  rdpwhy live -i eth0 -i eth1 --port 3390    two interfaces as one, and a port of your own
  rdpwhy live -i any --format ecs --events --output /var/log/rdpwhy.ndjson
                                             for a log pipeline; SIGHUP opens the file anew
  rdpwhy live -i eth0 --save-failed /var/lib/rdpwhy
                                             and the packets of what failed, for a ticket

Signals: SIGINT and SIGTERM end it within a second, with what still runs reported as it stands, a second one at
once; SIGHUP opens the output anew.

Exit status: 0 ended by a signal or because nobody reads on, 2 bad usage, no permission, no such
interface, unwritable output, or a second signal.";

/// Everything that `live` takes.
#[derive(Debug, Args)]
pub(crate) struct Live {
    /// Capture here (may be given several times; "any" is every interface); without it, at the interface
    /// of the default route
    #[arg(short, long = "interface", value_name = "NAME", help_heading = "Capturing")]
    pub(crate) interface: Vec<String>,

    /// List the interfaces and end
    #[arg(long, help_heading = "Capturing")]
    pub(crate) list: bool,

    /// Look for RDP on this server port too, beside 3389, 3390, 3391 and 2179
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = "Capturing")]
    pub(crate) port: Vec<u16>,

    /// Look for RDP on every port
    #[arg(long, help_heading = "Capturing")]
    pub(crate) all_ports: bool,

    /// Capture what this pcap-filter(7) takes; by default RDP's usual ports, ICMP errors and fragments, also
    /// in VLAN tags
    #[arg(long, value_name = "EXPRESSION", conflicts_with = "all_ports", help_heading = "Capturing")]
    pub(crate) filter: Option<String>,

    /// Keep this many bytes of a packet
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = Settings::SNAPLEN,
        value_parser = clap::value_parser!(u32).range(64..=i64::from(Settings::SNAPLEN)),
        help_heading = "Capturing"
    )]
    pub(crate) snaplen: u32,

    /// Size of the kernel's buffer for each interface, in MiB
    #[arg(
        long,
        value_name = "MIB",
        default_value_t = Settings::BUFFER >> 20,
        value_parser = clap::value_parser!(u32).range(1..=1024),
        help_heading = "Capturing"
    )]
    pub(crate) buffer: u32,

    /// Use no more memory than this, in MiB, the kernel's buffers included; where more is needed, what tells
    /// least is not followed to its end, which is counted and told
    #[arg(
        long,
        value_name = "MIB",
        default_value_t = super::memory::Memory::DEFAULT,
        value_parser = clap::value_parser!(u32).range(32..=1 << 20),
        help_heading = "Capturing"
    )]
    pub(crate) memory: u32,

    /// Started by root, become this user once the interfaces are open, and keep no right but to capture; by
    /// default nobody, or whose folder --output or --save-failed is in
    #[cfg(target_os = "linux")]
    #[arg(long, value_name = "NAME", help_heading = "Capturing")]
    pub(crate) user: Option<String>,

    /// Take packets for other machines too, where a mirror port brings them
    #[arg(long, help_heading = "Capturing")]
    pub(crate) promiscuous: bool,

    /// Take each packet at once instead of up to 50 ms later, which costs more
    #[arg(long, help_heading = "Capturing")]
    pub(crate) immediate: bool,

    /// TLS secrets that open the connections they are of: a key log, read on as it is written (may be given several
    /// times)
    #[arg(long, value_name = "FILE", help_heading = "Decrypting")]
    pub(crate) keylog: Vec<PathBuf>,

    /// Private RSA key of a server with Standard RDP Security, which opens its sessions (PEM, or xrdp's rsakeys.ini; may
    /// be given several times)
    #[arg(long, value_name = "FILE", help_heading = "Decrypting")]
    pub(crate) rsa_key: Vec<PathBuf>,

    /// How to show sessions
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = "Showing")]
    pub(crate) format: Format,

    /// Tell each phase that a session enters, as it happens
    #[arg(long, help_heading = "Showing")]
    pub(crate) events: bool,

    /// Write to this file instead of standard output, after what it holds; SIGHUP opens it anew
    #[arg(long, value_name = "FILE", help_heading = "Showing")]
    pub(crate) output: Option<PathBuf>,

    /// Serve metrics for Prometheus at this address and port, or at this port of the loopback: /metrics, and
    /// /healthz for whether the capture goes on
    #[arg(
        long,
        value_name = "ADDRESS",
        num_args = 0..=1,
        default_missing_value = "9388",
        value_parser = address,
        help_heading = "Showing"
    )]
    pub(crate) metrics: Option<SocketAddr>,

    /// Keep the packets of each attempt that failed here, as pcapng with comments, and its report as JSON and
    /// Markdown
    #[arg(long, value_name = "DIR", help_heading = "Saving")]
    pub(crate) save_failed: Option<PathBuf>,

    /// Which attempts are kept
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Which::Failed, requires = "save_failed", help_heading = "Saving")]
    pub(crate) save: Which,

    /// Keep at most this many MiB there; the oldest goes first
    #[arg(
        long,
        value_name = "MIB",
        default_value_t = 1024,
        value_parser = clap::value_parser!(u64).range(1..=1 << 20),
        requires = "save_failed",
        help_heading = "Saving"
    )]
    pub(crate) save_size: u64,

    /// Keep at most this many files there, three for each attempt; the oldest goes first
    #[arg(
        long,
        value_name = "N",
        default_value_t = 3000,
        value_parser = clap::value_parser!(u32).range(3..),
        requires = "save_failed",
        help_heading = "Saving"
    )]
    pub(crate) save_files: u32,

    /// Time zone for times shown: UTC, local or an offset (forms for programs are always in UTC)
    #[arg(
        long,
        value_name = "UTC|local|+HH:MM",
        default_value = "UTC",
        hide_default_value = true,
        allow_hyphen_values = true,
        help_heading = "Showing"
    )]
    pub(crate) tz: Zone,
}

/// An address, or a port of the loopback.
fn address(typed: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = typed.parse() {
        return Ok(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
    }
    typed
        .parse()
        .map_err(|_| "this is neither a port nor an address and port, such as 127.0.0.1:9388".to_owned())
}

/// Which attempts are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    /// Those that failed
    Failed,
    /// Every one
    All,
}

/// Output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// On a terminal a live table, elsewhere one line a session
    Table,
    /// One line a session, for people
    Text,
    /// One JSON object a line
    Ndjson,
    /// The same for Elasticsearch: Elastic Common Schema
    Ecs,
    /// The same with Zeek's names of fields
    Zeek,
}

impl Format {
    /// The form of lines for programs, if it is one.
    pub(crate) const fn lines(self) -> Option<Lines> {
        match self {
            Format::Table | Format::Text => None,
            Format::Ndjson => Some(Lines::Ndjson),
            Format::Ecs => Some(Lines::Ecs),
            Format::Zeek => Some(Lines::Zeek),
        }
    }
}

impl Live {
    /// Gives root's rights up; says whom the process became, where it was root.
    pub(crate) fn give_up_rights(&self) -> Result<Option<String>, String> {
        #[cfg(target_os = "linux")]
        {
            let outputs: Vec<_> =
                [&self.output, &self.save_failed].into_iter().flatten().map(PathBuf::as_path).collect();
            super::privileges::give_up(self.user.as_deref(), &outputs)
        }
        #[cfg(not(target_os = "linux"))]
        Ok(None)
    }

    /// Whether sessions are shown in a live table.
    pub(crate) fn has_view(&self) -> bool {
        self.format == Format::Table && self.output.is_none() && std::io::stdout().is_terminal()
    }

    /// What to capture on these interfaces.
    pub(crate) fn settings(&self, devices: Vec<String>) -> Settings {
        let filter = match &self.filter {
            Some(text) => Filter::Expression(text.clone()),
            None if self.all_ports => Filter::Everything,
            None => Filter::Ports(self.port.clone()),
        };
        Settings {
            devices,
            filter,
            snaplen: self.snaplen,
            buffer: self.buffer << 20,
            promiscuous: self.promiscuous,
            immediate: self.immediate,
        }
    }
}
