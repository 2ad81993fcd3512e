//! What a report says, as every format shows it. The types are the JSON (`docs/schema/rdpwhy-1.json` is
//! generated from them): each field is always present, unknown is null, none is [] or {}.
//!
//! Adding a field is free. Renaming one, or changing its meaning, needs another [`SCHEMA`].

mod values;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

pub use values::{
    Bits, Coded, Confidence, Direction, Fit, How, Mode, Outcome, Owner, PatternKind, PerDirection, Phase,
    SawFit, Side, Span, Time, Transport, Vantage,
};

/// Name and version of the format.
pub const SCHEMA: &str = "rdpwhy/1";

/// A text: most come from the pages of `knowledge`.
pub type Text = Cow<'static, str>;

/// A whole report.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The captures, in the order they were given.
    pub captures: Vec<Capture>,
    /// The sessions, in the order of their first packets.
    pub sessions: Vec<Session>,
    /// What users tried, in the order of their first sessions.
    pub attempts: Vec<Attempt>,
    /// Counts.
    pub summary: Summary,
}

/// One capture that was read.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Capture {
    /// The path as it was given; "-" for standard input; the names of the interfaces of a live capture.
    pub file: String,
    /// "pcap", "pcapng", or "live".
    pub format: &'static str,
    /// "gzip" or "zstd".
    pub compression: Option<&'static str>,
    /// Packet records.
    pub packets: u64,
    /// Captured bytes of these packets.
    pub bytes: u64,
    /// Lowest time of a packet.
    pub first: Option<Time>,
    /// Highest time of a packet.
    pub last: Option<Time>,
    /// What is wrong or missing.
    pub warnings: Vec<String>,
}

/// One connection.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Session {
    /// From 1, in the order of first packets; in a live capture, the number of its first frame.
    pub id: u64,
    /// The attempt that it belongs to.
    pub attempt: u64,
    /// What carries it.
    pub transport: Transport,
    /// The end that opened it.
    pub client: Endpoint,
    /// The other end.
    pub server: Endpoint,
    /// Community ID 1.0, seed 0.
    pub community_id: String,
    /// First frame.
    pub start: Time,
    /// Last frame.
    pub end: Time,
    /// From the first to the last frame.
    pub duration_s: Span,
    /// The latest phase that the wire shows was entered.
    pub phase: Phase,
    /// How it ended.
    pub outcome: Outcome,
    /// Why.
    pub diagnosis: Diagnosis,
    /// What else fits.
    pub other_diagnoses: Vec<Diagnosis>,
    /// Whether it fits the error that the user saw; null where none was told.
    pub saw: Option<Saw>,
    /// What happened, in order.
    pub timeline: Vec<Event>,
    /// X.224 negotiation.
    pub negotiation: Negotiation,
    /// TLS; inside of a gateway's tunnel that of the computer behind it, where it came so far.
    pub tls: Tls,
    /// The tunnel of a Remote Desktop Gateway that this session is inside of, or was to be; absent elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Gateway>,
    /// What is known of RDP's own messages, named after the specification's fields.
    pub rdp: BTreeMap<&'static str, serde_json::Value>,
    /// TCP.
    pub tcp: Tcp,
    /// The session's RDP-UDP flows.
    pub udp: Vec<UdpFlow>,
    /// Measures of an RDP-UDP flow that is a session of its own; null for a TCP session.
    pub metrics: Option<Metrics>,
}

/// An RDP-UDP flow of a TCP session, shaped as a session.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct UdpFlow {
    /// "udp".
    pub transport: Transport,
    /// The end that opened it.
    pub client: Endpoint,
    /// The other end.
    pub server: Endpoint,
    /// Community ID 1.0, seed 0.
    pub community_id: String,
    /// How it was found to be the session's: "the same correlation id" or "the same hosts and time".
    pub joined_by: Option<&'static str>,
    /// First frame.
    pub start: Time,
    /// Last frame.
    pub end: Time,
    /// From the first to the last frame.
    pub duration_s: Span,
    /// The latest phase that the wire shows was entered.
    pub phase: Phase,
    /// How it ended.
    pub outcome: Outcome,
    /// Why.
    pub diagnosis: Diagnosis,
    /// What else fits.
    pub other_diagnoses: Vec<Diagnosis>,
    /// What happened, in order; times are seconds since the flow's first frame.
    pub timeline: Vec<Event>,
    /// TLS or DTLS inside.
    pub tls: Tls,
    /// Measures.
    pub metrics: Metrics,
}

