//! How single values look in a report: times, numbers with names, one value for each direction.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::base::{self, PerDir, Timestamp};

/// A point in time, written as RFC 3339 in UTC with microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Timestamp);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0.0)) {
            Ok(time) => write!(f, "{}", time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ")),
            // Every i64 of nanoseconds is within jiff's range.
            Err(_) => f.write_str("1970-01-01T00:00:00.000000Z"),
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "RFC 3339 in UTC, with microseconds.",
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$"
        })
    }
}

/// A span of time in the unit that its field's name tells, at most six digits after the point.
/// Negative where the capture's time ran backwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Span(pub f64);

impl Span {
    /// In seconds.
    pub fn seconds(nanoseconds: i64) -> Self {
        Span((nanoseconds as f64 / 1e3).round() / 1e6)
    }

    /// In milliseconds, to the microsecond.
    pub fn micros(nanoseconds: i64) -> Self {
        Span((nanoseconds as f64 / 1e3).round() / 1e3)
    }

    /// In milliseconds.
    pub fn millis(nanoseconds: i64) -> Self {
        Span(nanoseconds as f64 / 1e6)
    }
}

/// A number from the wire and the specification's name for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Coded {
    /// As on the wire.
    pub value: u32,
    /// Null where nobody named it.
    pub name: Option<&'static str>,
}

impl Coded {
    /// A number and its name.
    pub fn new(value: impl Into<u32>, name: Option<&'static str>) -> Self {
        Coded { value: value.into(), name }
    }
}

/// Bits from the wire and the names of those that are set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Bits {
    /// As on the wire.
    pub value: u32,
    /// Lowest bit first; bits without a name are left out.
    pub names: Vec<&'static str>,
}

impl Bits {
    /// Bits and their names.
    pub fn new(value: impl Into<u32>, names: Vec<&'static str>) -> Self {
        Bits { value: value.into(), names }
    }
}

/// One value for each direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PerDirection<T> {
    /// What concerns the client's packets.
    pub client_to_server: T,
    /// What concerns the server's packets.
    pub server_to_client: T,
}

impl<T> From<PerDir<T>> for PerDirection<T> {
    fn from(both: PerDir<T>) -> Self {
        PerDirection { client_to_server: both.client_to_server, server_to_client: both.server_to_client }
    }
}

/// Defines a closed list of names, each a variant with its own text.
macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        pub enum $name {
            $($(#[$vmeta])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The text that stands for it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)*
                }
            }

            /// The value that this text stands for.
            pub fn named(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }
    };
}

names! {
    /// Which way something went.
    Direction {
        /// From the end that opened the connection.
        ClientToServer = "client_to_server",
        /// From the end that was connected to.
        ServerToClient = "server_to_client",
    }
}

impl Direction {
    /// The end that sends in this direction.
    pub const fn sender(self) -> &'static str {
        match self {
            Direction::ClientToServer => "client",
            Direction::ServerToClient => "server",
        }
    }
}

impl From<base::Dir> for Direction {
    fn from(dir: base::Dir) -> Self {
        match dir {
            base::Dir::ClientToServer => Direction::ClientToServer,
            base::Dir::ServerToClient => Direction::ServerToClient,
        }
    }
}

names! {
    /// What carries the session.
    Transport {
        /// A TCP connection.
        Tcp = "tcp",
        /// An RDP-UDP flow.
        Udp = "udp",
    }
}

names! {
    /// How far a session got, in order.
    Phase {
        /// TCP handshake.
        TcpConnect = "tcp-connect",
        /// X.224 Connection Request and Confirm.
        X224Negotiation = "x224-negotiation",
        /// TLS handshake.
        TlsHandshake = "tls-handshake",
        /// CredSSP, RDSTLS or RDSAAD.
        Nla = "nla",
        /// MCS Connect-Initial and Connect-Response.
        McsConnect = "mcs-connect",
        /// MCS Erect Domain, Attach User and Channel Joins.
        ChannelJoin = "channel-join",
        /// Security Exchange of Standard RDP Security.
        SecurityExchange = "security-exchange",
        /// Client Info.
        ClientInfo = "client-info",
        /// Licensing.
        Licensing = "licensing",
        /// Capabilities exchange and finalization.
        Capabilities = "capabilities",
        /// The user sees the remote desktop.
        Active = "active",
        /// RDP-UDP: SYN and SYN+ACK.
        UdpConnect = "udp-connect",
        /// RDP-UDP: TLS or DTLS.
        UdpSecurity = "udp-security",
        /// RDP-UDP: tunnel request and answer.
        UdpTunnel = "udp-tunnel",
        /// RDP-UDP: data.
        UdpActive = "udp-active",
    }
}

