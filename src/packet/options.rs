//! TCP options on demand (RFC 9293, section 3.1; RFC 7323; RFC 2018). What is malformed ends the list.

use super::TcpOptions;

const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const MSS: u8 = 2;
const WINDOW_SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const SACK: u8 = 5;
const TIMESTAMPS: u8 = 8;

impl<'a> TcpOptions<'a> {
    /// Maximum segment size in bytes.
    pub fn mss(self) -> Option<u16> {
        self.body(MSS)?.try_into().ok().map(u16::from_be_bytes)
    }

    /// Window scale: the count of bits to shift by, as it stood there (above 14 it counts as 14).
    pub fn window_scale(self) -> Option<u8> {
        match self.body(WINDOW_SCALE)? {
            [shift] => Some(*shift),
            _ => None,
        }
    }

    /// Whether selective acknowledgements are offered.
    pub fn sack_permitted(self) -> bool {
        self.body(SACK_PERMITTED).is_some()
    }

    /// Timestamp value and timestamp echo reply.
    pub fn timestamps(self) -> Option<(u32, u32)> {
        // Nearly every segment that has them has only them, padded in front.
        if let Some([NO_OPERATION, NO_OPERATION, TIMESTAMPS, 10, body @ ..]) = self.0.first_chunk::<12>() {
            return pair(body);
        }
        pair(self.body(TIMESTAMPS)?)
    }

    /// The selective acknowledgement blocks: first sequence number, and the one after the last.
    pub fn sack_blocks(self) -> impl Iterator<Item = (u32, u32)> + use<'a> {
        self.iter()
            .filter(|(kind, _)| *kind == SACK)
            .flat_map(|(_, body)| body.chunks_exact(8))
            .filter_map(pair)
    }

    fn body(self, wanted: u8) -> Option<&'a [u8]> {
        self.iter().find_map(|(kind, body)| (kind == wanted).then_some(body))
    }

    /// Kind and body of each option.
    fn iter(self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            loop {
                match *rest {
                    [NO_OPERATION, ref after @ ..] => rest = after,
                    [] | [END, ..] | [_] => return None,
                    [kind, length, ref after @ ..] => {
                        let (body, after) = after.split_at_checked(usize::from(length).checked_sub(2)?)?;
                        rest = after;
                        return Some((kind, body));
                    }
                }
            }
        })
    }
}

fn pair(body: &[u8]) -> Option<(u32, u32)> {
    let (words, []) = body.as_chunks::<4>() else { return None };
    let &[first, second] = words else { return None };
    Some((u32::from_be_bytes(first), u32::from_be_bytes(second)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_windows_syn() {
        // Hand-made: MSS 1460, NOP, window scale 8, NOP, NOP, SACK permitted.
        let options = TcpOptions(&[2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2]);
        assert_eq!(options.mss(), Some(1460));
        assert_eq!(options.window_scale(), Some(8));
        assert!(options.sack_permitted());
        assert_eq!(options.timestamps(), None);
        assert_eq!(options.sack_blocks().count(), 0);
    }

    #[test]
    fn timestamps_and_sack() {
        let plain = [1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 9];
        assert_eq!(TcpOptions(&plain).timestamps(), Some((5, 9)));
        let first_in_syn = [2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7];
        assert_eq!(TcpOptions(&first_in_syn).timestamps(), Some((0x0102_0304, 0)));
        assert_eq!(TcpOptions(&first_in_syn).window_scale(), Some(7));
        let sack = [1, 1, 5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4];
        assert_eq!(TcpOptions(&sack).sack_blocks().collect::<Vec<_>>(), [(1, 2), (3, 4)]);
    }

    #[test]
    fn malformed_lists_end() {
        // Length 0, length 1, a length beyond the list, a wrong length, a lonely kind.
        assert_eq!(TcpOptions(&[2, 0, 5, 0xb4]).mss(), None);
        assert_eq!(TcpOptions(&[9, 1, 2, 4, 5, 0xb4]).mss(), None);
        assert_eq!(TcpOptions(&[2, 4, 5]).mss(), None);
        assert_eq!(TcpOptions(&[2, 3, 5, 3, 3, 8]).mss(), None);
        assert_eq!(TcpOptions(&[2, 3, 5, 3, 3, 8]).window_scale(), Some(8));
        assert_eq!(TcpOptions(&[3]).window_scale(), None);
        assert_eq!(TcpOptions(&[0, 2, 4, 5, 0xb4]).mss(), None);
        // A SACK option whose length is no whole number of blocks keeps the whole ones.
        assert_eq!(TcpOptions(&[5, 11, 0, 0, 0, 1, 0, 0, 0, 2, 7]).sack_blocks().count(), 1);
        assert_eq!(TcpOptions(&[1, 1, 8, 10, 0, 0, 0, 5, 0, 0]).timestamps(), None);
    }
}
