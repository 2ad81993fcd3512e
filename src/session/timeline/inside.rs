//! Entries for the clear messages of a session.

use super::Timeline;
use crate::protocol::autodetect::AutoDetect;
use crate::protocol::capabilities::Capabilities;
use crate::protocol::credssp::TsRequest;
use crate::protocol::gcc::ClientData;
use crate::protocol::license::{License, LicenseMessageType};
use crate::protocol::multitransport::RequestedProtocol;
use crate::protocol::rdsaad::Rdsaad;
use crate::protocol::rdstls::Rdstls;
use crate::protocol::redirection::Redirection;
use crate::protocol::session_info::SessionInfo;
use crate::protocol::share::{ControlAction, Data, Share, ShareDataType};
use crate::protocol::spnego::{Message as Mechanism, Token};
use crate::protocol::{kerberos, ntlm};
use crate::session::{Inside, Message, Pdu, Phase};

/// Kind and summary of an entry.
type Told = (&'static str, String);
type Details = Vec<(&'static str, String)>;

impl Timeline {
    /// Every message that is kept.
    pub(super) fn messages(&mut self, inside: &Inside, reached: Phase) {
        for message in inside.messages.iter() {
            let (kind, summary) = tell(message, inside);
            let phase = message.phase.unwrap_or(reached);
            let entry = self.add(message.span, message.dir, phase, kind, summary);
            entry.details = details(message, inside);
        }
        if let Some((count, after)) = inside.messages.dropped() {
            let summary = format!("{count} further messages, not told one by one");
            let entry = self.add(after.span, after.dir, Phase::Active, "messages", summary);
            entry.dir = None;
            entry.details.push(("count", count.to_string()));
        }
    }
}

fn tell(message: &Message, inside: &Inside) -> Told {
    let told = |kind, text: &str| (kind, text.to_owned());
    match &message.pdu {
        Pdu::TsRequest(request) => ("credssp-ts-request", ts_request(request)),
        Pdu::Authorization(result) => {
            ("early-user-authorization-result", format!("Early User Authorization Result: {result}"))
        }
        Pdu::Rdstls(message) => rdstls(message),
        Pdu::Rdsaad(message) => rdsaad(*message),
        Pdu::ConnectInitial => {
            let client = inside.client.as_ref().map_or(String::new(), |client| settings(&client.value));
            ("mcs-connect-initial", format!("MCS Connect-Initial{client}"))
        }
        Pdu::ConnectResponse(result) => ("mcs-connect-response", format!("MCS Connect-Response: {result}")),
        Pdu::ErectDomainRequest => told("mcs-erect-domain-request", "MCS Erect Domain Request"),
        Pdu::AttachUserRequest => told("mcs-attach-user-request", "MCS Attach User Request"),
        Pdu::AttachUserConfirm(result) => {
            ("mcs-attach-user-confirm", format!("MCS Attach User Confirm: {result}"))
        }
        Pdu::ChannelJoinRequest(channel) => {
            ("mcs-channel-join-request", format!("MCS Channel Join Request: {}", named(*channel, inside)))
        }
        Pdu::ChannelJoinConfirm(channel, result) => {
            let channel = named(*channel, inside);
            ("mcs-channel-join-confirm", format!("MCS Channel Join Confirm: {channel}, {result}"))
        }
        Pdu::Ultimatum(reason) => {
            ("mcs-disconnect-provider-ultimatum", format!("MCS Disconnect Provider Ultimatum: {reason}"))
        }
        Pdu::SecurityExchange => {
            told("security-exchange", "Security Exchange: the client's random, encrypted")
        }
        Pdu::ClientInfo { encrypted: true } => told("client-info", "Client Info, encrypted"),
        Pdu::ClientInfo { encrypted: false } => ("client-info", client_info(inside)),
        Pdu::License(None) => told("license-encrypted", "licensing message, encrypted"),
        Pdu::License(Some(message)) => licensing(message),
        Pdu::AutoDetect(message) => auto_detect(*message),
        Pdu::MultitransportRequest(request) => {
            let what = match request.protocol {
                RequestedProtocol::INITIATE_REQUEST_PROTOCOL_UDPFECR => "reliable UDP".to_owned(),
                RequestedProtocol::INITIATE_REQUEST_PROTOCOL_UDPFECL => "lossy UDP".to_owned(),
                other => format!("transport {other}"),
            };
            let text = format!("Initiate Multitransport Request {}: {what}", request.request_id);
            ("multitransport-request", text)
        }
        Pdu::MultitransportResponse(response) => {
            let (id, result) = (response.request_id, response.result);
            ("multitransport-response", format!("Initiate Multitransport Response {id}: {result:#x}"))
        }
        Pdu::Heartbeat(heartbeat) => {
            ("heartbeat", format!("Heartbeat: one every {} s when nothing else is sent", heartbeat.period))
        }
        Pdu::Share(message) => share(message),
        Pdu::EncryptedRedirection => {
            told("server-redirection", "Server Redirection: the server sends the client elsewhere")
        }
        Pdu::Encrypted(1) => told("encrypted-pdu", "PDU of the I/O channel, encrypted"),
        Pdu::Encrypted(count) => ("encrypted-pdu", format!("{count} PDUs of the I/O channel, encrypted")),
    }
}

/// Fields for scripts; more of them are in the session's own facts.
fn details(message: &Message, inside: &Inside) -> Details {
    match &message.pdu {
        Pdu::TsRequest(request) => {
            let code = request.error_code.map(|code| ("error_code", format!("{code:#010x}")));
            [("version", request.version.to_string())].into_iter().chain(code).collect()
        }
        Pdu::ConnectInitial => {
            let build = inside.client.as_ref().and_then(|client| client.value.client_build);
            build.map(|build| ("client_build", build.to_string())).into_iter().collect()
        }
        Pdu::ConnectResponse(result) | Pdu::AttachUserConfirm(result) => {
            vec![("result", result.0.to_string())]
        }
        Pdu::ChannelJoinRequest(channel) => vec![("channel", channel.to_string())],
        Pdu::ChannelJoinConfirm(channel, result) => {
            vec![("channel", channel.to_string()), ("result", result.0.to_string())]
        }
        Pdu::MultitransportRequest(request) => vec![("request_id", request.request_id.to_string())],
        Pdu::MultitransportResponse(response) => {
            let result = format!("{:#x}", response.result);
            vec![("request_id", response.request_id.to_string()), ("result", result)]
        }
        Pdu::License(Some(license)) => match &**license {
            License::Error { code, transition } => {
                vec![("error_code", code.0.to_string()), ("state_transition", transition.0.to_string())]
            }
            License::Request { .. } | License::NewRequest { .. } | License::Message(_) => Vec::new(),
        },
        Pdu::Share(share) => match &**share {
            Share::Data(Data::SetErrorInfo(code)) => vec![("error_info", format!("{code:#x}"))],
            Share::DemandActive(all) | Share::ConfirmActive(all) => {
                let names: Vec<String> = all.sets.iter().map(ToString::to_string).collect();
                vec![("capability_sets", names.join(", "))]
            }
            Share::DeactivateAll | Share::Redirection(_) | Share::Data(_) | Share::Flow | Share::Other(_) => {
                Vec::new()
            }
        },
        Pdu::Authorization(_)
        | Pdu::Rdstls(_)
        | Pdu::Rdsaad(_)
        | Pdu::ErectDomainRequest
        | Pdu::AttachUserRequest
        | Pdu::Ultimatum(_)
        | Pdu::SecurityExchange
        | Pdu::ClientInfo { .. }
        | Pdu::License(None)
        | Pdu::AutoDetect(_)
        | Pdu::Heartbeat(_)
        | Pdu::EncryptedRedirection
        | Pdu::Encrypted(_) => Vec::new(),
    }
}

fn ts_request(request: &TsRequest) -> String {
    let mut parts: Vec<String> = request.tokens.iter().map(token).filter(|text| !text.is_empty()).collect();
    let fields = [
        (request.pub_key_auth, "pubKeyAuth"),
        (request.auth_info, "authInfo"),
        (request.client_nonce, "clientNonce"),
    ];
    parts.extend(fields.into_iter().filter(|(there, _)| *there).map(|(_, name)| name.to_owned()));
    parts.extend(request.error_code.map(|code| format!("errorCode {code:#010x}")));
    format!("CredSSP TSRequest, version {}: {}", request.version, parts.join(", "))
}

fn token(token: &Token) -> String {
    let message = token.message.as_ref().map(|message| match message {
        Mechanism::Ntlm(ntlm::Message::Negotiate { .. }) => "NTLM NEGOTIATE".to_owned(),
        Mechanism::Ntlm(ntlm::Message::Challenge { .. }) => "NTLM CHALLENGE".to_owned(),
        Mechanism::Ntlm(ntlm::Message::Authenticate { domain, user, .. }) => {
            let user = account(domain.as_deref().unwrap_or_default(), user.as_deref().unwrap_or_default());
            format!("NTLM AUTHENTICATE of {user}")
        }
        Mechanism::Kerberos(kerberos::Message::ApReq { service, .. }) => {
            let service = service.as_deref().map_or(String::new(), |service| format!(" for {service}"));
            format!("Kerberos AP-REQ{service}")
        }
        Mechanism::Kerberos(kerberos::Message::Error { code }) => format!("KRB-ERROR {code}"),
        Mechanism::Kerberos(kerberos::Message::Other(kind)) => format!("Kerberos {kind}").replace('_', "-"),
    });
    let mechanisms =
        (!token.mechanisms.is_empty()).then(|| format!("SPNEGO {}", token.mechanisms.join(", ")));
    let state = token.state.map(|state| format!("SPNEGO {state}"));
    [mechanisms, state, message].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// "DOMAIN\user", or "nobody".
fn account(domain: &str, user: &str) -> String {
    match (domain, user) {
        ("", "") => "nobody".to_owned(),
        ("", user) => user.to_owned(),
        (domain, user) => format!("{domain}\\{user}"),
    }
}

fn rdstls(message: &Rdstls) -> Told {
    match message {
        Rdstls::Capabilities { versions } => {
            ("rdstls-capabilities", format!("RDSTLS Capabilities: versions {versions:#x}"))
        }
        Rdstls::Password { user, domain } => {
            let text = format!("RDSTLS Authentication Request: password of {}", account(domain, user));
            ("rdstls-authentication-request", text)
        }
        Rdstls::AutoReconnect { session } => {
            let text = format!("RDSTLS Authentication Request: auto-reconnect to session {session}");
            ("rdstls-authentication-request", text)
        }
        Rdstls::Response { result } => {
            ("rdstls-authentication-response", format!("RDSTLS Authentication Response: {result}"))
        }
        Rdstls::Other(pdu, data) => ("rdstls-message", format!("RDSTLS message of type {pdu}, {data}")),
    }
}

fn rdsaad(message: Rdsaad) -> Told {
    match message {
        Rdsaad::ServerNonce => ("rdsaad-server-nonce", "RDSAAD: the server's nonce".to_owned()),
        Rdsaad::Assertion => ("rdsaad-authentication-request", "RDSAAD: the client's assertion".to_owned()),
        Rdsaad::Result(code) => ("rdsaad-authentication-result", format!("RDSAAD: result {code:#x}")),
        Rdsaad::Other => ("rdsaad-message", "RDSAAD message".to_owned()),
    }
}

fn settings(client: &ClientData) -> String {
    let name = client.client_name.as_deref().unwrap_or_default();
    let build = client.client_build.map_or(String::new(), |build| format!(", build {build}"));
    let size = client.desktop_width.zip(client.desktop_height);
    let size = size.map_or(String::new(), |(width, height)| format!(", {width}x{height}"));
    let channels = match client.channels.as_slice() {
        [] => String::new(),
        channels => format!(", channels {}", channels.join(", ")),
    };
    format!(": client {name}{build}{size}{channels}")
}

/// "channel 1004 (rdpdr)".
fn named(channel: u16, inside: &Inside) -> String {
    if inside.user == Some(channel) {
        return format!("channel {channel} (user)");
    }
    let name = inside.server.as_ref().map(|server| &server.value).and_then(|server| {
        if server.io_channel == Some(channel) {
            return Some("I/O");
        }
        if server.message_channel == Some(channel) {
            return Some("message");
        }
        let at = server.channel_ids.iter().position(|id| *id == channel)?;
        inside.client.as_ref()?.value.channels.get(at).map(String::as_str)
    });
    name.map_or_else(|| format!("channel {channel}"), |name| format!("channel {channel} ({name})"))
}

fn client_info(inside: &Inside) -> String {
    let Some(info) = inside.client_info.as_ref().map(|info| &info.value) else {
        return "Client Info".to_owned();
    };
    let user = account(&info.domain, &info.user);
    let with = if info.password { "with a password" } else { "without a password" };
    let again = info.extended.as_ref().is_some_and(|more| more.auto_reconnect);
    let again = if again { ", auto-reconnect" } else { "" };
    format!("Client Info: user {user}, {with}{again}")
}

fn licensing(message: &License) -> Told {
    let kind = match message.kind() {
        LicenseMessageType::LICENSE_REQUEST => "license-request",
        LicenseMessageType::PLATFORM_CHALLENGE => "license-platform-challenge",
        LicenseMessageType::NEW_LICENSE => "license-new-license",
        LicenseMessageType::UPGRADE_LICENSE => "license-upgrade-license",
        LicenseMessageType::LICENSE_INFO => "license-info",
        LicenseMessageType::NEW_LICENSE_REQUEST => "license-new-license-request",
        LicenseMessageType::PLATFORM_CHALLENGE_RESPONSE => "license-platform-challenge-response",
        LicenseMessageType::ERROR_ALERT => "license-error-alert",
        _ => "license-message",
    };
    let text = match message {
        License::Error { code, transition } => format!("licensing: {code}, {transition}"),
        License::Request { product: Some(product), .. } => {
            format!("licensing: LICENSE_REQUEST for {product}")
        }
        License::Request { .. } | License::NewRequest { .. } | License::Message(_) => {
            format!("licensing: {}", message.kind())
        }
    };
    (kind, text)
}

fn auto_detect(message: AutoDetect) -> Told {
    const REQUEST: &str = "auto-detect-request";
    const RESPONSE: &str = "auto-detect-response";
    let (kind, text) = match message {
        AutoDetect::RttRequest => (REQUEST, "RTT Measure Request".to_owned()),
        AutoDetect::RttResponse => (RESPONSE, "RTT Measure Response".to_owned()),
        AutoDetect::BandwidthStart => (REQUEST, "Bandwidth Measure Start".to_owned()),
        AutoDetect::BandwidthPayload => (REQUEST, "Bandwidth Measure Payload".to_owned()),
        AutoDetect::BandwidthStop => (REQUEST, "Bandwidth Measure Stop".to_owned()),
        AutoDetect::BandwidthResults { time_delta, byte_count } => {
            (RESPONSE, format!("Bandwidth Measure Results: {byte_count} bytes in {time_delta} ms"))
        }
        AutoDetect::Result(figures) => (REQUEST, format!("Network Characteristics Result: {figures}")),
        AutoDetect::Sync(figures) => (RESPONSE, format!("Network Characteristics Sync: {figures}")),
        AutoDetect::Other(0, kind) => (REQUEST, format!("type {kind:#06x}")),
        AutoDetect::Other(_, kind) => (RESPONSE, format!("type {kind:#06x}")),
    };
    (kind, format!("auto-detect: {text}"))
}

fn share(share: &Share) -> Told {
    match share {
        Share::DemandActive(all) => ("demand-active", format!("Demand Active: {}", capabilities(all))),
        Share::ConfirmActive(all) => ("confirm-active", format!("Confirm Active: {}", capabilities(all))),
        Share::DeactivateAll => ("deactivate-all", "Deactivate All".to_owned()),
        Share::Redirection(packet) => ("server-redirection", redirected(packet)),
        Share::Data(data) => self::data(data),
        Share::Flow => ("flow-pdu", "Flow PDU".to_owned()),
        Share::Other(kind) => ("share-pdu", format!("share PDU {kind}")),
    }
}

fn capabilities(all: &Capabilities) -> String {
    let desktop = all.desktop.map_or(String::new(), |(width, height, depth)| {
        format!(", desktop {width}x{height} with {depth} bits a pixel")
    });
    format!("{} capability sets{desktop}", all.sets.len())
}

fn redirected(packet: &Redirection) -> String {
    let target = packet.target().map_or(String::new(), |target| format!(", to {target}"));
    let token = packet.load_balance_info.as_deref();
    let token = token.map_or(String::new(), |token| format!(", with the routing token {token}"));
    format!("Server Redirection: the server sends the client elsewhere{target}{token}")
}

fn data(data: &Data) -> Told {
    match data {
        Data::Synchronize => ("synchronize", "Synchronize".to_owned()),
        Data::Control(action) => {
            let kind = match *action {
                ControlAction::CTRLACTION_REQUEST_CONTROL => "control-request",
                ControlAction::CTRLACTION_GRANTED_CONTROL => "control-granted",
                ControlAction::CTRLACTION_COOPERATE => "control-cooperate",
                _ => "control",
            };
            (kind, format!("Control: {action}"))
        }
        Data::FontList => ("font-list", "Font List".to_owned()),
        Data::FontMap => ("font-map", "Font Map".to_owned()),
        Data::SetErrorInfo(code) => ("set-error-info", format!("Set Error Info {code:#x}")),
        Data::SessionInfo(info) => {
            ("save-session-info", format!("Save Session Info: {}", session_info(info)))
        }
        Data::Status(code) => ("server-status-info", format!("Server Status Info: {code}")),
        Data::MonitorLayout(1) => ("monitor-layout", "Monitor Layout: one monitor".to_owned()),
        Data::MonitorLayout(count) => ("monitor-layout", format!("Monitor Layout: {count} monitors")),
        Data::Other(ShareDataType::PDUTYPE2_BITMAPCACHE_PERSISTENT_LIST) => {
            ("persistent-key-list", "Persistent Key List".to_owned())
        }
        Data::Other(ShareDataType::PDUTYPE2_SHUTDOWN_REQUEST) => {
            ("shutdown-request", "Shutdown Request: the user wants to leave".to_owned())
        }
        Data::Other(ShareDataType::PDUTYPE2_SHUTDOWN_DENIED) => {
            ("shutdown-denied", "Shutdown Request Denied: the user is still logged on".to_owned())
        }
        Data::Other(kind) => ("share-data", format!("share data PDU {kind}")),
    }
}

fn session_info(info: &SessionInfo) -> String {
    match info {
        SessionInfo::Logon { domain, user, session } => {
            format!("{} is logged on, session {session}", account(domain, user))
        }
        SessionInfo::PlainNotify => "the user is logged on".to_owned(),
        SessionInfo::Extended { auto_reconnect, error } => {
            let error = error.map(|(kind, data)| format!("logon error {kind}, {data}"));
            let cookie = auto_reconnect.then(|| "auto-reconnect cookie".to_owned());
            [error, cookie].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        SessionInfo::Other(kind) => format!("type {kind:#x}"),
    }
}
