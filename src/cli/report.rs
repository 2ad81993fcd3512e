//! `rdpwhy report`: one file that ends the argument in a ticket.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};
use rdpwhy::capture::AtomicFile;
use rdpwhy::report::html::{self, Made};
use rdpwhy::report::text::hex;
use rdpwhy::report::{Source, View, json, markdown, table};
use sha2::{Digest, Sha256};

use super::args::Input;
use super::input::Found;
use super::{Status, tell};

pub(crate) const EXAMPLES: &str = "\
Examples:
  rdpwhy report ticket.pcapng -o ticket.html             one page with everything, for a browser or a mail
  rdpwhy report ticket.pcapng --session 3 -o ticket.md   one session, to paste into a ticket
  rdpwhy report ring_*.pcapng --failed -o - --format text";

/// Everything that `report` takes.
#[derive(Debug, ClapArgs)]
pub(crate) struct Report {
    #[command(flatten)]
    input: Input,

    /// Where to; the name's ending tells the format: .html, .md, .txt or .json. "-" is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// The format, where the name does not tell it
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

/// What a report can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A page that carries everything in it
    Html,
    /// For GitHub, GitLab, Jira and the like
    #[value(alias = "md")]
    Markdown,
    /// For mail
    #[value(alias = "txt")]
    Text,
    /// For scripts
    Json,
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "html" | "htm" => Some(Format::Html),
            "md" | "markdown" => Some(Format::Markdown),
            "txt" => Some(Format::Text),
            "json" => Some(Format::Json),
            _ => None,
        }
    }
}

/// Characters in a line of a mail.
const WIDTH: usize = 80;

/// Sessions that are all told in full.
const FEW: usize = 3;

/// Runs the command.
pub(crate) fn run(args: &Report) -> Status {
    let Some(format) = args.format.or_else(|| Format::of(&args.output)) else {
        tell("what the report is to be: name it .html, .md, .txt or .json, or say --format");
        return Status::Trouble;
    };
    let stdout = args.output == Path::new("-");
    if !stdout && !args.force && args.output.exists() {
        tell(&format!("{} is there already; --force replaces it", args.output.display()));
        return Status::Trouble;
    }
    let Some(found) = Found::read(&args.input) else { return Status::Trouble };
    found.warn();
    let Some(built) = found.report(&args.input) else { return Status::Trouble };
    let written = if stdout {
        let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
        write(&built, args, format, &mut out).and_then(|()| out.flush())
    } else {
        AtomicFile::create(&args.output, args.force).and_then(|mut file| {
            write(&built, args, format, &mut file)?;
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
    if !stdout {
        tell(&format!(
            "{} holds addresses and may hold names of users, hosts and certificates",
            args.output.display()
        ));
    }
    found.status
}

fn write(source: &impl Source, args: &Report, format: Format, out: &mut dyn Write) -> io::Result<()> {
    let view = View {
        zone: args.input.tz.clone(),
        width: WIDTH,
        timeline: format != Format::Html && !args.input.session.is_empty(),
        // Of few, each is wanted, whatever its outcome.
        every_story: !args.input.session.is_empty() || source.len() <= FEW,
        color: false,
    };
    match format {
        Format::Html => html::write(source, &made(args), &view, out),
        Format::Markdown => markdown::write(source, &view, out),
        Format::Text => table::write(source, &view, out),
        Format::Json => json::write(source, out),
    }
}

fn made(args: &Report) -> Made {
    Made {
        version: env!("CARGO_PKG_VERSION"),
        options: options(&args.input.files),
        digests: args.input.files.iter().map(|file| digest(file).unwrap_or_default()).collect(),
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
