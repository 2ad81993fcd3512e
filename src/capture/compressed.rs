//! gzip and zstd, undone while reading.

use std::io::{self, BufReader, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use super::info::Compression;
use super::stream::Reader;

/// zstd frames may ask the reader to keep 2^n bytes; 128 MiB is what zstd itself allows without
/// `--long`.
const WINDOW_LOG_MAX: u32 = 27;

/// What these first four bytes of a file say about its compression.
pub(super) fn sniff(head: [u8; 4]) -> Option<Compression> {
    match (head, u32::from_le_bytes(head)) {
        ([0x1f, 0x8b, ..], _) => Some(Compression::Gzip),
        // A frame, or a skippable frame before it (RFC 8878, sections 3.1.1 and 3.1.2).
        (_, 0xfd2f_b528 | 0x184d_2a50..=0x184d_2a5f) => Some(Compression::Zstd),
        _ => None,
    }
}

/// The decompressed data, and a count of the compressed bytes taken so far.
pub(super) fn decompress(compression: Compression, reader: Reader) -> io::Result<(Reader, Arc<AtomicU64>)> {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Counted { reader, count: Arc::clone(&count) };
    let decoder: Reader = match compression {
        Compression::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(64 * 1024, counted))),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(counted)?;
            decoder.window_log_max(WINDOW_LOG_MAX)?;
            Box::new(decoder)
        }
    };
    Ok((Box::new(Explained { decoder, compression, any: false }), count))
}

struct Counted {
    reader: Reader,
    count: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Puts the decoders' errors into words.
struct Explained {
    decoder: Reader,
    compression: Compression,
    /// Whether anything came out.
    any: bool,
}

impl Read for Explained {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = self.decoder.read(buffer);
        match result {
            Ok(count) => {
                self.any |= count > 0;
                Ok(count)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            Err(error) => Err(self.explain(&error)),
        }
    }
}

impl Explained {
    fn explain(&self, error: &io::Error) -> io::Error {
        let name = self.compression.as_str();
        let said = error.to_string();
        let trailing = said.contains("invalid gzip header") || said.contains("Unknown frame descriptor");
        let text = if error.kind() == ErrorKind::UnexpectedEof {
            format!("the {name} data is cut")
        } else if said.contains("too much memory") {
            return io::Error::new(ErrorKind::OutOfMemory, WindowTooLarge);
        } else if trailing && self.any {
            format!("what follows is not {name} data and was left out")
        } else {
            format!("the {name} data is damaged: {said}")
        };
        io::Error::new(error.kind(), text)
    }
}

/// A zstd frame asks for a larger window than is granted.
#[derive(Debug, thiserror::Error)]
#[error("the zstd data needs a window above 128 MiB, which is not granted")]
pub(super) struct WindowTooLarge;

/// Whether `error` comes from such a frame.
pub(super) fn is_window_too_large(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(inner) if inner.is::<WindowTooLarge>())
}
