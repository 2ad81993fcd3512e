//! The TCP options that matter here (RFC 9293, section 3.2; RFC 7323; RFC 2018).

/// What the options of one segment say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Maximum segment size (kind 2).
    pub mss: Option<u16>,
    /// Selective acknowledgements permitted (kind 4).
    pub sack: bool,
    /// TSval and TSecr (kind 8).
    pub timestamps: Option<(u32, u32)>,
    /// The first SACK block (kind 5): left and right edge.
    pub block: Option<(u32, u32)>,
}

impl Options {
    /// The layouts of nearly every segment after the handshake: none, or NOP, NOP, timestamps.
    #[inline(always)]
    pub(super) fn plain(raw: &[u8]) -> Option<Self> {
        let timestamps = match raw {
            [] => None,
            [1, 1, 8, 10, rest @ ..] if rest.len() == 8 => two_words(rest),
            _ => return None,
        };
        Some(Options { timestamps, ..Options::default() })
    }

    /// Reads what is there; stops at the first option that makes no sense or is cut.
    #[inline(always)]
    pub(super) fn read(mut raw: &[u8]) -> Self {
        let mut options = Options::default();
        if let Some(plain) = Options::plain(raw) {
            return plain;
        }
        loop {
            raw = match raw {
                [] | [0, ..] => break,
                [1, rest @ ..] => rest,
                [kind, len, rest @ ..] => {
                    let Some((value, rest)) =
                        usize::from(*len).checked_sub(2).and_then(|len| rest.split_at_checked(len))
                    else {
                        break;
                    };
                    match (kind, value) {
                        (2, [high, low]) => options.mss = Some(u16::from_be_bytes([*high, *low])),
                        (4, []) => options.sack = true,
                        (5, value) => options.block = two_words(value),
                        (8, value) if value.len() == 8 => options.timestamps = two_words(value),
                        _ => {}
                    }
                    rest
                }
                [_] => break,
            };
        }
        options
    }
}

#[inline]
fn two_words(raw: &[u8]) -> Option<(u32, u32)> {
    let (one, rest) = raw.split_first_chunk::<4>()?;
    let two = rest.first_chunk::<4>()?;
    Some((u32::from_be_bytes(*one), u32::from_be_bytes(*two)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_windows_syn() {
        let options = Options::read(&[2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2]);
        assert_eq!(options, Options { mss: Some(1460), sack: true, timestamps: None, block: None });
    }

    #[test]
    fn reads_timestamps_and_sack() {
        let options = Options::read(&[1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9]);
        assert_eq!(options.timestamps, Some((7, 9)));
        let options =
            Options::read(&[1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9, 1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
        assert_eq!((options.timestamps, options.block), (Some((7, 9)), Some((1, 2))));
    }

    #[test]
    fn stops_at_nonsense() {
        for raw in [&[2u8][..], &[2, 0], &[2, 1], &[2, 4, 5], &[8, 10, 0], &[0, 2, 4, 5, 0xb4], &[5, 2]] {
            assert_eq!(Options::read(raw), Options::default());
        }
    }
}
