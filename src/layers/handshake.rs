//! TLS handshake messages out of the records that carry them: one record may hold several, one message
//! may need several records (RFC 8446, section 5.1).

use crate::base::{Seen, Span, Stamp};
use crate::protocol::{Malformed, Step, tls};

/// Puts one direction's handshake messages together.
#[derive(Debug, Default)]
pub struct Handshakes {
    pending: Vec<u8>,
    since: Option<Stamp>,
}

impl Handshakes {
    /// Takes the body of a clear handshake record and hands out the messages that it finishes.
    ///
    /// # Errors
    /// A message that is malformed or longer than `limit` bytes; what is pending is dropped.
    pub fn push(
        &mut self,
        body: &[u8],
        span: Span,
        limit: usize,
        mut emit: impl FnMut(Seen<tls::HandshakeMessage<'_>>),
    ) -> Result<(), Malformed> {
        self.pending.extend_from_slice(body);
        let mut first = self.since.unwrap_or(span.first);
        let mut at = 0;
        let result = loop {
            let rest = self.pending.get(at..).unwrap_or_default();
            if rest.is_empty() {
                break Ok(());
            }
            match tls::parse_handshake(rest) {
                Step::Done(message, used) => {
                    emit(Seen::new(message, Span { first, last: span.last }));
                    at += used.max(1);
                    first = span.first;
                }
                Step::Need(need) if need > limit => {
                    break Err(Malformed {
                        what: "handshake message length",
                        offset: 1,
                        need: limit as u64,
                        have: need as u64,
                    });
                }
                Step::Need(_) => break Ok(()),
                Step::Broken(malformed) => break Err(malformed),
            }
        };
        if result.is_err() {
            self.pending.clear();
        } else {
            self.pending.drain(..at.min(self.pending.len()));
        }
        self.since = (!self.pending.is_empty()).then_some(first);
        result
    }
}
