//! What is known of the session inside, by the specification's names of the fields. Passwords, responses,
//! keys and cookies are not among what the session holds.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::base::{Dir, PerDir, Seen};
use crate::knowledge::codes;
use crate::protocol::capabilities::Capabilities;
use crate::protocol::client_info::ClientInfo;
use crate::protocol::gcc::{ClientData, ClusterFlags, EarlyCapabilities, ServerData};
use crate::protocol::redirection::Redirection;
use crate::protocol::{kerberos, ntlm};
use crate::report::model::{Bits, Coded, PerDirection, Span as Length};
use crate::report::text::hex;
use crate::session::{Inside, Line, Nla, Session};

/// Where a Set Error Info stands.
pub(in crate::report) const ERROR_INFO: &str = "error_info";

/// Facts by name; absent where no message showed them.
#[derive(Default)]
struct Facts(BTreeMap<&'static str, Value>);

impl Facts {
    fn add(&mut self, name: &'static str, value: Option<impl Serialize>) {
        if let Some(value) = value.and_then(|value| serde_json::to_value(value).ok()) {
            self.0.insert(name, value);
        }
    }

    /// A text that says something.
    fn text(&mut self, name: &'static str, text: Option<&str>) {
        self.add(name, text.filter(|text| !text.is_empty()));
    }

    /// An object that has fields.
    fn object(&mut self, name: &'static str, facts: Facts) {
        self.add(name, Some(facts.0).filter(|facts| !facts.is_empty()));
    }
}

/// The facts of one session.
pub(super) fn rdp(session: &Session) -> BTreeMap<&'static str, Value> {
    let mut facts = Facts::default();
    if let Some(inside) = session.facts.inside.as_deref() {
        facts.object("nla", nla(&inside.nla));
        if let Some(Seen { value, .. }) = &inside.client {
            client(&mut facts, value);
        }
        if let Some(Seen { value, .. }) = &inside.server {
            server(&mut facts, value);
        }
        facts.add("connect_response_result", inside.result.map(|r| Coded::new(r.value.0, r.value.name())));
        if let Some(Seen { value, .. }) = &inside.client_info {
            client_info(&mut facts, value);
        }
        facts.object("licensing", licensing(inside));
        let license = inside.licensing.error.map(|error| error.value.1);
        facts.add("license_error_code", license.map(|code| Coded::new(code.0, code.name())));
        facts.object("auto_detect", line(&inside.line));
        facts.add("multitransport_requests", multitransport(inside));
        capabilities(&mut facts, &inside.capabilities);
        ending(&mut facts, inside);
    }
    facts.0
}

fn nla(nla: &Nla) -> Facts {
    let mut facts = Facts::default();
    let versions = nla.versions.client_to_server.or(nla.versions.server_to_client);
    facts.add("version", versions.map(|_| PerDirection::from(nla.versions)));
    facts.add("mechanisms", Some(&nla.mechanisms).filter(|mechanisms| !mechanisms.is_empty()));
    if let Some(ntlm::Message::Authenticate { domain, user, workstation, version, ntlm_v2, flags }) =
        nla.authenticate.as_ref().map(|seen| &seen.value)
    {
        facts.add("authentication", Some("NTLM"));
        facts.text("domain_name", domain.as_deref());
        facts.text("user_name", user.as_deref());
        facts.text("workstation", workstation.as_deref());
        facts.add("client_version", version.map(windows));
        facts.add("ntlm_v2", Some(*ntlm_v2));
        facts.add("negotiate_flags", Some(Bits::new(flags.0, flags.names())));
    }
    if let Some(ntlm::Message::Challenge { target, info, version, .. }) =
        nla.challenge.as_ref().map(|seen| &seen.value)
    {
        facts.text("target_name", target.as_deref());
        facts.text("target_computer_name", info.dns_computer.as_deref().or(info.netbios_computer.as_deref()));
        facts.text("target_domain_name", info.dns_domain.as_deref().or(info.netbios_domain.as_deref()));
        facts.add("server_version", version.map(windows));
    }
    if let Some(kerberos::Message::ApReq { realm, service }) = nla.ap_req.as_ref().map(|seen| &seen.value) {
        facts.add("authentication", Some("Kerberos"));
        facts.text("realm", realm.as_deref());
        facts.text("service_name", service.as_deref());
    }
    facts.add(
        "kerberos_error",
        nla.kerberos_error.map(|error| coded(error.value.1, codes::kerberos_error(error.value.1))),
    );
    facts.add("error_code", nla.error_code.map(|code| coded(code.value, codes::ntstatus(code.value))));
    facts.add(
        "early_user_authorization_result",
        nla.authorization.map(|result| Coded::new(result.value.0, result.value.name())),
    );
    if let Some(Seen { value: (user, domain), .. }) = &nla.rdstls_user {
        facts.add("authentication", Some("RDSTLS"));
        facts.text("user_name", Some(user));
        facts.text("domain_name", Some(domain));
    }
    facts.add("rdstls_result", nla.rdstls.map(|result| Coded::new(result.value.0, result.value.name())));
    facts.add("rdsaad_result", nla.rdsaad.map(|result| result.value));
    facts
}

