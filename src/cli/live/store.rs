//! A folder of saved attempts: each a pcapng and its report as JSON and Markdown, within bounds, the oldest out
//! first.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use rdpwhy::capture::AtomicFile;

/// Endings of an attempt's files. The capture comes last: without it, the others are of no use.
const ENDINGS: [&str; 3] = ["json", "md", "pcapng"];

/// What is written of an attempt.
#[derive(Debug)]
pub(crate) struct Files {
    /// Their name without its ending, which begins with a time.
    pub(crate) name: String,
    /// Contents, as the endings.
    pub(crate) contents: [Vec<u8>; 3],
}

/// Bounds of a folder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Bytes of all files.
    pub(crate) bytes: u64,
    /// How many files.
    pub(crate) files: usize,
}

/// The folder.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    bounds: Bounds,
    /// Names and bytes of what is there, the oldest first.
    saved: VecDeque<(String, u64)>,
    bytes: u64,
}

impl Store {
    /// Opens the folder, which is made where it is not there, and takes stock of it. What an earlier run left
    /// unfinished is removed.
    pub(crate) fn open(folder: &Path, bounds: Bounds) -> io::Result<Self> {
        make(folder)?;
        AtomicFile::clean(folder)?;
        let mut saved: Vec<(String, u64)> = Vec::new();
        let mut reports = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some((name, ending)) = name.to_str().and_then(is_ours) else { continue };
            if ending == "pcapng" {
                saved.push((name.to_owned(), 0));
            } else {
                reports.push((name.to_owned(), entry.path()));
            }
        }
        // Names begin with a time.
        saved.sort_unstable();
        for (name, path) in reports {
            if saved.binary_search_by(|(known, _)| known.as_str().cmp(&name)).is_err() {
                fs::remove_file(path)?;
            }
        }
        let mut store = Store { folder: folder.to_owned(), bounds, saved: VecDeque::new(), bytes: 0 };
        for (name, _) in saved {
            let length = |ending: &&str| store.path(&name, ending).metadata().map_or(0, |data| data.len());
            let bytes = ENDINGS.iter().map(length).sum();
            store.bytes += bytes;
            store.saved.push_back((name, bytes));
        }
        store.make_room(0, 0)?;
        Ok(store)
    }

    /// Writes an attempt's files, each whole or not at all. Where that fails, those that had the name before stay.
    pub(crate) fn save(&mut self, files: &Files) -> io::Result<()> {
        let bytes = files.contents.iter().map(|content| content.len() as u64).sum();
        if bytes > self.bounds.bytes || ENDINGS.len() > self.bounds.files {
            return Err(io::Error::new(ErrorKind::StorageFull, "it is larger than what may be saved at all"));
        }
        let before = self.forget(&files.name);
        self.make_room(bytes, ENDINGS.len())?;
        let written = self.write(files);
        let kept = match (&written, before) {
            (Ok(()), _) => bytes,
            (Err(_), Some(before)) => before,
            (Err(_), None) => {
                // As much of it as there is.
                let _ = self.unlink(&files.name);
                return written;
            }
        };
        self.bytes += kept;
        self.saved.push_back((files.name.clone(), kept));
        written
    }

    fn write(&self, files: &Files) -> io::Result<()> {
        let mut unfinished = Vec::new();
        for (ending, content) in ENDINGS.iter().zip(&files.contents) {
            let mut file = AtomicFile::create(&self.path(&files.name, ending), true)?;
            file.write_all(content)?;
            file.flush()?;
            unfinished.push(file);
        }
        unfinished.into_iter().try_for_each(AtomicFile::commit)
    }

    /// Removes an attempt's files, if they are there.
    pub(crate) fn remove(&mut self, name: &str) -> io::Result<()> {
        if self.saved.iter().any(|(known, _)| known == name) {
            self.unlink(name)?;
            self.forget(name);
        }
        Ok(())
    }

    /// Takes an attempt off the list; its bytes.
    fn forget(&mut self, name: &str) -> Option<u64> {
        let at = self.saved.iter().position(|(known, _)| known == name)?;
        let (_, bytes) = self.saved.remove(at)?;
        self.bytes -= bytes;
        Some(bytes)
    }

    /// What cannot be removed still counts, and the next oldest goes instead.
    fn make_room(&mut self, bytes: u64, files: usize) -> io::Result<()> {
        let (mut at, mut failed) = (0, Ok(()));
        while self.bytes + bytes > self.bounds.bytes
            || self.saved.len() * ENDINGS.len() + files > self.bounds.files
        {
            let Some((name, freed)) = self.saved.get(at) else { return failed };
            match self.unlink(name) {
                Ok(()) => {
                    self.bytes -= freed;
                    self.saved.remove(at);
                }
                Err(error) => {
                    failed = Err(error);
                    at += 1;
                }
            }
        }
        Ok(())
    }

    /// The capture goes first, as it came last.
    fn unlink(&self, name: &str) -> io::Result<()> {
        let removed = ENDINGS.iter().rev().map(|ending| match fs::remove_file(self.path(name, ending)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        });
        // As much of it as there is, whatever does not go.
        removed.fold(Ok(()), Result::and)
    }

    fn path(&self, name: &str, ending: &str) -> PathBuf {
        self.folder.join(format!("{name}.{ending}"))
    }
}

