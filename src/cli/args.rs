//! What can be typed.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use rdpwhy::knowledge::lookup::ClientCode;
use rdpwhy::redact::{Kinds, Redactor};
use rdpwhy::report::choose::HostPattern;
use rdpwhy::report::{Typed, Zone};

use super::explain::Explain;
use super::report::Report;

const EXAMPLES: &str = "\
Examples:
  rdpwhy ticket.pcapng                       what happened in every RDP connection, and why
  rdpwhy ring_*.pcapng --host 10.0.0.7       several files as one, one machine's sessions
  rdpwhy ticket.pcapng --session 3 --timeline
                                             one session in full, message by message
  rdpwhy ticket.pcapng --around 10:05 --tz +02:00 --failed
                                             what failed at five past ten
  rdpwhy ticket.pcapng --saw 0x904/0x7       which connection the user's error message came from
  rdpwhy ticket.pcapng --keylog keys.txt     with the TLS secrets of client or server: what was said inside
  rdpwhy report ticket.pcapng -o ticket.html one page to attach to a ticket
  rdpwhy ticket.pcapng --format markdown     text to paste into one
  ssh host dumpcap -i eth0 -w - | rdpwhy -   straight from another machine
  rdpwhy explain 0x904 0x7                   what an error or a code means

Exit status: 0 done, 1 an attempt failed (with --exit-code only), 2 bad usage or unreadable input.";

/// Reads packet captures, reconstructs Remote Desktop (RDP) sessions and says where and why the
/// negotiation broke.
#[derive(Debug, Parser)]
#[command(
    name = "rdpwhy",
    version,
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    input: Option<Input>,
    #[command(flatten)]
    showing: Showing,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say of every RDP session in the captures how far it got, where it broke and why (the same as
    /// without a command).
    #[command(after_help = EXAMPLES, arg_required_else_help = true)]
    Analyze(Analyze),
    /// Make a report to attach to a ticket: a page of HTML, Markdown, plain text, JSON, or the packets with comments.
    #[command(after_help = super::report::EXAMPLES, arg_required_else_help = true)]
    Report(Report),
    /// Say what an error, a code or a diagnosis means, and what on the wire leads there; needs no capture.
    #[command(after_help = super::explain::EXAMPLES, arg_required_else_help = true)]
    Explain(Explain),
    /// Say the same of live traffic, session by session as they end.
    #[cfg(feature = "live")]
    #[command(after_help = super::live::EXAMPLES)]
    Live(super::live::Args),
}

impl Args {
    /// What to do; to analyze, where no command was given.
    pub(crate) fn chosen(self) -> Command {
        match (self.command, self.input) {
            (Some(command), _) => command,
            (None, Some(input)) => Command::Analyze(Analyze { input, showing: self.showing }),
            // clap has required FILE by now.
            (None, None) => std::process::exit(2),
        }
    }
}

/// What is read, which sessions of it are taken, and in whose terms.
#[derive(Debug, ClapArgs)]
pub(crate) struct Input {
    /// Captures: pcap or pcapng, also compressed with gzip or zstd; "-" is standard input
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// Only this session, in full (may be given several times)
    #[arg(long, value_name = "ID", value_delimiter = ',', help_heading = "Choosing")]
    pub(crate) session: Vec<u64>,

    /// Only sessions with this address, network or host name at either end
    #[arg(long, value_name = "IP|CIDR|NAME", help_heading = "Choosing")]
    pub(crate) host: Vec<HostPattern>,

    /// Only sessions whose request names this user (the mstshash cookie)
    #[arg(long, value_name = "NAME", help_heading = "Choosing")]
    pub(crate) user: Vec<String>,

    /// Only sessions that were not over before TIME: 2026-11-20T09:00:00Z, "2026-11-20 09:00" or 09:00
    #[arg(long, value_name = "TIME", help_heading = "Choosing")]
    pub(crate) from: Option<Typed>,

