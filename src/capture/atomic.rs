//! Files that are there whole or not at all, and that only their owner can read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// How the name of an unfinished file ends.
const UNFINISHED: &str = ".rdpwhy-unfinished";

/// A file in the making, under another name beside its own. It gets its own with [`AtomicFile::commit`], when
/// its content is on the disk; dropped without, it vanishes.
#[derive(Debug)]
pub struct AtomicFile {
    /// `None` when it is done.
    out: Option<BufWriter<File>>,
    unfinished: PathBuf,
    path: PathBuf,
    replace: bool,
}

impl AtomicFile {
    /// Begins the file `path`, readable by its owner only where the system knows owners. Unless `replace`,
    /// a file that has that name by then stays, and [`AtomicFile::commit`] fails.
    pub fn create(path: &Path, replace: bool) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Some(name) = path.file_name() else {
            return Err(io::Error::new(ErrorKind::InvalidInput, format!("{} names no file", path.display())));
        };
        if !replace && path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}-{count}{UNFINISHED}", std::process::id()));
        let unfinished = path.with_file_name(hidden);
        let file = private().create_new(true).open(&unfinished)?;
        let out = Some(BufWriter::with_capacity(1 << 16, file));
        Ok(AtomicFile { out, unfinished, path: path.to_owned(), replace })
    }

    /// Gives the file its name, when all of it is on the disk.
    pub fn commit(mut self) -> io::Result<()> {
        // Dropped by every way out but the last, this removes what there is.
        if let Some(out) = &mut self.out {
            out.flush()?;
            out.get_ref().sync_all()?;
        }
        if self.replace {
            fs::rename(&self.unfinished, &self.path)?;
        } else {
            match fs::hard_link(&self.unfinished, &self.path) {
                Ok(()) => fs::remove_file(&self.unfinished)?,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(exists(&self.path)),
                // Not every file system has links.
                Err(_) if self.path.symlink_metadata().is_err() => fs::rename(&self.unfinished, &self.path)?,
                Err(error) => return Err(error),
            }
        }
        self.out = None;
        sync_folder(&self.path);
        Ok(())
    }

    /// Removes what runs that were cut short left unfinished in `folder`.
    pub fn clean(folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with('.') && name.to_string_lossy().ends_with(UNFINISHED) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.as_mut().map_or(Ok(0), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if let Some(out) = self.out.take() {
            // What is still buffered need not be written.
            drop(out.into_parts());
            let _ = fs::remove_file(&self.unfinished);
        }
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn exists(path: &Path) -> io::Error {
    io::Error::new(ErrorKind::AlreadyExists, format!("{} exists already", path.display()))
}

/// The name is safe when its folder is on the disk. Where folders can't be synchronized, it will be later.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}