/// What an RDP-UDP flow showed by its numbers; null is what the wire does not show.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Metrics {
    /// Version of the RDP UDP transport: 1, 2 or 3.
    pub version: Option<u8>,
    /// Whether what is lost is sent again.
    pub mode: Option<Mode>,
    /// Correlation id of the SYN.
    pub correlation_id: Option<String>,
    /// MTU that both ends agreed on, in bytes of UDP payload.
    pub mtu: Option<u16>,
    /// Loss in per cent of the numbered datagrams.
    pub loss_pct: PerDirection<Option<f64>>,
    /// Round trip in milliseconds from the capture point to the other end and back.
    pub rtt_ms: PerDirection<Option<Span>>,
    /// Datagrams.
    pub datagrams: PerDirection<u64>,
    /// Bytes of UDP payload.
    pub bytes: PerDirection<u64>,
    /// Datagrams that carried data again.
    pub retransmitted: PerDirection<Option<u64>>,
    /// Numbered datagrams with error correction, or with nothing (version 3's dummies).
    pub fec_or_dummies: PerDirection<Option<u64>>,
    /// Datagrams that arrived, for all that the other end says, and that the capture lacks.
    pub missed_by_capture: PerDirection<Option<u64>>,
    /// The longest time between two datagrams of an end, in seconds.
    pub silence_s: PerDirection<Option<Span>>,
}

/// One end of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Endpoint {
    /// Address.
    pub ip: IpAddr,
    /// Port.
    pub port: u16,
    /// Its name, where a message told it: the client's own, or the one that the client called the server by.
    pub hostname: Option<String>,
}

/// Why a session ended as it did.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Diagnosis {
    /// Diagnosis code.
    pub code: &'static str,
    /// The cause in one line.
    pub title: Text,
    /// Two sentences without protocol words.
    pub summary: Text,
    /// Whose act or silence ended it.
    pub side: Side,
    /// Whose configuration must change.
    pub owner: Owner,
    /// How sure `title` and `side` are.
    pub confidence: Confidence,
    /// What this session showed.
    pub explanation: Text,
    /// The frames that it rests on.
    pub evidence: Vec<Evidence>,
    /// Other causes that look the same.
    pub rivals: Vec<Rival>,
    /// What to do, in this order.
    pub remedies: Vec<Remedy>,
    /// What the user may have seen.
    pub client_error: Vec<ClientError>,
    /// Where to read more: "title `<address>`".
    pub references: Vec<Text>,
}

/// A frame and what it shows.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Evidence {
    /// Index in `captures`.
    pub capture: u16,
    /// The packet's number there, from 1; of several the first.
    pub frame: u64,
    /// The last packet's number, where several carried it.
    #[serde(skip)]
    pub last_frame: u64,
    /// Seconds since the session's first frame.
    pub time_s: Span,
    /// What it shows.
    pub text: String,
}

/// Another cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rival {
    /// The cause.
    pub cause: Text,
    /// What would tell it apart.
    pub tell_apart: Text,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Remedy {
    /// Who.
    pub who: Text,
    /// What.
    pub text: Text,
    /// The command that does or checks it.
    pub command: Option<Text>,
}

/// An error as mstsc shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ClientError {
    /// Error code, as "0x904".
    pub code: Text,
    /// Extended error code, as "0x7"; null where any may stand.
    pub extended: Option<Text>,
    /// Whether the diagnosis explains it.
    pub fit: Fit,
}

/// How a session fits the error that the user saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Saw {
    /// Error code, as "0x904".
    pub code: String,
    /// Extended error code, as "0x7"; null where it was not told.
    pub extended: Option<String>,
    /// Whether it fits; null where it is not known for this diagnosis, or the capture does not tell.
    #[serde(serialize_with = "known_fit")]
    #[schemars(with = "Option<Fit>")]
    pub fit: SawFit,
    /// Why.
    pub why: String,
}

