//! CredSSP: TSRequest in DER (MS-CSSP, section 2.2.1), and the Early User Authorization Result that follows
//! it where HYBRID_EX was chosen (MS-RDPBCGR, section 2.2.10.2).
//!
//! Of credentials and keys only their presence is kept.

use nom::number::streaming::le_u32;

use super::wire::{run, wrong};
use super::{Step, der, spnego};
use crate::base::open_enum;

/// Tokens kept of one TSRequest; real ones hold one.
const MAX_TOKENS: usize = 4;

/// One CredSSP message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TsRequest {
    /// Highest version that the sender speaks: 2 to 6.
    pub version: u32,
    /// negoTokens: what SPNEGO, NTLM or Kerberos say.
    pub tokens: Vec<spnego::Token>,
    /// Whether authInfo is there: the delegated credentials, encrypted.
    pub auth_info: bool,
    /// Whether pubKeyAuth is there: the binding to the server's certificate.
    pub pub_key_auth: bool,
    /// errorCode, an NTSTATUS: why the server refuses.
    pub error_code: Option<u32>,
    /// Whether clientNonce is there (versions 5 and 6).
    pub client_nonce: bool,
}

/// Parses the TSRequest at the start of `input`.
pub fn parse(input: &[u8]) -> Step<TsRequest> {
    run(input, |start| {
        if let Some(&tag) = start.first()
            && tag != der::SEQUENCE
        {
            return wrong("TSRequest tag", start, u64::from(der::SEQUENCE), u64::from(tag));
        }
        let (rest, (_, body)) = der::element(start)?;
        let Some(version) = der::in_field(body, 0, der::INTEGER).and_then(der::number) else {
            return wrong("TSRequest version", start, 1, 0);
        };
        let has = |number| der::find(body, der::field(number)).is_some();
        let tokens = der::in_field(body, 1, der::SEQUENCE).unwrap_or_default();
        Ok((
            rest,
            TsRequest {
                version,
                tokens: der::elements(tokens)
                    .filter_map(|(_, token)| der::in_field(token, 0, der::OCTET_STRING))
                    .take(MAX_TOKENS)
                    .map(spnego::parse)
                    .collect(),
                auth_info: has(2),
                pub_key_auth: has(3),
                error_code: der::in_field(body, 4, der::INTEGER).and_then(der::number),
                client_nonce: has(5),
            },
        ))
    })
}

open_enum! {
    /// Early User Authorization Result (MS-RDPBCGR, section 2.2.10.2).
    pub struct AuthorizationResult(u32) {
        /// The user may log on.
        AUTHZ_SUCCESS = 0,
        /// The user may not log on, though the credentials are right.
        AUTHZ_ACCESS_DENIED = 5,
    }
}

/// Parses the Early User Authorization Result at the start of `input`: `result u32`, little-endian.
pub fn parse_authorization(input: &[u8]) -> Step<AuthorizationResult> {
    run(input, |i| le_u32(i).map(|(i, result)| (i, AuthorizationResult(result))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{grows, hex};
    use super::*;
    use crate::protocol::spnego::Message;

    /// A first message in the layout of MS-CSSP 2.2.1, written by hand after it.
    const NEGOTIATE: &str = "3037 a003 020106 a130 302e 302c a02a 0428 4e544c4d53535000 01000000 b78208e2 \
         0000000000000000 0000000000000000 0601b11d0000000f";

    #[test]
    fn reads_a_request_with_a_token() {
        let bytes = hex(NEGOTIATE);
        grows(&bytes, parse);
        let request = parse(&bytes).done().unwrap();
        assert_eq!((request.version, request.auth_info, request.pub_key_auth), (6, false, false));
        assert_eq!((request.error_code, request.client_nonce), (None, false));
        let [token] = request.tokens.as_slice() else { panic!("{request:?}") };
        assert!(matches!(token.message, Some(Message::Ntlm(_))), "{token:?}");
    }

    #[test]
    fn reads_a_refusal_and_what_is_only_present() {
        let refusal = parse(&hex("300e a003 020106 a407 0205 00c000006d")).done().unwrap();
        assert_eq!((refusal.version, refusal.error_code), (6, Some(0xC000_006D)));
        let short = parse(&hex("300d a003 020103 a406 0204 c0000224")).done().unwrap();
        assert_eq!(short.error_code, Some(0xC000_0224));
        let keys = parse(&hex("3013 a003 020105 a304 0402 aabb a506 0404 00112233")).done().unwrap();
        assert!(keys.pub_key_auth && keys.client_nonce && !keys.auth_info);
        assert!(parse(&hex("300b a003 020102 a204 0402 aabb")).done().unwrap().auth_info);
    }

    #[test]
    fn refuses_what_is_none() {
        assert!(matches!(parse(&hex("0300000c02f080")), Step::Broken(why) if why.what == "TSRequest tag"));
        assert!(matches!(parse(&hex("3002 0500")), Step::Broken(why) if why.what == "TSRequest version"));
        assert!(matches!(parse(&hex("3080")), Step::Broken(_)));
        assert_eq!(parse(&[]), Step::Need(1));
    }

    #[test]
    fn reads_the_authorization() {
        let bytes = hex("05000000");
        grows(&bytes, parse_authorization);
        assert_eq!(parse_authorization(&bytes).done(), Some(AuthorizationResult::AUTHZ_ACCESS_DENIED));
        assert_eq!(AuthorizationResult(0).name(), Some("AUTHZ_SUCCESS"));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..96), at in 0_usize..57, to: u8) {
            let _ = parse(&bytes);
            let mut real = hex(NEGOTIATE);
            real[at] = to;
            let _ = parse(&real);
        }
    }
}
