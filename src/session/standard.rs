//! Standard RDP Security: MCS in clear, bodies mostly encrypted (MS-RDPBCGR, section 5.3). Read as far as
//! phases and refusals go.

use crate::base::{Dir, Seen, Span};
use crate::protocol::Malformed;
use crate::protocol::gcc::{self, ClientData, ServerData};
use crate::protocol::license::{self, License, LicenseErrorCode};
use crate::protocol::mcs::{self, DisconnectReason, McsResult, Pdu};
use crate::protocol::security::{self, SecurityFlags};
use crate::protocol::share::{Data, Share};

use super::{Phase, Session};

/// What MCS showed.
#[derive(Debug, Default)]
pub struct Standard {
    /// Each phase that was entered, in order, with its first message.
    pub phases: Vec<(Phase, Span)>,
    /// The client's settings.
    pub client: Option<Seen<ClientData>>,
    /// The server's settings.
    pub server: Option<Seen<ServerData>>,
    /// Result of the Connect-Response.
    pub result: Option<Seen<McsResult>>,
    /// A license error other than "valid client", in clear: who sent it, and the code.
    pub license_error: Option<Seen<(Dir, LicenseErrorCode)>>,
    /// The server's last Set Error Info, in clear.
    pub error_info: Option<Seen<u32>>,
    /// Disconnect Provider Ultimatum: who sent it, and the reason.
    pub ultimatum: Option<Seen<(Dir, DisconnectReason)>>,
    /// Server Redirection: its header, or all of it, in clear.
    pub redirection: Option<Span>,
    /// Fast-path output, or as much slow-path output as only graphics needs.
    pub active: Option<Span>,
    /// Whether `active` rests on the amount of slow-path output.
    pub active_inferred: bool,
    server_pdus: u64,
    server_bytes: u64,
}

impl Standard {
    /// A fast-path PDU: output proves graphics.
    pub fn fast_path(&mut self, dir: Dir, span: Span) {
        if dir == Dir::ServerToClient && self.active.is_none() {
            self.active = Some(span);
        }
    }

    /// A TPKT too large to be part of the connection sequence.
    pub fn large(&mut self, dir: Dir) {
        if dir == Dir::ServerToClient {
            self.server_pdus += 1;
            self.server_bytes += 8192;
        }
    }

    /// An MCS PDU.
    ///
    /// # Errors
    /// Where it is no sound one.
    pub fn mcs(&mut self, dir: Dir, payload: &[u8], span: Span) -> Result<(), Malformed> {
        match mcs::parse(payload)? {
            Pdu::ConnectInitial { user_data } => {
                self.enter(Phase::McsConnect, span);
                if let Ok(client) = gcc::client_data(user_data) {
                    self.client.get_or_insert(Seen::new(client, span));
                }
            }
            Pdu::ConnectResponse { result, user_data } => {
                self.enter(Phase::McsConnect, span);
                self.result.get_or_insert(Seen::new(result, span));
                if let Ok(server) = gcc::server_data(user_data) {
                    self.server.get_or_insert(Seen::new(server, span));
                }
            }
            Pdu::ErectDomainRequest
            | Pdu::AttachUserRequest
            | Pdu::AttachUserConfirm { .. }
            | Pdu::ChannelJoinRequest { .. }
            | Pdu::ChannelJoinConfirm { .. } => self.enter(Phase::ChannelJoin, span),
            Pdu::DisconnectProviderUltimatum { reason } => {
                self.ultimatum.get_or_insert(Seen::new((dir, reason), span));
            }
            Pdu::SendDataRequest { payload, .. } | Pdu::SendDataIndication { payload, .. } => {
                self.data(dir, payload, span);
            }
            Pdu::Other(_) => {}
        }
        Ok(())
    }

    /// Whether nothing is encrypted after the security exchange, since none was agreed on.
    pub fn in_clear(&self) -> bool {
        self.server
            .as_ref()
            .is_some_and(|server| server.value.encryption_method.is_some_and(|method| method.0 == 0))
    }

