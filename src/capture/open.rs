//! From a path or standard input to a [`Capture`]: what it is, and how to read it.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek};
use std::path::PathBuf;

use super::compressed;
use super::foreign;
use super::info::{CaptureInfo, Compression, Format};
use super::input::Input;
use super::map::Mapped;
use super::pcap::{self, Pcap};
use super::pcapng::{self, Pcapng};
use super::reader::{Capture, Walker};
use super::stream::{Reader, Streamed};

/// Where a capture comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, or anything else that can be opened by name, such as a named pipe.
    Path(PathBuf),
    /// Standard input.
    Stdin,
}

/// Why a capture can't be read at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Nothing of this name.
    #[error("{file}: no such file")]
    Missing {
        /// The name as it was given.
        file: String,
    },
    /// A directory.
    #[error("{file}: this is a directory; name the capture files in it")]
    Directory {
        /// The name as it was given.
        file: String,
    },
    /// Not allowed.
    #[error("{file}: permission denied; captures made as root often belong to root")]
    Denied {
        /// The name as it was given.
        file: String,
    },
    /// The operating system or the decompressor refused.
    #[error("{file}: {source}{}", after("; ", help.as_ref()))]
    Read {
        /// The name as it was given.
        file: String,
        /// What it said.
        source: io::Error,
        /// What to do.
        help: Option<String>,
    },
    /// Not one byte.
    #[error("{file}: {}is empty", if *.compressed { "the compressed data " } else { "the file " })]
    Empty {
        /// The name as it was given.
        file: String,
        /// Whether there were bytes, but none when decompressed.
        compressed: bool,
    },
    /// Something else than a capture.
    #[error(
        "{file}: no packet capture (pcap or pcapng); {}looks like {what}{}",
        if *.compressed { "decompressed it " } else { "it " },
        after("; ", help.as_ref())
    )]
    Foreign {
        /// The name as it was given.
        file: String,
        /// Whether this is about the decompressed data.
        compressed: bool,
        /// What it looks like, with an article.
        what: String,
        /// The command that converts it, or what else to do.
        help: Option<String>,
    },
    /// The file ends inside its own header.
    #[error("{file}: the {} header at offset 0 is cut: need {need} bytes, have {have}", format.as_str())]
    Cut {
        /// The name as it was given.
        file: String,
        /// The format that it starts as.
        format: Format,
        /// Bytes of the header.
        need: usize,
        /// Bytes of the file.
        have: usize,
    },
    /// The file's header contradicts its format.
    #[error("{file}: damaged {} header at offset 0: {why}", format.as_str())]
    Damaged {
        /// The name as it was given.
        file: String,
        /// The format that it starts as.
        format: Format,
        /// What is wrong.
        why: String,
    },
}

fn after(between: &str, text: Option<&String>) -> String {
    text.map(|text| format!("{between}{text}")).unwrap_or_default()
}

impl OpenError {
    fn io(file: String, source: io::Error) -> Self {
        match source.kind() {
            ErrorKind::NotFound => OpenError::Missing { file },
            ErrorKind::PermissionDenied => OpenError::Denied { file },
            ErrorKind::IsADirectory => OpenError::Directory { file },
            _ if compressed::is_window_too_large(&source) => {
                let name = if file == "-" { "FILE".to_owned() } else { foreign::quoted(&file) };
                let help = Some(format!("decompress it first with: zstd -d --long=31 {name}"));
                OpenError::Read { file, source, help }
            }
            _ => OpenError::Read { file, source, help: None },
        }
    }
}

impl Capture {
    /// Opens a capture. `index` is its place among the captures of this run and becomes part of the
    /// name of each of its frames.
    pub fn open(source: Source, index: u16) -> Result<Self, OpenError> {
        match source {
            Source::Stdin => Self::from_reader("-", io::stdin(), index),
            Source::Path(path) => {
                let name = path.display().to_string();
                let (input, file_bytes) = match open_path(&path) {
                    Ok(Opened::Input(input, file_bytes)) => (input, file_bytes),
                    Ok(Opened::Directory) => return Err(OpenError::Directory { file: name }),
                    Err(error) => return Err(OpenError::io(name, error)),
                };
                let mut capture = begin(name, input, index)?;
                capture.set_file_bytes(file_bytes);
                Ok(capture)
            }
        }
    }

    /// Reads a capture from anything, such as bytes in memory. `name` stands for it in warnings.
    pub fn from_reader(
        name: impl Into<String>,
        reader: impl Read + Send + 'static,
        index: u16,
    ) -> Result<Self, OpenError> {
        begin(name.into(), Input::Streamed(Streamed::new(Box::new(reader), 0)), index)
    }
}

