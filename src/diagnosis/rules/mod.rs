//! One rule a file, named by its code.

use super::{Confidence, Context, Evidence, Outcome, Side, Verdict};
use crate::base::{Absence, Dir, Seen, Span, Stamp, Timestamp, Until};
use crate::knowledge::Fact;
use crate::protocol::negotiation::{ConnectionRequest, FailureCode, NegotiationResponse};
use crate::protocol::tls::{AlertDescription, ClientHello, ContentType, Version, cipher_name};
use crate::session::{Alert, Closing, End, Record, Session, Stall, Tls, UdpSession, protocols_text};

mod handshake;
mod hidden;
mod negotiation;
mod waiting;
mod words;

use handshake::{
    answers_hello_with_no_common_suite, certificate_refusal, client_goodbye, deciding_alert,
    ended_after_hello, hello_unanswered, last_record_before, offers,
};
use hidden::{hidden_ultimatum, last_words, refused_credentials};
use negotiation::{ended_after_request, negotiation_failure, request_unanswered};
pub(super) use waiting::quiet_before;
use waiting::{choked, idle_before, silent_end, stalled, unanswered};
use words::{alert_text, day, delay, how, offer_text, request_text, server, versions_text};

/// One diagnosis: its code, the codes that it goes before, and its test.
#[derive(Debug)]
pub struct Rule<S = Session> {
    /// The code of the contract.
    pub code: &'static str,
    /// Codes that give way where both fit.
    pub supersedes: &'static [&'static str],
    /// The verdict, where the session shows it; in short where [`Context::short`] asks for no more.
    pub check: fn(&S, &Context<'_>) -> Option<Verdict>,
}

impl<S> Clone for Rule<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Rule<S> {}

/// Codes of the phase in which a connection broke or ended, and `$more`: a proven fault of the path goes before
/// them.
macro_rules! phase_codes {
    ($($more:literal),*) => {
        [
            "tcp-probe",
            "negotiation-silent",
            "negotiation-reset",
            "negotiation-closed",
            "negotiation-declined-by-client",
            "tls-reset-after-client-hello",
            "tls-closed-after-client-hello",
            "tls-silent-after-client-hello",
            "tls-reset-mid-handshake",
            "tls-certificate-rejected",
            "tls-certificate-expired",
            "client-left-after-tls",
            "nla-authentication-failed",
            "nla-silent",
            "nla-reset",
            "licensing-failed",
            "server-disconnected",
            "setup-reset",
            "setup-silent",
            "healthy",
            $($more),*
        ]
    };
}

macro_rules! registry {
    ([$($connect:ident,)*] $($module:ident,)*) => {
        $(mod $connect;)*
        $(mod $module;)*
        pub(super) mod inconclusive;
        pub(super) mod udp;

        /// Those that can fire where no payload was seen.
        pub const CONNECT: &[Rule] = &[$($connect::RULE,)*];
        /// Every rule.
        pub const REGISTRY: &[Rule] = &[$($connect::RULE,)* $($module::RULE,)*];
    };
}

registry! {
    [
        tcp_syn_unanswered,
        tcp_connection_refused,
        tcp_unreachable,
        tcp_handshake_incomplete,
        tcp_probe,
    ]
    negotiation_silent,
    negotiation_reset,
    negotiation_closed,
    negotiation_ssl_required,
    negotiation_ssl_not_allowed,
    negotiation_ssl_cert_missing,
    negotiation_inconsistent_flags,
    negotiation_nla_required,
    negotiation_ssl_user_auth_required,
    negotiation_failure_unknown,
    negotiation_declined_by_client,
    not_rdp,
    tls_reset_after_client_hello,
    tls_closed_after_client_hello,
    tls_silent_after_client_hello,
    tls_cipher_mismatch,
    tls_version_mismatch,
    tls_certificate_expired,
    tls_certificate_rejected,
    tls_alert,
    tls_reset_mid_handshake,
    client_left_after_tls,
    nla_authentication_failed,
    nla_silent,
    nla_reset,
    gateway_refused,
    mcs_refused,
    licensing_failed,
    server_denied_connection,
    server_error_info,
    server_disconnected,
    redirected,
    setup_reset,
    setup_silent,
    path_reset_injected,
    path_mtu_black_hole,
    path_stalled,
    healthy,
    session_reset,
    session_lost,
    session_lossy,
}

macro_rules! udp_registry {
    ($($module:ident,)*) => {
        $(mod $module;)*

        /// Every rule of an RDP-UDP flow.
        pub const UDP_REGISTRY: &[Rule<UdpSession>] = &[$($module::RULE,)*];
    };
}

udp_registry! {
    udp_blocked,
    udp_handshake_incomplete,
    udp_security_failed,
    udp_tunnel_rejected,
    udp_healthy,
    udp_lossy,
    udp_lost,
    udp_black_hole,
}
