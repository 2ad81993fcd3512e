//! One JSON document, its sessions made one at a time.

use std::io::{self, Write};

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use serde_json::ser::{Formatter, PrettyFormatter};

use super::model::{Report, SCHEMA};
use super::source::Source;
use super::text::is_unsafe;

/// Writes the report as one document.
pub fn write<W: Write>(source: &impl Source, mut out: W) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Safe(PrettyFormatter::new()));
    Document(source).serialize(&mut serializer)?;
    writeln!(out)
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

/// Escapes what a terminal or a reader could mistake (see [`is_unsafe`]) beyond what JSON itself demands;
/// to a parser it is the same text.
pub(super) struct Safe<F>(pub(super) F);

macro_rules! forward {
    ($($name:ident($($arg:ident: $type:ty),*);)*) => {
        $(fn $name<W: ?Sized + Write>(&mut self, writer: &mut W, $($arg: $type),*) -> io::Result<()> {
            self.0.$name(writer, $($arg),*)
        })*
    };
}

impl<F: Formatter> Formatter for Safe<F> {
    forward! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        end_object_key();
        begin_object_value();
        end_object_value();
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Without a branch for each byte, so that many are compared at a time.
        let farthest = fragment.bytes().fold(0, |farthest: u8, byte| farthest.max(byte.wrapping_sub(b' ')));
        if farthest <= b'~' - b' ' {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some(at) = rest.find(is_unsafe) {
            let (plain, found) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut chars = found.chars();
            if let Some(c) = chars.next() {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}
