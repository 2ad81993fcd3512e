//! Sessions by server and code, for those that are counted and not listed.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::attempts::Attempts;
use super::ledger::Row;
use crate::base::Timestamp;

/// Sessions of one server that ended alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// The server.
    pub server: SocketAddr,
    /// Their code.
    pub code: &'static str,
    /// How many.
    pub count: u64,
    /// From how many client addresses.
    pub clients: u64,
    /// Start of the first.
    pub first: Timestamp,
    /// Start of the last.
    pub last: Timestamp,
}

/// Groups the sessions of these ranks, in the order of servers and codes.
pub fn groups(attempts: &Attempts<'_>, ranks: &[u32]) -> Vec<Group> {
    let mut index: HashMap<(u64, u8), usize, ahash::RandomState> = HashMap::default();
    let mut groups: Vec<Group> = Vec::new();
    // Group and client, as one number.
    let mut clients: Vec<u64> = Vec::with_capacity(ranks.len());
    for row in ranks.iter().filter_map(|rank| attempts.row(*rank)) {
        let at = *index.entry((row.server_key().0, row.code)).or_insert_with(|| {
            let brief = attempts.ledger().brief(row);
            let (first, last) = (row.start, row.start);
            groups.push(Group { server: brief.server, code: brief.code, count: 0, clients: 0, first, last });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(at) {
            group.count += 1;
            group.first = group.first.min(row.start);
            group.last = group.last.max(row.start);
        }
        clients.push((at as u64) << Row::CLIENT_BITS | row.client_key().0);
    }
    clients.sort_unstable();
    clients.dedup();
    for client in clients {
        if let Some(group) = groups.get_mut((client >> Row::CLIENT_BITS) as usize) {
            group.clients += 1;
        }
    }
    groups.sort_unstable_by_key(|group| (group.server, group.code));
    groups
}