fn windows(version: ntlm::Version) -> String {
    format!("{}.{}.{}", version.major, version.minor, version.build)
}

/// A code with its name in a table.
fn coded(code: u32, row: Option<&'static codes::Row>) -> Coded {
    Coded::new(code, row.and_then(|row| row.name))
}

fn client(facts: &mut Facts, client: &ClientData) {
    facts.add("client_version", client.version);
    facts.add("client_build", client.client_build);
    facts.add("client_os", client.client_build.and_then(codes::client_build).map(|row| row.meaning));
    facts.add("client_name", client.client_name.as_ref());
    facts.add("desktop_width", client.desktop_width);
    facts.add("desktop_height", client.desktop_height);
    facts.add("color_depth", client.color_depth);
    facts.add("desktop_scale_factor", client.desktop_scale_factor);
    facts.add("keyboard_layout", client.keyboard_layout);
    facts.add("keyboard_type", client.keyboard_type.map(|kind| Coded::new(kind.0, kind.name())));
    let early = client.early_capabilities;
    let valid = early.is_some_and(|early| early.contains(EarlyCapabilities::VALID_CONNECTION_TYPE));
    let connection = client.connection_type.filter(|_| valid);
    facts.add("connection_type", connection.map(|kind| Coded::new(kind.0, kind.name())));
    facts.add("early_capability_flags", early.map(|early| Bits::new(early.0, early.names())));
    facts.add("server_selected_protocol", client.server_selected_protocol.map(super::session::protocols));
    facts.add("encryption_methods", client.encryption_methods.map(|m| Bits::new(m.0, m.names())));
    facts.add("channels", Some(&client.channels));
    let monitors = client.monitors.iter().map(|monitor| {
        json!({"left": monitor.left, "top": monitor.top, "right": monitor.right, "bottom": monitor.bottom,
               "primary": monitor.primary})
    });
    facts.add("monitors", Some(monitors.collect::<Vec<_>>()).filter(|monitors| !monitors.is_empty()));
    facts.add("client_multitransport_flags", client.multitransport.map(|m| Bits::new(m.0, m.names())));
    facts.add("cluster_flags", client.cluster.map(|flags| Bits::new(flags.0, flags.names())));
    let redirected =
        client.cluster.is_some_and(|c| c.contains(ClusterFlags::REDIRECTED_SESSIONID_FIELD_VALID));
    facts.add("redirected_session_id", client.redirected_session.filter(|_| redirected));
}

fn server(facts: &mut Facts, server: &ServerData) {
    facts.add("server_version", server.version);
    facts.add("encryption_method", server.encryption_method.map(|m| Bits::new(m.0, m.names())));
    facts.add("encryption_level", server.encryption_level.map(|l| Coded::new(l.0, l.name())));
    let flags = server.early_capabilities.map(|early| Bits::new(early.0, early.names()));
    facts.add("server_early_capability_flags", flags);
    facts.add("client_requested_protocols", server.client_requested_protocols.map(super::session::protocols));
    if let Some(certificate) = server.certificate {
        let version = Coded::new(certificate.version.0, certificate.version.name());
        facts.add("server_certificate", Some(json!({"version": version, "key_bits": certificate.key_bits})));
    }
    facts.add("io_channel_id", server.io_channel);
    facts.add("message_channel_id", server.message_channel);
    facts.add("server_multitransport_flags", server.multitransport.map(|m| Bits::new(m.0, m.names())));
    let refused = server.result.filter(|result| result.0 != 0);
    facts.add("conference_create_result", refused.map(|result| Coded::new(result.0, result.name())));
}

fn client_info(facts: &mut Facts, info: &ClientInfo) {
    facts.text("domain", Some(&info.domain));
    facts.text("user_name", Some(&info.user));
    facts.add("password_present", Some(info.password));
    facts.text("alternate_shell", Some(&info.alternate_shell));
    facts.text("working_dir", Some(&info.working_dir));
    facts.add("info_flags", Some(Bits::new(info.flags.0, info.flags.names())));
    let Some(more) = &info.extended else { return };
    facts.text("client_address", Some(&more.address));
    facts.text("client_dir", Some(&more.dir));
    let zone = more.time_zone.as_ref();
    facts.add("client_time_zone", zone.map(|zone| json!({"bias": zone.bias, "standard_name": zone.name})));
    facts.text("dynamic_time_zone_key", more.time_zone_key.as_deref());
    facts.add("client_session_id", more.session_id);
    facts.add("performance_flags", more.performance_flags.map(|flags| Bits::new(flags.0, flags.names())));
    facts.add("auto_reconnect_cookie_present", Some(more.auto_reconnect));
}

