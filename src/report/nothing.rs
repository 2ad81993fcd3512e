//! What a capture without RDP is told: what is in it instead, and how to catch RDP.

use super::model::Capture;
use super::text::{count, number};
use crate::analyzer::{Conversed, Overview};
use crate::base::Dir;

/// Conversations that are named.
const CONVERSATIONS: usize = 3;

/// One paragraph, and the command that would catch RDP.
pub(super) fn found(captures: &[Capture], overview: &Overview) -> String {
    let packets: u64 = captures.iter().map(|capture| capture.packets).sum();
    let mut sentences = vec![match captures {
        [one] => format!("No RDP in {}: {}.", one.file, holds(packets, overview)),
        several => format!("No RDP in {} captures: {}.", several.len(), holds(packets, overview)),
    }];
    sentences.extend(largest(&overview.conversations));
    sentences.extend(elsewhere(&overview.conversations));
    sentences.extend(one_way(&overview.conversations));
    if overview.cut > 0 && overview.cut.saturating_mul(2) > packets {
        sentences.push(format!(
            "{} are cut before their addresses end: capture again with a larger snapshot length (-s 0).",
            count(overview.cut, "packet")
        ));
    }
    if overview.unknown_link > 0 {
        sentences.push(format!(
            "{} are of a link type that is not read here.",
            count(overview.unknown_link, "packet")
        ));
    }
    sentences.push(
        "To catch RDP, start this on the client or the server (\"dumpcap -D\" lists the interfaces), connect, and stop it with Ctrl+C; \
         --port N looks for RDP on another port:"
            .to_owned(),
    );
    let command = "dumpcap -i INTERFACE -f \"tcp port 3389 or udp port 3389 or icmp or icmp6\" -w rdp.pcapng";
    format!("{}\n\n    {command}", sentences.join(" "))
}

fn holds(packets: u64, overview: &Overview) -> String {
    format!(
        "{} ({} TCP, {} UDP, {} other)",
        count(packets, "packet"),
        number(overview.tcp),
        number(overview.udp),
        number(packets.saturating_sub(overview.tcp).saturating_sub(overview.udp)),
    )
}

fn protocol(conversed: &Conversed) -> &'static str {
    if conversed.udp { "UDP" } else { "TCP" }
}

fn largest(conversations: &[Conversed]) -> Option<String> {
    let named: Vec<String> = conversations
        .iter()
        .take(CONVERSATIONS)
        .map(|c| format!("{} to {} ({}, {} bytes)", c.client, c.server, protocol(c), number(c.total_bytes())))
        .collect();
    (!named.is_empty()).then(|| format!("The largest conversations: {}.", named.join("; ")))
}

/// RDP that cannot be seen from here.
fn elsewhere(conversations: &[Conversed]) -> Vec<String> {
    let to = |udp: bool, ports: &[u16]| {
        conversations.iter().find(|c| c.udp == udp && ports.contains(&c.server.port())).map(|c| c.server)
    };
    let mut sentences = Vec::new();
    sentences.push(match to(false, &[443]) {
        Some(server) => format!(
            "There is TLS traffic to {server}: if that is a Remote Desktop Gateway, RDP runs inside it, and shows only behind the gateway or with the connection's TLS secrets (--keylog)."
        ),
        None => "There is no traffic to port 443, so none through a Remote Desktop Gateway either.".to_owned(),
    });
    sentences.push(match to(true, &[3389, 3390, 3391, 3478]) {
        Some(server) => format!(
            "There is UDP traffic to {server}, as Remote Desktop uses beside TCP (ports 3389, 3390, 3391 and 3478)."
        ),
        None => "No UDP of Remote Desktop (ports 3389, 3390, 3391 and 3478) was seen.".to_owned(),
    });
    sentences
}

fn one_way(conversations: &[Conversed]) -> Option<String> {
    let tcp = || conversations.iter().filter(|c| !c.udp);
    let only = |dir: Dir| tcp().next().is_some() && tcp().all(|c| c.packets[dir.flip()] == 0);
    let dir = Dir::BOTH.into_iter().find(|&dir| only(dir))?;
    Some(format!(
        "Only packets of the {} are there: the capture lacks one direction; take it where both pass.",
        dir.sender().to_owned() + "s"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::PerDir;

    fn conversed(server: &str, udp: bool, packets: [u64; 2]) -> Conversed {
        let both =
            |[client_to_server, server_to_client]: [u64; 2]| PerDir { client_to_server, server_to_client };
        Conversed {
            client: "10.0.0.2".parse().unwrap(),
            server: server.parse().unwrap(),
            udp,
            packets: both(packets),
            bytes: both([1000, 2000]),
        }
    }

    fn paragraph(conversations: Vec<Conversed>) -> String {
        let overview = Overview { tcp: 7, udp: 2, conversations, ..Overview::default() };
        let capture = Capture {
            file: "a.pcap".to_owned(),
            format: "pcap",
            compression: None,
            packets: 10,
            bytes: 1000,
            first: None,
            last: None,
            warnings: Vec::new(),
        };
        found(&[capture], &overview)
    }

    #[test]
    fn says_what_is_there() {
        let text = paragraph(vec![
            conversed("10.0.0.1:443", false, [3, 3]),
            conversed("10.0.0.1:3478", true, [3, 3]),
        ]);
        assert!(text.starts_with("No RDP in a.pcap: 10 packets (7 TCP, 2 UDP, 1 other)."), "{text}");
        assert!(text.contains("10.0.0.2 to 10.0.0.1:443 (TCP, 3,000 bytes)"), "{text}");
        assert!(text.contains("TLS traffic to 10.0.0.1:443"), "{text}");
        assert!(text.contains("UDP traffic to 10.0.0.1:3478"), "{text}");
        assert!(!text.contains("lacks one direction"), "{text}");
        assert!(text.contains("\n    dumpcap -i"), "{text}");
    }

    #[test]
    fn says_what_is_missing() {
        let text = paragraph(vec![conversed("10.0.0.1:80", false, [3, 0])]);
        assert!(text.contains("no traffic to port 443"), "{text}");
        assert!(text.contains("No UDP of Remote Desktop"), "{text}");
        assert!(text.contains("Only packets of the clients are there"), "{text}");
        assert!(!paragraph(Vec::new()).contains("largest"));
    }
}
