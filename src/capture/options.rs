//! The option list at the end of pcapng blocks (draft-ietf-opsawg-pcapng, section 3.5).

use super::bytes::Order;

/// Options as (code, value); ends at opt_endofopt or at the first that does not fit.
pub(super) struct Options<'a> {
    rest: &'a [u8],
    order: Order,
}

impl<'a> Options<'a> {
    pub(super) fn new(list: &'a [u8], order: Order) -> Self {
        Options { rest: list, order }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.rest.split_at_checked(4)?;
        let code = self.order.u16(head, 0);
        let len = usize::from(self.order.u16(head, 2));
        if code == 0 {
            self.rest = &[];
            return None;
        }
        let value = rest.get(..len)?;
        self.rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((code, value))
    }
}