fn known_fit<S: serde::Serializer>(fit: &SawFit, serializer: S) -> Result<S::Ok, S::Error> {
    Fit::named(fit.as_str()).serialize(serializer)
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Event {
    /// Index in `captures`.
    pub capture: u16,
    /// The packet's number there, from 1; of several the first.
    pub frame: u64,
    /// The last packet's number, where several carried it.
    #[serde(skip)]
    pub last_frame: u64,
    /// Seconds since the session's first frame.
    pub time_s: Span,
    /// Who sent it.
    pub direction: Option<Direction>,
    /// The phase that it belongs to.
    pub phase: Phase,
    /// What it is.
    pub kind: Text,
    /// Whether it was concluded from shape and timing, not read.
    pub inferred: bool,
    /// In words.
    pub summary: Text,
    /// Its fields.
    pub details: BTreeMap<&'static str, String>,
}

/// What the X.224 negotiation showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Negotiation {
    /// The value of `Cookie: mstshash=`.
    pub cookie: Option<String>,
    /// Another line before the negotiation.
    pub routing_token: Option<String>,
    /// What the client offered.
    pub requested_protocols: Option<Bits>,
    /// What the server chose.
    pub selected_protocol: Option<Coded>,
    /// Why the server refused.
    pub failure: Option<Coded>,
    /// Flags of the client's request.
    pub request_flags: Option<Bits>,
    /// Flags of the server's answer.
    pub response_flags: Option<Bits>,
    /// The id that the session's UDP flows repeat.
    pub correlation_id: Option<String>,
}

/// What TLS showed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Tls {
    /// The version agreed on, as "TLS 1.2".
    pub version: Option<String>,
    /// What the client offered.
    pub offered_versions: Vec<String>,
    /// The cipher suite agreed on.
    pub cipher: Option<Coded>,
    /// What the client offered, in its order; reserved values (GREASE) are left out.
    pub offered_ciphers: Vec<Coded>,
    /// The name that the client called the server by.
    pub sni: Option<String>,
    /// The application protocols that the client offered.
    pub alpn: Vec<String>,
    /// JA3 fingerprint of the client's hello.
    pub ja3: Option<String>,
    /// JA4 fingerprint of the client's hello.
    pub ja4: Option<String>,
    /// The server's certificate.
    pub certificate: Option<Certificate>,
    /// Whether the capture shows it; never under TLS 1.3.
    pub certificate_visible: bool,
    /// Alerts that were readable.
    pub alerts: Vec<Alert>,
    /// Whether the records could be opened.
    pub decrypted: bool,
}

/// The tunnel of a Remote Desktop Gateway. The session's `server` is the gateway.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Gateway {
    /// "http" or "websocket".
    pub transport: &'static str,
    /// The computer behind it that the client asked for.
    pub target: Option<Target>,
    /// The name that the client gave itself.
    pub client_name: Option<String>,
    /// What the gateway said last of how the tunnel went: 0 is success.
    pub status: Option<Coded>,
    /// Its last HTTP status.
    pub http_status: Option<u16>,
    /// The client's port of the connection that carries what the client says; null where one carries both.
    pub incoming_port: Option<u16>,
    /// TLS between client and gateway.
    pub tls: Tls,
}

/// A computer behind a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Target {
    /// Name or address, as the client wrote it.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Certificate {
    /// Whose it is.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Start of its validity.
    pub not_before: Time,
    /// End of its validity.
    pub not_after: Time,
    /// Whether subject and issuer are the same.
    pub self_signed: bool,
    /// Its public key.
    pub key: Key,
    /// SHA-256 of the whole certificate.
    pub sha256: String,
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Key {
    /// "RSA", "EC" ...
    #[serde(rename = "type")]
    pub kind: String,
    /// Its size.
    pub bits: Option<u32>,
}

/// A TLS alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Alert {
    /// The packet's number.
    pub frame: u64,
    /// Who sent it.
    pub direction: Direction,
    /// Warning or fatal.
    pub level: Coded,
    /// What it says.
    pub description: Coded,
}

/// What TCP showed; nothing, of an RDP-UDP flow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Tcp {
    /// Packets with payload, repeats included.
    pub segments: PerDirection<u64>,
    /// Payload bytes, each counted once.
    pub bytes: PerDirection<u64>,
    /// Segments that repeated earlier bytes.
    pub retransmitted: PerDirection<u64>,
    /// Segments that had to be sent again.
    pub lost: PerDirection<u64>,
    /// Segments that came after later ones and were no repeat.
    pub out_of_order: PerDirection<u64>,
    /// Further sightings of one packet.
    pub duplicate_frames: PerDirection<u64>,
    /// Times the receive window was closed.
    pub zero_window: PerDirection<u64>,
    /// Holes in the capture.
    pub gaps: PerDirection<u64>,
    /// Maximum segment size offered.
    pub mss: PerDirection<Option<u16>>,
    /// TTL of the first packet.
    pub ttl: PerDirection<Option<u8>>,
    /// Round trip of the handshake.
    pub rtt_ms: Rtt,
    /// Where the capture was taken.
    pub vantage: Vantage,
    /// Who closed first.
    pub closed_by: Option<ClosedBy>,
    /// How it fared over time, for a picture; `None` of what ended early.
    #[serde(skip)]
    pub health: Option<Health>,
}

