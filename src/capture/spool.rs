//! What can be read only once (standard input, a pipe), kept to be read again.

use std::fs::File;
use std::io::{self, Read, Seek};

use super::open::OpenError;
use super::reader::Capture;

/// A private copy on the disk: it has no name where the system allows that, only its owner can read it, and it
/// vanishes with the process, however that ends.
#[derive(Debug)]
pub struct Spool(File);

impl Spool {
    /// Copies what `from` gives.
    pub fn of(mut from: impl Read) -> io::Result<Self> {
        let mut file = tempfile::tempfile()?;
        io::copy(&mut from, &mut file)?;
        Ok(Spool(file))
    }

    /// Reads it from its start; one reading at a time. `name` and `index` as in [`Capture::from_reader`].
    pub fn capture(&self, name: &str, index: u16) -> Result<Capture, OpenError> {
        let rewound = self.0.try_clone().and_then(|mut file| file.rewind().map(|()| file));
        let file = rewound.map_err(|source| OpenError::Read { file: name.to_owned(), source, help: None })?;
        Capture::from_reader(name, file, index)
    }
}