    /// Only sessions that began by TIME
    #[arg(long, value_name = "TIME", help_heading = "Choosing")]
    pub(crate) to: Option<Typed>,

    /// Only sessions within two minutes of TIME
    #[arg(long, value_name = "TIME", conflicts_with_all = ["from", "to"], help_heading = "Choosing")]
    pub(crate) around: Option<Typed>,

    /// Only sessions that failed
    #[arg(long, help_heading = "Choosing")]
    pub(crate) failed: bool,

    /// Look for RDP on this server port too (RDP is recognized on any port once it speaks)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = "Choosing")]
    pub(crate) port: Vec<u16>,

    /// Take several files one by one instead of as one in time order
    #[arg(long, help_heading = "Choosing")]
    pub(crate) separate: bool,

    /// List every session, also beyond 1,000 early failures of one kind at one server
    #[arg(long, help_heading = "Choosing")]
    pub(crate) all_sessions: bool,

    /// TLS secrets that open the connections they are of (a key log as of SSLKEYLOGFILE; may be given several
    /// times); those in a pcapng's own secrets blocks are used anyway
    #[arg(long, value_name = "FILE", help_heading = "Decrypting")]
    pub(crate) keylog: Vec<PathBuf>,

    /// Private RSA key of a server with Standard RDP Security, which opens its sessions (PEM, or xrdp's rsakeys.ini; may
    /// be given several times)
    #[arg(long, value_name = "FILE", help_heading = "Decrypting")]
    pub(crate) rsa_key: Vec<PathBuf>,

    /// Nothing on stderr but what went wrong, and, of analyze, only the list of sessions without their stories
    #[arg(short, long, help_heading = "Showing")]
    pub(crate) quiet: bool,

    /// The error that the user saw, as mstsc shows it: which sessions fit it, which don't, and why
    #[arg(long, value_name = "0x904/0x7", help_heading = "Showing")]
    pub(crate) saw: Option<ClientCode>,

    /// Put substitutes in place of what names people, hosts and networks: all of it, or only some of
    /// addresses, hosts, users, certificates, ids, files
    #[arg(
        long,
        value_name = "KINDS",
        value_delimiter = ',',
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "all",
        value_parser = kinds,
        help_heading = "Showing"
    )]
    pub(crate) redact: Vec<Kinds>,

    /// Make the same substitutes whenever this key is given; without it they are new each time
    #[arg(long, value_name = "KEY", requires = "redact", help_heading = "Showing")]
    pub(crate) redact_key: Option<String>,

    /// Time zone for times shown and typed: UTC, local or an offset (JSON is always in UTC)
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

impl Input {
    /// What takes out what was asked to be; `None` where nothing was.
    pub(crate) fn redactor(&self) -> Result<Option<Redactor>, String> {
        let Some(all) = self.redact.iter().copied().reduce(|all, more| Kinds(all.0 | more.0)) else {
            return Ok(None);
        };
        let mut key = [0; 32];
        let key = if let Some(typed) = &self.redact_key {
            typed.as_bytes()
        } else {
            getrandom::fill(&mut key).map_err(|error| format!("no random key for --redact: {error}"))?;
            &key
        };
        Ok(Some(Redactor::new(key, all)))
    }
}

fn kinds(typed: &str) -> Result<Kinds, String> {
    let known = "addresses, hosts, users, certificates, ids, files or all";
    Kinds::named(typed).ok_or_else(|| format!("this is none of {known}"))
}

/// Everything that `analyze` takes.
#[derive(Debug, ClapArgs)]
pub(crate) struct Analyze {
    #[command(flatten)]
    pub(crate) input: Input,
    #[command(flatten)]
    pub(crate) showing: Showing,
}

