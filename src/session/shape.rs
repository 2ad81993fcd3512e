//! How far a session got inside TLS, from the lengths, order and direction of its records alone.
//!
//! Some messages of the connection sequence have lengths that no other message before them has, exact
//! under AEAD and rounded up under CBC: Erect Domain (12 bytes with its framing), Attach User (8) and its
//! confirm (11), which follow each other (MS-RDPBCGR, section 1.3.1.1). They anchor the rest: what came
//! before them was the settings exchange, what follows the channel joins is the client info.

use super::{Flight, Phase, Record, Tls};
use crate::base::{Dir, Span};
use crate::protocol::negotiation::Protocols;

/// What the records of a session show.
#[derive(Debug, Default)]
pub struct Shape {
    /// Each phase that was entered inside TLS, in order, with its first record.
    pub entered: Vec<(Phase, Span)>,
    /// The server's licensing exchange went beyond its first message and did not end.
    pub license_open: bool,
}

const ERECT_DOMAIN: usize = 12;
const ATTACH_USER: usize = 8;
const ATTACH_USER_CONFIRM: usize = 11;
const CHANNEL_JOIN_REQUEST: usize = 12;
/// Licensing's "valid client", with the length in one byte or two.
const VALID_CLIENT: [usize; 2] = [34, 35];
/// Early User Authorization Result.
const EARLY_USER_AUTHORIZATION: usize = 4;
/// License requests and Demand Actives are longer, auto-detect and multitransport requests shorter.
const LARGE: usize = 120;
/// License information, platform challenge and response, license, and the goodbyes of TLS.
const LICENSE_EXCHANGE: usize = 6;
/// Synchronize, two Controls and the Font Map end the finalization.
const FINALIZATION: usize = 4;

impl Shape {
    /// Reads the shape of `tls` under the protocol that was chosen; `direct` where the negotiation of RDP is inside of
    /// it, after CredSSP (MS-RDPBCGR, section 5.4.2.2).
    pub fn of(tls: &Tls, selected: Option<Protocols>, direct: bool) -> Shape {
        let mut shape = Shape::default();
        let records = &tls.opening;
        let Some(first) = records.iter().find(|record| record.dir == Dir::ClientToServer) else {
            return shape;
        };
        let nla = direct || selected.is_some_and(|selected| selected != Protocols::SSL);
        if nla {
            shape.entered.push((Phase::Nla, first.span));
        }
        let Some(erect) = erect_domain(tls) else {
            if let Some(span) = mcs_without_anchor(tls, selected, direct) {
                shape.entered.push((Phase::McsConnect, span));
            }
            return shape;
        };
        let initial = records
            .iter()
            .take(erect.request)
            .rfind(|record| record.dir == Dir::ClientToServer)
            .or(records.get(erect.request))
            .map_or(first.span, |record| record.span);
        shape.entered.push((Phase::McsConnect, initial));
        if let Some(record) = records.get(erect.request) {
            shape.entered.push((Phase::ChannelJoin, record.span));
        }
        shape.setup(tls, &erect);
        shape
    }

    /// Follows the sequence from the channel joins on.
    fn setup(&mut self, tls: &Tls, erect: &ErectDomain) {
        let records = tls.opening.iter().enumerate().skip(erect.request + 1);
        let rest = records.filter(|(at, _)| ![erect.attach, erect.confirm].contains(at));
        let mut rest = rest.map(|(_, record)| record).peekable();
        let joins = |record: &&Record| {
            record.dir == Dir::ServerToClient || tls.may_hide(record.length, CHANNEL_JOIN_REQUEST)
        };
        while rest.next_if(joins).is_some() {}
        let Some(info) = rest.next() else { return };
        self.entered.push((Phase::ClientInfo, info.span));

        let server = |record: &&Record| record.dir == Dir::ServerToClient;
        let valid = |record: &Record| VALID_CLIENT.iter().any(|&plain| tls.may_hide(record.length, plain));
        let Some(license) = rest
            .by_ref()
            .find(|record| server(record) && (valid(record) || tls.hides_at_least(record.length, LARGE)))
        else {
            return;
        };
        self.entered.push((Phase::Licensing, license.span));
        if !valid(license) {
            // Ends with "valid client", or with a license, after which the Demand Active comes. An exchange
            // has a handful of records; more of them were not licensing, whatever their order looks like.
            let after: Vec<&Record> = rest.collect();
            let Some(end) = after.iter().position(|record| server(record) && valid(record)) else {
                self.license_open = after.len() <= LICENSE_EXCHANGE;
                if !self.license_open {
                    self.finalize(license.span, after.into_iter());
                }
                return;
            };
            return self.activate(tls, after.into_iter().skip(end + 1));
        }
        self.activate(tls, rest);
    }

