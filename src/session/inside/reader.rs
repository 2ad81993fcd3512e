//! From clear bytes to messages: the authentication first, where there is one, then TPKT and fast-path.
//!
//! The same code reads a connection that never was encrypted and what came out of TLS.

use super::{Inside, Pdu};
use crate::base::{Dir, Gap, PerDir, Seen, Span, Stamp};
use crate::layers::{Framer, Keys, RdpFraming, RdpUnit, Unit};
use crate::protocol::credssp::{self, TsRequest};
use crate::protocol::kerberos;
use crate::protocol::negotiation::{self, Protocols};
use crate::protocol::ntlm;
use crate::protocol::rdsaad::{self, Rdsaad};
use crate::protocol::rdstls::{self, Rdstls};
use crate::protocol::spnego::{Message as Mechanism, NegState, Token};
use crate::protocol::x224::{self, Tpdu};
use crate::protocol::{Step, tpkt};
use crate::session::{Facts, Phase};

/// Clear bytes of one direction, in order.
#[derive(Clone, Copy, Debug)]
pub struct Clear<'a> {
    /// The bytes that the capture kept.
    pub data: &'a [u8],
    /// How many there were on the wire.
    pub len: u64,
    /// The packets that carried them.
    pub span: Span,
}

/// Reads the clear bytes of one connection.
#[derive(Debug, Default)]
pub struct Reader {
    lanes: PerDir<Lane>,
    message_bytes: usize,
    keys: Keys,
}

#[derive(Debug, Default)]
struct Lane {
    framer: Framer<RdpFraming>,
    /// Bytes of the authentication that make no message yet; `None` once TPKT and fast-path have begun.
    authentication: Option<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    bytes: Vec<u8>,
    since: Option<Stamp>,
}

impl Reader {
    /// Reads what never was encrypted, or by RDP's own security, which these keys may open.
    pub fn of_plain(keys: Keys) -> Self {
        Reader { keys, ..Reader::default() }
    }

    /// Reads what came out of TLS: an authentication may come first. An unfinished message of it has at most
    /// `message_bytes`.
    pub fn of_tls(message_bytes: usize) -> Self {
        let lane = || Lane { authentication: Some(Pending::default()), ..Lane::default() };
        let lanes = PerDir { client_to_server: lane(), server_to_client: lane() };
        Reader { lanes, message_bytes, keys: Keys::default() }
    }

    /// Whether the next byte of `dir` begins a PDU.
    pub fn at_boundary(&self, dir: Dir) -> bool {
        self.lanes[dir].framer.at_boundary()
    }

    /// Takes the next bytes of `dir`.
    pub fn push(&mut self, facts: &mut Facts, dir: Dir, clear: &Clear<'_>) {
        let lane = &mut self.lanes[dir];
        let Some(mut pending) = lane.authentication.take() else {
            return lane.units(facts, &self.keys, dir, clear);
        };
        pending.since.get_or_insert(clear.span.first);
        pending.bytes.extend_from_slice(clear.data);
        let whole = clear.len == clear.data.len() as u64;
        let (used, ended) = authenticate(facts, dir, &pending, clear.span);
        if used > 0 {
            pending.since = Some(clear.span.first);
        }
        if ended || !whole || pending.bytes.len() - used > self.message_bytes {
            let rest = pending.bytes.get(used..).unwrap_or_default();
            let first = pending.since.unwrap_or(clear.span.first);
            let missing = clear.len - clear.data.len() as u64;
            let span = Span { first, last: clear.span.last };
            lane.units(facts, &self.keys, dir, &Clear { data: rest, len: rest.len() as u64 + missing, span });
            return;
        }
        pending.bytes.drain(..used);
        if pending.bytes.is_empty() {
            pending.since = None;
        }
        lane.authentication = Some(pending);
    }

    /// Steps over bytes of `dir` that the capture lacks.
    pub fn gap(&mut self, facts: &mut Facts, dir: Dir, gap: &Gap) {
        let lane = &mut self.lanes[dir];
        lane.authentication = None;
        lane.framer.gap(gap, |unit| read(facts, &self.keys, dir, &unit));
        if lane.framer.is_lost()
            && let Some(inside) = &mut facts.inside
        {
            inside.lose(dir);
        }
    }
}

impl Lane {
    fn units(&mut self, facts: &mut Facts, keys: &Keys, dir: Dir, clear: &Clear<'_>) {
        self.framer.keep_all(facts.inside.as_ref().is_some_and(|inside| inside.opens(dir)));
        let result =
            self.framer.push_carried(clear.data, clear.len, clear.span, |unit| read(facts, keys, dir, &unit));
        if let Err(malformed) = result {
            facts.odd(format!("neither TPKT nor fast-path: {malformed}"), clear.span);
        }
    }
}

/// One TPKT or fast-path PDU.
fn read(facts: &mut Facts, keys: &Keys, dir: Dir, unit: &Unit<'_, RdpUnit>) {
    if let RdpUnit::FastPath(header) = unit.header {
        facts.inside.get_or_insert_default().fast_path(dir, &header, unit.body, unit.span);
        return;
    }
    let Some(body) = unit.body else {
        if let Some(inside) = &mut facts.inside {
            inside.large(dir);
        }
        return;
    };
    match x224::parse(body) {
        Ok(Tpdu::ConnectionRequest(tpdu)) if dir == Dir::ClientToServer => {
            let request = negotiation::request(&tpdu);
            if let Some(malformed) = request.malformed {
                facts.odd(format!("Connection Request: {malformed}"), unit.span);
            }
            facts.request.get_or_insert(Seen::new(request, unit.span));
            facts.midstream = false;
        }
        Ok(Tpdu::ConnectionConfirm(tpdu)) if dir == Dir::ServerToClient => {
            let confirm = negotiation::confirm(&tpdu);
            if let Some(malformed) = confirm.malformed {
                facts.odd(format!("Connection Confirm: {malformed}"), unit.span);
            }
            facts.confirm.get_or_insert(Seen::new(confirm, unit.span));
            facts.midstream = false;
        }
        Ok(Tpdu::Data { payload, .. }) => {
            let inside = facts.inside.get_or_insert_default();
            if let Err(malformed) = inside.mcs(dir, payload, unit.span) {
                facts.odd(format!("MCS PDU: {malformed}"), unit.span);
            }
            if let Some(inside) = &mut facts.inside {
                inside.open_with(keys);
            }
        }
        Ok(_) => {}
        Err(malformed) => facts.odd(format!("X.224: {malformed}"), unit.span),
    }
}

