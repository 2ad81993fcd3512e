//! Numbers of TLS that have names (IANA "TLS Parameters"; RFC 8446, RFC 5246, RFC 8422, RFC 7919).

// The registry's own names, as people search for them.
#![allow(non_upper_case_globals, missing_docs)]

use std::fmt;

use crate::base::open_enum;

open_enum! {
    /// What a record carries (RFC 8446, section 5.1).
    pub struct ContentType(u8) {
        change_cipher_spec = 20,
        alert = 21,
        handshake = 22,
        application_data = 23,
        heartbeat = 24,
    }
}

open_enum! {
    /// What a handshake message is (RFC 8446, section 4).
    pub struct HandshakeType(u8) {
        hello_request = 0,
        client_hello = 1,
        server_hello = 2,
        hello_verify_request = 3,
        new_session_ticket = 4,
        end_of_early_data = 5,
        encrypted_extensions = 8,
        certificate = 11,
        server_key_exchange = 12,
        certificate_request = 13,
        server_hello_done = 14,
        certificate_verify = 15,
        client_key_exchange = 16,
        finished = 20,
        certificate_status = 22,
        key_update = 24,
    }
}

open_enum! {
    /// How bad an alert is (RFC 8446, section 6).
    pub struct AlertLevel(u8) {
        warning = 1,
        fatal = 2,
    }
}

open_enum! {
    /// What an alert says (RFC 8446, section 6; the older ones RFC 5246, section 7.2).
    pub struct AlertDescription(u8) {
        close_notify = 0,
        unexpected_message = 10,
        bad_record_mac = 20,
        decryption_failed = 21,
        record_overflow = 22,
        decompression_failure = 30,
        handshake_failure = 40,
        no_certificate = 41,
        bad_certificate = 42,
        unsupported_certificate = 43,
        certificate_revoked = 44,
        certificate_expired = 45,
        certificate_unknown = 46,
        illegal_parameter = 47,
        unknown_ca = 48,
        access_denied = 49,
        decode_error = 50,
        decrypt_error = 51,
        too_many_cids_requested = 52,
        export_restriction = 60,
        protocol_version = 70,
        insufficient_security = 71,
        internal_error = 80,
        inappropriate_fallback = 86,
        user_canceled = 90,
        no_renegotiation = 100,
        missing_extension = 109,
        unsupported_extension = 110,
        certificate_unobtainable = 111,
        unrecognized_name = 112,
        bad_certificate_status_response = 113,
        bad_certificate_hash_value = 114,
        unknown_psk_identity = 115,
        certificate_required = 116,
        general_error = 117,
        no_application_protocol = 120,
        ech_required = 121,
    }
}

open_enum! {
    /// A group for key exchange (supported_groups).
    pub struct NamedGroup(u16) {
        sect163k1 = 1,
        sect163r1 = 2,
        sect163r2 = 3,
        sect193r1 = 4,
        sect193r2 = 5,
        sect233k1 = 6,
        sect233r1 = 7,
        sect239k1 = 8,
        sect283k1 = 9,
        sect283r1 = 10,
        sect409k1 = 11,
        sect409r1 = 12,
        sect571k1 = 13,
        sect571r1 = 14,
        secp160k1 = 15,
        secp160r1 = 16,
        secp160r2 = 17,
        secp192k1 = 18,
        secp192r1 = 19,
        secp224k1 = 20,
        secp224r1 = 21,
        secp256k1 = 22,
        secp256r1 = 23,
        secp384r1 = 24,
        secp521r1 = 25,
        brainpoolP256r1 = 26,
        brainpoolP384r1 = 27,
        brainpoolP512r1 = 28,
        x25519 = 29,
        x448 = 30,
        brainpoolP256r1tls13 = 31,
        brainpoolP384r1tls13 = 32,
        brainpoolP512r1tls13 = 33,
        curveSM2 = 41,
        ffdhe2048 = 256,
        ffdhe3072 = 257,
        ffdhe4096 = 258,
        ffdhe6144 = 259,
        ffdhe8192 = 260,
        MLKEM512 = 512,
        MLKEM768 = 513,
        MLKEM1024 = 514,
        SecP256r1MLKEM768 = 4587,
        X25519MLKEM768 = 4588,
        SecP384r1MLKEM1024 = 4589,
        X25519Kyber768Draft00 = 25497,
        arbitrary_explicit_prime_curves = 65281,
        arbitrary_explicit_char2_curves = 65282,
    }
}

