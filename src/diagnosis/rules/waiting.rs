//! Waits: what was repeated in vain, what was quiet before, what never came. No rule of its own.

use super::*;

/// A failure that rests on repeats which nobody acknowledged, with the ICMP error that explains them.
pub(super) fn stalled(session: &Session, code: &'static str, stall: &Stall) -> Verdict {
    let (sender, silent) = (stall.dir.sender(), stall.dir.flip().sender());
    let repeats = stall.repeats;
    let what = if stall.probes { "keep-alives" } else { "the same bytes" };
    let text =
        format!("{sender} sent {what} {} times over {}", repeats.count, delay(repeats.first, repeats.last));
    let absence = match stall.end {
        End::GaveUp(_, stamp) => {
            Absence { after: repeats.first, until: stamp.time, ended: Until::GaveUp(stamp) }
        }
        End::CaptureEnded(until) => Absence { after: repeats.first, until, ended: Until::CaptureEnded },
    };
    let icmp = session
        .unreachable_since(repeats.first)
        .filter(|error| ![session.tcp.client.ip(), session.tcp.server.ip()].contains(&error.value.from));
    // An end that is there, and does not get what is sent to it, proves that the path fails.
    let side = if icmp.is_some() || stall.alive.is_some() { Side::Network } else { Side::Unknown };
    let said = icmp.map(|error| {
        let meaning = crate::knowledge::codes::icmp(error.value.v6, error.value.kind, error.value.code)
            .map_or_else(
                || format!("type {} code {}", error.value.kind, error.value.code),
                |row| row.meaning.to_owned(),
            );
        Evidence::of(error, format!("{}, on the way, said by ICMP: {meaning}", error.value.from))
    });
    let span = Span { first: repeats.first, last: repeats.last };
    Verdict::failed(code, side, Confidence::Likely, Evidence::seen(span, text))
        .with(Evidence::absent(
            &absence,
            &format!("no acknowledgement from the {silent} reached this capture point"),
        ))
        .with(said)
}

/// " Before that, the connection had been quiet for 3600.0 s ..." where it had.
pub(super) fn idle_before(session: &Session, end: Stamp) -> String {
    /// What was sent after a pause and provoked the end.
    const SOON: i64 = 30 * Timestamp::SECOND;
    let Some(pause) = session.tcp.pause else { return String::new() };
    let soon = (0..SOON).contains(&end.time.since(pause.last.time));
    if !soon || end.before(&pause.last) {
        return String::new();
    }
    format!(
        " Right before, the connection had been quiet for {} (frames {} to {}): a device that forgets idle connections \
         after a fixed time would do that.",
        delay(pause.first, pause.last),
        pause.first.at.number(),
        pause.last.at.number()
    )
}

/// What a capture can say of an answer that it does not show: only one taken at the server knows that none was
/// sent.
pub(super) fn nothing_from_server(session: &Session) -> &'static str {
    if session.at(Dir::ServerToClient) {
        "no answer from the server"
    } else {
        "no answer from the server reached this capture point"
    }
}
