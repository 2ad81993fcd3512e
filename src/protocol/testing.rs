//! What the parsers' tests share.

use super::Step;

/// Bytes of hexadecimal text; blanks are for the reader.
pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    assert_eq!(digits.len() % 2, 0, "odd number of digits");
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

/// Asserts that `bytes` are one whole message, and that every shorter prefix asks for more, for no
/// more than there is.
pub(super) fn grows<'a, T: std::fmt::Debug>(bytes: &'a [u8], parse: impl Fn(&'a [u8]) -> Step<T>) {
    for cut in 0..bytes.len() {
        match parse(&bytes[..cut]) {
            Step::Need(need) => assert!(need > cut && need <= bytes.len(), "cut {cut} needs {need}"),
            other => panic!("cut {cut} gave {other:?}"),
        }
    }
    match parse(bytes) {
        Step::Done(_, taken) => assert_eq!(taken, bytes.len()),
        other => panic!("whole gave {other:?}"),
    }
}