/// Reads what is whole of the authentication: how many bytes that were, and whether TPKT or something unknown
/// follows.
fn authenticate(facts: &mut Facts, dir: Dir, pending: &Pending, now: Span) -> (usize, bool) {
    let mut used = 0;
    while let Some(rest @ [first, ..]) = pending.bytes.get(used..) {
        let first_stamp = if used == 0 { pending.since.unwrap_or(now.first) } else { now.first };
        let span = Span { first: first_stamp, last: now.last };
        let selected = facts.selected().map(|selected| selected.value);
        let inside = facts.inside.get_or_insert_default();
        let step = match first {
            &tpkt::VERSION => return (used, true),
            0x30 => credssp::parse(rest).map(|request| inside.ts_request(dir, request, span)),
            b'{' => rdsaad::parse(rest).map(|message| inside.rdsaad(dir, message, span)),
            _ if dir == Dir::ServerToClient && inside.awaits_authorization(selected) => {
                credssp::parse_authorization(rest).map(|result| {
                    inside.nla.authorization = Some(Seen::new(result, span));
                    inside.log(dir, span, Pdu::Authorization(result));
                })
            }
            1 => rdstls::parse(rest).map(|message| inside.rdstls(dir, message, span)),
            _ => return (used, true),
        };
        match step {
            Step::Done((), taken) => used += taken,
            Step::Need(_) => break,
            Step::Broken(malformed) => {
                facts.odd(format!("logon message: {malformed}"), span);
                return (used, true);
            }
        }
    }
    (used, false)
}

impl Inside {
    /// The client's credentials were sent, and the Early User Authorization Result is due.
    fn awaits_authorization(&self, selected: Option<Protocols>) -> bool {
        selected.is_none_or(|selected| selected == Protocols::HYBRID_EX)
            && self.nla.versions.client_to_server.is_some()
            && self.nla.authorization.is_none()
    }

    fn ts_request(&mut self, dir: Dir, request: TsRequest, span: Span) {
        self.enter(Phase::Nla, span);
        let nla = &mut self.nla;
        nla.versions[dir].get_or_insert(request.version);
        if dir == Dir::ClientToServer {
            nla.asked = Some(span);
        }
        if let Some(code) = request.error_code {
            nla.error_code.get_or_insert(Seen::new(code, span));
        }
        for token in &request.tokens {
            nla.token(dir, token, span);
        }
        self.log(dir, span, Pdu::TsRequest(Box::new(request)));
    }

    fn rdstls(&mut self, dir: Dir, message: Rdstls, span: Span) {
        self.enter(Phase::Nla, span);
        match &message {
            Rdstls::Response { result } => self.nla.rdstls = Some(Seen::new(*result, span)),
            Rdstls::Password { user, domain } => {
                self.nla.asked = Some(span);
                self.nla.rdstls_user = Some(Seen::new((user.clone(), domain.clone()), span));
            }
            Rdstls::AutoReconnect { .. } => self.nla.asked = Some(span),
            Rdstls::Capabilities { .. } | Rdstls::Other(..) => {}
        }
        self.log(dir, span, Pdu::Rdstls(Box::new(message)));
    }

    fn rdsaad(&mut self, dir: Dir, message: Rdsaad, span: Span) {
        self.enter(Phase::Nla, span);
        match message {
            Rdsaad::Result(result) => self.nla.rdsaad = Some(Seen::new(result, span)),
            Rdsaad::Assertion => self.nla.asked = Some(span),
            Rdsaad::ServerNonce | Rdsaad::Other => {}
        }
        self.log(dir, span, Pdu::Rdsaad(message));
    }
}

impl super::Nla {
    fn token(&mut self, dir: Dir, token: &Token, span: Span) {
        if self.mechanisms.is_empty() {
            self.mechanisms.clone_from(&token.mechanisms);
        }
        if dir == Dir::ServerToClient && token.state == Some(NegState::REJECT) {
            self.rejected.get_or_insert(span);
        }
        match &token.message {
            Some(Mechanism::Ntlm(message @ ntlm::Message::Challenge { .. })) => {
                self.challenge.get_or_insert_with(|| Seen::new(message.clone(), span));
            }
            Some(Mechanism::Ntlm(message @ ntlm::Message::Authenticate { .. })) => {
                self.authenticate.get_or_insert_with(|| Seen::new(message.clone(), span));
            }
            Some(Mechanism::Kerberos(message @ kerberos::Message::ApReq { .. })) => {
                self.ap_req.get_or_insert_with(|| Seen::new(message.clone(), span));
            }
            Some(Mechanism::Kerberos(kerberos::Message::Error { code })) => {
                self.kerberos_error.get_or_insert(Seen::new((dir, *code), span));
            }
            Some(Mechanism::Ntlm(ntlm::Message::Negotiate { .. }) | Mechanism::Kerberos(_)) | None => {}
        }
    }
}