fn licensing(inside: &Inside) -> Facts {
    let licensing = &inside.licensing;
    let mut facts = Facts::default();
    if licensing.messages.is_empty() {
        return facts;
    }
    let messages = licensing.messages.iter().map(|(dir, kind)| {
        let kind = kind.map_or("encrypted".to_owned(), |kind| kind.to_string());
        json!({"direction": dir.as_str(), "message": kind})
    });
    facts.add("messages", Some(messages.collect::<Vec<_>>()));
    facts.text("product", licensing.product.as_deref());
    if let Some((user, machine)) = &licensing.requester {
        facts.text("user_name", user.as_deref());
        facts.text("machine_name", machine.as_deref());
    }
    facts.add("completed", Some(licensing.done.is_some()));
    facts.add("completed_frame", licensing.done.map(|done| done.last.at.number()));
    facts
}

fn line(line: &Line) -> Facts {
    let mut facts = Facts::default();
    if let Some(Seen { value, .. }) = line.characteristics {
        facts.add("base_rtt_ms", value.base_rtt);
        facts.add("average_rtt_ms", value.average_rtt);
        facts.add("bandwidth_kbps", value.bandwidth);
    }
    facts.add("rtt_ms", line.rtt.map(|rtt| Length::millis(rtt.value)));
    if let Some(Seen { value: (time_delta, byte_count), .. }) = line.measured {
        facts.add("measured", Some(json!({"time_delta_ms": time_delta, "byte_count": byte_count})));
    }
    facts
}

fn multitransport(inside: &Inside) -> Option<Vec<Value>> {
    let requests = inside.multitransport.iter().map(|transport| {
        let request = transport.request.value;
        json!({
            "request_id": request.request_id,
            "requested_protocol": Coded::new(request.protocol.0, request.protocol.name()),
            "cookie_hash": hex(&request.cookie_hash),
            "hr_response": transport.response.map(|response| response.value),
        })
    });
    Some(requests.collect::<Vec<_>>()).filter(|requests| !requests.is_empty())
}

fn capabilities(facts: &mut Facts, capabilities: &PerDir<Option<Seen<Capabilities>>>) {
    let of = |dir: Dir| capabilities[dir].as_ref().map(|seen| &seen.value);
    for (dir, sets, os) in [
        (Dir::ServerToClient, "server_capability_sets", "server_os_major_type"),
        (Dir::ClientToServer, "client_capability_sets", "client_os_major_type"),
    ] {
        facts.add(sets, of(dir).map(|all| all.sets.iter().map(ToString::to_string).collect::<Vec<_>>()));
        facts.add(os, of(dir).and_then(|all| all.os).map(|os| Coded::new(os.0, os.name())));
    }
    let agreed = of(Dir::ServerToClient).and_then(|all| all.desktop);
    let desktop =
        agreed.map(|(width, height, depth)| json!({"width": width, "height": height, "depth": depth}));
    facts.add("desktop", desktop);
}

fn ending(facts: &mut Facts, inside: &Inside) {
    if let Some(Seen { value: logon, .. }) = &inside.logon {
        let logon = json!({"domain": logon.domain, "user_name": logon.user, "session_id": logon.session});
        facts.add("logon_info", Some(logon));
    }
    if let Some(Seen { value: (kind, data), .. }) = inside.logon_error {
        let (kind, data) = (Coded::new(kind.0, kind.name()), Coded::new(data.0, data.name()));
        facts.add("logon_error", Some(json!({"type": kind, "data": data})));
    }
    facts.add("auto_reconnect_cookie_issued", inside.auto_reconnect.map(|_| true));
    if let Some(Seen { value, .. }) = inside.heartbeat {
        let heartbeat = json!({"period_s": value.period, "count1": value.count1, "count2": value.count2});
        facts.add("heartbeat", Some(heartbeat));
    }
    facts.add("server_status", inside.status.map(|code| Coded::new(code.value.0, code.value.name())));
    facts.add(ERROR_INFO, inside.error_info.map(|code| coded(code.value, codes::errinfo(code.value))));
    if let Some(Seen { value, .. }) = &inside.redirection {
        facts.object("redirection", value.as_ref().map_or_else(Facts::default, redirection));
    }
    let reason = inside.ultimatum.map(|ultimatum| ultimatum.value.1);
    facts.add("disconnect_reason", reason.map(|reason| Coded::new(reason.0, reason.name())));
}

fn redirection(packet: &Redirection) -> Facts {
    let mut facts = Facts::default();
    facts.add("session_id", Some(packet.session_id));
    facts.add("redir_flags", Some(Bits::new(packet.flags.0, packet.flags.names())));
    facts.text("target_net_address", packet.target_net_address.as_deref());
    facts.text("target_fqdn", packet.target_fqdn.as_deref());
    facts.text("target_net_bios_name", packet.target_netbios_name.as_deref());
    let addresses = &packet.target_net_addresses;
    facts.add("target_net_addresses", Some(addresses).filter(|addresses| !addresses.is_empty()));
    facts.text("load_balance_info", packet.load_balance_info.as_deref());
    facts.text("user_name", packet.user.as_deref());
    facts.text("domain", packet.domain.as_deref());
    facts.add("password_present", Some(packet.password));
    facts
}