open_enum! {
    /// A signature algorithm: SignatureScheme of RFC 8446, which covers the hash and signature pairs of
    /// RFC 5246 (those that TLS 1.3 has no name for are named here as `signature_hash`).
    pub struct SignatureScheme(u16) {
        rsa_md5 = 0x0101,
        rsa_pkcs1_sha1 = 0x0201,
        dsa_sha1 = 0x0202,
        ecdsa_sha1 = 0x0203,
        rsa_sha224 = 0x0301,
        dsa_sha224 = 0x0302,
        ecdsa_sha224 = 0x0303,
        rsa_pkcs1_sha256 = 0x0401,
        dsa_sha256 = 0x0402,
        ecdsa_secp256r1_sha256 = 0x0403,
        rsa_pkcs1_sha384 = 0x0501,
        dsa_sha384 = 0x0502,
        ecdsa_secp384r1_sha384 = 0x0503,
        rsa_pkcs1_sha512 = 0x0601,
        dsa_sha512 = 0x0602,
        ecdsa_secp521r1_sha512 = 0x0603,
        sm2sig_sm3 = 0x0708,
        rsa_pss_rsae_sha256 = 0x0804,
        rsa_pss_rsae_sha384 = 0x0805,
        rsa_pss_rsae_sha512 = 0x0806,
        ed25519 = 0x0807,
        ed448 = 0x0808,
        rsa_pss_pss_sha256 = 0x0809,
        rsa_pss_pss_sha384 = 0x080A,
        rsa_pss_pss_sha512 = 0x080B,
        ecdsa_brainpoolP256r1tls13_sha256 = 0x081A,
        ecdsa_brainpoolP384r1tls13_sha384 = 0x081B,
        ecdsa_brainpoolP512r1tls13_sha512 = 0x081C,
        mldsa44 = 0x0904,
        mldsa65 = 0x0905,
        mldsa87 = 0x0906,
    }
}

/// A protocol version as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(pub u16);

impl Version {
    pub const SSL2: Version = Version(0x0002);
    pub const SSL3: Version = Version(0x0300);
    pub const TLS1_0: Version = Version(0x0301);
    pub const TLS1_1: Version = Version(0x0302);
    pub const TLS1_2: Version = Version(0x0303);
    pub const TLS1_3: Version = Version(0x0304);
    pub const DTLS1_0: Version = Version(0xFEFF);
    pub const DTLS1_2: Version = Version(0xFEFD);
    pub const DTLS1_3: Version = Version(0xFEFC);

    /// Whether it is a version of DTLS.
    pub const fn is_dtls(self) -> bool {
        self.0 >> 8 == 0xFE
    }

    /// Whether it is TLS 1.3 or DTLS 1.3, which hide most of the handshake.
    pub const fn is_13(self) -> bool {
        matches!(self, Version::TLS1_3 | Version::DTLS1_3)
    }

    /// A number that grows with the version; those of DTLS count down on the wire.
    pub const fn rank(self) -> u16 {
        if self.is_dtls() { !self.0 } else { self.0 }
    }

    /// The name that people use, such as "TLS 1.2".
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Version::SSL2 => Some("SSL 2.0"),
            Version::SSL3 => Some("SSL 3.0"),
            Version::TLS1_0 => Some("TLS 1.0"),
            Version::TLS1_1 => Some("TLS 1.1"),
            Version::TLS1_2 => Some("TLS 1.2"),
            Version::TLS1_3 => Some("TLS 1.3"),
            Version::DTLS1_0 => Some("DTLS 1.0"),
            Version::DTLS1_2 => Some("DTLS 1.2"),
            Version::DTLS1_3 => Some("DTLS 1.3"),
            _ => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#06x}", self.0),
        }
    }
}
