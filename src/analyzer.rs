//! The engine: frames in, diagnosed sessions out. Opens nothing, reads no clock, starts no thread.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use crate::base::{Frame, Limits, PerDir, Timestamp};
use crate::diagnosis::{Diagnosis, History, diagnose};
use crate::packet::{Body, Decoder, Undecoded};
use crate::session::{Conversation, Session, Watch};
use crate::transport::{Config, Connections, Finished};

/// One session and what is wrong with it.
#[derive(Debug)]
pub struct Diagnosed {
    /// What happened.
    pub session: Session,
    /// Why it ended.
    pub diagnosis: Diagnosis,
}

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Server ports that are RDP by number beside 3389.
    pub ports: Vec<u16>,
    /// Bounds.
    pub limits: Limits,
}

/// Packets and bytes between two ends, for captures without RDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversed {
    /// The end that opened it, or the higher port.
    pub client: IpAddr,
    /// The other end.
    pub server: SocketAddr,
    /// UDP rather than TCP.
    pub udp: bool,
    /// Packets each way.
    pub packets: PerDir<u64>,
    /// Payload bytes each way.
    pub bytes: PerDir<u64>,
}

/// What the capture held, RDP or not.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// Frames pushed.
    pub frames: u64,
    /// TCP segments.
    pub tcp: u64,
    /// UDP datagrams.
    pub udp: u64,
    /// Frames that are no IP.
    pub not_ip: u64,
    /// Frames of link types that are not read.
    pub unknown_link: u64,
    /// Frames that the snapshot length cut before the transport header.
    pub cut: u64,
    /// Frames whose headers contradict themselves.
    pub malformed: u64,
    /// The conversations counted, largest first.
    pub conversations: Vec<Conversed>,
    /// Conversations beyond the bound.
    pub uncounted: u64,
}
