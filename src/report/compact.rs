//! A value as one line of JSON, a few times as fast as serde_json's own serializer, of whose output it is the
//! same bytes under [`Safe`]: names of fields are written as they are, and text that needs no escape is found
//! many bytes at a time. What is rare is left to serde_json.

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;
use serde::ser::{self, Serializer};
use serde_json::Error;
use serde_json::ser::CompactFormatter;

use super::json::Safe;

/// Bytes kept before they are written: a list of attempts may have millions.
const KEPT: usize = 1 << 16;

/// Writes `value` and a line feed.
pub(super) fn write<W: Write>(out: W, value: &impl Serialize) -> io::Result<()> {
    let mut line = Line { out, kept: Vec::with_capacity(KEPT / 4) };
    value.serialize(&mut line)?;
    line.kept.push(b'\n');
    line.out.write_all(&line.kept)
}

struct Line<W> {
    out: W,
    kept: Vec<u8>,
}

/// Whether JSON writes `text` as it is, and [`Safe`] too.
fn is_plain(text: &[u8]) -> bool {
    // Without a branch for each byte, so that many are compared at a time.
    text.iter().fold(0, |odd, &byte| {
        odd | u8::from(byte.wrapping_sub(b' ') > b'~' - b' ')
            | u8::from(byte == b'"')
            | u8::from(byte == b'\\')
    }) == 0
}

impl<W: Write> Line<W> {
    fn plainly(&mut self, value: impl Serialize) -> Result<(), Error> {
        value.serialize(&mut serde_json::Serializer::with_formatter(&mut self.kept, Safe(CompactFormatter)))
    }

    /// Something that needs no escape.
    fn quoted(&mut self, text: &str) {
        self.kept.push(b'"');
        self.kept.extend_from_slice(text.as_bytes());
        self.kept.push(b'"');
    }

    /// `{"variant":`, where serde's enums put their content.
    fn tagged(&mut self, variant: &'static str) {
        self.kept.push(b'{');
        self.quoted(variant);
        self.kept.push(b':');
    }
}

/// A list or an object that was begun.
struct Begun<'a, W> {
    line: &'a mut Line<W>,
    first: bool,
    /// What ends it.
    end: &'static [u8],
}

impl<'a, W: Write> Begun<'a, W> {
    fn new(line: &'a mut Line<W>, start: u8, end: &'static [u8]) -> Self {
        line.kept.push(start);
        Begun { line, first: true, end }
    }

    fn next(&mut self) -> Result<(), Error> {
        if self.line.kept.len() >= KEPT {
            self.line.out.write_all(&self.line.kept).map_err(Error::io)?;
            self.line.kept.clear();
        }
        if !std::mem::take(&mut self.first) {
            self.line.kept.push(b',');
        }
        Ok(())
    }

    fn element(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.next()?;
        value.serialize(&mut *self.line)
    }

    fn field(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.next()?;
        self.line.quoted(name);
        self.line.kept.push(b':');
        value.serialize(&mut *self.line)
    }

    fn done(self) {
        self.line.kept.extend_from_slice(self.end);
    }
}

/// What serde_json writes as well.
macro_rules! plainly {
    ($($name:ident($type:ty);)*) => {
        $(fn $name(self, value: $type) -> Result<(), Error> {
            self.plainly(value)
        })*
    };
}

