//! `rdpwhy report`: one file that ends the argument in a ticket.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};
use rdpwhy::capture::{AtomicFile, Merged};
use rdpwhy::redact::Redactor;
use rdpwhy::report::build::Built;
use rdpwhy::report::html::{self, Made};
use rdpwhy::report::pcapng::{Pcapng, Said, Taken, Wanted};
use rdpwhy::report::personal;
use rdpwhy::report::redacted::Redacted;
use rdpwhy::report::text::{hex, wrap};
use rdpwhy::report::{Source, View, json, markdown, table};
use sha2::{Digest, Sha256};

use super::args::Input;
use super::input::Found;
use super::{Status, tell};

pub(crate) const EXAMPLES: &str = "\
Examples:
  rdpwhy report ticket.pcapng -o ticket.html             one page with everything, for a browser or a mail
  rdpwhy report ticket.pcapng --session 3 -o ticket.md   one session, to paste into a ticket
  rdpwhy report ring_*.pcapng --failed -o ticket.pcapng  the packets of what failed, with comments for Wireshark
  rdpwhy report ring_*.pcapng --failed -o - --format text";

/// Everything that `report` takes.
#[derive(Debug, ClapArgs)]
pub(crate) struct Report {
    #[command(flatten)]
    input: Input,

    /// Where to; the name's ending tells the format: .html, .md, .txt, .json or .pcapng. "-" is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// The format, where the name does not tell it
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Replace a file that is there
    #[arg(long)]
    force: bool,

    /// In a pcapng, every frame of the captures, not only those of the sessions
    #[arg(long)]
    all_frames: bool,

    /// In a pcapng, also the decryption secrets that the captures carry
    #[arg(long)]
    with_secrets: bool,
}

/// What a report can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A page that carries everything in it
    Html,
    /// For GitHub, GitLab and what else takes Markdown
    #[value(alias = "md")]
    Markdown,
    /// For mail
    #[value(alias = "txt")]
    Text,
    /// For scripts
    Json,
    /// The sessions' own packets with comments, for Wireshark
    Pcapng,
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "html" | "htm" => Some(Format::Html),
            "md" | "markdown" => Some(Format::Markdown),
            "txt" => Some(Format::Text),
            "json" => Some(Format::Json),
            "pcapng" => Some(Format::Pcapng),
            _ => None,
        }
    }
}

/// Characters in a line of a mail.
const WIDTH: usize = 80;

/// Sessions that are all told in full.
const FEW: usize = 3;

/// What `--redact` does to a capture beside.
const LEFT_OUT: &str = "Of the payload stay the frames of messages and what in clear ones names nobody; the rest, \
encrypted or not, is zeros, as is what TLS in RDP-UDP spreads over several datagrams. Interface names, filters, \
comments, name resolution and secrets are left out, as are packets that cannot be rewritten as a whole (802.11, PPP, \
PPPoE, MPLS, other link types). Checksums are mended.";

/// Runs the command.
pub(crate) fn run(args: &Report) -> Status {
    let Some(format) = args.format.or_else(|| Format::of(&args.output)) else {
        tell("what the report is to be: name it .html, .md, .txt, .json or .pcapng, or say --format");
        return Status::Trouble;
    };
    let stdout = args.output == Path::new("-");
    let pcapng = format == Format::Pcapng;
    if !pcapng && (args.all_frames || args.with_secrets) {
        tell("--all-frames and --with-secrets are for a pcapng");
        return Status::Trouble;
    }
    if pcapng && stdout && io::stdout().is_terminal() {
        tell("a capture is not for a terminal: redirect it, or name a file");
        return Status::Trouble;
    }
    let redactor = match args.input.redactor() {
        Ok(Some(_)) if args.with_secrets => {
            tell("--with-secrets gives away what --redact takes out");
            return Status::Trouble;
        }
        Ok(redactor) => redactor,
        Err(why) => {
            tell(&why);
            return Status::Trouble;
        }
    };
    if let Some(why) = (!stdout).then(|| keep(args)).flatten() {
        tell(&format!("{} {why}", args.output.display()));
        return Status::Trouble;
    }
    // Beside the analysis, which takes less time than to hash what it reads.
    let digests = (format == Format::Html).then(|| {
        let files = args.input.files.clone();
        std::thread::spawn(move || files.iter().map(|file| digest(file).unwrap_or_default()).collect())
    });
    let digests = move || digests.and_then(|thread| thread.join().ok()).unwrap_or_default();
    let found = if pcapng { Found::read_twice(&args.input) } else { Found::read(&args.input) };
    let Some(found) = found else { return Status::Trouble };
    if !args.input.quiet {
        found.warn();
    }
    let Some(built) = found.report(&args.input) else { return Status::Trouble };
    let redacted = redactor.as_ref().map(|redactor| Redacted::new(&built, redactor));
    let write = |out: &mut dyn Write| match (&redacted, format) {
        (None, Format::Pcapng) => frames(&found, &built, &built, None, args, out),
        (Some(redacted), Format::Pcapng) => frames(&found, &built, redacted, redactor.as_ref(), args, out),
        (None, _) => write(&built, args, format, digests, out),
        (Some(redacted), _) => write(redacted, args, format, digests, out),
    };
    let written = if stdout {
        let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
        write(&mut out).and_then(|()| out.flush())
    } else {
        AtomicFile::create(&args.output, args.force).and_then(|mut file| {
            write(&mut file)?;
            file.commit()
        })
    };
    match written {
        Ok(()) => {}
        Err(error) if stdout && error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => {
            tell(&format!("cannot write {}: {error}", args.output.display()));
            return Status::Trouble;
        }
    }
    if !stdout && !args.input.quiet {
        let holds = match &redacted {
            Some(redacted) => personal::holds(redacted),
            None => personal::holds(&built),
        };
        tell(&format!("{} {holds}", args.output.display()));
        if pcapng && redactor.is_some() {
            tell(LEFT_OUT);
        }
    }
    found.status
}

