//! What may stay of a UDP datagram: RDP's own headers, and inside those of TLS or DTLS.

use super::Redactor;
use super::messages::{handshake, rewrite};
use crate::protocol::rdpeudp::{self, Payload};
use crate::protocol::rdpeudp2;

/// Bytes of a record's header in DTLS, and of a handshake message's.
const RECORD: usize = 13;
const HANDSHAKE: usize = 12;

/// Puts what may stay in place of a datagram, which had `wire` bytes.
pub(super) fn datagram(redactor: &Redactor, data: &mut [u8], wire: usize) {
    let mut made = vec![0; data.len()];
    opened(redactor, data, wire, &mut made);
    data.copy_from_slice(&made);
}

fn opened(redactor: &Redactor, data: &[u8], wire: usize, made: &mut [u8]) {
    let syn = rdpeudp::looks_like_syn(data, wire) || rdpeudp::looks_like_syn_ack(data, wire);
    if let Ok(parsed) = rdpeudp::parse(data, wire)
        && (syn || rdpeudp::looks_like_data_v1(data, wire))
    {
        if let Some(syn) = &parsed.syn {
            made.copy_from_slice(data);
            if let Some(id) = syn.correlation_id {
                replace(made, &id, &redactor.id_if(&id));
            }
            let hash = syn.extension.as_ref().and_then(|extension| extension.cookie_hash);
            if let Some(hash) = hash {
                replace(made, &hash, &redactor.id_if(&hash));
            }
        } else {
            let payload = match parsed.payload {
                Some(Payload::Source { data, .. } | Payload::Fec { data, .. }) => data,
                None => &[],
            };
            around(redactor, data, payload, 0, made);
        }
    } else if rdpeudp2::looks_like_packet(data, wire)
        && let Ok(parsed) = rdpeudp2::parse(data, wire)
    {
        let whole = parsed.body.as_ref().map_or_else(Vec::new, |body| body.data.concat());
        let apart = parsed.body.as_ref().map_or(0, |body| body.data[0].len());
        around(redactor, data, &whole, apart, made);
    }
}

/// Keeps what is around the payload, which is the datagram's end but for the bytes that lie apart (one, in
/// version 3).
fn around(redactor: &Redactor, data: &[u8], payload: &[u8], apart: usize, made: &mut [u8]) {
    let head = data.len().saturating_sub(payload.len().saturating_sub(apart));
    let (before, after) = made.split_at_mut(head);
    before.copy_from_slice(data.get(..head).unwrap_or_default());
    let inside = match payload {
        [20..=25, 0xfe, ..] => dtls(redactor, payload),
        [20..=23, 3, ..] => rewrite(redactor, payload),
        _ => return,
    };
    if let Some(inside) = inside.get(apart..).filter(|inside| inside.len() == after.len()) {
        after.copy_from_slice(inside);
    }
}

fn replace(made: &mut [u8], what: &[u8], with: &[u8]) {
    if what.len() == with.len()
        && let Some(at) = made.windows(what.len()).position(|window| window == what)
        && let Some(place) = made.get_mut(at..at + what.len())
    {
        place.copy_from_slice(with);
    }
}

/// Records of DTLS (RFC 6347, section 4.1).
fn dtls(redactor: &Redactor, payload: &[u8]) -> Vec<u8> {
    let mut made = vec![0; payload.len()];
    let mut at = 0;
    while let Some(head) = payload.get(at..at + RECORD) {
        let (clear, length) = (head[3..5] == [0, 0], usize::from(u16::from_be_bytes([head[11], head[12]])));
        let copy = |made: &mut [u8], from: usize, count: usize| {
            if let (Some(to), Some(from)) =
                (made.get_mut(from..from + count), payload.get(from..from + count))
            {
                to.copy_from_slice(from);
            }
        };
        copy(&mut made, at, RECORD);
        let body = at + RECORD;
        match head[0] {
            20 => copy(&mut made, body, length.min(1)),
            21 if clear && length == 2 => copy(&mut made, body, 2),
            22 if clear => {
                let mut message = body;
                while let Some(head) =
                    payload.get(message..message + HANDSHAKE).filter(|_| message < body + length)
                {
                    copy(&mut made, message, HANDSHAKE);
                    // Of a fragment, the whole is not known.
                    let (whole, part) = (&head[1..4], &head[9..12]);
                    let part_length =
                        usize::from(part[0]) << 16 | usize::from(u16::from_be_bytes([part[1], part[2]]));
                    let from = message + HANDSHAKE;
                    if let Some(fragment) = payload.get(from..from + part_length) {
                        if head[0] == 3 {
                            // HelloVerifyRequest: a version, and a cookie.
                            copy(&mut made, from, part_length.min(3));
                        } else if whole == part {
                            let rewritten = handshake(redactor, head[0], fragment, true);
                            if let Some(to) = made.get_mut(from..from + part_length) {
                                to.copy_from_slice(&rewritten);
                            }
                        }
                    }
                    message = from + part_length;
                }
            }
            _ => {}
        }
        at = body + length;
    }
    made
}
