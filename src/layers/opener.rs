//! Opens the records of one TLS or DTLS connection whose secrets are known (RFC 5246, sections 5 and 6; RFC
//! 8446, sections 5 and 7; RFC 7905 for ChaCha20, RFC 6655 for CCM, RFC 7366 for encrypt-then-MAC).
//!
//! Every record is authenticated before it is believed, so a wrong key, or a wrong guess of a record's number
//! after a hole, opens nothing.

use std::fmt;

use aes_gcm::aead::consts::{U8, U12, U16};
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::{Sha256, Sha384};

use super::keys::{Secret, Secrets};
use crate::base::{Dir, PerDir};
use crate::protocol::tls::{Cipher, ContentType, Mac, ServerHello, Suite, Version};

/// Extension encrypt_then_mac (RFC 7366).
const ENCRYPT_THEN_MAC: u16 = 22;
/// Records that may be missing before one that opens.
const MISSING: u64 = 64;

/// One encrypted record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed<'a> {
    /// The header's content type.
    pub(super) content_type: ContentType,
    /// The header's version.
    pub(super) version: Version,
    pub(super) body: &'a [u8],
}

/// What a record hid.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Opened {
    /// What it really carries.
    pub(super) content_type: ContentType,
    pub(super) clear: Vec<u8>,
}

/// Opens one connection.
pub(super) struct Opener {
    suite: Suite,
    secrets: Secrets,
    is_13: bool,
    lanes: PerDir<Lane>,
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opener({:?})", self.suite)
    }
}

#[derive(Clone, Default)]
struct Lane {
    protection: Option<Protection>,
    /// Number of the next record.
    next: u64,
    /// Whether records may be missing before it.
    uncertain: bool,
    /// TLS 1.3: the traffic secret in use; none while the handshake's is.
    traffic: Option<Vec<u8>>,
    /// TLS 1.3: what is protected by the handshake's secret is over.
    over: bool,
    /// Records in a row that did not open: after some, no more numbers are tried than the next.
    failed: u64,
}

impl Opener {
    /// For a connection in which the server answered so. `None` where the suite is not known here, or the
    /// secrets are not those of its version.
    pub(super) fn new(secrets: Secrets, client_random: &[u8; 32], hello: &ServerHello) -> Option<Self> {
        let suite = Suite::of(hello.cipher)?;
        let is_13 = hello.version.is_13();
        let mut opener = Opener { suite, secrets, is_13, lanes: PerDir::default() };
        if is_13 {
            for dir in Dir::BOTH {
                opener.lanes[dir].protection = opener.handshake_13(dir);
            }
            let any = opener.secrets.handshake.iter().chain(&opener.secrets.traffic).any(Option::is_some);
            return any.then_some(opener);
        }
        let master = opener.secrets.master.clone()?;
        let implicit_iv = hello.version <= Version::TLS1_0;
        let [mac, key, iv] = suite.lengths(implicit_iv);
        let seed = [&hello.random[..], &client_random[..]].concat();
        let block = prf(hello.version, suite, master.bytes(), b"key expansion", &seed, 2 * (mac + key + iv));
        let mut rest = block.as_slice();
        let mut take = |len: usize| {
            let (part, after) = rest.split_at_checked(len)?;
            rest = after;
            Some(part.to_vec())
        };
        let (macs, keys, ivs) = ([take(mac)?, take(mac)?], [take(key)?, take(key)?], [take(iv)?, take(iv)?]);
        let encrypt_then_mac = hello.extensions.contains(&ENCRYPT_THEN_MAC);
        for (dir, ((mac, key), iv)) in Dir::BOTH.into_iter().zip(macs.into_iter().zip(keys).zip(ivs)) {
            opener.lanes[dir].protection =
                Some(Protection { mac, key, iv, implicit_iv, encrypt_then_mac, is_13: false });
        }
        Some(opener)
    }

    /// Whether secrets of it are unknown: TLS 1.3 has four, two of which are known later.
    pub(super) fn lacks_secrets(&self) -> bool {
        let Secrets { handshake, traffic, .. } = &self.secrets;
        self.is_13 && handshake.iter().chain(traffic).any(Option::is_none)
    }

    /// Takes what became known since.
    pub(super) fn learn(&mut self, secrets: Secrets) {
        self.secrets = secrets;
        for dir in Dir::BOTH {
            if self.lanes[dir].protection.is_none() && !self.lanes[dir].over {
                self.lanes[dir].protection = self.handshake_13(dir);
                self.lanes[dir].uncertain = true;
            }
        }
    }