    /// Follows the sequence from the Demand Active on.
    fn activate<'a>(&mut self, tls: &Tls, mut rest: impl Iterator<Item = &'a Record>) {
        let server = |record: &&Record| record.dir == Dir::ServerToClient;
        let Some(demand) =
            rest.by_ref().find(|record| server(record) && tls.hides_at_least(record.length, LARGE))
        else {
            return;
        };
        self.finalize(demand.span, rest);
    }

    /// Follows the sequence after the Demand Active.
    fn finalize<'a>(&mut self, demand: Span, mut rest: impl Iterator<Item = &'a Record>) {
        self.entered.push((Phase::Capabilities, demand));
        let confirmed = rest.by_ref().find(|record| record.dir == Dir::ClientToServer);
        let mut server = rest.filter(|record| record.dir == Dir::ServerToClient);
        if let Some(font_map) = confirmed.and_then(|_| server.nth(FINALIZATION - 1)) {
            self.entered.push((Phase::Active, font_map.span));
        }
    }

    /// Where a phase was entered.
    pub fn when(&self, phase: Phase) -> Option<Span> {
        self.entered.iter().find(|(entered, _)| *entered == phase).map(|(_, span)| *span)
    }
}

/// Where the Erect Domain Request and its two followers are.
struct ErectDomain {
    request: usize,
    attach: usize,
    confirm: usize,
}

/// Looks for the Erect Domain Request by it and its two followers. Each end's records are in order; how they lie
/// between the other's depends on where, and how, they were captured.
fn erect_domain(tls: &Tls) -> Option<ErectDomain> {
    /// As far as that may go.
    const APART: usize = 2;
    let fits = |(_, record): &(usize, &Record), plain| tls.may_hide(record.length, plain);
    let of = |dir| tls.opening.iter().enumerate().filter(move |(_, record)| record.dir == dir);
    let pairs = of(Dir::ClientToServer).zip(of(Dir::ClientToServer).skip(1));
    pairs.filter(|(erect, attach)| fits(erect, ERECT_DOMAIN) && fits(attach, ATTACH_USER)).find_map(
        |((request, _), (attach, _))| {
            let near = request.saturating_sub(APART)..=attach + APART;
            let mut answers = of(Dir::ServerToClient).filter(|(at, _)| near.contains(at));
            let (confirm, _) = answers.find(|answer| fits(answer, ATTACH_USER_CONFIRM))?;
            (attach - request <= APART).then_some(ErectDomain { request, attach, confirm })
        },
    )
}

/// Where the settings exchange must have begun although nothing after it came: counted in the client's
/// runs of records, which NTLM and Kerberos have alike (MS-CSSP, section 3.1.5).
fn mcs_without_anchor(tls: &Tls, selected: Option<Protocols>, direct: bool) -> Option<Span> {
    let flights = tls.flights();
    let client: Vec<&Flight> = flights.iter().filter(|flight| flight.dir == Dir::ClientToServer).collect();
    let nth = |n: usize| client.get(n).map(|flight| flight.span);
    match selected {
        // The Connection Request comes with the credentials, and its answer before the Connect-Initial.
        _ if direct => nth(3),
        None | Some(Protocols::SSL) => nth(0),
        // Request and answer, then Connect-Initial.
        Some(Protocols::RDSTLS | Protocols::RDSAAD) => nth(1),
        Some(Protocols::HYBRID) => {
            let with_credentials =
                client.get(2).filter(|flight| flight.records > 1).map(|flight| flight.span);
            with_credentials.or(nth(3))
        }
        Some(_) => {
            let result = flights.iter().position(|flight| {
                flight.dir == Dir::ServerToClient && tls.may_hide(flight.first_len, EARLY_USER_AUTHORIZATION)
            });
            let after = result.and_then(|at| flights.get(at + 1)).map(|flight| flight.span);
            after.or(nth(4))
        }
    }
}
