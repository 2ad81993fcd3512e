//! MCS and what rides on it: each message is told apart by channel, security header or share header, and
//! what it says is kept.

use super::{Inside, Logon, Message, Multitransport, Pdu};
use crate::base::{Dir, Seen, Span};
use crate::protocol::autodetect::{self, AutoDetect};
use crate::protocol::fastpath::FastPathHeader;
use crate::protocol::gcc::EncryptionLevel;
use crate::protocol::license::{self, License, LicenseErrorCode, LicenseMessageType};
use crate::protocol::mcs::{self, McsResult};
use crate::protocol::security::{self, SecurityFlags};
use crate::protocol::session_info::SessionInfo;
use crate::protocol::share::{Data, Share, ShareDataType};
use crate::protocol::{Malformed, client_info, gcc, heartbeat, multitransport, redirection};
use crate::session::{Phase, Session};

/// What a Security Exchange holds: `length u32 · encrypted random` (MS-RDPBCGR, section 2.2.1.10.1).
fn sealed_random(body: &[u8]) -> Option<Vec<u8>> {
    /// A key of 8192 bits, and the padding.
    const LONGEST: usize = 1024 + 8;
    let (length, rest) = body.split_first_chunk()?;
    let length = u32::from_le_bytes(*length) as usize;
    rest.get(..length).filter(|sealed| sealed.len() <= LONGEST).map(<[u8]>::to_vec)
}

/// The I/O channel of servers that do not name it.
const IO_CHANNEL: u16 = 1003;

/// PDUs of the server after which encrypted ones are no longer told.
const ENCRYPTED: u64 = 24;

impl Inside {
    /// A fast-path PDU: output proves graphics.
    pub(super) fn fast_path(&mut self, dir: Dir, header: &FastPathHeader, body: Option<&[u8]>, span: Span) {
        if dir == Dir::ServerToClient {
            self.activate(span);
        }
        // Nobody reads it, but it is a part of the stream that hides what follows.
        if let Some(security) = self.security.as_mut().filter(|_| header.is_encrypted()) {
            let opened = body.and_then(|body| security.open(dir, body, header.is_salted()));
            if opened.is_none() {
                security.lose(dir);
            }
        }
    }

    /// The capture lacks a PDU, or where they begin.
    pub(super) fn lose(&mut self, dir: Dir) {
        self.security.iter_mut().for_each(|security| security.lose(dir));
    }

    /// What an encrypted PDU holds, with a header that says so no more, where a key opens it.
    fn opened(&mut self, dir: Dir, payload: &[u8]) -> Option<Vec<u8>> {
        // At the low level the server encrypts nothing.
        let server = self.server.as_ref()?;
        let low = server.value.encryption_level == Some(EncryptionLevel::ENCRYPTION_LEVEL_LOW);
        let security = self.security.as_mut().filter(|_| !(low && dir == Dir::ServerToClient))?;
        let flags = security::flags(payload).filter(|flags| flags.contains(SecurityFlags::ENCRYPT))?;
        let (header, sealed) = payload.split_at_checked(security::HEADER_LEN)?;
        let clear = security.open(dir, sealed, flags.contains(SecurityFlags::SECURE_CHECKSUM))?;
        let flags = flags.0 & !SecurityFlags::ENCRYPT.0;
        Some([&flags.to_le_bytes()[..], header.get(2..)?, &clear].concat())
    }

    /// A TPKT too large to be part of the connection sequence.
    pub(super) fn large(&mut self, dir: Dir) {
        if dir == Dir::ServerToClient {
            self.server_pdus += 1;
            self.server_bytes += 8192;
        }
        self.lose(dir);
    }

