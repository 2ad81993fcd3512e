//! Regular files, mapped window by window. The only file with `unsafe`.
//!
//! # Why this is sound enough
//!
//! A mapping shows what other processes do to the file. Rust assumes that bytes behind a shared slice
//! do not change while they are borrowed, and touching a page beyond the end of a file that was cut
//! raises SIGBUS. Both need somebody who rewrites or cuts a finished capture in the moment it is read.
//! This is made as unlikely as it can be:
//!
//! * A file that was changed in the last [`QUIET`] (a capture that is still written) is never mapped.
//! * Only file systems that are known to be local are mapped. On a network or FUSE file system a page
//!   may fail to arrive, which would be SIGBUS as well; such files are read.
//! * A window lies inside the size that the file has right before it is mapped. Size and time of the
//!   last change are asked again before each window; if either is not what it was, the rest of the
//!   file is read and no longer mapped.
//! * The mapping is private and read-only, never handed out except as `&[u8]` bound to `&self`, and
//!   dropped before the next one is made.
//!
//! If somebody rewrites bytes in place all the same, a frame shows a mixture of old and new bytes.
//! Lengths are checked against the slice, and no code here or after it keeps an invariant in the file's
//! bytes, so the worst result is a wrong frame; if somebody cuts the file, the process ends by signal,
//! without having written anything.
#![allow(unsafe_code)]

use std::fs::{File, Metadata};
use std::io::{self, Seek, SeekFrom};
use std::time::{Duration, SystemTime};

use memmap2::{Mmap, MmapOptions};

use super::stream::Streamed;

/// How much is mapped at a time, all its pages at once: enough that the calls don't count, little enough that
/// what the kernel keeps of each page is still in the processor's cache when the window is dropped.
const WINDOW: u64 = 1024 * 1024;

/// How long a file must have been left alone to be mapped.
const QUIET: Duration = Duration::from_secs(10);

/// A file and the window of it that is mapped.
pub(super) struct Mapped {
    file: File,
    state: State,
    map: Option<Mmap>,
    /// Current offset in the window.
    start: usize,
    /// Offset of the window in the file.
    base: u64,
}

/// What shows that a file was changed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    size: u64,
    modified: SystemTime,
}

impl State {
    fn of(metadata: &Metadata) -> Option<Self> {
        Some(State { size: metadata.len(), modified: metadata.modified().ok()? })
    }

    /// A time in the future counts as "just now".
    fn is_quiet(&self) -> bool {
        self.modified.elapsed().is_ok_and(|age| age > QUIET)
    }
}

/// Tells the processor that the headers `at` bytes from the start of `bytes` are wanted soon.
#[inline]
pub(super) fn prefetch(bytes: &[u8], at: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        /// Bytes that a processor's cache loads at once.
        const LINE: usize = 64;
        let start = bytes.as_ptr().wrapping_add(at);
        for line in 0..3 {
            // SAFETY: a prefetch is a hint; it reads nothing, whatever the address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line * LINE).cast()) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bytes, at);
}

impl Mapped {
    /// Takes a regular file if it may be mapped, else gives it back.
    pub(super) fn new(file: File) -> Result<Self, File> {
        let state = file.metadata().ok().and_then(|metadata| State::of(&metadata));
        match state {
            Some(state) if state.is_quiet() && is_local(&file) => {
                Ok(Mapped { file, state, map: None, start: 0, base: 0 })
            }
            _ => Err(file),
        }
    }

    #[inline]
    pub(super) fn window(&self) -> &[u8] {
        self.map.as_deref().and_then(|map| map.get(self.start..)).unwrap_or_default()
    }

    #[inline]
    pub(super) fn advance(&mut self, count: usize) {
        let len = self.map.as_deref().map_or(0, <[u8]>::len);
        self.start = self.start.saturating_add(count).min(len);
    }

    pub(super) fn offset(&self) -> u64 {
        self.base.saturating_add(self.start as u64)
    }

    /// Maps the window from the current offset on. `None` if the file must be read from here.
    pub(super) fn fill(&mut self, need: usize) -> Option<usize> {
        let have = self.window().len();
        if have >= need {
            return Some(have);
        }
        if State::of(&self.file.metadata().ok()?) != Some(self.state) {
            return None;
        }
        let offset = self.offset();
        let left = self.state.size.saturating_sub(offset);
        if left <= have as u64 {
            return Some(have);
        }
        let len = usize::try_from(left.min(WINDOW.max(need as u64))).ok()?;
        self.map = None;
        self.base = offset;
        self.start = 0;
        let mut options = MmapOptions::new();
        options.offset(offset).len(len).populate();
        // SAFETY: the range lies inside the file as it was a moment ago, the mapping is read-only and
        // lives in `self`; for changes by others see the module's text.
        self.map = Some(unsafe { options.map(&self.file) }.ok()?);
        Some(len)
    }

    /// The rest of the file, to be read.
    pub(super) fn to_streamed(&self) -> io::Result<Streamed> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(self.offset()))?;
        Ok(Streamed::new(Box::new(file), self.offset()))
    }
}

/// Whether the file lies on a file system whose pages come from this machine.
#[cfg(target_os = "linux")]
fn is_local(file: &File) -> bool {
    use std::os::fd::AsRawFd;

    /// Types as /proc/self/mountinfo names them; whatever is not here is read.
    const LOCAL: [&str; 19] = [
        "bcachefs", "btrfs", "erofs", "exfat", "ext2", "ext3", "ext4", "f2fs", "iso9660", "jfs", "ntfs3",
        "overlay", "ramfs", "squashfs", "tmpfs", "udf", "vfat", "xfs", "zfs",
    ];
    let read = |path: &str| std::fs::read(path).map(|text| String::from_utf8_lossy(&text).into_owned());
    let Ok(descriptor) = read(&format!("/proc/self/fdinfo/{}", file.as_raw_fd())) else { return false };
    let Some(mount) = descriptor.lines().find_map(|line| line.strip_prefix("mnt_id:")).map(str::trim) else {
        return false;
    };
    let Ok(mounts) = read("/proc/self/mountinfo") else { return false };
    mounts
        .lines()
        .find(|line| line.split(' ').next() == Some(mount))
        .and_then(|line| line.split_once(" - "))
        .and_then(|(_, rest)| rest.split(' ').next())
        .is_some_and(|kind| LOCAL.contains(&kind))
}

/// Elsewhere there is no safe way to ask, so files are read.
#[cfg(not(target_os = "linux"))]
fn is_local(_: &File) -> bool {
    false
}
