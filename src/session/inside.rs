//! What is inside of a session whose bytes are clear: decrypted, or never encrypted. Under Standard RDP
//! Security (MS-RDPBCGR, section 5.3) MCS and the security headers are in clear while most bodies are not.

mod messages;
mod pdus;
mod reader;

use std::borrow::Cow;

use crate::base::{Dir, PerDir, Seen, Span};
use crate::layers::{Keys, Standard};
use crate::protocol::autodetect::Characteristics;
use crate::protocol::capabilities::Capabilities;
use crate::protocol::client_info::ClientInfo;
use crate::protocol::credssp::AuthorizationResult;
use crate::protocol::gcc::{ClientData, ServerData};
use crate::protocol::heartbeat::Heartbeat;
use crate::protocol::license::{LicenseErrorCode, LicenseMessageType};
use crate::protocol::mcs::{DisconnectReason, McsResult};
use crate::protocol::rdstls::ResultCode;
use crate::protocol::redirection::Redirection;
use crate::protocol::session_info::{LogonErrorData, LogonErrorType};
use crate::protocol::share::StatusCode;
use crate::protocol::{kerberos, multitransport, ntlm};
use crate::session::Phase;

pub use messages::{Message, Messages, Pdu};
pub use reader::{Clear, Reader};

/// What the clear messages showed.
#[derive(Debug, Default)]
pub struct Inside {
    /// Each phase that was entered, in order, with its first message.
    pub phases: Vec<(Phase, Span)>,
    /// The messages in order, graphics and input apart.
    pub messages: Messages,
    /// CredSSP, RDSTLS or RDSAAD.
    pub nla: Nla,
    /// The client's settings.
    pub client: Option<Seen<ClientData>>,
    /// The server's settings.
    pub server: Option<Seen<ServerData>>,
    /// Result of the Connect-Response.
    pub result: Option<Seen<McsResult>>,
    /// The first Attach User Confirm that refuses.
    pub refused: Option<Seen<McsResult>>,
    /// The client's user id, which is a channel of its own.
    pub user: Option<u16>,
    /// Channels that the client joined.
    pub joined: Vec<u16>,
    /// Client Info.
    pub client_info: Option<Seen<ClientInfo>>,
    /// Licensing.
    pub licensing: Licensing,
    /// What RDP measured of the line.
    pub line: Line,
    /// Invitations to UDP, with the client's answers, at most [`Inside::TRANSPORTS`].
    pub multitransport: Vec<Multitransport>,
    /// The server's first heartbeat.
    pub heartbeat: Option<Seen<Heartbeat>>,
    /// The first Demand Active and Confirm Active.
    pub capabilities: PerDir<Option<Seen<Capabilities>>>,
    /// Who is logged on.
    pub logon: Option<Seen<Logon>>,
    /// The last logon error.
    pub logon_error: Option<Seen<(LogonErrorType, LogonErrorData)>>,
    /// The server gave the client an auto-reconnect cookie.
    pub auto_reconnect: Option<Span>,
    /// The last Server Status Info.
    pub status: Option<Seen<StatusCode>>,
    /// The server's last Set Error Info that says something.
    pub error_info: Option<Seen<u32>>,
    /// Disconnect Provider Ultimatum: who sent it, and the reason.
    pub ultimatum: Option<Seen<(Dir, DisconnectReason)>>,
    /// Server Redirection; `None` inside where it is encrypted, and only its security header readable.
    pub redirection: Option<Seen<Option<Redirection>>>,
    /// Font Map, output, or as much slow-path output as only graphics needs.
    pub active: Option<Span>,
    /// Whether `active` rests on the amount of slow-path output.
    pub active_inferred: bool,
    /// What opens Standard RDP Security.
    security: Option<Box<Standard>>,
    /// The client's random as it was sent, until it is known whether a key opens it.
    sealed_random: Option<Vec<u8>>,
    server_pdus: u64,
    server_bytes: u64,
}

