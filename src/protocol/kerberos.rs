//! Kerberos messages of a logon (RFC 4120, sections 5.5 and 5.9), in the framing of GSS-API (RFC 4121, section
//! 4.1). Of tickets only the service that they are for is kept.

use super::wire::{text, whole, wrong};
use super::{Malformed, der, spnego};
use crate::base::open_enum;

/// Bytes of a realm or name that are kept.
const NAME: usize = 256;

open_enum! {
    /// What a message is: its application tag.
    pub struct MessageType(u8) {
        /// The client shows its ticket.
        AP_REQ = 14,
        /// The server proves itself.
        AP_REP = 15,
        /// The client asks the server for its ticket (user-to-user).
        TGT_REQ = 16,
        /// The server's ticket (user-to-user).
        TGT_REP = 17,
        /// An error.
        KRB_ERROR = 30,
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// AP-REQ.
    ApReq {
        /// Realm of the ticket.
        realm: Option<String>,
        /// The service that the ticket is for, as "TERMSRV/host.example".
        service: Option<String>,
    },
    /// KRB-ERROR.
    Error {
        /// error-code (RFC 4120, section 7.5.9).
        code: u32,
    },
    /// Another message.
    Other(MessageType),
}

impl Message {
    /// The error code of a KRB-ERROR.
    pub const fn error_code(&self) -> Option<u32> {
        match self {
            Message::Error { code } => Some(*code),
            Message::ApReq { .. } | Message::Other(_) => None,
        }
    }
}

/// Parses a message, with or without its GSS framing.
pub fn parse(bytes: &[u8]) -> Result<Message, Malformed> {
    /// Constructed, application class.
    const APPLICATION: u8 = 0x60;
    /// tok_id before the message.
    const TOKEN_ID: usize = 2;
    whole("Kerberos message", bytes, |start| {
        let (rest, (mut tag, mut content)) = der::element(start)?;
        if tag == spnego::GSS {
            let (framed, (oid, _)) = der::element(content)?;
            let token = framed.get(..TOKEN_ID).unwrap_or_default();
            if oid != der::OBJECT_IDENTIFIER {
                return wrong("GSS mechanism", start, u64::from(der::OBJECT_IDENTIFIER), u64::from(oid));
            }
            if let [4, which @ (0 | 1)] = token {
                let kind = if *which == 0 { MessageType::TGT_REQ } else { MessageType::TGT_REP };
                return Ok((rest, Message::Other(kind)));
            }
            (_, (tag, content)) = der::element(framed.get(TOKEN_ID..).unwrap_or_default())?;
        }
        let kind = MessageType(tag & 0x1F);
        if tag & 0xE0 != APPLICATION || kind.name().is_none() {
            return wrong("Kerberos tag", start, u64::from(APPLICATION), u64::from(tag));
        }
        let fields = der::find(content, der::SEQUENCE).unwrap_or_default();
        let message = match kind {
            MessageType::AP_REQ => ap_req(fields),
            MessageType::KRB_ERROR => match der::in_field(fields, 6, der::INTEGER).and_then(der::number) {
                Some(code) => Message::Error { code },
                None => Message::Other(kind),
            },
            other => Message::Other(other),
        };
        Ok((rest, message))
    })
}

fn ap_req(fields: &[u8]) -> Message {
    /// Tag of a Ticket.
    const TICKET: u8 = 0x61;
    let ticket = der::in_field(fields, 3, TICKET).and_then(|ticket| der::find(ticket, der::SEQUENCE));
    let ticket = ticket.unwrap_or_default();
    let names =
        der::in_field(ticket, 2, der::SEQUENCE).and_then(|name| der::in_field(name, 1, der::SEQUENCE));
    let parts: Vec<String> = der::elements(names.unwrap_or_default())
        .filter(|(tag, _)| *tag == der::GENERAL_STRING)
        .take(4)
        .map(|(_, part)| text(part, NAME))
        .collect();
    Message::ApReq {
        realm: der::in_field(ticket, 1, der::GENERAL_STRING).map(|realm| text(realm, NAME)),
        service: (!parts.is_empty()).then(|| parts.join("/")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::hex;
    use super::*;

    /// AP-REQ for TERMSRV/ws in realm EX.
    const AP_REQ: &str = "6e35 3033 a003 020105 a103 02010e a207 0305 0020000000 \
         a31e 611c 301a a003 020105 a104 1b024558 a20d 300b a109 3007 1b01 54 1b02 7773";

    #[test]
    fn reads_what_a_ticket_is_for() {
        let realm = Some("EX".to_owned());
        let want = Message::ApReq { realm, service: Some("T/ws".to_owned()) };
        assert_eq!(parse(&hex(AP_REQ)), Ok(want.clone()));
        let framed = [hex("6044 0609 2a864886f712010202 0100"), hex(AP_REQ)].concat();
        assert_eq!(parse(&framed), Ok(want));
    }

    /// GSS token of MIT Kerberos 1.20 for TERMSRV/desk.lab.test, up to the ticket's encrypted part, which is as long
    /// as the zeros that stand for it; and a KDC's answer to a client that it does not know.
    #[test]
    fn reads_what_mit_kerberos_sends() {
        let mut token = hex(
            "608202a9 0609 2a864886f712010202 0100 6e820298 30820294 a003020105 a10302010e a207 03050020000000 \
             a38201b1 618201ad 308201a9 a003020105 a10a 1b084c41422e54455354 \
             a223 3021 a003020103 a11a 3018 1b075445524d535256 1b0d6465736b2e6c61622e74657374 \
             a382016f 3082016b a003020112 a103020101 a282015d 04820159",
        );
        token.extend([0; 0x159]);
        token.extend(hex("a481c9 3081c6 a003020112 a281be 0481bb"));
        token.extend([0; 0xBB]);
        assert_eq!(token.len(), 685);
        let (realm, service) = (Some("LAB.TEST".to_owned()), Some("TERMSRV/desk.lab.test".to_owned()));
        assert_eq!(parse(&token), Ok(Message::ApReq { realm, service }));
        let error = hex(
            "7e818c 308189 a003020105 a10302011e a411180f32303236313132323039343730325a a505020300c936 a603020106 \
             a70a1b084c41422e54455354 a8133011a003020101a10a30081b066e6f626f6479 a90a1b084c41422e54455354 \
             aa1d301ba003020102a11430121b066b72627467741b084c41422e54455354 \
             ab121b10434c49454e545f4e4f545f464f554e44",
        );
        assert_eq!(parse(&error).unwrap().error_code(), Some(6));
    }

    #[test]
    fn reads_errors_and_others() {
        let error = parse(&hex("7e10 300e a003 020105 a103 02011e a602 0201"));
        assert_eq!(error, Ok(Message::Other(MessageType::KRB_ERROR)));
        assert_eq!(parse(&hex("7e07 3005 a603 020129")).unwrap().error_code(), Some(41));
        assert_eq!(parse(&hex("6f02 3000")), Ok(Message::Other(MessageType::AP_REP)));
        let user_to_user = hex("6010 060a 2a864886f71201020203 0400 3000");
        assert_eq!(parse(&user_to_user), Ok(Message::Other(MessageType::TGT_REQ)));
        assert_eq!(parse(&hex("3000")).unwrap_err().what, "Kerberos tag");
        assert!(parse(&hex("6e")).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..96), at in 0_usize..55, to: u8) {
            let _ = parse(&bytes);
            let mut real = hex(AP_REQ);
            real[at] = to;
            let _ = parse(&real);
        }
    }
}
