//! ironrdp-peer server ADDRESS:PORT CERTIFICATE KEY [OPTION=VALUE...]
//! ironrdp-peer client ADDRESS:PORT [OPTION=VALUE...]
//!
//! A real RDP client and server, IronRDP's, for one connection. Both tell their TLS secrets to the file that SSLKEYLOGFILE names.
//!
//! Options of both: user=NAME (lab), password=WORD (password), domain=NAME, security=ssl|hybrid|hybrid-ex
//! (ssl). The client's: stay=SECONDS after the session is active (1),
//! check=1: it refuses a certificate that no authority signed. The server's: refuse=WHAT, which it does with IronRDP's own messages:
//!
//! - nla:STATUS: whatever the password, an NTSTATUS in place of its answer to the client's AUTHENTICATE_MESSAGE
//! - authorization: the Early User Authorization Result says no (hybrid-ex)
//! - mcs:RESULT: in the Attach User Confirm
//! - license:CODE: an error in place of "valid client"
//! - error:CODE: Set Error Info and Disconnect Provider Ultimatum in place of the Demand Active
//! - end:CODE: the same when the session is active for a second

mod client;
mod server;

use std::collections::HashMap;
use std::error::Error;
use std::str::FromStr;

use ironrdp_connector::{ConnectorResult, general_err, sspi::NetworkRequest};
use ironrdp_pdu::nego::SecurityProtocol;
use ironrdp_tokio::NetworkClient;

type Fallible<T> = Result<T, Box<dyn Error>>;

struct Options(HashMap<String, String>);

impl Options {
    fn text(&self, name: &str, default: &str) -> String {
        self.0.get(name).map_or(default, String::as_str).to_owned()
    }

    fn get<T: FromStr>(&self, name: &str, default: T) -> T {
        self.0.get(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name}={value}?")))
    }

    fn security(&self) -> SecurityProtocol {
        match self.text("security", "ssl").as_str() {
            "ssl" => SecurityProtocol::SSL,
            "hybrid" => SecurityProtocol::HYBRID,
            "hybrid-ex" => SecurityProtocol::HYBRID_EX,
            other => panic!("security={other}?"),
        }
    }
}

/// Kerberos would need one.
struct NoNetwork;

impl NetworkClient for NoNetwork {
    async fn send(&mut self, _: &NetworkRequest) -> ConnectorResult<Vec<u8>> {
        Err(general_err!("there is no KDC"))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Fallible<()> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let options = words.iter().filter_map(|word| word.split_once('='));
    let options = Options(options.map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
    words.retain(|word| !word.contains('='));
    tokio_rustls::rustls::crypto::ring::default_provider().install_default().map_err(|_| "a provider is there")?;
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["client", server] => client::run(server, &options).await,
        ["server", at, certificate, key] => server::run(at, certificate, key, &options).await,
        _ => Err("client ADDRESS:PORT, or server ADDRESS:PORT CERTIFICATE KEY".into()),
    }
}