    /// Records of `dir` may be missing before the next.
    pub(super) fn skip(&mut self, dir: Dir) {
        self.lanes[dir].uncertain = true;
    }

    /// One record of `dir` passed without its body.
    pub(super) fn miss(&mut self, dir: Dir) {
        let lane = &mut self.lanes[dir];
        lane.next += 1;
        // Of chained blocks the last one is needed.
        lane.uncertain |= lane.protection.as_ref().is_some_and(|protection| protection.implicit_iv);
    }

    /// Opens the next record of `dir` in a stream.
    pub(super) fn open(&mut self, dir: Dir, sealed: Sealed<'_>) -> Option<Opened> {
        let Lane { next, uncertain, failed, .. } = self.lanes[dir];
        let last = if uncertain && failed < MISSING { MISSING } else { 0 };
        for ahead in 0..=last {
            if let Some(opened) = self.open_at(dir, next + ahead, sealed) {
                let lane = &mut self.lanes[dir];
                (lane.next, lane.uncertain, lane.failed) = (next + ahead + 1, false, 0);
                return Some(opened);
            }
        }
        // The switch to the next keys was missed, or the handshake's were never known.
        if self.is_13 && self.lanes[dir].traffic.is_none() {
            let before = self.lanes[dir].clone();
            self.finished(dir);
            if let Some(opened) = self.open_at(dir, 0, sealed) {
                self.lanes[dir].next = 1;
                return Some(opened);
            }
            self.lanes[dir] = before;
        }
        self.lanes[dir].failed += 1;
        None
    }

    /// Opens the record of `dir` with this number: for DTLS, epoch (16 bits) and sequence number (48 bits).
    pub(super) fn open_at(&mut self, dir: Dir, number: u64, sealed: Sealed<'_>) -> Option<Opened> {
        let suite = self.suite;
        let protection = self.lanes[dir].protection.as_mut()?;
        let clear = protection.open(suite, number, sealed)?;
        if !self.is_13 {
            return Some(Opened { content_type: sealed.content_type, clear });
        }
        // The real type stands behind the content, before padding of zeros (RFC 8446, section 5.2).
        let end = clear.iter().rposition(|byte| *byte != 0)?;
        let (content, kind) = (clear.get(..end)?, clear.get(end)?);
        Some(Opened { content_type: ContentType(*kind), clear: content.to_vec() })
    }

    /// The sender of `dir` said Finished: what follows is under its traffic secret.
    pub(super) fn finished(&mut self, dir: Dir) {
        if self.is_13 && self.lanes[dir].traffic.is_none() {
            let secret =
                self.secrets.traffic[Secrets::of(dir)].as_ref().map(Secret::bytes).map(<[u8]>::to_vec);
            self.switch(dir, secret);
        }
    }

    /// The sender of `dir` said KeyUpdate (RFC 8446, section 7.2).
    pub(super) fn key_update(&mut self, dir: Dir) {
        let Some(secret) = self.lanes[dir].traffic.take() else { return };
        let next = self.expand(&secret, b"traffic upd", secret.len());
        self.switch(dir, next);
    }

    fn switch(&mut self, dir: Dir, secret: Option<Vec<u8>>) {
        let protection = secret.as_deref().and_then(|secret| self.protection_13(secret));
        self.lanes[dir] =
            Lane { protection, next: 0, uncertain: false, traffic: secret, over: true, failed: 0 };
    }

    fn handshake_13(&self, dir: Dir) -> Option<Protection> {
        self.protection_13(self.secrets.handshake[Secrets::of(dir)].as_ref()?.bytes())
    }

    fn protection_13(&self, secret: &[u8]) -> Option<Protection> {
        let key = self.expand(secret, b"key", self.suite.cipher.key_len())?;
        let iv = self.expand(secret, b"iv", 12)?;
        Some(Protection {
            mac: Vec::new(),
            key,
            iv,
            implicit_iv: false,
            encrypt_then_mac: false,
            is_13: true,
        })
    }

    /// HKDF-Expand-Label without a context (RFC 8446, section 7.1).
    fn expand(&self, secret: &[u8], label: &[u8], len: usize) -> Option<Vec<u8>> {
        let mut info = (len as u16).to_be_bytes().to_vec();
        info.push(6 + label.len() as u8);
        info.extend_from_slice(b"tls13 ");
        info.extend_from_slice(label);
        info.push(0);
        let mut out = vec![0; len];
        if self.suite.prf == Mac::Sha384 {
            Hkdf::<Sha384>::from_prk(secret).ok()?.expand(&info, &mut out).ok()?;
        } else {
            Hkdf::<Sha256>::from_prk(secret).ok()?.expand(&info, &mut out).ok()?;
        }
        Some(out)
    }
}

