//! Facts on a session that decide which causes and steps of a page concern it: what the evidence excludes is not
//! told. A page names them in brackets before an item, `[idle]`, `[lost, not at-server]`; all must hold.

/// Facts on one session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts(u64);

/// When an item of a page is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct When {
    all: Facts,
    none: Facts,
}

macro_rules! facts {
    ($($(#[$meta:meta])+ $fact:ident $name:literal,)*) => {
        /// What may be known of a session beside its diagnosis.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fact {
            $($(#[$meta])+ $fact,)*
        }

        impl Fact {
            /// Every fact.
            pub const ALL: &'static [Fact] = &[$(Fact::$fact,)*];

            /// The name on the pages.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Fact::$fact => $name,)*
                }
            }
        }
    };
}

facts! {
    /// A message names the cause.
    Certain "certain",
    /// The diagnosis is one of several.
    Possible "possible",
    /// The rule blames the certificate.
    Certificate "certificate",
    /// The client's act ended it.
    ByClient "by-client",
    /// The server's act ended it.
    ByServer "by-server",
    /// Captured at the server, so that what is not seen of it was not sent.
    AtServer "at-server",
    /// It was not over when the capture ended.
    CaptureEnded "capture-ended",
    /// Packets of one end are missing altogether.
    OneWay "one-way",
    /// The capture lacks bytes that were acknowledged.
    Gaps "gaps",
    /// The connection was quiet right before the break.
    Idle "idle",
    /// A RST ended it.
    Reset "reset",
    /// The RST looks like its sender's other packets, or was captured at its sender.
    Genuine "genuine",
    /// The RST differs from its sender's other packets.
    Odd "odd",
    /// The RST's supposed sender went on after it.
    Proven "proven",
    /// The client was not heard any more.
    ClientSilent "client-silent",
    /// The server was not heard any more.
    ServerSilent "server-silent",
    /// The silent end was there: packets of it still came.
    Alive "alive",
    /// An end took no more data: its receive window stayed closed.
    Frozen "frozen",
    /// What the server should have answered had reached its system.
    Acknowledged "acknowledged",
    /// The question, or the answer, was lost on the way.
    Lost "lost",
    /// The session's TCP connection went on.
    TcpWorked "tcp-worked",
    /// The session's UDP flow had died a while before.
    UdpDied "udp-died",
    /// The server has no license server to ask.
    NoLicenseServer "no-license-server",
    /// A rule of a device forbids the traffic, it said.
    Prohibited "prohibited",
    /// A router said so by ICMP.
    Icmp "icmp",
    /// Network level authentication (or its like) was chosen.
    Nla "nla",
    /// The client had sent who it is, so that the server begins the user's session.
    Logon "logon",
    /// It broke during licensing.
    Licensing "licensing",
    /// It broke in the last step before the desktop.
    Capabilities "capabilities",
    /// The old encryption of RDP itself was chosen.
    OldSecurity "old-security",
    /// The client offered TLS.
    OfferedTls "offered-tls",
    /// The client offered TLS 1.2.
    OfferedTls12 "offered-tls-1.2",
    /// The client offered TLS 1.3 and nothing older.
    OnlyTls13 "only-tls-1.3",
    /// An alert spoke of a fault inside its sender.
    AlertInternal "alert-internal",
    /// An alert spoke of damaged or unexpected data.
    AlertDamaged "alert-damaged",
    /// An alert spoke of a client certificate or of access.
    AlertAccess "alert-access",
    /// An alert spoke of an unknown server name.
    AlertName "alert-name",
    /// The client demanded Restricted Admin or Remote Credential Guard.
    RestrictedAdmin "restricted-admin",
    /// An earlier TLS handshake with this server succeeded.
    WorkedBefore "worked-before",
    /// The server's TTL is that of Windows.
    Windows "windows",
    /// The reason may be name or password.
    Password "password",
    /// The reason may be the account's state.
    Account "account",
    /// The reason may be a right to log on.
    Rights "rights",
    /// The reason may be the server's trust with its domain, or a clock.
    Trust "trust",
}

impl Facts {
    const fn bit(fact: Fact) -> u64 {
        1 << fact as u32
    }

    /// With `fact`, where it `holds`.
    #[must_use]
    pub const fn with(self, fact: Fact, holds: bool) -> Self {
        if holds { Facts(self.0 | Self::bit(fact)) } else { self }
    }

    /// Whether `fact` is among them.
    pub const fn has(self, fact: Fact) -> bool {
        self.0 & Self::bit(fact) != 0
    }

    /// Both.
    #[must_use]
    pub const fn and(self, other: Facts) -> Self {
        Facts(self.0 | other.0)
    }
}

impl When {
    /// Takes the condition off the front of an item. One that is malformed stays text: the tests find it.
    pub(super) fn split(item: &'static str) -> (When, &'static str) {
        let always = (When::default(), item);
        let Some((words, rest)) = item.strip_prefix('[').and_then(|item| item.split_once("] ")) else {
            return always;
        };
        let mut when = When::default();
        for word in words.split(", ") {
            let (set, name) = match word.strip_prefix("not ") {
                Some(name) => (&mut when.none, name),
                None => (&mut when.all, word),
            };
            match Fact::ALL.iter().find(|fact| fact.name() == name) {
                Some(fact) => *set = set.with(*fact, true),
                None => return always,
            }
        }
        (when, rest)
    }

    /// Whether it is so.
    pub const fn holds(self, facts: Facts) -> bool {
        facts.0 & self.all.0 == self.all.0 && facts.0 & self.none.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let mut names: Vec<&str> = Fact::ALL.iter().map(|fact| fact.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Fact::ALL.len());
        assert!(Fact::ALL.len() <= 64);
    }

    #[test]
    fn every_fact_is_asked_for() {
        let pages: Vec<&str> = super::super::codes().filter_map(super::super::text).collect();
        for fact in Fact::ALL {
            let asked = |line: &str| {
                let words =
                    line.strip_prefix("- [").and_then(|line| line.split_once("] ")).map(|line| line.0);
                words.is_some_and(|words| {
                    words.split(", ").any(|word| word.strip_prefix("not ").unwrap_or(word) == fact.name())
                })
            };
            assert!(pages.iter().any(|page| page.lines().any(asked)), "no page asks for {}", fact.name());
        }
    }

    #[test]
    fn conditions_are_read_and_hold() {
        let idle = Facts::default().with(Fact::Idle, true).with(Fact::Reset, false);
        let cases = [
            ("a text", true, "a text"),
            ("[idle] a text", true, "a text"),
            ("[not idle] a text", false, "a text"),
            ("[idle, not reset] a text", true, "a text"),
            ("[idle, reset] a text", false, "a text"),
            ("[no such fact] a text", true, "[no such fact] a text"),
            ("[idle", true, "[idle"),
        ];
        for (item, holds, rest) in cases {
            let (when, text) = When::split(item);
            assert_eq!((when.holds(idle), text), (holds, rest), "{item}");
        }
        assert!(idle.has(Fact::Idle) && !idle.has(Fact::Reset));
        assert!(idle.and(Facts::default().with(Fact::Lost, true)).has(Fact::Lost));
    }
}