impl Phase {
    /// What happens in the phase, for people.
    pub const fn title(self) -> &'static str {
        match self {
            Phase::TcpConnect => "TCP connect",
            Phase::X224Negotiation => "RDP negotiation (X.224)",
            Phase::TlsHandshake => "TLS handshake",
            Phase::Nla => "NLA logon (CredSSP)",
            Phase::McsConnect => "RDP settings (MCS connect)",
            Phase::ChannelJoin => "channel join",
            Phase::SecurityExchange => "security exchange",
            Phase::ClientInfo => "client info",
            Phase::Licensing => "licensing",
            Phase::Capabilities => "capabilities",
            Phase::Active => "active session",
            Phase::UdpConnect => "UDP connect",
            Phase::UdpSecurity => "UDP security",
            Phase::UdpTunnel => "UDP tunnel",
            Phase::UdpActive => "active UDP flow",
        }
    }
}

names! {
    /// How a session ended. The order is that of the summary table.
    Outcome {
        /// It broke.
        Failed = "failed",
        /// It works, with a fault that users feel.
        Degraded = "degraded",
        /// The client left of its own accord.
        Aborted = "aborted",
        /// The capture does not show enough.
        Inconclusive = "inconclusive",
        /// It reached an active session without a fault.
        Healthy = "healthy",
        /// No RDP was attempted.
        Probe = "probe",
    }
}

names! {
    /// The end whose act or silence ended the connection, as far as the wire shows.
    Side {
        /// The client.
        Client = "client",
        /// The server.
        Server = "server",
        /// A proven third party.
        Network = "network",
        /// Not shown.
        Unknown = "unknown",
    }
}

names! {
    /// Whose configuration most likely has to change.
    Owner {
        /// The client's.
        Client = "client",
        /// The server's.
        Server = "server",
        /// Firewalls, routers, inspecting devices.
        Network = "network",
        /// Accounts, domains, policies of authentication.
        Identity = "identity",
        /// The server's certificate or the client's trust in it.
        Certificate = "certificate",
        /// Remote Desktop licensing.
        Licensing = "licensing",
        /// Nobody's: nothing is broken.
        Nobody = "nobody",
        /// Not shown.
        Unknown = "unknown",
    }
}

names! {
    /// How sure the cause and the side in the title are.
    Confidence {
        /// One of several.
        Possible = "possible",
        /// The wire fits it and no rival is as common.
        Likely = "likely",
        /// A message names this cause.
        Certain = "certain",
    }
}

names! {
    /// Whether a diagnosis explains the error that a client shows.
    Fit {
        /// It is the usual one.
        Expected = "expected",
        /// It may come.
        Consistent = "consistent",
        /// It cannot come.
        Excluded = "excluded",
    }
}

names! {
    /// Whether a session can be the one whose error the user saw, best first.
    SawFit {
        /// It is the error that usually comes with this diagnosis.
        Expected = "expected",
        /// It may come with it.
        Consistent = "consistent",
        /// The capture, or what is known of the diagnosis, does not tell.
        Unknown = "unknown",
        /// It is not known for this diagnosis.
        Unlikely = "unlikely",
        /// It cannot come from this session.
        Excluded = "excluded",
    }
}

names! {
    /// Where the capture was taken.
    #[derive(Default)]
    Vantage {
        /// At the client.
        Client = "client",
        /// At the server.
        Server = "server",
        /// Somewhere between them.
        Between = "between",
        /// Not shown.
        #[default]
        Unknown = "unknown",
    }
}

names! {
    /// Whether an RDP-UDP flow sends again what is lost.
    Mode {
        /// It does; TLS inside.
        Reliable = "reliable",
        /// It does not; DTLS inside.
        Lossy = "lossy",
    }
}

names! {
    /// What sessions that fail alike have in common.
    PatternKind {
        /// Everybody fails at one server.
        Server = "server-wide",
        /// One client fails at every server.
        Client = "client-wide",
        /// A server never answers UDP; sessions go on over TCP.
        UdpUnanswered = "udp-unanswered",
    }
}

names! {
    /// The packet that closes a connection.
    How {
        /// In order.
        Fin = "FIN",
        /// At once.
        Rst = "RST",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_six_digits() {
        let time = Time(Timestamp(1_795_165_200_000_000_999));
        assert_eq!(time.to_string(), "2026-11-20T09:00:00.000000Z");
        assert_eq!(Time(Timestamp(-1)).to_string(), "1969-12-31T23:59:59.999999Z");
        for extreme in [i64::MIN, i64::MAX] {
            assert_eq!(Time(Timestamp(extreme)).to_string().len(), 27);
        }
    }

    #[test]
    fn spans_are_rounded_to_microseconds() {
        assert_eq!(serde_json::to_string(&Span::seconds(94_000_499)).unwrap(), "0.094");
        assert_eq!(serde_json::to_string(&Span::seconds(-1_500)).unwrap(), "-2e-6");
        assert_eq!(serde_json::to_string(&Span::millis(1_400_000)).unwrap(), "1.4");
        assert_eq!(serde_json::to_string(&Span::seconds(0)).unwrap(), "0.0");
    }

    #[test]
    fn names_are_what_is_serialized() {
        for phase in Phase::ALL {
            assert_eq!(serde_json::to_value(phase).unwrap(), phase.as_str());
            assert_eq!(Phase::named(phase.as_str()), Some(*phase));
        }
        assert_eq!(Outcome::named("fine"), None);
    }
}
