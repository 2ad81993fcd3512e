//! Waits: what was repeated in vain, what was quiet before, what never came. No rule of its own.

use super::*;
use crate::session::Waits;

/// A failure that rests on what did not get through, with the ICMP error that explains it.
pub(super) fn stalled(session: &Session, code: &'static str, stall: &Stall) -> Verdict {
    let (sender, silent) = (stall.dir.sender(), stall.dir.flip().sender());
    let repeats = stall.repeats;
    let over = delay(repeats.first, repeats.last);
    let (text, missing) = match stall.waits {
        Waits::Data => {
            (format!("{sender} sent the same bytes {} times over {over}", repeats.count), "acknowledgement")
        }
        Waits::KeepAlives => {
            (format!("{sender} sent keep-alives {} times over {over}", repeats.count), "answer")
        }
        Waits::Missing => (
            format!("{} of the {sender} stand behind bytes that never came", packets(repeats.count)),
            "missing byte",
        ),
    };
    let of = if stall.waits == Waits::Missing { sender } else { silent };
    let after = repeats.first;
    let (absence, waiter) = match stall.end {
        End::GaveUp(dir, stamp) => {
            (Absence { after, until: stamp.time, ended: Until::GaveUp(stamp) }, dir.sender())
        }
        End::CaptureEnded(until) => (Absence { after, until, ended: Until::CaptureEnded }, sender),
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
        .with(Evidence::awaited(
            &absence,
            &format!("no {missing} from the {of} reached this capture point"),
            &format!("the {waiter} gave up"),
        ))
        .knowing(Fact::Icmp, said.is_some())
        .with(said)
        .knowing(silent_end(stall.dir.flip()), stall.waits != Waits::Missing)
        .knowing(Fact::Alive, stall.alive.is_some())
}

/// The fact that the sender of `dir` was not heard.
pub(super) fn silent_end(dir: Dir) -> Fact {
    match dir {
        Dir::ClientToServer => Fact::ClientSilent,
        Dir::ServerToClient => Fact::ServerSilent,
    }
}

/// "1 packet", "3 packets".
fn packets(count: u32) -> String {
    if count == 1 { "a packet".to_owned() } else { format!("{count} packets") }
}

/// The silence of the connection right before `end`, long enough for an idle timer.
pub(in crate::diagnosis) fn quiet_before(session: &Session, end: Stamp) -> Option<Span> {
    /// No device forgets a connection sooner.
    const LONG: i64 = 30 * Timestamp::SECOND;
    /// What was sent after a pause and provoked the end.
    const SOON: i64 = 30 * Timestamp::SECOND;
    let pause = session
        .tcp
        .pause
        .as_deref()
        .copied()
        .filter(|pause| pause.last.time.since(pause.first.time) >= LONG)?;
    let soon = (0..SOON).contains(&end.time.since(pause.last.time));
    (soon && !end.before(&pause.last)).then_some(pause)
}

/// [`quiet_before`], and what it suggests: devices on the way, and servers, end or forget what was idle for a fixed
/// time.
pub(super) fn idle_before(session: &Session, end: Stamp) -> Option<(Evidence, String)> {
    /// Timers are set in whole minutes, and not looked at in every second.
    const SLACK: f64 = 5.0;
    let pause = quiet_before(session, end)?;
    let seconds = pause.last.time.seconds_since(pause.first.time);
    let minutes = (seconds / 60.0).round();
    let off = (seconds - minutes * 60.0).abs();
    let long = if seconds < 100.0 { format!("{seconds:.0} s") } else { format!("{minutes:.0} minutes") };
    let (first, last) = (pause.first.at.number(), pause.last.at.number());
    let reset =
        session.tcp.closing.filter(|closing| closing.reset && closing.stamp == end && pause.last == end);
    let said = if let Some(reset) = reset.filter(|_| minutes >= 1.0 && off <= SLACK) {
        let unit = if minutes > 1.0 { "minutes" } else { "minute" };
        format!(
            " It came after {minutes:.0} {unit} of silence, to within {:.0} s (frames {first} to {last}): an idle \
             timer that someone set to that, on the {} or on a firewall or load balancer in between.",
            off.round().max(1.0),
            reset.dir.sender(),
        )
    } else {
        format!(
            " Right before, the connection had been quiet for {long} (frames {first} to {last}): a device that \
             forgets idle connections after a fixed time would do that."
        )
    };
    Some((Evidence::seen(pause, format!("nobody sent anything for {long}")), said))
}

/// An end whose receive window was closed to the end: its program reads nothing more, and that is no fault of the
/// path.
pub(super) fn choked(session: &Session) -> Option<(Dir, Evidence, String)> {
    let (dir, since, end) = session.choked()?;
    let (reader, writer) = (dir.sender(), dir.flip().sender());
    let seconds = end.time().seconds_since(since.time);
    let text = format!(
        "{reader} closed its receive window, and did not open it again for {seconds:.0} s, to the end"
    );
    let said = format!(
        " The {reader}'s receive window was closed for the last {seconds:.0} s: its computer was there, but its program \
         read nothing more, so the {writer} could send nothing. That is a hanging or overloaded program on the \
         {reader}, not the network."
    );
    Some((dir, Evidence::seen(since, text), said))
}

/// What a capture can say of an answer that it does not show: only one taken at the server knows that none was
/// sent.
fn nothing_from_server(session: &Session) -> &'static str {
    if session.at(Dir::ServerToClient) {
        "no answer from the server"
    } else {
        "no answer from the server reached this capture point"
    }
}

/// The server owed an answer to `asked` and stayed silent: whose doing that was depends on whether its TCP
/// had the question.
pub(super) fn unanswered(
    session: &Session,
    code: &'static str,
    asked: Evidence,
    absence: &Absence,
) -> Verdict {
    let acknowledged = acknowledged(session, absence.after);
    let missing = session.missing(Dir::ServerToClient);
    let (side, owner, stack) = if missing.is_some() {
        let stack = "The server did answer: its later packets stand behind bytes that never came. The answer was lost \
             on the way.";
        (Side::Unknown, "network", stack)
    } else if acknowledged {
        let stack = if session.at(Dir::ServerToClient) {
            "The server's TCP acknowledged the message, so it arrived; the service did not answer it."
        } else {
            "The server's TCP acknowledged the message, so it arrived; no answer of the service reached this \
             capture point."
        };
        (Side::Server, "server", stack)
    } else {
        let stack = "The message was never acknowledged, so it, or every answer to it, was lost on the way.";
        (Side::Unknown, "unknown", stack)
    };
    Verdict::failed(code, side, Confidence::Likely, asked)
        .with(Evidence::awaited(absence, nothing_from_server(session), "the client gave up"))
        .with(missing.map(|ahead| {
            Evidence::seen(ahead.last, "this packet of the server stands behind bytes that never came")
        }))
        .owned_by(owner)
        .knowing(Fact::Acknowledged, side == Side::Server)
        .knowing(Fact::Lost, side != Side::Server)
        .explain(format!("The server owed an answer, and for {:.1} s none came. {stack}", absence.seconds()))
}

/// Whether the server's TCP acknowledged what the client had sent up to `asked`; the records that it sent as
/// it gave up don't count.
fn acknowledged(session: &Session, asked: Stamp) -> bool {
    let facts = &session.tcp.dir[Dir::ClientToServer];
    let later = session.facts.tls.iter().flat_map(|tls| &tls.recent);
    let later = later.filter(|record| record.dir == Dir::ClientToServer && asked.before(&record.span.first));
    let later: u64 = later.map(|record| 5 + record.length as u64).sum();
    facts.acked.saturating_add(later) >= facts.sent
}
