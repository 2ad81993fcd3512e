//! A Remote Desktop Gateway refused with a status of its own (MS-TSGU, section 2.2.6), or of HTTP. Needs keys.

use super::*;
use crate::knowledge::codes;
use crate::protocol::tsgu::PacketType;
use crate::session::Refusal;

pub(super) const RULE: Rule = Rule {
    code: "gateway-refused",
    supersedes: &[
        "negotiation-silent",
        "negotiation-reset",
        "negotiation-closed",
        "negotiation-declined-by-client",
        "tls-reset-after-client-hello",
        "tls-closed-after-client-hello",
        "tls-silent-after-client-hello",
        "tls-reset-mid-handshake",
        "tls-alert",
        "client-left-after-tls",
        "nla-silent",
        "nla-reset",
        "server-disconnected",
        "setup-reset",
        "setup-silent",
        "healthy",
        "session-reset",
        "session-lost",
        "session-lossy",
    ],
    check,
};

fn check(session: &Session, _: &Context<'_>) -> Option<Verdict> {
    let gateway = session.facts.gateway.as_deref()?;
    let refusal = gateway.refusal()?;
    let alerts = session.facts.tls.iter().flat_map(|tls| &tls.alerts);
    if alerts.filter(|alert| alert.value.is_fatal()).any(|alert| alert.span.first.before(&refusal.span.first)) {
        return None;
    }
    let target = gateway.target();
    let told = match refusal.value {
        Refusal::Http(status) => http(status),
        Refusal::Tunnel(kind, status) => tunnel(kind, status),
    };
    let whither = target.as_ref().map_or(String::new(), |target| format!(" The client had asked for {}.", target.value));
    let mut verdict =
        Verdict::failed(RULE.code, Side::Server, Confidence::Certain, Evidence::of(&refusal, format!("gateway answered {}", told.name)))
            .with(target.map(|target| Evidence::of(&target, format!("client asks the gateway for {}", target.value))))
            .titled(told.title)
            .owned_by(told.owner)
            .explain(format!("{} {}: {}.{whither}", told.what, told.name, told.meaning));
    verdict.value = Some(told.value);
    Some(verdict)
}

struct Told {
    title: String,
    name: String,
    meaning: &'static str,
    what: &'static str,
    owner: &'static str,
    value: u32,
}

fn tunnel(kind: PacketType, status: u32) -> Told {
    let row = codes::gateway_status(status);
    let name = row.and_then(|row| row.name).map_or_else(|| format!("{status:#x}"), |name| format!("{name} ({status:#x})"));
    let meaning = row.map_or("no published meaning", |row| row.meaning);
    let (what, begin) = match kind {
        PacketType::HANDSHAKE_RESPONSE | PacketType::EXTENDED_AUTH_MSG => {
            ("The gateway broke off its handshake with", "The RD Gateway refused the connection")
        }
        PacketType::TUNNEL_RESPONSE => ("The gateway refused the tunnel with", "The RD Gateway refused the connection"),
        PacketType::TUNNEL_AUTH_RESPONSE => {
            ("The gateway did not authorize the tunnel and said", "The RD Gateway refused the connection")
        }
        PacketType::CHANNEL_RESPONSE => {
            ("The gateway did not open the channel to the computer behind it and said", "The RD Gateway refused the connection")
        }
        _ => ("The gateway closed the channel with", "The RD Gateway ended the session"),
    };
    // Some packets carry the low word alone.
    let owner = match status & 0xFFFF {
        // Logons: denied, cookies, authentication again.
        0x030C | 0x59F7 | 0x59F8 | 0x59FA => "identity",
        // The way of authentication, capabilities, health.
        0x59F9 | 0x59E9 | 0x59ED | 0x5A00 => "client",
        0x59EE => "certificate",
        0x59F6 => "nobody",
        _ if row.is_none() => "unknown",
        _ => "server",
    };
    let value = if status <= 0xFFFF { status | 0x8007_0000 } else { status };
    Told { title: format!("{begin}: {meaning}"), name, meaning, what, owner, value }
}

fn http(status: u16) -> Told {
    let (meaning, owner) = match status {
        401 => ("user name or password are wrong, or this way of logging on is not taken", "identity"),
        403 => ("this user, or this client, may not use it", "server"),
        404 => ("there is no gateway at this address", "server"),
        407 => ("a web proxy in between wants credentials", "network"),
        500 => ("it failed inside", "server"),
        502..=504 => ("a proxy or load balancer before it does not reach it, or it is overloaded", "server"),
        _ => ("it did not take the request", "server"),
    };
    Told {
        title: format!("The RD Gateway refused the connection (HTTP {status}): {meaning}"),
        name: format!("HTTP {status}"),
        meaning,
        what: "The gateway refused the web request that begins a tunnel with",
        owner,
        value: status.into(),
    }
}
