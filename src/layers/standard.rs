//! Standard RDP Security, opened with the server's private key (MS-RDPBCGR, sections 5.3.4 to 5.3.8): it opens the
//! client's random, from which, with the server's, all keys follow.
//!
//! Every PDU is authenticated before it is believed. RC4 is one stream in each direction, so after a PDU that the
//! capture lacks nothing more of that direction is opened.

use std::fmt;

use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use num_bigint::BigUint;
use rc4::{Rc4, StreamCipher};
use sha1::{Digest, Sha1};

use crate::base::{Dir, PerDir};
use crate::protocol::gcc::EncryptionMethods;
use crate::protocol::rsa_key::RsaPrivateKey;

/// Bytes of the randoms.
pub(super) const RANDOM: usize = 32;
/// Bytes of dataSignature.
const SIGNATURE: usize = 8;
/// PDUs after which an RC4 key is changed (5.3.7).
const UPDATE: u32 = 4096;
const PAD1: [u8; 40] = [0x36; 40];
const PAD2: [u8; 48] = [0x5C; 48];

/// Opens one connection.
pub struct Standard {
    lanes: PerDir<Option<Lane>>,
    mac: Vec<u8>,
}

impl fmt::Debug for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Standard")
    }
}

/// One direction.
struct Lane {
    cipher: Cipher,
    /// PDUs so far.
    count: u32,
}

enum Cipher {
    Rc4 {
        initial: Vec<u8>,
        current: Vec<u8>,
        salt: &'static [u8],
        stream: Rc4,
    },
    /// Triple DES; blocks are chained over all PDUs.
    Fips(cbc::Decryptor<des::TdesEde3>),
}

impl Standard {
    /// For what a Security Exchange holds, if one of these keys opens it.
    pub(super) fn new(
        keys: &[RsaPrivateKey],
        method: EncryptionMethods,
        sealed_random: &[u8],
        server_random: &[u8; RANDOM],
    ) -> Option<Self> {
        let client_random = keys.iter().find_map(|key| client_random(key, sealed_random))?;
        Self::of(method, &client_random, server_random)
    }

    fn of(method: EncryptionMethods, client: &[u8; RANDOM], server: &[u8; RANDOM]) -> Option<Self> {
        if method == EncryptionMethods::ENCRYPTION_FLAG_FIPS {
            return Self::fips(client, server);
        }
        let salted = |secret: &[u8], letters: &[u8]| {
            let inner = Sha1::new().chain_update(letters).chain_update(secret).chain_update(client);
            let inner = inner.chain_update(server).finalize();
            Md5::new().chain_update(secret).chain_update(inner).finalize()
        };
        let premaster = [client.get(..24)?, server.get(..24)?].concat();
        let three =
            |secret: &[u8], letters: [&[u8]; 3]| letters.map(|letters| salted(secret, letters)).concat();
        let master = three(&premaster, [b"A", b"BB", b"CCC"]);
        let blob = three(&master, [b"X", b"YY", b"ZZZ"]);
        let [mac, of_server, of_client] = [0, 16, 32].map(|at| blob.get(at..at + 16));
        let last = |key: &[u8]| {
            Md5::new().chain_update(key).chain_update(client).chain_update(server).finalize().to_vec()
        };
        let (length, salt): (usize, &'static [u8]) = match method {
            EncryptionMethods::ENCRYPTION_FLAG_40BIT => (8, &[0xD1, 0x26, 0x9E]),
            EncryptionMethods::ENCRYPTION_FLAG_56BIT => (8, &[0xD1]),
            EncryptionMethods::ENCRYPTION_FLAG_128BIT => (16, &[]),
            _ => return None,
        };
        let shortened = |key: Vec<u8>| shortened(key, length, salt);
        let lane = |key: Vec<u8>| {
            let stream = Rc4::new_from_slice(&key).ok()?;
            Some(Lane { cipher: Cipher::Rc4 { initial: key.clone(), current: key, salt, stream }, count: 0 })
        };
        Some(Standard {
            lanes: PerDir {
                client_to_server: lane(shortened(last(of_client?))),
                server_to_client: lane(shortened(last(of_server?))),
            },
            mac: shortened(mac?.to_vec()),
        })
    }