/// Name and ending of a file that looks like one of ours: "2026-11-21T05-33-46.044Z_...".
fn is_ours(file: &str) -> Option<(&str, &str)> {
    let (name, ending) = file.rsplit_once('.')?;
    let time = name.split_once('_')?.0;
    let shape = |c: char| if c.is_ascii_digit() { '0' } else { c };
    let ours = ENDINGS.contains(&ending) && time.chars().map(shape).eq("0000-00-00T00-00-00.000Z".chars());
    ours.then_some((name, ending))
}

/// Makes the folder for its owner only. One that others may look into is closed to them if nothing but our own
/// files is in there.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mut permissions = fs::metadata(folder)?.permissions();
        if permissions.mode() & 0o077 != 0 {
            for entry in fs::read_dir(folder)? {
                let name = entry?.file_name();
                if name.to_str().and_then(is_ours).is_none() {
                    let why = format!(
                        "others may look into {}, and it holds other things ({}); name a folder of its own",
                        folder.display(),
                        name.display()
                    );
                    return Err(io::Error::new(ErrorKind::PermissionDenied, why));
                }
            }
            permissions.set_mode(0o700);
            fs::set_permissions(folder, permissions)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(second: u32, len: usize) -> Files {
        let name = format!("2026-11-21T05-33-{second:02}.044Z_10.0.0.2-50000_10.0.0.1-3389_tls-alert");
        Files { name, contents: [vec![b'{'; len], vec![b'#'; len], vec![b'p'; len]] }
    }

    fn seconds(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".pcapng"))
            .map(|name| name[17..19].to_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_oldest_goes_first_also_after_a_new_start() {
        let folder = tempfile::tempdir().unwrap();
        let bounds = Bounds { bytes: 1000, files: 12 };
        let mut store = Store::open(folder.path(), bounds).unwrap();
        for second in 1..=6 {
            store.save(&files(second, 50)).unwrap();
        }
        assert_eq!(seconds(folder.path()), ["03", "04", "05", "06"]);
        let mut store = Store::open(folder.path(), bounds).unwrap();
        assert_eq!((store.bytes, store.saved.len()), (600, 4));
        store.save(&files(7, 200)).unwrap();
        assert_eq!(seconds(folder.path()), ["05", "06", "07"]);
        assert_eq!((store.bytes, fs::read_dir(folder.path()).unwrap().count()), (900, 9));
        assert!(store.save(&files(8, 1000)).is_err());
        assert_eq!(seconds(folder.path()), ["05", "06", "07"], "what fits nowhere makes no room");
        store.save(&files(7, 10)).unwrap();
        assert_eq!((store.bytes, store.saved.len()), (330, 3));
        store.remove(&files(5, 0).name).unwrap();
        store.remove("not there").unwrap();
        assert_eq!(seconds(folder.path()), ["06", "07"]);
        let store = Store::open(folder.path(), Bounds { bytes: 1000, files: 5 }).unwrap();
        assert_eq!((seconds(folder.path()), store.saved.len()), (vec!["07".to_owned()], 1));
    }

    #[test]
    fn what_was_saved_stays_where_more_of_it_cannot_be() {
        let folder = tempfile::tempdir().unwrap();
        let bounds = Bounds { bytes: 1000, files: 12 };
        let mut store = Store::open(folder.path(), bounds).unwrap();
        store.save(&files(1, 50)).unwrap();
        // A folder where the last of the files should be: nothing can be written there.
        let blocked = folder.path().join(format!("{}.pcapng", files(2, 0).name));
        fs::create_dir(&blocked).unwrap();
        fs::write(blocked.join("in the way"), b"").unwrap();
        assert!(store.save(&files(2, 50)).is_err());
        fs::remove_dir_all(&blocked).unwrap();
        assert_eq!((store.bytes, fs::read_dir(folder.path()).unwrap().count()), (150, 3));
        let path = store.path(&files(1, 0).name, "json");
        fs::rename(&path, folder.path().join("kept")).unwrap();
        fs::create_dir(&path).unwrap();
        fs::write(path.join("in the way"), b"").unwrap();
        assert!(store.save(&files(1, 60)).is_err());
        assert_eq!((store.bytes, store.saved.len()), (150, 1));
        assert_eq!(fs::read(store.path(&files(1, 0).name, "pcapng")).unwrap().len(), 50);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4, "nothing unfinished is left");
    }

    #[test]
    fn what_cannot_be_removed_counts_and_the_next_goes() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), Bounds { bytes: 1000, files: 6 }).unwrap();
        store.save(&files(1, 50)).unwrap();
        store.save(&files(2, 50)).unwrap();
        // A folder in its place.
        let stuck = store.path(&files(1, 0).name, "json");
        fs::remove_file(&stuck).unwrap();
        fs::create_dir(&stuck).unwrap();
        store.save(&files(3, 50)).unwrap();
        assert!(store.remove(&files(1, 0).name).is_err());
        assert_eq!((store.bytes, store.saved.len()), (300, 2));
        assert!(store.save(&files(4, 290)).is_err(), "there is no room beside it");
        assert_eq!((store.bytes, store.saved.len()), (150, 1));
        fs::remove_dir(&stuck).unwrap();
        store.save(&files(4, 290)).unwrap();
        assert_eq!((seconds(folder.path()), store.bytes), (vec!["04".to_owned()], 870));
    }

    #[test]
    fn what_a_crash_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("saved");
        let bounds = Bounds { bytes: 1000, files: 12 };
        Store::open(&path, bounds).unwrap().save(&files(1, 10)).unwrap();
        // Killed before the capture was there, and in the middle of it.
        fs::write(path.join(format!("{}.json", files(2, 0).name)), b"{}").unwrap();
        std::mem::forget(
            AtomicFile::create(&path.join(format!("{}.pcapng", files(2, 0).name)), true).unwrap(),
        );
        fs::write(path.join("notes.md"), b"mine").unwrap();
        let store = Store::open(&path, bounds).unwrap();
        assert_eq!((store.saved.len(), fs::read_dir(&path).unwrap().count()), (1, 4));
        assert!(path.join("notes.md").exists());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_looks_into_the_folder() {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let folder = tempfile::tempdir().unwrap();
        let bounds = Bounds { bytes: 1000, files: 12 };
        let made = folder.path().join("a/b");
        Store::open(&made, bounds).unwrap().save(&files(1, 10)).unwrap();
        assert_eq!(mode(&made), 0o700);
        for entry in fs::read_dir(&made).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
        fs::set_permissions(&made, fs::Permissions::from_mode(0o755)).unwrap();
        Store::open(&made, bounds).unwrap();
        assert_eq!(mode(&made), 0o700);
        fs::set_permissions(&made, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(made.join("notes"), b"mine").unwrap();
        let error = Store::open(&made, bounds).unwrap_err();
        assert!(error.to_string().contains("notes"), "{error}");
        assert_eq!(mode(&made), 0o755);
    }
}
