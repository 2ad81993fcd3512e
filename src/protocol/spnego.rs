//! What a CredSSP token holds: NTLM or Kerberos, bare or wrapped in SPNEGO (RFC 4178, section 4.2; its
//! Windows habits MS-SPNG).

use std::borrow::Cow;

use super::{der, kerberos, ntlm, wire};
use crate::base::open_enum;

/// Mechanisms kept of one offer; Windows offers up to six.
const MAX_MECHANISMS: usize = 16;

open_enum! {
    /// negState of a NegTokenResp (RFC 4178, section 4.2.2).
    pub struct NegState(u8) {
        /// Done.
        ACCEPT_COMPLETED = 0,
        /// More messages are due.
        ACCEPT_INCOMPLETE = 1,
        /// Refused.
        REJECT = 2,
        /// The list of mechanisms has to be proved.
        REQUEST_MIC = 3,
    }
}

/// One token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Token {
    /// The mechanisms offered, the preferred one first, or the one chosen. A name, or the identifier's bytes
    /// in hexadecimal where it has none.
    pub mechanisms: Vec<Cow<'static, str>>,
    /// What the answer says.
    pub state: Option<NegState>,
    /// The mechanism's own message, where one is there that is known.
    pub message: Option<Message>,
}

/// A mechanism's own message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// NTLM.
    Ntlm(ntlm::Message),
    /// Kerberos.
    Kerberos(kerberos::Message),
}

/// SPNEGO, 1.3.6.1.5.5.2.
const SPNEGO: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x02];

/// Tag of a first GSS token (RFC 2743, section 3.1).
pub(super) const GSS: u8 = 0x60;

/// Reads a token. What is not understood is left out.
pub fn parse(token: &[u8]) -> Token {
    let mut elements = der::elements(token);
    let (tag, content) = match elements.next() {
        Some((GSS, content)) if der::find(content, der::OBJECT_IDENTIFIER) == Some(SPNEGO) => {
            der::elements(content).nth(1).unwrap_or_default()
        }
        Some(other) => other,
        None => (0, token),
    };
    let fields = der::find(content, der::SEQUENCE).unwrap_or_default();
    if tag == der::field(0) {
        let offered = der::in_field(fields, 0, der::SEQUENCE).unwrap_or_default();
        let offered = der::elements(offered).filter(|(tag, _)| *tag == der::OBJECT_IDENTIFIER);
        Token {
            mechanisms: offered.take(MAX_MECHANISMS).map(|(_, id)| mechanism(id)).collect(),
            state: None,
            message: der::in_field(fields, 2, der::OCTET_STRING).and_then(message),
        }
    } else if tag == der::field(1) {
        let state = der::in_field(fields, 0, der::ENUMERATED).and_then(|state| state.first());
        let chosen = der::in_field(fields, 1, der::OBJECT_IDENTIFIER);
        Token {
            mechanisms: chosen.map(mechanism).into_iter().collect(),
            state: state.map(|state| NegState(*state)),
            message: der::in_field(fields, 2, der::OCTET_STRING).and_then(message),
        }
    } else {
        Token { message: message(token), ..Token::default() }
    }
}

fn message(bytes: &[u8]) -> Option<Message> {
    ntlm::parse(bytes).ok().map(Message::Ntlm).or_else(|| kerberos::parse(bytes).ok().map(Message::Kerberos))
}

/// The name of a mechanism by its identifier's content bytes.
fn mechanism(id: &[u8]) -> Cow<'static, str> {
    let name = match id {
        [0x2B, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 0x0A] => "NTLM",
        [0x2B, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 0x1E] => "NEGOEX",
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 1, 2, 2] => "Kerberos",
        [0x2A, 0x86, 0x48, 0x82, 0xF7, 0x12, 1, 2, 2] => "Kerberos (Microsoft)",
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 1, 2, 2, 3] => "Kerberos user-to-user",
        [0x2B, 6, 1, 5, 2, 5] => "IAKERB",
        [0x2B, 6, 1, 5, 2, 7] => "PKU2U",
        other => return Cow::Owned(wire::hex(other.get(..32).unwrap_or(other))),
    };
    Cow::Borrowed(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex;
    use super::*;

    #[test]
    fn reads_an_offer() {
        // Kerberos of Microsoft, Kerberos, NTLM, and one without a name; the token is an AP-REQ's start.
        let offer = hex("6049 06062b0601050502 a03f 303d a02c 302a \
             0609 2a864882f712010202 0609 2a864886f712010202 060a 2b06010401823702020a 0606 2b0601050599 \
             a20d 040b 4e544c4d5353500003 0000");
        let token = parse(&offer);
        assert_eq!(token.mechanisms, ["Kerberos (Microsoft)", "Kerberos", "NTLM", "2b0601050599"]);
        assert_eq!((token.state, token.message), (None, None));
    }

    #[test]
    fn reads_an_answer() {
        let reject = parse(&hex("a107 3005 a003 0a01 02"));
        assert_eq!(reject.state, Some(NegState::REJECT));
        let more = parse(&hex("a115 3013 a003 0a01 01 a10c 060a 2b06010401823702020a"));
        assert_eq!((more.state, more.mechanisms), (Some(NegState::ACCEPT_INCOMPLETE), vec!["NTLM".into()]));
    }

    #[test]
    fn reads_kerberos_in_an_answer() {
        // KRB-ERROR 37 in the framing of RFC 4121.
        let token = hex("a129 3027 a225 0423 6021 0609 2a864886f712010202 0300 \
             7e12 3010 a003 020105 a103 02011e a604 0202 0025");
        let Some(Message::Kerberos(error)) = parse(&token).message else { panic!("no Kerberos") };
        assert_eq!(error.error_code(), Some(37));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..96)) {
            let _ = parse(&bytes);
            for head in [0x60, 0xA0, 0xA1] {
                let _ = parse(&[&[head, bytes.len() as u8], bytes.as_slice()].concat());
            }
        }
    }
}
