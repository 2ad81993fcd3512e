//! Frames of a WebSocket (RFC 6455, section 5): what data frames hold is one stream of bytes.

use super::http::HttpUnit;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;

/// Bytes of the longest header.
const HEADER: usize = 14;

/// Reads the frames of one direction.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// An unfinished header.
    pending: Vec<u8>,
    open: Option<Open>,
}

/// A frame whose payload has not all come.
#[derive(Debug)]
struct Open {
    opcode: u8,
    mask: Option<[u8; 4]>,
    /// Payload bytes that came, and how many there are.
    at: u64,
    len: u64,
    /// The start of a Close frame's payload.
    code: Vec<u8>,
}

impl Frames {
    pub(super) fn push(&mut self, mut data: &[u8], emit: &mut impl FnMut(HttpUnit<'_>)) {
        while !data.is_empty() || self.open.as_ref().is_some_and(|open| open.len == 0) {
            if let Some(open) = &mut self.open {
                let left = usize::try_from(open.len - open.at).unwrap_or(usize::MAX);
                let (now, rest) = data.split_at(left.min(data.len()));
                open.read(now, emit);
                data = rest;
                if open.at == open.len {
                    if open.opcode == CLOSE {
                        let code = open.code.first_chunk().map(|code| u16::from_be_bytes(*code));
                        emit(HttpUnit::Close(code));
                    }
                    self.open = None;
                }
                continue;
            }
            let known = self.pending.len();
            self.pending.extend_from_slice(data.get(..data.len().min(HEADER - known)).unwrap_or_default());
            let Some((open, used)) = header(&self.pending) else { return };
            self.open = Some(open);
            self.pending.clear();
            data = data.get(used - known..).unwrap_or_default();
        }
    }
}

impl Open {
    fn read(&mut self, bytes: &[u8], emit: &mut impl FnMut(HttpUnit<'_>)) {
        let start = self.at;
        self.at += bytes.len() as u64;
        if !matches!(self.opcode, CONTINUATION | TEXT | BINARY | CLOSE) || bytes.is_empty() {
            return;
        }
        let unmasked;
        let bytes = match self.mask {
            None => bytes,
            Some(mask) => {
                let mask = mask.iter().cycle().skip((start % 4) as usize);
                unmasked = bytes.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect::<Vec<u8>>();
                unmasked.as_slice()
            }
        };
        if self.opcode == CLOSE {
            let room = 2_usize.saturating_sub(self.code.len());
            self.code.extend(bytes.iter().take(room));
        } else {
            emit(HttpUnit::Body(bytes));
        }
    }
}

/// `FIN, opcode u8 · MASK, length u8 · [length u16 or u64] · [mask]`, big-endian: the frame, and how many bytes its
/// header has; `None` where bytes lack.
fn header(bytes: &[u8]) -> Option<(Open, usize)> {
    let &[first, second, ref rest @ ..] = bytes else { return None };
    let (len, rest) = match second & 0x7F {
        126 => rest.split_first_chunk().map(|(len, rest)| (u64::from(u16::from_be_bytes(*len)), rest))?,
        127 => rest.split_first_chunk().map(|(len, rest)| (u64::from_be_bytes(*len), rest))?,
        short => (u64::from(short), rest),
    };
    let (mask, rest) = if second & 0x80 == 0 {
        (None, rest)
    } else {
        rest.split_first_chunk().map(|(mask, rest)| (Some(*mask), rest))?
    };
    let open = Open { opcode: first & 0x0F, mask, at: 0, len, code: Vec::new() };
    Some((open, bytes.len() - rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], size: usize) -> (Vec<u8>, Vec<Option<u16>>) {
        let (mut frames, mut body, mut closed) = (Frames::default(), Vec::new(), Vec::new());
        for piece in bytes.chunks(size) {
            frames.push(piece, &mut |unit| match unit {
                HttpUnit::Body(bytes) => body.extend_from_slice(bytes),
                HttpUnit::Close(code) => closed.push(code),
                other => panic!("{other:?}"),
            });
        }
        (body, closed)
    }

    #[test]
    fn frames_of_every_length_are_one_stream() {
        let mut bytes = vec![0x02, 0x03];
        bytes.extend(b"abc");
        // A ping in between; then the message goes on, in a frame with a length of 16 bits.
        bytes.extend([0x89, 0x01, b'x', 0x80, 126, 0, 200]);
        bytes.extend([7; 200]);
        bytes.extend([0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
        bytes.extend(vec![9; 65536]);
        bytes.extend([0x82, 0x00, 0x88, 0x00]);
        let want = [b"abc".to_vec(), vec![7; 200], vec![9; 65536]].concat();
        for size in [1, 3, 14, 1000, usize::MAX] {
            assert_eq!(read(&bytes, size), (want.clone(), vec![None]));
        }
    }

    #[test]
    fn masks_go_on_over_pieces() {
        // RFC 6455, section 5.7: "Hello", masked.
        let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        for size in 1..12 {
            assert_eq!(read(&hello, size).0, b"Hello");
        }
    }
}