    /// Whether this is a Server Redirection: told by its security header, or, without one, by its share control
    /// header (MS-RDPBCGR, sections 2.2.13.2.1 and 2.2.13.3.1).
    fn redirects(&self, payload: &[u8]) -> bool {
        let asked = self.phases.last().is_some_and(|(phase, _)| *phase >= Phase::ClientInfo);
        let header = || {
            let flags = security::flags(payload).unwrap_or_default();
            flags.contains(SecurityFlags::REDIRECTION_PKT) && flags.contains(SecurityFlags::ENCRYPT)
        };
        asked
            && if self.in_clear() {
                matches!(Share::parse(payload), Ok((Share::Redirection(_), _)))
            } else {
                header()
            }
    }

    fn data(&mut self, dir: Dir, payload: &[u8], span: Span) {
        /// Length of the basic security header.
        const HEADER: usize = 4;
        if dir == Dir::ServerToClient
            && self.in_clear()
            && let Ok((Share::Data(Data::SetErrorInfo(code)), _)) = Share::parse(payload)
        {
            self.error_info = Some(Seen::new(code, span));
            return;
        }
        if dir == Dir::ServerToClient && self.redirects(payload) {
            self.redirection.get_or_insert(span);
            return;
        }
        if self.active.is_some() {
            return;
        }
        let reached = self.phases.last().map_or(Phase::McsConnect, |(phase, _)| *phase);
        if reached < Phase::Capabilities {
            let flags = security::flags(payload).unwrap_or_default();
            if flags.contains(SecurityFlags::EXCHANGE_PKT) && reached < Phase::SecurityExchange {
                self.enter(Phase::SecurityExchange, span);
            } else if flags.contains(SecurityFlags::INFO_PKT) && dir == Dir::ClientToServer {
                self.enter(Phase::ClientInfo, span);
            } else if flags.contains(SecurityFlags::LICENSE_PKT) {
                self.enter(Phase::Licensing, span);
                if !flags.contains(SecurityFlags::ENCRYPT)
                    && let Ok(License::Error { code, .. }) =
                        license::parse(payload.get(HEADER..).unwrap_or_default())
                    && code != LicenseErrorCode::STATUS_VALID_CLIENT
                {
                    self.license_error.get_or_insert(Seen::new((dir, code), span));
                }
            } else if reached == Phase::Licensing && dir == Dir::ServerToClient {
                // The Demand Active follows licensing, in clear or encrypted.
                self.enter(Phase::Capabilities, span);
            }
            return;
        }
        if dir == Dir::ServerToClient {
            self.server_pdus += 1;
            self.server_bytes += payload.len() as u64;
            if self.server_pdus >= Session::ACTIVE_RECORDS && self.server_bytes >= Session::ACTIVE_BYTES {
                self.active = Some(span);
                self.active_inferred = true;
            }
        }
    }

    fn enter(&mut self, phase: Phase, span: Span) {
        if self.phases.last().is_none_or(|(last, _)| *last < phase) {
            self.phases.push((phase, span));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{FrameRef, Stamp, Timestamp};
    use crate::protocol::gcc::EncryptionMethods;

    #[test]
    fn a_redirection_is_told_by_the_header_that_is_readable() {
        let span = Span::from(Stamp { at: FrameRef::new(0, 1), time: Timestamp(0), order: 1 });
        let redirects = |method: u32, phase: Phase, payload: &[u8]| {
            let server =
                ServerData { encryption_method: Some(EncryptionMethods(method)), ..ServerData::default() };
            let server = Some(Seen::new(server, span));
            let mut standard = Standard { server, phases: vec![(phase, span)], ..Standard::default() };
            standard.data(Dir::ServerToClient, payload, span);
            standard.redirection.is_some()
        };
        // Share control header with pduType 0x1A; security header with ENCRYPT and REDIRECTION_PKT.
        let share = [0x10, 0, 0x1a, 0, 0xea, 3, 0, 0, 0, 4, 8, 0, 0, 0, 0, 0];
        let header = [8, 4, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9];
        assert!(redirects(0, Phase::Licensing, &share));
        assert!(redirects(2, Phase::Licensing, &header));
        // The other header, encrypted or of another meaning; and before anybody asked.
        assert!(!redirects(2, Phase::Licensing, &share));
        assert!(!redirects(0, Phase::Licensing, &header));
        assert!(!redirects(0, Phase::ChannelJoin, &share));
    }
}
