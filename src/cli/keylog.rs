//! `--keylog`: files of TLS secrets, which clients and servers write while they are asked to; `--rsa-key`: private keys.
//!
//! What is told of them are names, counts and line numbers, never a line.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use rdpwhy::layers::{Added, Keys};
use rdpwhy::report::text::{count, number};

use super::{Status, tell};

/// Longer lines are none of a key log's.
const LINE: usize = 1 << 16;

/// Reads key logs to their ends. Of one that cannot be used it is said why.
pub(crate) fn read(files: &[PathBuf]) -> (Keys, Status) {
    let keys = Keys::default();
    let mut status = Status::Done;
    for path in files {
        let read = KeyLog::open(path).and_then(|mut log| log.read(&keys, true));
        match read.map_err(|error| described(path, &error)).and_then(|added| judge(path, added)) {
            Ok(forgotten) if forgotten > 0 => {
                let connections = count(forgotten as u64, "older connection");
                tell(&format!(
                    "warning: {}: the secrets of {connections} are too many to be kept",
                    path.display()
                ));
            }
            Ok(_) if keys.is_empty() => {
                tell(&format!("warning: {}: the key log holds no secret", path.display()));
            }
            Ok(_) => {}
            Err(why) => {
                tell(&why);
                status = Status::Trouble;
            }
        }
    }
    (keys, status)
}

/// Reads key logs as far as they are written, and again whenever a connection's secrets are missed. The secrets of the
/// last `connections` are kept.
#[cfg(feature = "live")]
pub(crate) fn follow(files: &[PathBuf], connections: usize) -> Result<Keys, String> {
    let keys = Keys::default();
    keys.keep(connections);
    let mut logs = Vec::new();
    for path in files {
        let opened = KeyLog::open(path).and_then(|mut log| {
            if !log.file.metadata()?.is_file() {
                return Err(io::Error::new(ErrorKind::InvalidInput, "only a regular file can be followed"));
            }
            Ok((log.read(&keys, false)?, log))
        });
        let (added, log) = opened.map_err(|error| described(path, &error))?;
        judge(path, added)?;
        logs.push((path.clone(), log));
    }
    if !logs.is_empty() {
        keys.on_miss(move |keys| {
            logs.retain_mut(|(path, log)| match log.read(keys, false) {
                Ok(added) => {
                    odd(path, added);
                    true
                }
                Err(error) => {
                    tell(&format!("{}; it is read no more", described(path, &error)));
                    false
                }
            });
        });
    }
    Ok(keys)
}

/// Reads private keys. Of a file that cannot be used it is said why.
pub(crate) fn read_private(files: &[PathBuf], keys: &Keys) -> Status {
    /// No file of keys is longer.
    const LONGEST: u64 = 1 << 20;
    let mut status = Status::Done;
    for path in files {
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
        let file = path.display();
        match read {
            Ok(_) if keys.add_private(&bytes) > 0 => continue,
            Ok(_) => tell(&format!(
                "{file}: no private RSA key: neither PEM without a password nor an rsakeys.ini of xrdp"
            )),
            Err(error) => tell(&format!("{file}: the private key cannot be read: {error}")),
        }
        status = Status::Trouble;
    }
    status
}

/// Says so where keys were of no use.
pub(crate) fn say_if_unused(keys: &Keys) {
    if keys.is_private_unused() {
        tell("warning: no session with Standard RDP Security was begun with the private keys given");
    }
    if !keys.is_empty() && !keys.fitted_any() {
        let connections = count(keys.len() as u64, "connection");
        tell(&format!(
            "warning: the keys given are of {connections}, none of which is in the captures from its TLS handshake on"
        ));
    }
}

fn described(path: &Path, error: &io::Error) -> String {
    let file = path.display();
    match error.kind() {
        ErrorKind::NotFound => format!("{file}: no such key log"),
        _ => format!("{file}: the key log cannot be read: {error}"),
    }
}

/// A file with lines, and without a single secret, is no key log. Returns how many connections were forgotten.
fn judge(path: &Path, added: Added) -> Result<usize, String> {
    if let (0, Some(line)) = (added.secrets, added.first_unknown) {
        return Err(format!(
            "{}: no key log: line {} is not a label, a client random and a secret in hexadecimal",
            path.display(),
            number(line)
        ));
    }
    odd(path, added);
    Ok(added.forgotten)
}

