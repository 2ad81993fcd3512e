//! What a cipher suite is made of (IANA "TLS Parameters").

/// How records are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Cipher {
    Aes128Cbc,
    Aes256Cbc,
    TripleDesCbc,
    Aes128Gcm,
    Aes256Gcm,
    Aes128Ccm,
    Aes256Ccm,
    Aes128Ccm8,
    Aes256Ccm8,
    ChaCha20Poly1305,
}

impl Cipher {
    /// Bytes of its key.
    pub const fn key_len(self) -> usize {
        match self {
            Cipher::Aes128Cbc | Cipher::Aes128Gcm | Cipher::Aes128Ccm | Cipher::Aes128Ccm8 => 16,
            Cipher::TripleDesCbc => 24,
            Cipher::Aes256Cbc
            | Cipher::Aes256Gcm
            | Cipher::Aes256Ccm
            | Cipher::Aes256Ccm8
            | Cipher::ChaCha20Poly1305 => 32,
        }
    }

    /// Whether blocks are chained and a MAC stands beside them.
    pub const fn is_block(self) -> bool {
        matches!(self, Cipher::Aes128Cbc | Cipher::Aes256Cbc | Cipher::TripleDesCbc)
    }
}

/// A hash for message authentication or key derivation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Mac {
    Md5,
    Sha1,
    Sha256,
    Sha384,
}

/// One cipher suite, where it is one that RDP's peers negotiate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suite {
    /// How records are encrypted.
    pub cipher: Cipher,
    /// What authenticates records of chained blocks.
    pub mac: Mac,
    /// What keys are derived with, from TLS 1.2 on.
    pub prf: Mac,
}
