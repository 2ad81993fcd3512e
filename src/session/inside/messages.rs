//! The clear messages of a session, in order.

use std::collections::VecDeque;

use crate::base::{Dir, Span};
use crate::protocol::autodetect::AutoDetect;
use crate::protocol::credssp::{AuthorizationResult, TsRequest};
use crate::protocol::heartbeat::Heartbeat;
use crate::protocol::license::License;
use crate::protocol::mcs::{DisconnectReason, McsResult};
use crate::protocol::multitransport::{Request, Response};
use crate::protocol::rdsaad::Rdsaad;
use crate::protocol::rdstls::Rdstls;
use crate::protocol::share::{Data, Share};
use crate::session::Phase;

/// One message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Sent in this direction.
    pub dir: Dir,
    /// The phase it belongs to; `None` where none of those inside was reached.
    pub phase: Option<Phase>,
    /// The packets.
    pub span: Span,
    /// What it is.
    pub pdu: Pdu,
}

/// What a message is.
#[derive(Clone, Debug)]
pub enum Pdu {
    /// TSRequest.
    TsRequest(Box<TsRequest>),
    /// Early User Authorization Result.
    Authorization(AuthorizationResult),
    /// RDSTLS.
    Rdstls(Box<Rdstls>),
    /// RDSAAD.
    Rdsaad(Rdsaad),
    /// MCS Connect-Initial.
    ConnectInitial,
    /// MCS Connect-Response.
    ConnectResponse(McsResult),
    /// MCS Erect Domain Request.
    ErectDomainRequest,
    /// MCS Attach User Request.
    AttachUserRequest,
    /// MCS Attach User Confirm.
    AttachUserConfirm(McsResult),
    /// MCS Channel Join Request, of this channel.
    ChannelJoinRequest(u16),
    /// MCS Channel Join Confirm, of this channel.
    ChannelJoinConfirm(u16, McsResult),
    /// MCS Disconnect Provider Ultimatum.
    Ultimatum(DisconnectReason),
    /// Security Exchange.
    SecurityExchange,
    /// Client Info; whether it is encrypted.
    ClientInfo {
        /// Only its header is readable.
        encrypted: bool,
    },
    /// Licensing; `None` for a message of which only the header is readable.
    License(Option<Box<License>>),
    /// Auto-detect.
    AutoDetect(AutoDetect),
    /// Initiate Multitransport Request.
    MultitransportRequest(Request),
    /// Initiate Multitransport Response.
    MultitransportResponse(Response),
    /// Heartbeat.
    Heartbeat(Heartbeat),
    /// A share PDU.
    Share(Box<Share>),
    /// A redirection of which only the header is readable.
    EncryptedRedirection,
    /// PDUs on the I/O channel of which only the headers are readable: how many came one after another.
    Encrypted(u32),
}

impl Pdu {
    /// The phase that the message belongs to; `None` where it may come in several.
    pub fn phase(&self) -> Option<Phase> {
        match self {
            Pdu::TsRequest(_) | Pdu::Authorization(_) | Pdu::Rdstls(_) | Pdu::Rdsaad(_) => Some(Phase::Nla),
            Pdu::ConnectInitial | Pdu::ConnectResponse(_) => Some(Phase::McsConnect),
            Pdu::ErectDomainRequest
            | Pdu::AttachUserRequest
            | Pdu::AttachUserConfirm(_)
            | Pdu::ChannelJoinRequest(_)
            | Pdu::ChannelJoinConfirm(..) => Some(Phase::ChannelJoin),
            Pdu::SecurityExchange => Some(Phase::SecurityExchange),
            Pdu::ClientInfo { .. } => Some(Phase::ClientInfo),
            Pdu::License(_) => Some(Phase::Licensing),
            Pdu::Share(share) => match &**share {
                Share::DemandActive(_) | Share::ConfirmActive(_) => Some(Phase::Capabilities),
                Share::Data(data) => match data {
                    Data::Synchronize | Data::Control(_) | Data::FontList => Some(Phase::Capabilities),
                    Data::FontMap => Some(Phase::Active),
                    Data::SetErrorInfo(_)
                    | Data::SessionInfo(_)
                    | Data::Status(_)
                    | Data::MonitorLayout(_)
                    | Data::Other(_) => None,
                },
                Share::DeactivateAll | Share::Redirection(_) | Share::Flow | Share::Other(_) => None,
            },
            Pdu::Ultimatum(_)
            | Pdu::AutoDetect(_)
            | Pdu::MultitransportRequest(_)
            | Pdu::MultitransportResponse(_)
            | Pdu::Heartbeat(_)
            | Pdu::EncryptedRedirection
            | Pdu::Encrypted(_) => None,
        }
    }
}

/// The first and the last messages, and how many came between.
#[derive(Debug, Default)]
pub struct Messages {
    first: Vec<Message>,
    last: VecDeque<Message>,
    dropped: u64,
}

impl Messages {
    /// First messages kept: a connection sequence has about forty, and two more a channel.
    pub const FIRST: usize = 120;
    /// Last messages kept: why the session ended is among them.
    pub const LAST: usize = 24;

    /// All that are kept, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Message> {
        self.first.iter().chain(&self.last)
    }

    /// How many are not kept, and the message after which they came.
    pub fn dropped(&self) -> Option<(u64, &Message)> {
        self.first.last().filter(|_| self.dropped > 0).map(|last| (self.dropped, last))
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut Message> {
        self.last.back_mut().or(self.first.last_mut())
    }

    pub(super) fn push(&mut self, message: Message) {
        if self.first.len() < Self::FIRST {
            self.first.push(message);
            return;
        }
        if self.last.len() == Self::LAST {
            self.last.pop_front();
            self.dropped += 1;
        }
        self.last.push_back(message);
    }
}