impl<'a, W: Write> Serializer for &'a mut Line<W> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Begun<'a, W>;
    type SerializeTuple = Begun<'a, W>;
    type SerializeTupleStruct = Begun<'a, W>;
    type SerializeTupleVariant = Begun<'a, W>;
    type SerializeMap = Begun<'a, W>;
    type SerializeStruct = Begun<'a, W>;
    type SerializeStructVariant = Begun<'a, W>;

    plainly! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_bytes(&[u8]);
    }

    fn serialize_str(self, text: &str) -> Result<(), Error> {
        if is_plain(text.as_bytes()) {
            self.quoted(text);
            return Ok(());
        }
        self.plainly(text)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.kept.push(b'"');
        let start = self.kept.len();
        write!(self.kept, "{value}").map_err(Error::io)?;
        if self.kept.get(start..).is_some_and(is_plain) {
            self.kept.push(b'"');
            return Ok(());
        }
        self.kept.truncate(start - 1);
        self.plainly(value.to_string())
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.kept.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.quoted(variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.tagged(variant);
        value.serialize(&mut *self)?;
        self.kept.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Begun<'a, W>, Error> {
        Ok(Begun::new(self, b'[', b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Begun<'a, W>, Error> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Begun<'a, W>, Error> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Begun<'a, W>, Error> {
        self.tagged(variant);
        Ok(Begun::new(self, b'[', b"]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Begun<'a, W>, Error> {
        Ok(Begun::new(self, b'{', b"}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Begun<'a, W>, Error> {
        self.serialize_map(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Begun<'a, W>, Error> {
        self.tagged(variant);
        Ok(Begun::new(self, b'{', b"}}"))
    }
}

/// Serde's several names for the next element, or the next field, of what was begun.
macro_rules! begun {
    ($($trait:ident: $method:ident($($name:ident: $type:ty)?);)*) => {
        $(impl<W: Write> ser::$trait for Begun<'_, W> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, $($name: $type,)? value: &T) -> Result<(), Error> {
                begun!(@ self value $($name)?)
            }

            fn end(self) -> Result<(), Error> {
                self.done();
                Ok(())
            }
        })*
    };
    (@ $self:ident $value:ident) => { $self.element($value) };
    (@ $self:ident $value:ident $name:ident) => { $self.field($name, $value) };
}

begun! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeStruct: serialize_field(name: &'static str);
    SerializeStructVariant: serialize_field(name: &'static str);
}

impl<W: Write> ser::SerializeMap for Begun<'_, W> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        // Every key of the model is a text.
        self.element(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.line.kept.push(b':');
        value.serialize(&mut *self.line)
    }

    fn end(self) -> Result<(), Error> {
        self.done();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Every shape that serde has.
    #[derive(Serialize)]
    enum Shape {
        Unit,
        Newtype(Option<u8>),
        Tuple(i64, f64),
        Struct { empty: (), list: Vec<bool>, pair: (char, String) },
    }

    #[derive(Serialize)]
    struct Flat<'a> {
        name: &'a str,
        #[serde(flatten)]
        more: BTreeMap<String, Vec<Shape>>,
    }

    #[test]
    fn writes_what_serde_json_writes() {
        let texts =
            ["", "plain ~", "\"quoted\" \\", "\u{1}\n\t\u{7f}", "caf\u{e9} \u{1f600}", "\u{202e}\u{feff}"];
        for text in texts {
            let shapes = || {
                vec![
                    Shape::Unit,
                    Shape::Newtype(None),
                    Shape::Newtype(Some(7)),
                    Shape::Tuple(-3, 0.1),
                    Shape::Struct { empty: (), list: vec![true, false], pair: ('"', text.to_owned()) },
                ]
            };
            let more = BTreeMap::from([(text.to_owned(), shapes()), ("none".to_owned(), Vec::new())]);
            let value = Flat { name: text, more };
            let mut ours = Vec::new();
            write(&mut ours, &value).unwrap();
            let mut theirs = Vec::new();
            let mut serializer = serde_json::Serializer::with_formatter(&mut theirs, Safe(CompactFormatter));
            value.serialize(&mut serializer).unwrap();
            theirs.push(b'\n');
            assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&theirs));
        }
    }

    #[test]
    fn a_long_list_is_written_piece_by_piece() {
        struct Most(usize, Vec<u8>);
        impl Write for Most {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 = self.0.max(bytes.len());
                self.1.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let list: Vec<u32> = (0..100_000).collect();
        let mut most = Most(0, Vec::new());
        write(&mut most, &list).unwrap();
        assert!(most.0 < 2 * KEPT, "{}", most.0);
        assert_eq!(serde_json::from_slice::<Vec<u32>>(&most.1).unwrap(), list);
    }
}
