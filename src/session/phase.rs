//! The phases of a connection, in order (MS-RDPBCGR, section 1.3.1.1).

/// How far a connection got. Entered by the first byte of the phase's first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// TCP handshake.
    TcpConnect,
    /// X.224 Connection Request and Confirm.
    X224Negotiation,
    /// TLS handshake.
    TlsHandshake,
    /// CredSSP, RDSTLS or RDSAAD.
    Nla,
    /// MCS Connect-Initial and Connect-Response.
    McsConnect,
    /// MCS Erect Domain, Attach User and Channel Joins.
    ChannelJoin,
    /// Security Exchange of Standard RDP Security.
    SecurityExchange,
    /// Client Info.
    ClientInfo,
    /// Licensing.
    Licensing,
    /// Capabilities exchange and finalization.
    Capabilities,
    /// The user sees the remote desktop.
    Active,
    /// RDP-UDP: SYN and SYN+ACK.
    UdpConnect,
    /// RDP-UDP: TLS or DTLS.
    UdpSecurity,
    /// RDP-UDP: tunnel request and answer.
    UdpTunnel,
    /// RDP-UDP: data.
    UdpActive,
}

impl Phase {
    /// The name used in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Phase::TcpConnect => "tcp-connect",
            Phase::X224Negotiation => "x224-negotiation",
            Phase::TlsHandshake => "tls-handshake",
            Phase::Nla => "nla",
            Phase::McsConnect => "mcs-connect",
            Phase::ChannelJoin => "channel-join",
            Phase::SecurityExchange => "security-exchange",
            Phase::ClientInfo => "client-info",
            Phase::Licensing => "licensing",
            Phase::Capabilities => "capabilities",
            Phase::Active => "active",
            Phase::UdpConnect => "udp-connect",
            Phase::UdpSecurity => "udp-security",
            Phase::UdpTunnel => "udp-tunnel",
            Phase::UdpActive => "udp-active",
        }
    }

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

    /// When something happened in the phase, in the middle of a sentence.
    pub const fn during(self) -> &'static str {
        match self {
            Phase::TcpConnect => "during TCP connect",
            Phase::X224Negotiation => "during the RDP negotiation (X.224)",
            Phase::TlsHandshake => "during the TLS handshake",
            Phase::Nla => "during the NLA logon (CredSSP)",
            Phase::McsConnect => "during the exchange of RDP settings (MCS connect)",
            Phase::ChannelJoin => "while channels were joined",
            Phase::SecurityExchange => "during the security exchange",
            Phase::ClientInfo => "after the client had sent its settings (client info)",
            Phase::Licensing => "during licensing",
            Phase::Capabilities => "during the exchange of capabilities",
            Phase::Active => "in the active session",
            Phase::UdpConnect => "during RDP-UDP connect",
            Phase::UdpSecurity => "while security was set up over UDP",
            Phase::UdpTunnel => "while the tunnel was set up",
            Phase::UdpActive => "in the active UDP flow",
        }
    }

    /// Every phase, in order.
    pub const ALL: [Phase; 15] = [
        Phase::TcpConnect,
        Phase::X224Negotiation,
        Phase::TlsHandshake,
        Phase::Nla,
        Phase::McsConnect,
        Phase::ChannelJoin,
        Phase::SecurityExchange,
        Phase::ClientInfo,
        Phase::Licensing,
        Phase::Capabilities,
        Phase::Active,
        Phase::UdpConnect,
        Phase::UdpSecurity,
        Phase::UdpTunnel,
        Phase::UdpActive,
    ];
}
