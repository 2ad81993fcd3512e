//! What is known of a capture beside its frames.

use std::fmt;

use super::interface::Interface;
use crate::base::{LinkType, Timestamp, open_enum};

/// What was learned of one capture so far; complete when its last frame has been read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CaptureInfo {
    /// The path as it was given, or "-" for standard input.
    pub name: String,
    /// The file format.
    pub format: Format,
    /// How the file was compressed, if it was.
    pub compression: Option<Compression>,
    /// Packet records read.
    pub packets: u64,
    /// Captured bytes of these packets, headers of the file format not counted.
    pub bytes: u64,
    /// Size of a regular file in bytes when it was opened, compressed as it lies there.
    pub file_bytes: Option<u64>,
    /// The lowest time of a packet.
    pub first: Option<Timestamp>,
    /// The highest time of a packet.
    pub last: Option<Timestamp>,
    /// Packets that the capturing host says it lost.
    pub dropped: u64,
    /// What went wrong or is missing, in words; each names the file.
    pub warnings: Vec<String>,
    /// Decryption secrets found in the file.
    pub secrets: Vec<Secrets>,
    /// Link types of the packets, in order of appearance; the first 64.
    pub link_types: Vec<LinkType>,
    /// The interfaces as they were described so far; [`Frame::interface`](crate::base::Frame::interface) is
    /// an index in here. At most [`CaptureInfo::INTERFACES`].
    pub interfaces: Vec<Interface>,
}

impl CaptureInfo {
    /// Interfaces whose description is kept, over all sections of a capture.
    pub const INTERFACES: usize = 4096;
    const MAX_LINK_TYPES: usize = 64;
    /// Room for secrets in one capture. A key log has some 180 bytes for each secret of a
    /// connection.
    const MAX_SECRETS: usize = 16 * 1024 * 1024;
    /// What an entry costs beside its bytes, so that empty blocks count too.
    const SECRETS_OVERHEAD: usize = 64;

    pub(super) fn new(name: String, format: Format) -> Self {
        CaptureInfo {
            name,
            format,
            compression: None,
            packets: 0,
            bytes: 0,
            file_bytes: None,
            first: None,
            last: None,
            dropped: 0,
            warnings: Vec::new(),
            secrets: Vec::new(),
            link_types: Vec::new(),
            interfaces: Vec::new(),
        }
    }

    pub(super) fn warn(&mut self, text: impl fmt::Display) {
        self.warnings.push(format!("{}: {text}", self.name));
    }

    pub(super) fn note_link(&mut self, link: LinkType) {
        if self.link_types.len() < Self::MAX_LINK_TYPES && !self.link_types.contains(&link) {
            self.link_types.push(link);
        }
    }

    pub(super) fn describe(&mut self, interface: Interface) {
        if self.interfaces.len() < Self::INTERFACES {
            self.interfaces.push(interface);
        }
    }

    /// Keeps secrets within the bound. `kept` is the caller's running total.
    pub(super) fn keep_secrets(&mut self, kept: &mut usize, kind: SecretsType, data: &[u8]) {
        let cost = data.len().saturating_add(Self::SECRETS_OVERHEAD);
        if kept.saturating_add(cost) <= Self::MAX_SECRETS {
            *kept = kept.saturating_add(cost);
            self.secrets.push(Secrets { kind, data: data.to_vec(), after: self.packets });
        } else {
            self.leave_out_secrets(kept);
        }
    }

    /// Says once that there were more secrets than are kept.
    pub(super) fn leave_out_secrets(&mut self, kept: &mut usize) {
        if *kept != usize::MAX {
            *kept = usize::MAX;
            self.warn("holds more than 16 MiB of decryption secrets; the rest was left out");
        }
    }
}

/// Capture file formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// libpcap's own.
    Pcap,
    /// The block-structured successor.
    Pcapng,
}

impl Format {
    /// The name used in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Format::Pcap => "pcap",
            Format::Pcapng => "pcapng",
        }
    }
}

/// Compressions that are undone while reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// The name used in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }
}

/// The content of one Decryption Secrets Block (draft-ietf-opsawg-pcapng, section 4.7).
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    /// What `data` is.
    pub kind: SecretsType,
    /// The secrets as they stand in the file.
    pub data: Vec<u8>,
    /// Number of the frame after which the block came; 0 before the first.
    pub after: u64,
}

/// Keys stay out of logs.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets {{ kind: {}, {} bytes, after: {} }}", self.kind, self.data.len(), self.after)
    }
}

open_enum! {
    /// Secrets Type of a Decryption Secrets Block.
    pub struct SecretsType(u32) {
        /// NSS key log lines ("TLSK").
        TLS_KEY_LOG = 0x544c_534b,
        /// SSH key log lines ("SSHK").
        SSH_KEY_LOG = 0x5353_484b,
        /// WireGuard key log lines ("WGKL").
        WIREGUARD_KEY_LOG = 0x5747_4b4c,
    }
}