fn odd(path: &Path, added: Added) {
    let file = path.display();
    if let Some(line) = added.first_unknown {
        let more = match added.unknown {
            0 | 1 => String::new(),
            several => format!(", and {} like it", count(several as u64 - 1, "line")),
        };
        let line = number(line);
        tell(&format!("warning: {file}: line {line} is no line of a key log and was left out{more}"));
    }
}

/// A key log that may be written on.
struct KeyLog {
    file: File,
    /// A line of which the end is not written yet.
    begun: Vec<u8>,
    /// Lines behind us.
    lines: u64,
    at: u64,
}

impl KeyLog {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(KeyLog { file: File::open(path)?, begun: Vec::new(), lines: 0, at: 0 })
    }

    /// Reads on to the end. A last line without an end is one only where nothing more is `last` to come.
    fn read(&mut self, keys: &Keys, last: bool) -> io::Result<Added> {
        let mut all = Added::default();
        self.start_over_if_shortened()?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = match self.file.read(&mut buffer) {
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.at += read as u64;
            self.begun.extend_from_slice(buffer.get(..read).unwrap_or_default());
            let end = match self.begun.iter().rposition(|byte| *byte == b'\n') {
                Some(feed) => feed + 1,
                None if read == 0 && last || self.begun.len() > LINE => self.begun.len(),
                None => 0,
            };
            self.take(end, keys, &mut all);
            if read == 0 {
                return Ok(all);
            }
        }
    }

    fn take(&mut self, end: usize, keys: &Keys, all: &mut Added) {
        let whole: Vec<u8> = self.begun.drain(..end).collect();
        let added = keys.add(&whole);
        all.secrets += added.secrets;
        all.unknown += added.unknown;
        all.forgotten += added.forgotten;
        all.first_unknown = all.first_unknown.or(added.first_unknown.map(|line| line + self.lines));
        self.lines += added.lines;
    }

    /// Some programs begin their key log anew.
    fn start_over_if_shortened(&mut self) -> io::Result<()> {
        use std::io::Seek;
        let metadata = self.file.metadata()?;
        if metadata.is_file() && metadata.len() < self.at {
            self.file.rewind()?;
            (self.at, self.lines) = (0, 0);
            self.begun.clear();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn line(random: u8) -> String {
        format!("CLIENT_RANDOM {} {}\n", format!("{random:02x}").repeat(32), "0b".repeat(48))
    }

    #[test]
    fn lines_are_counted_over_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let good: String = (0..500).map(|at| line((at % 200) as u8)).collect();
        std::fs::write(&path, format!("{good}oops\n{good}more oops\nCLIENT_RANDOM 00")).unwrap();
        let keys = Keys::default();
        let added = KeyLog::open(&path).unwrap().read(&keys, true).unwrap();
        assert_eq!((added.secrets, added.unknown, added.first_unknown), (1000, 3, Some(501)));
        assert_eq!(keys.len(), 200);
    }

    #[test]
    fn what_is_written_on_is_read_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let mut file = File::create(&path).unwrap();
        let keys = Keys::default();
        let mut log = KeyLog::open(&path).unwrap();
        let (begin, end) = (&line(1)[..40], &line(1)[40..]);
        file.write_all(begin.as_bytes()).unwrap();
        assert_eq!(log.read(&keys, false).unwrap(), Added::default());
        file.write_all(end.as_bytes()).unwrap();
        assert_eq!(log.read(&keys, false).unwrap().secrets, 1);
        // Begun anew, shorter.
        std::fs::write(&path, "# new\n").unwrap();
        assert_eq!(log.read(&keys, false).unwrap().secrets, 0);
        file = File::options().append(true).open(&path).unwrap();
        file.write_all(line(2).as_bytes()).unwrap();
        assert_eq!((log.read(&keys, false).unwrap().secrets, keys.len()), (1, 2));
    }

    #[test]
    fn nothing_that_has_no_lines_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        std::fs::write(&path, vec![b'x'; 1 << 20]).unwrap();
        let mut log = KeyLog::open(&path).unwrap();
        let added = log.read(&Keys::default(), true).unwrap();
        assert!(added.unknown > 0 && added.secrets == 0 && log.begun.is_empty());
    }
}