/// The authentication inside TLS.
#[derive(Debug, Default)]
pub struct Nla {
    /// CredSSP version of each end.
    pub versions: PerDir<Option<u32>>,
    /// Mechanisms that the client offered in SPNEGO, at most 16.
    pub mechanisms: Vec<Cow<'static, str>>,
    /// NTLM CHALLENGE_MESSAGE.
    pub challenge: Option<Seen<ntlm::Message>>,
    /// NTLM AUTHENTICATE_MESSAGE.
    pub authenticate: Option<Seen<ntlm::Message>>,
    /// Kerberos AP-REQ.
    pub ap_req: Option<Seen<kerberos::Message>>,
    /// Error of Kerberos: who sent it, and the code.
    pub kerberos_error: Option<Seen<(Dir, u32)>>,
    /// The server's errorCode, an NTSTATUS.
    pub error_code: Option<Seen<u32>>,
    /// SPNEGO of the server says "reject".
    pub rejected: Option<Span>,
    /// Early User Authorization Result.
    pub authorization: Option<Seen<AuthorizationResult>>,
    /// The server's answer in RDSTLS.
    pub rdstls: Option<Seen<ResultCode>>,
    /// The server's answer in RDSAAD.
    pub rdsaad: Option<Seen<u32>>,
    /// User and domain of an RDSTLS request.
    pub rdstls_user: Option<Seen<(String, String)>>,
    /// The client's last message.
    pub asked: Option<Span>,
}

/// Licensing.
#[derive(Debug, Default)]
pub struct Licensing {
    /// Its messages in order, at most [`Licensing::MESSAGES`]; `None` for one that is encrypted.
    pub messages: Vec<(Dir, Option<LicenseMessageType>)>,
    /// What licenses are for, and who may issue them.
    pub product: Option<String>,
    /// The names of user and machine that the client asks a license for.
    pub requester: Option<(Option<String>, Option<String>)>,
    /// How it ended well: "valid client", a license, or the first message after licensing.
    pub done: Option<Span>,
    /// An error other than "valid client": who sent it, and the code.
    pub error: Option<Seen<(Dir, LicenseErrorCode)>>,
}

impl Licensing {
    /// Messages kept: an exchange has six.
    pub const MESSAGES: usize = 16;
}

/// What RDP measured of the line.
#[derive(Debug, Default)]
pub struct Line {
    /// The server's last result.
    pub characteristics: Option<Seen<Characteristics>>,
    /// The client's last bandwidth measurement: milliseconds and bytes.
    pub measured: Option<Seen<(u32, u32)>>,
    /// Round trip of the first RTT request as the capture shows it, in nanoseconds.
    pub rtt: Option<Seen<i64>>,
    rtt_asked: Option<(u16, Span)>,
}

/// One invitation to UDP.
#[derive(Clone, Copy, Debug)]
pub struct Multitransport {
    /// The server's request.
    pub request: Seen<multitransport::Request>,
    /// The client's answer, an HRESULT.
    pub response: Option<Seen<u32>>,
}

/// Who is logged on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logon {
    /// The user's domain.
    pub domain: String,
    /// The user.
    pub user: String,
    /// The session.
    pub session: u32,
}

impl Inside {
    /// Invitations kept; servers send one or two.
    pub const TRANSPORTS: usize = 4;
    /// Channels kept: 31 static ones, and the user's, the I/O and the message channel.
    const CHANNELS: usize = 34;

    /// Whether nothing is encrypted after the security exchange, since none was agreed on.
    pub fn in_clear(&self) -> bool {
        self.server
            .as_ref()
            .is_some_and(|server| server.value.encryption_method.is_some_and(|method| method.0 == 0))
    }

    /// Takes keys that may open what follows a Security Exchange.
    fn open_with(&mut self, keys: &Keys) {
        let Some(sealed) = self.sealed_random.take() else { return };
        let server = self.server.as_ref().map(|server| &server.value);
        let agreed = server.and_then(|server| server.encryption_method.zip(server.random));
        let security = agreed.and_then(|(method, random)| keys.standard(method, &sealed, &random));
        self.security = security.map(Box::new);
    }

    /// Whether every PDU of `dir` is needed, since it is a part of what is opened.
    fn opens(&self, dir: Dir) -> bool {
        self.security.as_ref().is_some_and(|security| security.is_open(dir))
    }

    /// Licensing began, and neither ended well nor by an error.
    pub fn license_open(&self) -> bool {
        !self.licensing.messages.is_empty() && self.licensing.done.is_none() && self.licensing.error.is_none()
    }

    /// The latest phase that was entered.
    pub fn reached(&self) -> Option<Phase> {
        self.phases.last().map(|(phase, _)| *phase)
    }

    fn enter(&mut self, phase: Phase, span: Span) {
        if self.reached().is_none_or(|last| last < phase) {
            self.phases.push((phase, span));
        }
    }

    fn activate(&mut self, span: Span) {
        if self.active.is_none() {
            self.active = Some(span);
            self.active_inferred = false;
            self.enter(Phase::Active, span);
        }
    }

    fn log(&mut self, dir: Dir, span: Span, pdu: Pdu) {
        let phase = pdu.phase().or(self.reached());
        self.messages.push(Message { dir, phase, span, pdu });
    }
}

#[cfg(test)]
mod tests;
