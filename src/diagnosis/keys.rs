//! What a verdict says of keys that were given and did not help.

use super::{Confidence, KeyFit, Outcome, Verdict};
use crate::protocol::tls::cipher_name;
use crate::session::Tls;

/// Where keys were given, a verdict without what they should have shown says so.
pub(super) fn mention(verdict: &mut Verdict, tls: &Tls) {
    // Keys of others, or records that are missing, matter only where they might have told the reason.
    let minor = tls.key_fit == KeyFit::OthersOnly || tls.decrypted;
    let unexplained = matches!(verdict.outcome, Outcome::Failed | Outcome::Aborted | Outcome::Inconclusive)
        && verdict.confidence < Confidence::Certain;
    if let Some(why) = kept_closed(tls).filter(|_| unexplained || !minor) {
        verdict.explanation.push(' ');
        verdict.explanation.push_str(&why);
    }
}

/// Why keys that were given did not open the connection, or not all of it.
fn kept_closed(tls: &Tls) -> Option<String> {
    match tls.key_fit {
        KeyFit::NoneGiven => None,
        KeyFit::OthersOnly => {
            Some("No key that was given is of this connection, so what is encrypted stayed closed.".to_owned())
        }
        KeyFit::Unusable => {
            let hello = tls.server_hello.as_ref().map(|hello| &hello.value)?;
            let suite = cipher_name(hello.cipher).unwrap_or("its cipher suite");
            Some(format!(
                "The keys that were given for this connection are not what {} with {suite} is opened with here, so \
                 what is encrypted stayed closed.",
                hello.version
            ))
        }
        KeyFit::Fits if tls.unopened == 0 => None,
        KeyFit::Fits if tls.decrypted => Some(format!(
            "The keys that were given did not open {} of this connection's encrypted records.",
            tls.unopened
        )),
        KeyFit::Fits => Some(
            "The keys that were given for this connection open none of its records: they are wrong, so what is \
             encrypted stayed closed."
                .to_owned(),
        ),
    }
}
