//! What the forms for other tools have in common: fields by name, those that say nothing left out.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::model::{Outcome, Phase, Session, Time};
use super::ndjson::line;

/// The fields of one line.
#[derive(Debug, Default)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Adds a field, unless it is null, empty, or made of such; the same goes for what is in it.
    pub(super) fn put(&mut self, name: impl Into<String>, value: impl Serialize) {
        if let Some(value) = serde_json::to_value(value).ok().and_then(telling) {
            self.0.insert(name.into(), value);
        }
    }

    /// Writes them as they are.
    pub(super) fn write<W: Write>(self, out: &mut W) -> io::Result<()> {
        line(out, &self.0)
    }

    /// Writes "a.b" as a field of the object "a".
    pub(super) fn write_nested<W: Write>(self, out: &mut W) -> io::Result<()> {
        let mut root = Map::new();
        for (name, value) in self.0 {
            insert(&mut root, &name, value);
        }
        line(out, &root)
    }
}

fn insert(object: &mut Map<String, Value>, name: &str, value: Value) {
    let Some((outer, inner)) = name.split_once('.') else {
        object.insert(name.to_owned(), value);
        return;
    };
    let within = object.entry(outer).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(within) = within {
        insert(within, inner, value);
    }
}

fn telling(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) => (!text.is_empty()).then_some(Value::String(text)),
        Value::Array(values) => {
            let values: Vec<Value> = values.into_iter().filter_map(telling).collect();
            (!values.is_empty()).then_some(Value::Array(values))
        }
        Value::Object(fields) => {
            let tell = |(name, value)| telling(value).map(|value| (name, value));
            let fields: Map<String, Value> = fields.into_iter().filter_map(tell).collect();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
        value => Some(value),
    }
}

/// A text in what is known of RDP's own messages, such as `["nla", "user_name"]`.
pub(super) fn known<'a>(session: &'a Session, path: &[&'static str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(session.rdp.get(first)?, |value, name| value.get(name))
}

/// Whether the TLS handshake came to its end, where that is known.
pub(super) fn established(session: &Session) -> Option<bool> {
    session.tls.version.as_ref()?;
    match session.phase {
        Phase::TlsHandshake | Phase::UdpSecurity => (session.outcome == Outcome::Failed).then_some(false),
        phase => Some(phase > Phase::TlsHandshake),
    }
}

/// A connection's name as Zeek makes them, "C" and 96 bits in base 62; here of its ends and its start, so that every
/// run and both forms call it the same.
pub(super) fn uid(community_id: &str, start: Time) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let hash = Sha256::new().chain_update(community_id).chain_update(start.0.0.to_be_bytes()).finalize();
    let mut number = hash.iter().take(12).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let mut uid = String::from("C");
    while number > 0 {
        uid.extend(DIGITS.get((number % 62) as usize).copied().map(char::from));
        number /= 62;
    }
    uid
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::Timestamp;

    #[test]
    fn what_says_nothing_is_left_out() {
        let mut fields = Fields::default();
        fields.put("a.b.c", 0);
        fields.put("a.d", json!({"e": null, "f": [null, ""], "g": false}));
        fields.put("a.b.h", json!([[], {}]));
        let mut out = Vec::new();
        fields.write_nested(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{\"a\":{\"b\":{\"c\":0},\"d\":{\"g\":false}}}\n");
    }

    #[test]
    fn names_of_connections_look_like_zeeks() {
        let at = |nanoseconds| uid("1:LQU9qZlK+B5F3KDmev6m5PMibrg=", Time(Timestamp(nanoseconds)));
        assert!((15..=18).contains(&at(0).len()) && at(0).starts_with('C'), "{}", at(0));
        assert!(at(0).bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(at(0), at(1));
    }
}
