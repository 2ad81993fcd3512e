//! RDSAAD (MS-RDPBCGR, section 2.2.18): authentication by Entra ID, JSON objects one after another, a zero
//! byte after each. Nonces and assertions are not kept.

use serde_json::Value;

use super::{Malformed, Step};

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rdsaad {
    /// The server's nonce.
    ServerNonce,
    /// The client's signed assertion.
    Assertion,
    /// What the server says to it: 0, or an HRESULT.
    Result(u32),
    /// Another object.
    Other,
}

/// The longest message believed, in bytes: a token of Entra ID has a few thousand. Where an object ends is
/// looked for anew with every record, so more would cost too much.
const LONGEST: usize = 16 * 1024;

/// Parses the message at the start of `input`.
pub fn parse(input: &[u8]) -> Step<Rdsaad> {
    let broken = |have: u8| {
        let (need, have) = (u64::from(b'{'), u64::from(have));
        Step::Broken(Malformed { what: "RDSAAD object", offset: 0, need, have })
    };
    match input.first() {
        None => return Step::Need(1),
        Some(b'{') => {}
        Some(&other) => return broken(other),
    }
    let Some(end) = object_end(input.get(..LONGEST).unwrap_or(input)) else {
        let cut = input.len() < LONGEST;
        return if cut { Step::Need(input.len().saturating_add(1)) } else { broken(b'{') };
    };
    let object = input.get(..end).unwrap_or_default();
    let Ok(Value::Object(fields)) = serde_json::from_slice(object) else { return broken(b'{') };
    let zero = usize::from(input.get(end) == Some(&0));
    let message = if let Some(result) = fields.get("authentication_result").and_then(Value::as_i64) {
        // The low half: an HRESULT is written signed or unsigned.
        Rdsaad::Result(result as u32)
    } else if fields.contains_key("ts_nonce") {
        Rdsaad::ServerNonce
    } else if fields.contains_key("rdp_assertion") {
        Rdsaad::Assertion
    } else {
        Rdsaad::Other
    };
    Step::Done(message, end.saturating_add(zero))
}

/// Where the object that begins at the start ends.
fn object_end(input: &[u8]) -> Option<usize> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for (at, &byte) in input.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' if !in_text => depth = depth.saturating_add(1),
            b'}' if !in_text => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at.checked_add(1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_messages() {
        for (text, want) in [
            (r#"{"ts_nonce":"a}b"}"#, Rdsaad::ServerNonce),
            (r#"{"rdp_assertion":"x\"}.y.z"}"#, Rdsaad::Assertion),
            (r#"{"authentication_result":0}"#, Rdsaad::Result(0)),
            (r#"{"authentication_result":-2146893042}"#, Rdsaad::Result(0x8009_030E)),
            (r#"{"more":{}}"#, Rdsaad::Other),
        ] {
            for cut in 0..text.len() {
                assert!(
                    matches!(parse(&text.as_bytes()[..cut]), Step::Need(n) if n > cut),
                    "{text} at {cut}"
                );
            }
            assert_eq!(parse(text.as_bytes()), Step::Done(want, text.len()));
            let ended = format!("{text}\0{text}");
            assert_eq!(parse(ended.as_bytes()), Step::Done(want, text.len() + 1));
        }
        assert!(matches!(parse(&[3, 0, 0, 8]), Step::Broken(_)));
        assert!(matches!(parse(b"{]}"), Step::Broken(_)));
        assert!(matches!(parse(&[b'{'; LONGEST - 1]), Step::Need(LONGEST)));
        assert!(matches!(parse(&[b'{'; LONGEST]), Step::Broken(_)));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..48)) {
            let _ = parse(&bytes);
            let _ = parse(&[b"{".as_slice(), &bytes, b"}"].concat());
        }
    }
}
