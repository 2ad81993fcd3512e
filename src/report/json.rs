//! One JSON document, its sessions made one at a time.

use std::io::{self, Write};

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use serde_json::ser::{Formatter, PrettyFormatter};

use super::model::{Report, SCHEMA};
use super::source::Source;
use super::text::is_unsafe;

/// Writes the report as one document.
pub fn write<W: Write>(source: &impl Source, out: W) -> io::Result<()> {
    safe(out, PrettyFormatter::new(), &Document(source))
}

/// A [`Report`] that is never whole in memory.
struct Document<'a, S>(&'a S);

impl<S: Source> Serialize for Document<'_, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let mut document = serializer.serialize_struct("Report", 5)?;
        document.serialize_field("schema", SCHEMA)?;
        document.serialize_field("captures", self.0.captures())?;
        document.serialize_field("sessions", &Each(|| self.0.sessions()))?;
        document.serialize_field("attempts", &Each(|| self.0.attempts()))?;
        document.serialize_field("summary", self.0.summary())?;
        document.end()
    }
}

/// A list that is made while it is written.
pub(super) struct Each<F>(pub(super) F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Each<F> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// The whole report, where it is in memory already.
pub fn to_string(report: &Report) -> Result<String, serde_json::Error> {
    let mut out = Vec::new();
    write(report, &mut out).map_err(serde_json::Error::io)?;
    // Only UTF-8 is written.
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// Writes `value` with `formatter`, and escapes what a terminal or a reader could mistake (see [`is_unsafe`]) beyond
/// what JSON itself demands; to a parser it is the same text.
pub(super) fn safe<W: Write>(out: W, formatter: impl Formatter, value: &impl Serialize) -> io::Result<()> {
    let mut safe = Safe { out, text: Vec::with_capacity(2 * Safe::<W>::FULL) };
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut safe, formatter))?;
    safe.text.push(b'\n');
    safe.pass()
}

/// Collects JSON, and passes it on escaped.
struct Safe<W> {
    out: W,
    text: Vec<u8>,
}

impl<W: Write> Safe<W> {
    /// Bytes that are passed on together.
    const FULL: usize = 1 << 14;

    #[cold]
    fn pass(&mut self) -> io::Result<()> {
        // Without a branch for each byte, so that many are compared at a time.
        let farthest = self.text.iter().fold(0, |farthest: u8, byte| farthest.max(*byte));
        let mut passed = 0;
        if farthest > b'~' {
            let text = str::from_utf8(&self.text).map_err(io::Error::other)?;
            // Control characters below stand between values only: inside of texts, JSON has them escaped.
            for (at, found) in text.match_indices(|c| c > '~' && is_unsafe(c)) {
                self.out.write_all(&self.text[passed..at])?;
                for unit in found.encode_utf16() {
                    write!(self.out, "\\u{unit:04x}")?;
                }
                passed = at + found.len();
            }
        }
        self.out.write_all(&self.text[passed..])?;
        self.text.clear();
        Ok(())
    }
}

impl<W: Write> Write for Safe<W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.write_all(piece)?;
        Ok(piece.len())
    }

    /// What comes in one piece is whole characters.
    #[inline]
    fn write_all(&mut self, piece: &[u8]) -> io::Result<()> {
        self.text.extend_from_slice(piece);
        if self.text.len() < Self::FULL { Ok(()) } else { self.pass() }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