/// Why what has the output's name must stay.
fn keep(args: &Report) -> Option<&'static str> {
    let there = std::fs::metadata(&args.output).ok()?;
    let input = &args.input;
    let mut read = input.files.iter().chain(&input.keylog).chain(&input.rsa_key);
    if read.any(|file| same_file(file, &args.output)) {
        Some("is what the report is made of, and stays; give the report another name")
    } else if !there.is_file() {
        Some("is no regular file; -o - writes to standard output")
    } else if !args.force {
        Some("is there already; --force replaces it")
    } else {
        None
    }
}

/// Whether two names, by whatever links, lead to one file.
fn same_file(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let id = |path: &Path| std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
        id(one).is_some_and(|one| id(other) == Some(one))
    }
    #[cfg(not(unix))]
    {
        let id = |path: &Path| std::fs::canonicalize(path).ok();
        id(one).is_some_and(|one| id(other) == Some(one))
    }
}

fn write(
    source: &impl Source,
    args: &Report,
    format: Format,
    digests: impl FnOnce() -> Vec<String>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let view = View {
        zone: args.input.tz.clone(),
        width: WIDTH,
        timeline: format != Format::Html && !args.input.session.is_empty(),
        // Of few, each is wanted, whatever its outcome.
        every_story: !args.input.session.is_empty() || source.len() <= FEW,
        picture: true,
        ..View::default()
    };
    // Below the report's first paragraph, which is its title.
    let note = format!("This report {}.", personal::holds(source));
    let note = if format == Format::Text { wrap(&note, WIDTH).join("\n") } else { note };
    let any = !source.summary().by_outcome.is_empty();
    let titled = Titled { out, note: any.then_some(note), line_begins: false };
    match format {
        Format::Html => html::write(source, &made(args, digests()), &view, titled.out),
        Format::Markdown => markdown::write(source, &view, titled),
        Format::Text => table::write(source, &view, titled),
        Format::Json => json::write(source, titled.out),
        // Its frames are read again.
        Format::Pcapng => Ok(()),
    }
}

/// Puts a note behind the first paragraph of what is written.
struct Titled<'a> {
    out: &'a mut dyn Write,
    note: Option<String>,
    /// Whether the last character was a line's end.
    line_begins: bool,
}

impl Write for Titled<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.note.is_none() {
            return self.out.write(bytes);
        }
        for (at, byte) in bytes.iter().enumerate() {
            let ends = *byte == b'\n';
            if ends && self.line_begins {
                self.out.write_all(&bytes[..at])?;
                let note = self.note.take().unwrap_or_default();
                write!(self.out, "\n{note}\n\n")?;
                return Ok(at + 1);
            }
            self.line_begins = ends;
        }
        self.out.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Reads the captures a second time.
fn frames(
    found: &Found,
    built: &Built<'_>,
    shown: &impl Source,
    redactor: Option<&Redactor>,
    args: &Report,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut said = Said::default();
    shown.sessions().for_each(|session| said.add(&session));
    said.note = redactor.map(|_| format!("This file {}. {LEFT_OUT}", personal::holds(shown)));
    let mut file = Pcapng::new(out, said, redactor)?;
    if args.with_secrets {
        file.secrets(found.infos.iter())?;
    }
    let passes: Vec<Option<u16>> =
        if args.input.separate { (0..).take(found.infos.len()).map(Some).collect() } else { vec![None] };
    for of in passes {
        let read = || found.captures(of).map(Merged::new).map_err(io::Error::other);
        let here = |taken: &Taken| of.is_none_or(|of| taken.first.at.capture() == of);
        let mut wanted = if args.all_frames { Wanted::all() } else { Wanted::of(built.taken().filter(here)) };
        if redactor.is_some() {
            file.learn(read()?, &found.infos);
        }
        file.copy(read()?, &found.infos, &mut wanted)?;
    }
    if file.dropped() > 0 {
        tell(&format!("{} frames that cannot be redacted were left out", file.dropped()));
    }
    file.finish(&found.infos).map(drop)
}

fn made(args: &Report, digests: Vec<String>) -> Made {
    Made {
        version: env!("CARGO_PKG_VERSION"),
        // What was asked for may name somebody.
        options: match args.input.redact.as_slice() {
            [] => options(&args.input.files),
            _ => "--redact".to_owned(),
        },
        digests,
    }
}

/// What was typed to choose, without the files.
fn options(files: &[PathBuf]) -> String {
    let mut typed =
        std::env::args().skip(2).filter(|arg| !files.iter().any(|file| file.as_os_str() == arg.as_str()));
    let mut options = Vec::new();
    while let Some(option) = typed.next() {
        match option.as_str() {
            "-o" | "--output" => drop(typed.next()),
            "--force" => {}
            "--keylog" | "--rsa-key" => {
                typed.next();
                options.push(option);
            }
            keylog if keylog.starts_with("--keylog=") => options.push("--keylog".to_owned()),
            key if key.starts_with("--rsa-key=") => options.push("--rsa-key".to_owned()),
            output if output.starts_with("-o") || output.starts_with("--output=") => {}
            _ => options.push(option),
        }
    }
    options.join(" ")
}

/// SHA-256 of a regular file.
fn digest(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Ok(String::new());
    }
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    Ok(hex(&hash.finalize()))
}