enum Opened {
    /// With the size of a regular file.
    Input(Input, Option<u64>),
    Directory,
}

fn open_path(path: &std::path::Path) -> io::Result<Opened> {
    // Asked by name first: some systems refuse to open a directory with a misleading error.
    if fs::metadata(path)?.is_dir() {
        return Ok(Opened::Directory);
    }
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(Opened::Input(Input::Streamed(Streamed::new(Box::new(file), 0)), None));
    }
    let mut head = [0; 4];
    let is_capture = match file.read_exact(&mut head) {
        Ok(()) => pcap::is_magic(head) || pcapng::is_magic(head),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => false,
        Err(error) => return Err(error),
    };
    file.rewind()?;
    let streamed = |file| Input::Streamed(Streamed::new(Box::new(file), 0));
    let input =
        if is_capture { Mapped::new(file).map_or_else(streamed, Input::Mapped) } else { streamed(file) };
    Ok(Opened::Input(input, Some(metadata.len())))
}

/// Undoes compression, if any, and starts the walker of the format.
fn begin(name: String, mut input: Input, index: u16) -> Result<Capture, OpenError> {
    let Some(compression) = peek(&mut input).and_then(compressed::sniff) else {
        return start(name, input, index, None, None);
    };
    let reader: Reader = match input {
        Input::Streamed(streamed) => streamed.into_reader(),
        Input::Mapped(mapped) => match mapped.to_streamed() {
            Ok(streamed) => streamed.into_reader(),
            Err(error) => return Err(OpenError::io(name, error)),
        },
    };
    match compressed::decompress(compression, reader) {
        Ok((reader, count)) => {
            let input = Input::Streamed(Streamed::new(reader, 0));
            start(name, input, index, Some(compression), Some(count))
        }
        Err(error) => Err(OpenError::io(name, error)),
    }
}

fn peek(input: &mut Input) -> Option<[u8; 4]> {
    input.fill(4);
    input.window().first_chunk().copied()
}

fn start(
    name: String,
    mut input: Input,
    index: u16,
    compression: Option<Compression>,
    compressed: Option<std::sync::Arc<std::sync::atomic::AtomicU64>>,
) -> Result<Capture, OpenError> {
    let head = peek(&mut input);
    let format = match head {
        Some(head) if pcap::is_magic(head) => Format::Pcap,
        Some(head) if pcapng::is_magic(head) => Format::Pcapng,
        _ => return Err(no_capture(name, &mut input, compression)),
    };
    let need = match format {
        Format::Pcap => pcap::FILE_HEADER,
        Format::Pcapng => pcapng::SECTION_HEAD,
    };
    let have = input.fill(need);
    if have < need {
        return Err(OpenError::Cut { file: name, format, need, have });
    }
    let walker = match (format, input.window().first_chunk()) {
        (Format::Pcap, Some(header)) => Pcap::new(header).map(|pcap| (Walker::Pcap(pcap), pcap::FILE_HEADER)),
        _ => pcapng::section_order(input.window()).map(|_| (Walker::Pcapng(Pcapng::new()), 0)),
    };
    let (walker, header) = match walker {
        Ok(walker) => walker,
        Err(why) => return Err(OpenError::Damaged { file: name, format, why }),
    };
    input.advance(header);
    let mut info = CaptureInfo::new(name, format);
    info.compression = compression;
    if let Walker::Pcap(pcap) = &walker {
        info.describe(pcap.interface());
    }
    Ok(Capture::new(input, walker, index, info, compressed))
}

fn no_capture(file: String, input: &mut Input, compression: Option<Compression>) -> OpenError {
    let have = input.fill(foreign::WANTED);
    let compressed = compression.is_some();
    if let Some(error) = input.trouble() {
        // An io::Error can't be cloned; its kind and its words are what matters.
        let again = if compressed::is_window_too_large(error) {
            io::Error::new(error.kind(), compressed::WindowTooLarge)
        } else {
            io::Error::new(error.kind(), error.to_string())
        };
        return OpenError::io(file, again);
    }
    if have == 0 {
        return OpenError::Empty { file, compressed };
    }
    if let Some(foreign) = foreign::describe(input.window(), &file) {
        return OpenError::Foreign { file, compressed, what: foreign.what, help: foreign.help };
    }
    let head = input.window().get(..8).unwrap_or(input.window());
    let bytes: Vec<_> = head.iter().map(|byte| format!("{byte:02x}")).collect();
    let what = format!("data of an unknown kind (it starts with {})", bytes.join(" "));
    OpenError::Foreign { file, compressed, what, help: None }
}
