//! What is known apart from any capture: a page for each diagnosis, and what codes mean.
//!
//! Data only. Pages are `findings/<code>.md`, code tables are `codes/*.tsv`; both are embedded and parsed
//! once. A new diagnosis is one page and one word below, a
//! new code value is one row.

use std::sync::OnceLock;

pub mod codes;
pub mod explain;
mod facts;
pub mod lookup;
mod page;
pub mod words;

pub use facts::{Fact, Facts, When};
pub use page::{ClientError, Page, Remedy, Rival};

/// Embeds the pages of these codes.
macro_rules! findings {
    ($($code:literal)*) => {
        /// Code and text of every page.
        const FINDINGS: &[(&str, &str)] = &[
            $(($code, include_str!(concat!("findings/", $code, ".md"))),)*
        ];
    };
}

findings! {
    "tcp-syn-unanswered" "tcp-connection-refused" "tcp-unreachable" "tcp-handshake-incomplete" "tcp-probe"
    "negotiation-silent" "negotiation-reset" "negotiation-closed" "negotiation-ssl-required"
    "negotiation-ssl-not-allowed" "negotiation-ssl-cert-missing" "negotiation-inconsistent-flags"
    "negotiation-nla-required" "negotiation-ssl-user-auth-required" "negotiation-failure-unknown"
    "negotiation-declined-by-client" "not-rdp"
    "tls-reset-after-client-hello" "tls-closed-after-client-hello" "tls-silent-after-client-hello"
    "tls-cipher-mismatch" "tls-version-mismatch" "tls-certificate-expired" "tls-certificate-rejected"
    "tls-alert" "tls-reset-mid-handshake" "client-left-after-tls"
    "nla-authentication-failed" "nla-silent" "nla-reset"
    "gateway-refused"
    "mcs-refused" "licensing-failed" "server-denied-connection" "server-error-info" "server-disconnected"
    "redirected" "setup-reset" "setup-silent"
    "path-reset-injected" "path-mtu-black-hole" "path-stalled"
    "healthy" "session-reset" "session-lost" "session-lossy"
    "udp-blocked" "udp-handshake-incomplete" "udp-security-failed" "udp-tunnel-rejected" "udp-healthy" "udp-lossy" "udp-lost"
    "inconclusive"
}

/// The page of a diagnosis code.
pub fn page(code: &str) -> Option<&'static Page> {
    static PAGES: OnceLock<Vec<Page>> = OnceLock::new();
    let pages = PAGES.get_or_init(|| FINDINGS.iter().map(|(code, text)| Page::parse(code, text)).collect());
    pages.iter().find(|page| page.code == code)
}

/// Every diagnosis code that has a page, in the order of a connection's phases.
pub fn codes() -> impl Iterator<Item = &'static str> {
    FINDINGS.iter().map(|(code, _)| *code)
}

/// The text of a page as it was written.
#[cfg(test)]
fn text(code: &str) -> Option<&'static str> {
    FINDINGS.iter().find(|(known, _)| *known == code).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_its_code_here_once() {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/knowledge/findings");
        let mut files: Vec<String> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().replace(".md", ""))
            .collect();
        files.sort();
        let mut known: Vec<&str> = codes().collect();
        known.sort_unstable();
        assert_eq!(files, known);
    }

    #[test]
    fn finds_pages_by_code() {
        assert_eq!(page("negotiation-nla-required").unwrap().code, "negotiation-nla-required");
        assert!(page("no-such-code").is_none());
        assert!(page("").is_none());
        assert!(text("healthy").unwrap().starts_with("# "));
    }
}