/// How `analyze` shows what it found.
#[derive(Debug, ClapArgs)]
pub(crate) struct Showing {
    /// How to show them
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = "Showing")]
    pub(crate) format: Format,

    /// Every message of the sessions shown
    #[arg(long, help_heading = "Showing")]
    pub(crate) timeline: bool,

    /// Every session's story in full, also of those that went well
    #[arg(short, long, conflicts_with = "quiet", help_heading = "Showing")]
    pub(crate) verbose: bool,

    /// Addresses as links, on a terminal that knows them (OSC 8)
    #[arg(long, help_heading = "Showing")]
    pub(crate) hyperlinks: bool,

    /// Colours
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto, help_heading = "Showing")]
    pub(crate) color: Color,

    /// End with exit status 1 if an attempt among those shown failed
    #[arg(long, help_heading = "Showing")]
    pub(crate) exit_code: bool,
}

/// Output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// One JSON document
    Json,
    /// One JSON object a line
    Ndjson,
    /// The same for Elasticsearch: Elastic Common Schema
    Ecs,
    /// The same with Zeek's names of fields
    Zeek,
    /// For tickets
    Markdown,
}

impl Format {
    /// Whether a person reads it, who reads stderr as well.
    pub(crate) const fn for_people(self) -> bool {
        matches!(self, Format::Table | Format::Markdown)
    }
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn analyze(line: &[&str]) -> Analyze {
        match Args::try_parse_from(line).unwrap().chosen() {
            Command::Analyze(analyze) => analyze,
            _ => panic!("{line:?}"),
        }
    }

    #[test]
    fn errors_that_were_seen() {
        let saw = |text| analyze(&["rdpwhy", "a", "--saw", text]).input.saw.unwrap().to_string();
        assert_eq!(saw("0x904/0x7"), "0x904/0x7");
        assert_eq!(saw("2308 7"), "0x904/0x7");
        assert_eq!(saw("0x204"), "0x204");
        assert!(Args::try_parse_from(["rdpwhy", "a", "--saw", "x"]).is_err());
    }

    #[test]
    fn explains_words_as_they_come() {
        for line in [
            &["rdpwhy", "explain", "0x904", "0x7"][..],
            &["rdpwhy", "explain", "-1073741715"],
            &["rdpwhy", "explain", "--format", "json", "handshake", "failure"],
        ] {
            let command = Args::try_parse_from(line).unwrap().chosen();
            assert!(matches!(command, Command::Explain(_)), "{line:?}");
        }
        assert!(Args::try_parse_from(["rdpwhy", "explain"]).is_err());
        assert!(Args::try_parse_from(["rdpwhy", "explain", "5", "--format", "ndjson"]).is_err());
    }

    #[test]
    fn the_definition_is_sound() {
        <Args as CommandFactory>::command().debug_assert();
    }

    #[test]
    fn the_command_may_be_left_out() {
        for line in [&["rdpwhy", "a", "b", "--failed"][..], &["rdpwhy", "analyze", "--failed", "a", "b"]] {
            let analyze = analyze(line);
            assert_eq!(analyze.input.files, [PathBuf::from("a"), PathBuf::from("b")]);
            assert!(analyze.input.failed);
        }
    }

    #[test]
    fn offsets_may_be_negative() {
        let analyze = analyze(&["rdpwhy", "a", "--tz", "-05:00"]);
        assert_eq!(analyze.input.tz.to_string(), "UTC-05:00");
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        for line in [
            &["rdpwhy", "--failed"][..],
            &["rdpwhy", "analyze"],
            &["rdpwhy", "a", "--port", "0"],
            &["rdpwhy", "a", "--port", "65536"],
            &["rdpwhy", "a", "--around", "09:00", "--from", "08:00"],
            &["rdpwhy", "a", "--tz", "Mars"],
            &["rdpwhy", "a", "--host", "10.0.0.0/99"],
            &["rdpwhy", "a", "--format", "xml"],
            &["rdpwhy", "a", "--redact=everything"],
            &["rdpwhy", "a", "--redact-key", "x"],
            &["rdpwhy", "a", "--quiet", "--verbose"],
        ] {
            assert!(Args::try_parse_from(line).is_err(), "{line:?}");
        }
    }
}