    /// Section 5.3.5.2.
    fn fips(client: &[u8; RANDOM], server: &[u8; RANDOM]) -> Option<Self> {
        const IV: [u8; 8] = [0x12, 0x34, 0x56, 0x78, 0x90, 0xAB, 0xCD, 0xEF];
        let half = |from: usize| {
            let halves = [client.get(from..from + 16)?, server.get(from..from + 16)?];
            Some(Sha1::new().chain_update(halves[0]).chain_update(halves[1]).finalize())
        };
        let (of_client, of_server) = (half(16)?, half(0)?);
        let mac = Sha1::new().chain_update(of_server).chain_update(of_client).finalize().to_vec();
        let lane = |key: &[u8]| {
            let cipher = cbc::Decryptor::<des::TdesEde3>::new_from_slices(&des_key(key), &IV).ok()?;
            Some(Lane { cipher: Cipher::Fips(cipher), count: 0 })
        };
        let lanes = PerDir { client_to_server: lane(&of_client), server_to_client: lane(&of_server) };
        Some(Standard { lanes, mac })
    }

    /// Opens the next encrypted PDU of `dir`: what follows its header and flags.
    pub fn open(&mut self, dir: Dir, sealed: &[u8], salted: bool) -> Option<Vec<u8>> {
        let mut lane = self.lanes[dir].take()?;
        let clear = lane.open(&self.mac, sealed, salted)?;
        self.lanes[dir] = Some(lane);
        Some(clear)
    }

    /// The capture lacks a PDU of `dir`, so nothing after it can be opened.
    pub fn lose(&mut self, dir: Dir) {
        self.lanes[dir] = None;
    }

    /// Whether anything more can be opened.
    pub fn is_open(&self, dir: Dir) -> bool {
        self.lanes[dir].is_some()
    }
}

impl Lane {
    fn open(&mut self, mac: &[u8], sealed: &[u8], salted: bool) -> Option<Vec<u8>> {
        let count = self.count;
        self.count = count.checked_add(1)?;
        match &mut self.cipher {
            Cipher::Rc4 { initial, current, salt, stream } => {
                if count > 0 && count.is_multiple_of(UPDATE) {
                    *current = updated(initial, current, salt)?;
                    *stream = Rc4::new_from_slice(current).ok()?;
                }
                let (signature, text) = sealed.split_at_checked(SIGNATURE)?;
                let mut clear = text.to_vec();
                stream.try_apply_keystream(&mut clear).ok()?;
                let length = (clear.len() as u32).to_le_bytes();
                let mut inner = Sha1::new();
                for part in [mac, &PAD1, &length, &clear] {
                    inner.update(part);
                }
                if salted {
                    inner.update(count.to_le_bytes());
                }
                let outer = Md5::new().chain_update(mac).chain_update(PAD2).chain_update(inner.finalize());
                outer.finalize().starts_with(signature).then_some(clear)
            }
            Cipher::Fips(cipher) => {
                // `length u16 = 16 · version u8 · padding u8 · signature · blocks`.
                let (&[_, _, _, padding], rest) = sealed.split_first_chunk()?;
                let (signature, text) = rest.split_at_checked(SIGNATURE)?;
                let mut clear = text.to_vec();
                for block in clear.chunks_exact_mut(8) {
                    cipher.decrypt_block(block.try_into().ok()?);
                }
                clear.truncate(clear.len().checked_sub(padding.into())?);
                let hmac = Hmac::<Sha1>::new_from_slice(mac).ok()?;
                let code =
                    hmac.chain_update(&clear).chain_update(count.to_le_bytes()).finalize().into_bytes();
                (text.len().is_multiple_of(8) && code.starts_with(signature)).then_some(clear)
            }
        }
    }
}

/// A key of `length` bytes that begins with `salt`.
fn shortened(mut key: Vec<u8>, length: usize, salt: &[u8]) -> Vec<u8> {
    key.truncate(length);
    key.iter_mut().zip(salt).for_each(|(byte, salt)| *byte = *salt);
    key
}

/// The key after `current` (5.3.7.1).
fn updated(initial: &[u8], current: &[u8], salt: &[u8]) -> Option<Vec<u8>> {
    let inner = Sha1::new().chain_update(initial).chain_update(PAD1).chain_update(current).finalize();
    let mixed = Md5::new().chain_update(initial).chain_update(PAD2).chain_update(inner).finalize();
    let mut key = mixed.get(..initial.len())?.to_vec();
    Rc4::new_from_slice(&key.clone()).ok()?.try_apply_keystream(&mut key).ok()?;
    Some(shortened(key, initial.len(), salt))
}