/// A TCP connection over time, in spans of equal length from its first packet on.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// Seconds of a span.
    pub step_s: f64,
    /// Segments of each end that had to be sent again, span by span.
    pub lost: PerDirection<Vec<u32>>,
    /// The shortest time from a packet of each end to its acknowledgement, at the capture point; `None` where no
    /// packet shows it.
    pub rtt_ms: PerDirection<Vec<Option<f64>>>,
}

/// Round trips between the capture point and the ends, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Rtt {
    /// SYN to SYN-ACK.
    pub to_server: Option<Span>,
    /// SYN-ACK to its acknowledgement.
    pub to_client: Option<Span>,
}

/// The packet that began the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ClosedBy {
    /// Who sent it.
    pub direction: Direction,
    /// What it was.
    pub how: How,
}

/// One click of a user: sessions of one client address at one server that follow each other within a minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Attempt {
    /// From 1, in the order of first sessions; only attempts with a listed session are listed.
    pub id: u64,
    /// Who tried.
    pub client: Host,
    /// What was tried.
    pub server: Server,
    /// Ids of the sessions, also of those that are not listed.
    pub sessions: Vec<u64>,
    /// That of the session which decided it; "probe" where it only looked.
    pub outcome: Outcome,
    /// Id of that session: the last that worked; where others failed after it, the one of those that got
    /// furthest. One that the client left, or whose end is not shown, decides only if it got further than the
    /// failure before it, or where none worked or failed.
    pub decided_by: u64,
    /// One or two sentences.
    pub story: String,
}

/// An address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Host {
    /// Address.
    pub ip: IpAddr,
}

/// An address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Server {
    /// Address.
    pub ip: IpAddr,
    /// Port.
    pub port: u16,
}

/// Counts over the sessions that were chosen, listed or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// Sessions by outcome.
    pub by_outcome: BTreeMap<&'static str, u64>,
    /// Sessions by diagnosis code.
    pub by_code: BTreeMap<&'static str, u64>,
    /// Attempts by outcome.
    pub attempts_by_outcome: BTreeMap<&'static str, u64>,
    /// Sessions that are counted and not listed.
    pub unlisted: Vec<Unlisted>,
    /// What several attempts have in common.
    pub patterns: Vec<Pattern>,
    /// UDP side channels of Remote Desktop Gateways: DTLS, whose sessions show only behind the gateway; absent where
    /// there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gateways_udp: Vec<GatewayUdp>,
}

/// The UDP side channel of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GatewayUdp {
    /// The gateway.
    pub server: Server,
    /// Datagrams of DTLS, both ways.
    pub datagrams: u64,
}

/// Attempts that failed alike, none since having worked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Pattern {
    /// Whom it is about.
    pub kind: PatternKind,
    /// The server where everybody fails.
    pub server: Option<Server>,
    /// The client that fails everywhere while others work.
    pub client: Option<Host>,
    /// Diagnosis code of most; null where the client fails in several ways.
    pub code: Option<&'static str>,
    /// Whether all attempts since then failed so; else at least three of four.
    pub every: bool,
    /// Failed sessions with that code.
    pub sessions: u64,
    /// From how many client addresses.
    pub clients: u64,
    /// At how many servers.
    pub servers: u64,
    /// Start of the first of them.
    pub since: Time,
    /// Start of the last session before them that worked.
    pub last_good: Option<Time>,
    /// The same in words.
    pub text: String,
}

/// Sessions of one server and code beyond the bound of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unlisted {
    /// The server.
    pub server: Server,
    /// Diagnosis code.
    pub code: &'static str,
    /// How many sessions.
    pub count: u64,
    /// From how many client addresses.
    pub clients: u64,
    /// Start of the first.
    pub first: Time,
    /// Start of the last.
    pub last: Time,
}