    /// An MCS PDU.
    ///
    /// # Errors
    /// Where it, or what it carries, is no sound message.
    pub(super) fn mcs(&mut self, dir: Dir, payload: &[u8], span: Span) -> Result<(), Malformed> {
        let pdu = match mcs::parse(payload)? {
            mcs::Pdu::ConnectInitial { user_data } => {
                self.enter(Phase::McsConnect, span);
                if let Ok(client) = gcc::client_data(user_data) {
                    self.client.get_or_insert(Seen::new(client, span));
                }
                Pdu::ConnectInitial
            }
            mcs::Pdu::ConnectResponse { result, user_data } => {
                self.enter(Phase::McsConnect, span);
                self.result.get_or_insert(Seen::new(result, span));
                if let Ok(server) = gcc::server_data(user_data) {
                    self.server.get_or_insert(Seen::new(server, span));
                }
                Pdu::ConnectResponse(result)
            }
            mcs::Pdu::ErectDomainRequest => Pdu::ErectDomainRequest,
            mcs::Pdu::AttachUserRequest => Pdu::AttachUserRequest,
            mcs::Pdu::AttachUserConfirm { result, user } => {
                self.user = self.user.or(user);
                if result != McsResult::RT_SUCCESSFUL {
                    self.refused.get_or_insert(Seen::new(result, span));
                }
                Pdu::AttachUserConfirm(result)
            }
            mcs::Pdu::ChannelJoinRequest { channel, .. } => Pdu::ChannelJoinRequest(channel),
            mcs::Pdu::ChannelJoinConfirm { result, requested, .. } => {
                if result == McsResult::RT_SUCCESSFUL && self.joined.len() < Self::CHANNELS {
                    self.joined.push(requested);
                }
                Pdu::ChannelJoinConfirm(requested, result)
            }
            mcs::Pdu::DisconnectProviderUltimatum { reason } => {
                self.ultimatum.get_or_insert(Seen::new((dir, reason), span));
                Pdu::Ultimatum(reason)
            }
            mcs::Pdu::SendDataRequest { channel, payload, .. }
            | mcs::Pdu::SendDataIndication { channel, payload, .. } => {
                return self.data(dir, channel, payload, span);
            }
            mcs::Pdu::Other(_) => return Ok(()),
        };
        if let Some(phase) = pdu.phase() {
            self.enter(phase, span);
        }
        self.log(dir, span, pdu);
        Ok(())
    }

