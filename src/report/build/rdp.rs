//! What is known of RDP's own messages: for now those of Standard RDP Security, which come in clear.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::knowledge::codes;
use crate::report::model::{Bits, Coded};
use crate::session::Session;

/// Where a Set Error Info stands.
pub(in crate::report) const ERROR_INFO: &str = "error_info";

/// Facts by the specification's names of their fields; absent where no message showed them.
pub(super) fn rdp(session: &Session) -> BTreeMap<&'static str, Value> {
    let mut facts = BTreeMap::new();
    let Some(standard) = session.facts.standard.as_deref() else { return facts };
    let mut add = |name: &'static str, value: Option<Value>| {
        if let Some(value) = value {
            facts.insert(name, value);
        }
    };
    if let Some(client) = standard.client.as_ref().map(|client| &client.value) {
        add("client_version", client.version.map(Value::from));
        add("client_build", client.client_build.map(Value::from));
        add("client_name", client.client_name.clone().map(Value::from));
        add("desktop_width", client.desktop_width.map(Value::from));
        add("desktop_height", client.desktop_height.map(Value::from));
        add("keyboard_layout", client.keyboard_layout.map(Value::from));
        add("encryption_methods", client.encryption_methods.map(|m| value(Bits::new(m.0, m.names()))));
        add("channels", Some(json!(client.channels)));
    }
    if let Some(server) = standard.server.as_ref().map(|server| &server.value) {
        add("server_version", server.version.map(Value::from));
        add("encryption_method", server.encryption_method.map(|m| value(Bits::new(m.0, m.names()))));
        add("encryption_level", server.encryption_level.map(|l| value(Coded::new(l.0, l.name()))));
    }
    add("connect_response_result", standard.result.map(|r| value(Coded::new(r.value.0, r.value.name()))));
    let license = standard.license_error.map(|error| error.value.1);
    add("license_error_code", license.map(|code| value(Coded::new(code.0, code.name()))));
    let name = |code| codes::errinfo(code).and_then(|row| row.name);
    add(ERROR_INFO, standard.error_info.map(|code| value(Coded::new(code.value, name(code.value)))));
    let reason = standard.ultimatum.map(|ultimatum| ultimatum.value.1);
    add("disconnect_reason", reason.map(|reason| value(Coded::new(reason.0, reason.name()))));
    facts
}

fn value(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