/// The keys of one direction.
#[derive(Clone)]
struct Protection {
    mac: Vec<u8>,
    key: Vec<u8>,
    /// The fixed part of a nonce; TLS 1.0: the last block, which chains the next record.
    iv: Vec<u8>,
    implicit_iv: bool,
    encrypt_then_mac: bool,
    is_13: bool,
}

type Aes128Ccm = ccm::Ccm<aes::Aes128, U16, U12>;
type Aes256Ccm = ccm::Ccm<aes::Aes256, U16, U12>;
type Aes128Ccm8 = ccm::Ccm<aes::Aes128, U8, U12>;
type Aes256Ccm8 = ccm::Ccm<aes::Aes256, U8, U12>;

impl Protection {
    fn open(&mut self, suite: Suite, number: u64, sealed: Sealed<'_>) -> Option<Vec<u8>> {
        match suite.cipher {
            Cipher::Aes128Cbc => self.blocks::<cbc::Decryptor<aes::Aes128>>(suite, number, sealed, 16),
            Cipher::Aes256Cbc => self.blocks::<cbc::Decryptor<aes::Aes256>>(suite, number, sealed, 16),
            Cipher::TripleDesCbc => self.blocks::<cbc::Decryptor<des::TdesEde3>>(suite, number, sealed, 8),
            Cipher::Aes128Gcm => self.aead::<Aes128Gcm>(number, sealed, 8, 16),
            Cipher::Aes256Gcm => self.aead::<Aes256Gcm>(number, sealed, 8, 16),
            Cipher::Aes128Ccm => self.aead::<Aes128Ccm>(number, sealed, 8, 16),
            Cipher::Aes256Ccm => self.aead::<Aes256Ccm>(number, sealed, 8, 16),
            Cipher::Aes128Ccm8 => self.aead::<Aes128Ccm8>(number, sealed, 8, 8),
            Cipher::Aes256Ccm8 => self.aead::<Aes256Ccm8>(number, sealed, 8, 8),
            Cipher::ChaCha20Poly1305 => {
                self.aead::<chacha20poly1305::ChaCha20Poly1305>(number, sealed, 0, 16)
            }
        }
    }

    /// `explicit` bytes of the nonce come with a record of TLS 1.2.
    fn aead<A: Aead + KeyInit>(
        &self,
        number: u64,
        sealed: Sealed<'_>,
        explicit: usize,
        tag: usize,
    ) -> Option<Vec<u8>> {
        let explicit = if self.is_13 { 0 } else { explicit };
        let (shown, body) = sealed.body.split_at_checked(explicit)?;
        let mut nonce = [0; 12];
        if explicit > 0 {
            let (fixed, rest) = nonce.split_at_mut_checked(self.iv.len())?;
            fixed.copy_from_slice(&self.iv);
            rest.copy_from_slice(shown.get(..rest.len())?);
        } else {
            nonce.copy_from_slice(self.iv.get(..12)?);
            nonce.iter_mut().rev().zip(number.to_be_bytes().iter().rev()).for_each(|(a, b)| *a ^= b);
        }
        let aad = if self.is_13 {
            let len = (sealed.body.len() as u16).to_be_bytes();
            vec![sealed.content_type.0, 3, 3, len[0], len[1]]
        } else {
            header(number, sealed, body.len().checked_sub(tag)?)
        };
        let cipher = A::new_from_slice(&self.key).ok()?;
        cipher.decrypt(nonce.as_slice().try_into().ok()?, Payload { msg: body, aad: &aad }).ok()
    }