    /// Whether a security header begins every PDU, since encryption was agreed on.
    fn encrypts(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.value.encryption_method.is_some_and(|m| m.0 != 0))
    }

    fn data(&mut self, dir: Dir, channel: u16, payload: &[u8], span: Span) -> Result<(), Malformed> {
        let server = self.server.as_ref().map(|server| &server.value);
        let io = server.and_then(|server| server.io_channel).unwrap_or(IO_CHANNEL);
        let messages = server.and_then(|server| server.message_channel);
        let opened = self.opened(dir, payload);
        let payload = opened.as_deref().unwrap_or(payload);
        self.count(dir, payload, span);
        if channel != io && messages != Some(channel) {
            return Ok(());
        }
        let body = payload.get(security::HEADER_LEN..).unwrap_or_default();
        if messages == Some(channel) || self.encrypts() || !Share::begins(payload) {
            let flags = security::flags(payload).unwrap_or_default();
            self.headed(dir, flags, body, span)
        } else {
            self.shares(dir, payload, span)
        }
    }

    /// Slow-path output that only graphics needs, where nothing tells what it is.
    fn count(&mut self, dir: Dir, payload: &[u8], span: Span) {
        if dir != Dir::ServerToClient || self.active.is_some() || self.reached() < Some(Phase::Capabilities) {
            return;
        }
        self.server_pdus += 1;
        self.server_bytes += payload.len() as u64;
        if self.server_pdus >= Session::ACTIVE_RECORDS && self.server_bytes >= Session::ACTIVE_BYTES {
            self.activate(span);
            self.active_inferred = true;
        }
    }

    /// A PDU that begins with a security header.
    fn headed(&mut self, dir: Dir, flags: SecurityFlags, body: &[u8], span: Span) -> Result<(), Malformed> {
        let is = |flag| flags.contains(flag);
        let client = dir == Dir::ClientToServer;
        if is(SecurityFlags::ENCRYPT) {
            self.encrypted(dir, flags, span);
        } else if is(SecurityFlags::EXCHANGE_PKT) && client {
            self.enter(Phase::SecurityExchange, span);
            self.log(dir, span, Pdu::SecurityExchange);
            self.sealed_random = sealed_random(body);
        } else if is(SecurityFlags::INFO_PKT) && client {
            self.enter(Phase::ClientInfo, span);
            self.log(dir, span, Pdu::ClientInfo { encrypted: false });
            self.client_info.get_or_insert(Seen::new(client_info::parse(body)?, span));
        } else if is(SecurityFlags::LICENSE_PKT) {
            self.enter(Phase::Licensing, span);
            self.license(dir, license::parse(body)?, span);
        } else if is(SecurityFlags::REDIRECTION_PKT) {
            let packet = redirection::parse(body)?;
            self.log(dir, span, Pdu::Share(Box::new(Share::Redirection(packet.clone()))));
            self.redirection.get_or_insert(Seen::new(Some(packet), span));
        } else if is(SecurityFlags::AUTODETECT_REQ) || is(SecurityFlags::AUTODETECT_RSP) {
            self.auto_detect(dir, autodetect::parse(body)?, span);
        } else if is(SecurityFlags::TRANSPORT_REQ) {
            let request = multitransport::parse_request(body)?;
            self.log(dir, span, Pdu::MultitransportRequest(request));
            if self.multitransport.len() < Self::TRANSPORTS {
                let request = Seen::new(request, span);
                self.multitransport.push(Multitransport { request, response: None });
            }
        } else if is(SecurityFlags::TRANSPORT_RSP) {
            let response = multitransport::parse_response(body)?;
            self.log(dir, span, Pdu::MultitransportResponse(response));
            let asked = self.multitransport.iter_mut();
            for asked in asked.filter(|asked| asked.request.value.request_id == response.request_id) {
                asked.response = Some(Seen::new(response.result, span));
            }
        } else if is(SecurityFlags::HEARTBEAT) {
            if self.heartbeat.is_none() {
                let heartbeat = heartbeat::parse(body)?;
                self.heartbeat = Some(Seen::new(heartbeat, span));
                self.log(dir, span, Pdu::Heartbeat(heartbeat));
            }
        } else if Share::begins(body) {
            return self.shares(dir, body, span);
        } else if self.server.is_none() {
            // Nobody knows whether encryption was agreed on.
            self.encrypted(dir, SecurityFlags::default(), span);
        }
        Ok(())
    }

    /// A PDU of which only the security header is readable.
    fn encrypted(&mut self, dir: Dir, flags: SecurityFlags, span: Span) {
        let server = dir == Dir::ServerToClient;
        if flags.contains(SecurityFlags::INFO_PKT) && !server {
            self.enter(Phase::ClientInfo, span);
            self.log(dir, span, Pdu::ClientInfo { encrypted: true });
        } else if flags.contains(SecurityFlags::LICENSE_PKT) {
            self.enter(Phase::Licensing, span);
            self.licensing.message(dir, None);
            self.log(dir, span, Pdu::License(None));
        } else if flags.contains(SecurityFlags::REDIRECTION_PKT)
            && server
            && self.reached() >= Some(Phase::ClientInfo)
        {
            self.log(dir, span, Pdu::EncryptedRedirection);
            self.redirection.get_or_insert(Seen::new(None, span));
        } else if self.active.is_none() {
            if server && self.reached() == Some(Phase::Licensing) {
                // The Demand Active follows licensing.
                self.enter(Phase::Capabilities, span);
                self.licensing.done.get_or_insert(span);
            }
            match self.messages.last_mut() {
                Some(Message { dir: last_dir, span: run, pdu: Pdu::Encrypted(count), .. })
                    if *last_dir == dir =>
                {
                    *count += 1;
                    run.last = span.last;
                }
                _ if self.server_pdus < ENCRYPTED => self.log(dir, span, Pdu::Encrypted(1)),
                _ => {}
            }
        }
    }

    fn license(&mut self, dir: Dir, license: License, span: Span) {
        self.licensing.message(dir, Some(license.kind()));
        match &license {
            License::Error { code: LicenseErrorCode::STATUS_VALID_CLIENT, .. } => {
                self.licensing.done.get_or_insert(span);
            }
            License::Error { code, .. } => {
                self.licensing.error.get_or_insert(Seen::new((dir, *code), span));
            }
            License::Request { product, .. } => self.licensing.product.clone_from(product),
            License::NewRequest { user, machine, .. } => {
                self.licensing.requester.get_or_insert((user.clone(), machine.clone()));
            }
            License::Message(LicenseMessageType::NEW_LICENSE | LicenseMessageType::UPGRADE_LICENSE) => {
                self.licensing.done.get_or_insert(span);
            }
            License::Message(_) => {}
        }
        self.log(dir, span, Pdu::License(Some(Box::new(license))));
    }

    pub(super) fn auto_detect(&mut self, dir: Dir, message: autodetect::Message, span: Span) {
        match message.body {
            AutoDetect::RttRequest => {
                self.line.rtt_asked.get_or_insert((message.sequence, span));
            }
            AutoDetect::RttResponse => {
                if let Some((_, asked)) =
                    self.line.rtt_asked.filter(|(sequence, _)| *sequence == message.sequence)
                {
                    let rtt = span.first.time.since(asked.last.time);
                    self.line.rtt.get_or_insert(Seen::new(rtt, Span { first: asked.first, last: span.last }));
                }
            }
            AutoDetect::BandwidthResults { time_delta, byte_count } => {
                self.line.measured = Some(Seen::new((time_delta, byte_count), span));
            }
            AutoDetect::Result(figures) => self.line.characteristics = Some(Seen::new(figures, span)),
            AutoDetect::BandwidthStart
            | AutoDetect::BandwidthPayload
            | AutoDetect::BandwidthStop
            | AutoDetect::Sync(_)
            | AutoDetect::Other(..) => {}
        }
        // While the session runs the line is measured again and again; the last figures are enough.
        if self.active.is_none() {
            self.log(dir, span, Pdu::AutoDetect(message.body));
        }
    }

    /// Share PDUs, one after another. In an active session what cannot be read was graphics, mostly.
    fn shares(&mut self, dir: Dir, mut body: &[u8], span: Span) -> Result<(), Malformed> {
        while body.len() >= 4 {
            let (share, len) = match Share::parse(body) {
                Ok(parsed) => parsed,
                Err(_) if self.active.is_some() => return Ok(()),
                Err(malformed) => return Err(malformed),
            };
            self.share(dir, share, span);
            body = body.get(len..).unwrap_or_default();
        }
        Ok(())
    }

    fn share(&mut self, dir: Dir, share: Share, span: Span) {
        let server = dir == Dir::ServerToClient;
        match &share {
            Share::DemandActive(all) | Share::ConfirmActive(all) => {
                self.enter(Phase::Capabilities, span);
                if !self.licensing.messages.is_empty() {
                    self.licensing.done.get_or_insert(span);
                }
                self.capabilities[dir].get_or_insert_with(|| Seen::new(all.clone(), span));
            }
            Share::Redirection(packet) if server => {
                self.redirection.get_or_insert_with(|| Seen::new(Some(packet.clone()), span));
            }
            Share::Data(data) if server => self.server_data(data, span),
            Share::Data(_) | Share::Redirection(_) | Share::DeactivateAll => {}
            Share::Flow | Share::Other(_) => return,
        }
        if !matches!(&share, Share::Data(Data::Other(kind)) if is_traffic(*kind)) {
            self.log(dir, span, Pdu::Share(Box::new(share)));
        }
    }

    fn server_data(&mut self, data: &Data, span: Span) {
        match data {
            Data::FontMap => self.activate(span),
            Data::SetErrorInfo(code) => {
                // 0 says nothing, and takes nothing back.
                if *code != 0 || self.error_info.is_none() {
                    self.error_info = Some(Seen::new(*code, span));
                }
            }
            Data::SessionInfo(SessionInfo::Logon { domain, user, session }) => {
                let logon = Logon { domain: domain.clone(), user: user.clone(), session: *session };
                self.logon = Some(Seen::new(logon, span));
            }
            Data::SessionInfo(SessionInfo::Extended { auto_reconnect, error }) => {
                if *auto_reconnect {
                    self.auto_reconnect.get_or_insert(span);
                }
                if let Some(error) = error {
                    self.logon_error = Some(Seen::new(*error, span));
                }
            }
            Data::Status(code) => self.status = Some(Seen::new(*code, span)),
            Data::Other(ShareDataType::PDUTYPE2_UPDATE) if self.reached() >= Some(Phase::Capabilities) => {
                self.activate(span);
            }
            Data::SessionInfo(SessionInfo::PlainNotify | SessionInfo::Other(_))
            | Data::Synchronize
            | Data::Control(_)
            | Data::FontList
            | Data::MonitorLayout(_)
            | Data::Other(_) => {}
        }
    }
}

/// Graphics, input and what goes with them: told by their number only.
const fn is_traffic(kind: ShareDataType) -> bool {
    matches!(
        kind,
        ShareDataType::PDUTYPE2_UPDATE
            | ShareDataType::PDUTYPE2_POINTER
            | ShareDataType::PDUTYPE2_INPUT
            | ShareDataType::PDUTYPE2_REFRESH_RECT
            | ShareDataType::PDUTYPE2_PLAY_SOUND
            | ShareDataType::PDUTYPE2_SUPPRESS_OUTPUT
            | ShareDataType::PDUTYPE2_SET_KEYBOARD_INDICATORS
            | ShareDataType::PDUTYPE2_SET_KEYBOARD_IME_STATUS
            | ShareDataType::PDUTYPE2_BITMAPCACHE_ERROR_PDU
            | ShareDataType::PDUTYPE2_OFFSCRCACHE_ERROR_PDU
            | ShareDataType::PDUTYPE2_FRAME_ACKNOWLEDGE
    )
}

impl super::Licensing {
    fn message(&mut self, dir: Dir, kind: Option<LicenseMessageType>) {
        if self.messages.len() < Self::MESSAGES {
            self.messages.push((dir, kind));
        }
    }
}
