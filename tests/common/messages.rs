//! Messages of a negotiation and a TLS handshake, made for tests.

use super::made::record;

pub fn failure(code: u8) -> Vec<u8> {
    vec![3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 3, 0, 8, 0, code, 0, 0, 0]
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend(body);
    bytes
}

/// Offers TLS 1.3 and 1.2 with two suites, and a long extension of padding.
pub fn client_hello() -> Vec<u8> {
    let mut extensions = vec![0, 43, 0, 5, 4, 3, 4, 3, 3];
    extensions.extend([0, 21, 0, 200]);
    extensions.extend([0; 200]);
    let mut body = vec![3, 3];
    body.extend([0x11; 32]);
    body.push(0);
    body.extend([0, 4, 0x13, 0x01, 0xc0, 0x2f]);
    body.extend([1, 0]);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    record(22, &handshake(1, &body))
}

fn server_hello_message(random: [u8; 32], version: [u8; 2], cipher: [u8; 2]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(random);
    body.push(0);
    body.extend(cipher);
    body.push(0);
    if version == [3, 4] {
        body.extend([0, 6, 0, 43, 0, 2, 3, 4]);
    }
    if version < [3, 3] {
        body[..2].copy_from_slice(&version);
    }
    handshake(2, &body)
}

pub fn server_hello(version: [u8; 2]) -> Vec<u8> {
    let cipher = if version == [3, 4] { [0x13, 0x01] } else { [0xc0, 0x2f] };
    record(22, &server_hello_message([0x22; 32], version, cipher))
}

pub fn hello_retry_request() -> Vec<u8> {
    let random: [u8; 32] =
        bytes("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c").try_into().unwrap();
    record(22, &server_hello_message(random, [3, 4], [0x13, 0x01]))
}

/// One record: ServerHello, Certificate, ServerHelloDone.
pub fn server_flight12() -> Vec<u8> {
    let der = certificate();
    let mut chain = vec![0];
    chain.extend((der.len() as u16 + 3).to_be_bytes());
    chain.push(0);
    chain.extend((der.len() as u16).to_be_bytes());
    chain.extend(&der);
    let hello = server_hello_message([0x22; 32], [3, 3], [0xc0, 0x2f]);
    record(22, &[hello, handshake(11, &chain), handshake(14, &[])].concat())
}

pub fn client_finish12() -> Vec<u8> {
    [record(22, &handshake(16, &[32; 33])), record(20, &[1]), record(22, &[9; 40])].concat()
}

pub fn server_flight13() -> Vec<u8> {
    [server_hello([3, 4]), record(20, &[1]), record(23, &[7; 900])].concat()
}

pub fn alert(level: u8, description: u8) -> Vec<u8> {
    record(21, &[level, description])
}

/// xrdp's goodbye in clear.
pub fn ultimatum() -> Vec<u8> {
    vec![3, 0, 0, 9, 2, 0xf0, 0x80, 0x21, 0x80]
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Made for these tests: CN=srv.example, self-signed, P-256, valid from 2026-11-21 to 2026-12-21.
pub fn certificate() -> Vec<u8> {
    bytes(
        "3082018130820127a003020102021440c04770c4eaff1b29b8ef1cadbf8b73e19a1074300a06082a8648ce3d04030230\
         163114301206035504030c0b7372762e6578616d706c65301e170d3236313132313033333035315a170d323631323231\
         3033333035315a30163114301206035504030c0b7372762e6578616d706c653059301306072a8648ce3d020106082a86\
         48ce3d03010703420004609acf9b28c86377f6c25fdaaf85bc17e5920c83c6a12b234472551894a1f7eb9a62442ff506\
         e7c7786f5f74329eff5fdcc981b0d0670d439f4c6e15a4b53dafa3533051301d0603551d0e04160414167a2b292fd3e8\
         e13da4036c044a870c67b0e414301f0603551d23041830168014167a2b292fd3e8e13da4036c044a870c67b0e414300f\
         0603551d130101ff040530030101ff300a06082a8648ce3d040302034800304502203de7d6c5bd8d453e9ab57224a5e0\
         c5e4719e2a4c0f917db59717e763ca60a46d02210092ef83c3c601701df9c2b87aac356ea957737f43dd6400f75cbfc4\
         725710411e",
    )
}