    fn blocks<C: KeyIvInit + BlockModeDecrypt>(
        &mut self,
        suite: Suite,
        number: u64,
        sealed: Sealed<'_>,
        block: usize,
    ) -> Option<Vec<u8>> {
        let mac_len = suite.mac.len();
        let mut body = sealed.body;
        if self.encrypt_then_mac {
            let (text, mac) = body.split_at_checked(body.len().checked_sub(mac_len)?)?;
            let whole = [header(number, sealed, text.len()), text.to_vec()].concat();
            suite.mac.verify(&self.mac, &whole, mac).then_some(())?;
            body = text;
        }
        let (iv, text) =
            if self.implicit_iv { (self.iv.as_slice(), body) } else { body.split_at_checked(block)? };
        if text.is_empty() || !text.len().is_multiple_of(block) {
            return None;
        }
        let mut clear = text.to_vec();
        let mut cipher = C::new_from_slices(&self.key, iv).ok()?;
        for part in clear.chunks_exact_mut(block) {
            cipher.decrypt_block(part.try_into().ok()?);
        }
        let padding = usize::from(*clear.last()?);
        let end = clear.len().checked_sub(padding + 1)?;
        if clear.get(end..)?.iter().any(|byte| usize::from(*byte) != padding) {
            return None;
        }
        clear.truncate(end);
        if !self.encrypt_then_mac {
            let end = end.checked_sub(mac_len)?;
            let mac = clear.split_off(end);
            let whole = [header(number, sealed, end).as_slice(), clear.as_slice()].concat();
            suite.mac.verify(&self.mac, &whole, &mac).then_some(())?;
        }
        if self.implicit_iv {
            self.iv = text.get(text.len() - block..)?.to_vec();
        }
        Some(clear)
    }
}

/// What is authenticated before the content: `number u64 · type u8 · version u16 · length u16`.
fn header(number: u64, sealed: Sealed<'_>, len: usize) -> Vec<u8> {
    let mut header = number.to_be_bytes().to_vec();
    header.push(sealed.content_type.0);
    header.extend_from_slice(&sealed.version.0.to_be_bytes());
    header.extend_from_slice(&(len as u16).to_be_bytes());
    header
}

impl Suite {
    /// Bytes of a direction's MAC key, cipher key and initialization vector.
    const fn lengths(self, implicit_iv: bool) -> [usize; 3] {
        let iv = match self.cipher {
            Cipher::TripleDesCbc if implicit_iv => 8,
            Cipher::Aes128Cbc | Cipher::Aes256Cbc if implicit_iv => 16,
            Cipher::TripleDesCbc | Cipher::Aes128Cbc | Cipher::Aes256Cbc => 0,
            Cipher::ChaCha20Poly1305 => 12,
            _ => 4,
        };
        [if self.cipher.is_block() { self.mac.len() } else { 0 }, self.cipher.key_len(), iv]
    }
}

impl Mac {
    const fn len(self) -> usize {
        match self {
            Mac::Md5 => 16,
            Mac::Sha1 => 20,
            Mac::Sha256 => 32,
            Mac::Sha384 => 48,
        }
    }

    fn verify(self, key: &[u8], text: &[u8], mac: &[u8]) -> bool {
        self.of(key, text) == mac
    }

    fn of(self, key: &[u8], text: &[u8]) -> Vec<u8> {
        macro_rules! hmac {
            ($hash:ty) => {
                // HMAC takes keys of any length.
                Hmac::<$hash>::new_from_slice(key).map_or_else(
                    |_| Vec::new(),
                    |mut mac| {
                        mac.update(text);
                        mac.finalize().into_bytes().to_vec()
                    },
                )
            };
        }
        match self {
            Mac::Md5 => hmac!(md5::Md5),
            Mac::Sha1 => hmac!(sha1::Sha1),
            Mac::Sha256 => hmac!(Sha256),
            Mac::Sha384 => hmac!(Sha384),
        }
    }
}

/// The pseudo-random function (RFC 5246, section 5; before TLS 1.2: RFC 4346, section 5).
fn prf(version: Version, suite: Suite, secret: &[u8], label: &[u8], seed: &[u8], len: usize) -> Vec<u8> {
    let seed = [label, seed].concat();
    if matches!(version, Version::TLS1_2 | Version::DTLS1_2) {
        return expand(suite.prf, secret, &seed, len);
    }
    let half = secret.len().div_ceil(2);
    let first = expand(Mac::Md5, secret.get(..half).unwrap_or_default(), &seed, len);
    let second = expand(Mac::Sha1, secret.get(secret.len() - half..).unwrap_or_default(), &seed, len);
    first.iter().zip(second).map(|(a, b)| a ^ b).collect()
}

/// P_hash.
fn expand(mac: Mac, secret: &[u8], seed: &[u8], len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(len + mac.len());
    let mut a = mac.of(secret, seed);
    while out.len() < len {
        out.extend(mac.of(secret, &[a.as_slice(), seed].concat()));
        a = mac.of(secret, &a);
    }
    out.truncate(len);
    out
}