/// 168 bits as the 192 of a triple DES key: seven bits a byte, the lowest first (5.3.5.2); DES does not look at the
/// eighth.
fn des_key(hash: &[u8]) -> [u8; 24] {
    let mut key = [0; 24];
    let bit = |at: usize| {
        let byte = hash.get(at / 8 % hash.len().max(1)).copied().unwrap_or_default();
        byte >> (at % 8) & 1
    };
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = (0..7).fold(0, |byte, n| byte | bit(at * 7 + n) << n);
    }
    key
}

/// The client's random, where the key fits: any other gives a number that is longer (5.3.4.2).
fn client_random(key: &RsaPrivateKey, sealed: &[u8]) -> Option<[u8; RANDOM]> {
    let modulus = BigUint::from_bytes_be(&key.modulus);
    let number = BigUint::from_bytes_le(sealed);
    if number >= modulus || modulus == BigUint::ZERO {
        return None;
    }
    let mut random = number.modpow(&BigUint::from_bytes_be(&key.exponent), &modulus).to_bytes_le();
    if random.len() > RANDOM {
        return None;
    }
    random.resize(RANDOM, 0);
    random.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const C: Dir = Dir::ClientToServer;

    fn randoms() -> ([u8; RANDOM], [u8; RANDOM]) {
        (std::array::from_fn(|at| at as u8), std::array::from_fn(|at| at as u8 + 100))
    }

    fn of(method: EncryptionMethods) -> Standard {
        let (client, server) = randoms();
        Standard::of(method, &client, &server).unwrap()
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    /// By another implementation, in Python: the first PDU, "a"; one that follows 4095 bytes of the stream, as the
    /// 4096th PDU, "z"; and, after the key was changed, "after".
    const SEALED: [(EncryptionMethods, [&str; 3]); 3] = [
        (
            EncryptionMethods::ENCRYPTION_FLAG_128BIT,
            ["e1722e1e0852b68f40", "1f4464297a8c553f2b", "d219e8c233630ca988193e86d6"],
        ),
        (
            EncryptionMethods::ENCRYPTION_FLAG_40BIT,
            ["6dca8882eccbd460e9", "82a0bf4eda2eb22401", "bab49507216abe903aebcc86f3"],
        ),
        (
            EncryptionMethods::ENCRYPTION_FLAG_56BIT,
            ["e062537172b9a35b22", "283ba0517afc9f5c95", "bfb77baeca78396783e040fe5f"],
        ),
    ];

    #[test]
    fn keys_are_derived_and_changed() {
        for (method, [first, last, after]) in SEALED {
            let mut standard = of(method);
            assert_eq!(standard.open(C, &hex(first), true).unwrap(), b"a");
            // As many PDUs, of a byte each, that nobody checks.
            let lane = standard.lanes[C].as_mut().unwrap();
            let Cipher::Rc4 { stream, .. } = &mut lane.cipher else { panic!("RC4") };
            stream.try_apply_keystream(&mut [0; 4094]).unwrap();
            lane.count = UPDATE - 1;
            assert_eq!(standard.open(C, &hex(last), true).unwrap(), b"z");
            assert_eq!(standard.open(C, &hex(after), true).unwrap(), b"after");
        }
    }

    #[test]
    fn what_does_not_authenticate_ends_its_direction() {
        let (method, [first, ..]) = SEALED[0];
        let mut standard = of(method);
        assert_eq!(standard.open(C, &hex(first), false), None);
        assert!(!standard.is_open(C) && standard.is_open(Dir::ServerToClient));
        assert_eq!(standard.open(C, &hex(first), true), None);
        for short in [&[][..], &[1; 7], &[1; 12], &[0x10, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]] {
            assert_eq!(of(EncryptionMethods::ENCRYPTION_FLAG_FIPS).open(C, short, true), None);
            assert_eq!(of(method).open(C, short, true), None);
        }
    }

    #[test]
    fn only_the_key_that_fits_opens_a_random() {
        // 2^64 - 59 is a prime: what is opened with its inverse exponent is the number again, but longer than a random
        // it never gets; a modulus of zero opens nothing.
        let key = RsaPrivateKey {
            modulus: vec![0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xC5],
            exponent: vec![1],
        };
        let mut random = [0; RANDOM];
        random[..3].copy_from_slice(&[7, 8, 9]);
        assert_eq!(client_random(&key, &[7, 8, 9, 0, 0]), Some(random));
        assert_eq!(client_random(&key, &[0xFF; 8]), None);
        let long = RsaPrivateKey { modulus: vec![0xFF; 64], exponent: vec![1] };
        assert_eq!(client_random(&long, &[1; 33]), None);
        assert_eq!(client_random(&RsaPrivateKey { modulus: vec![0], exponent: vec![1] }, &[1]), None);
    }
}
