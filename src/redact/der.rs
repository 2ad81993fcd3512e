//! Certificates (RFC 5280) with other names, numbers, keys and signatures, in which every length stays.

use super::Redactor;

/// Depth of nesting that is followed.
const DEPTH: u8 = 24;

/// The same certificate for somebody else; zeros where it is none.
pub(super) fn certificate(redactor: &Redactor, der: &[u8]) -> Vec<u8> {
    let mut made = der.to_vec();
    let mut walk = Walk { redactor, left: 20_000 };
    if walk.items(&mut made, 0).is_none() {
        made.fill(0);
    }
    made
}

struct Walk<'a> {
    redactor: &'a Redactor,
    /// Elements that are looked at.
    left: u32,
}

impl Walk<'_> {
    /// Elements that follow each other; `None` where they are none.
    fn items(&mut self, mut rest: &mut [u8], depth: u8) -> Option<()> {
        while !rest.is_empty() {
            self.left = self.left.checked_sub(1)?;
            let (tag, head, length) = header(rest)?;
            let (_, after) = rest.split_at_mut_checked(head)?;
            let (body, after) = after.split_at_mut_checked(length)?;
            self.item(tag, body, depth)?;
            rest = after;
        }
        Some(())
    }

    fn item(&mut self, tag: u8, body: &mut [u8], depth: u8) -> Option<()> {
        if tag & 0x20 != 0 {
            return if depth < DEPTH { self.items(body, depth + 1) } else { None };
        }
        match tag {
            // What names nobody: booleans, null, identifiers, times.
            0x01 | 0x05 | 0x06 | 0x0a | 0x17 | 0x18 => {}
            // Versions and exponents are short; serial numbers and moduli keep their size and are odd.
            0x02 if body.len() > 4 => {
                let id = self.redactor.id(body);
                let last = body.len() - 1;
                if let (Some(inner), Some(made)) = (body.get_mut(2..last), id.get(2..last)) {
                    inner.copy_from_slice(made);
                }
                if let [.., last] = body
                    && let [.., made] = id.as_slice()
                {
                    *last = made | 1;
                }
            }
            0x02 => {}
            // Key usages are short; keys and signatures are not.
            0x03 | 0x04 if body.len() > 8 || tag == 0x04 => self.opaque(tag, body, depth),
            0x03 => {}
            // An address.
            0x87 if matches!(body.len(), 4 | 16) => self.redactor.ip_bytes(body),
            0x1e => {
                let plain: Vec<u8> = body.chunks(2).filter_map(|unit| unit.get(1)).copied().collect();
                for (unit, byte) in body.chunks_mut(2).zip(self.redactor.words(&plain)) {
                    if let [high, low] = unit {
                        (*high, *low) = (0, byte);
                    }
                }
            }
            _ => {
                let words = self.redactor.words(body);
                // Bytes that are no text become text of that length.
                body.copy_from_slice(&words);
            }
        }
        Some(())
    }

    /// A string of bits or bytes: elements, or noise.
    fn opaque(&mut self, tag: u8, body: &mut [u8], depth: u8) {
        let inner = if tag == 0x03 { body.get_mut(1..) } else { Some(&mut *body) };
        let Some(inner) = inner else { return };
        let mut tried = inner.to_vec();
        let whole = header(&tried).is_some_and(|(_, head, length)| head + length == tried.len());
        if whole && depth < DEPTH && self.items(&mut tried, depth + 1).is_some() {
            inner.copy_from_slice(&tried);
        } else {
            // The form of a point on a curve stays.
            let kept = usize::from(tag == 0x03 && matches!(inner.first(), Some(2..=4)));
            let id = self.redactor.id(inner);
            if let (Some(to), Some(from)) = (inner.get_mut(kept..), id.get(kept..)) {
                to.copy_from_slice(from);
            }
        }
    }
}

/// Tag, bytes of the header, and length.
fn header(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (&tag, &first) = (bytes.first()?, bytes.get(1)?);
    if tag & 0x1f == 0x1f {
        return None;
    }
    if first < 0x80 {
        return Some((tag, 2, usize::from(first)));
    }
    let count = usize::from(first & 0x7f);
    let more = bytes.get(2..2 + count)?;
    if count == 0 || count > 4 {
        return None;
    }
    Some((tag, 2 + count, more.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))))
}
