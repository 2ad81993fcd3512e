//! The server answered the tunnel's request with an error, which only keys show.

use super::udp::{server, tcp_goes_on};
use super::*;

pub(super) const RULE: Rule<UdpSession> =
    Rule { code: "udp-tunnel-rejected", supersedes: &["udp-healthy", "udp-lossy", "udp-lost"], check };

fn check(session: &UdpSession, _: &Context<'_>) -> Option<Verdict> {
    let answer = session.flow.inside.refusal()?;
    let code = answer.value;
    let asked = session.flow.inside.create.as_ref().map(|create| {
        Evidence::of(create, format!("client asked for the tunnel of invitation {}", create.value.request_id))
    });
    Some(
        Verdict::failed(
            RULE.code,
            Side::Server,
            Confidence::Certain,
            Evidence::of(answer, format!("server refused the tunnel: HRESULT {:#010x}, {code}", code.0)),
        )
        .with(asked)
        .titled(format!("The server refused the UDP tunnel with {code}"))
        .explain(format!(
            "{} took the UDP flow, secured it, and answered the client's request for a tunnel with the HRESULT {code}.{}",
            server(session),
            tcp_goes_on(session)
        )),
    )
}
