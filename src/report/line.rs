//! What happens in a live capture, one line each, for logs that people read.

use std::net::SocketAddr;

use super::model::{Endpoint, Outcome, Session, Unlisted};
use super::ndjson::PhaseChange;
use super::story;
use super::text::{clean, count, duration};
use super::zone::Zone;

/// "2026-11-21 03:04:27.174 UTC failed tls-cipher-mismatch 10.0.0.2:48752 -> 10.0.0.1:3389 ...".
pub fn session(session: &Session, zone: &Zone) -> String {
    let diagnosis = &session.diagnosis;
    let mut line = format!(
        "{} {zone} {} {} {} -> {} (session {}, ended in {}, {})",
        zone.full(session.start),
        session.outcome.as_str(),
        diagnosis.code,
        end(&session.client),
        end(&session.server),
        session.id,
        session.phase.as_str(),
        duration(session.duration_s.0),
    );
    if let Some(user) = &session.negotiation.cookie {
        line.push_str(" user ");
        line.push_str(user);
    }
    if session.outcome != Outcome::Healthy {
        line.push_str(": ");
        line.push_str(&diagnosis.title);
        if session.outcome != Outcome::Inconclusive {
            line.push_str(". ");
            line.push_str(&story::verdict(diagnosis, session.outcome));
        }
    }
    clean(&line).into_owned()
}

/// "2026-11-21 03:04:27.174 UTC tls-handshake 10.0.0.2:48752 -> 10.0.0.1:3389 (session 17)".
pub fn phase(change: &PhaseChange, zone: &Zone) -> String {
    let PhaseChange { id, time, client, server, phase, .. } = change;
    let [client, server] = [client, server].map(|end| SocketAddr::new(end.ip, end.port));
    format!("{} {zone} {} {client} -> {server} (session {id})", zone.full(*time), phase.as_str())
}

/// "... and 1,234 more sessions tcp-probe at 10.0.0.1:3389 from 17 clients since 2026-11-21 03:04:27.174 UTC".
pub fn unlisted(unlisted: &Unlisted, zone: &Zone) -> String {
    let server = SocketAddr::new(unlisted.server.ip, unlisted.server.port);
    format!(
        "... and {} {} at {server} from {} between {} and {} {zone}",
        count(unlisted.count, "more session"),
        unlisted.code,
        count(unlisted.clients, "client"),
        zone.full(unlisted.first),
        zone.full(unlisted.last),
    )
}

fn end(endpoint: &Endpoint) -> String {
    let address = SocketAddr::new(endpoint.ip, endpoint.port);
    match &endpoint.hostname {
        Some(name) => format!("{name} {address}"),
        None => address.to_string(),
    }
}
