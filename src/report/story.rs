//! A session's story as data: what every format for people tells, in the order that it is told.

use serde_json::Value;

use super::model::{
    Capture, ClientError, Confidence, Diagnosis, Direction, Endpoint, Event, Evidence, Fit, Mode, Outcome,
    Owner, Phase, Rival, Session, Side, Time,
};
use super::source::Place;
use super::text::duration;
use super::zone::Zone;
use crate::base::Timestamp;
use crate::knowledge::{codes, words};

/// How one phase went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// It went well.
    Passed,
    /// The session broke in it.
    Broke,
    /// The client left in it.
    Left,
    /// The capture does not show how it went.
    Unclear,
}

impl Mark {
    pub(super) const fn symbol(self) -> &'static str {
        match self {
            Mark::Passed => "✔",
            Mark::Broke => "✘",
            Mark::Left => "–",
            Mark::Unclear => "?",
        }
    }
}

/// One rung of the ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) mark: Mark,
    pub(super) title: &'static str,
    /// When it began, e.g. "0.001 s"; empty where no frame shows it.
    pub(super) time: String,
    /// "frames 1–3".
    pub(super) frames: String,
    /// What happened, for the rung where it ended.
    pub(super) note: String,
}

/// How the frames of one session are named.
#[derive(Clone, Copy)]
pub(super) struct Frames<'a> {
    captures: &'a [Capture],
    /// The only capture that has any of them, so that it need not be said each time.
    only: Option<u16>,
}

impl<'a> Frames<'a> {
    pub(super) fn of(session: &Session, captures: &'a [Capture]) -> Self {
        let events = session.timeline.iter().map(|event| event.capture);
        let mut used = session.diagnosis.evidence.iter().map(|evidence| evidence.capture).chain(events);
        let first = used.next();
        Frames { captures, only: first.filter(|first| used.all(|capture| capture == *first)) }
    }

    fn file(self, capture: u16) -> Option<&'a str> {
        let capture = self.captures.get(usize::from(capture)).filter(|_| self.captures.len() > 1);
        capture.map(|capture| file_name(&capture.file))
    }

    /// ", in b.pcap" where there are several captures and one has the whole session.
    pub(super) fn home(self) -> String {
        self.only.and_then(|only| self.file(only)).map_or_else(String::new, |file| format!(", in {file}"))
    }

    /// "frame 7", "frames 7–8"; with the file where the session is in several.
    pub(super) fn range(self, capture: u16, first: u64, last: u64) -> String {
        let file = self.file(capture).filter(|_| self.only != Some(capture));
        let file = file.map_or_else(String::new, |file| format!("{file} "));
        if last > first { format!("{file}frames {first}–{last}") } else { format!("{file}frame {first}") }
    }
}

/// The last part of a path, whichever way its slashes lean.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).unwrap_or(path)
}

/// "10.0.0.1:3389 (WS-17)", "[fe80::1]:3389".
pub(super) fn endpoint(end: &Endpoint) -> String {
    let address = std::net::SocketAddr::new(end.ip, end.port);
    match &end.hostname {
        Some(name) => format!("{address} ({name})"),
        None => address.to_string(),
    }
}

/// "Inside: user POND\flora, by NTLM; computer WS-17, build 18363 (...); channels rdpdr, cliprdr", where that can be read.
pub(super) fn inside(session: &Session) -> Option<String> {
    let nla = session.rdp.get("nla");
    let fact = |key: &str| session.rdp.get(key).or_else(|| nla?.get(key));
    let text = |key: &str| fact(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let domain = text("domain").or_else(|| text("domain_name"));
    let domain = domain.map_or_else(String::new, |domain| format!("{domain}\\"));
    let by = text("authentication").map_or_else(String::new, |by| format!(", by {by}"));
    let user = text("user_name").map(|user| format!("user {domain}{user}{by}"));
    let os = text("client_os").map_or_else(String::new, |os| format!(" ({os})"));
    let build = fact("client_build").filter(|build| build.as_u64() != Some(0));
    let build = build.map_or_else(String::new, |build| format!(", build {build}{os}"));
    let computer = text("client_name").or_else(|| text("workstation"));
    let computer = computer.map(|computer| format!("computer {computer}{build}"));
    let channels = fact("channels").and_then(Value::as_array);
    let channels: Vec<&str> = channels.into_iter().flatten().filter_map(Value::as_str).collect();
    let channels = (!channels.is_empty()).then(|| format!("channels {}", channels.join(", ")));
    let parts: Vec<String> = [user, computer, channels].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("Inside: {}", parts.join("; ")))
}

/// "Session 3 failed: 10.0.0.2:50204 (WS-17) to 10.0.0.1:3389".
pub(super) fn heading(session: &Session) -> String {
    let ended = match session.outcome {
        Outcome::Failed => "failed",
        Outcome::Degraded => "was degraded",
        Outcome::Aborted => "was left by the client",
        Outcome::Inconclusive => "is inconclusive",
        Outcome::Healthy => "was healthy",
        Outcome::Probe => "was a probe",
    };
    let (client, server) = (endpoint(&session.client), endpoint(&session.server));
    format!("Session {} {ended}: {client} to {server}{}", session.id, behind(session))
}

/// ", a gateway, for host:3389" behind the server's name.
pub(super) fn behind(session: &Session) -> String {
    let target = session.gateway.as_ref().and_then(|gateway| gateway.target.as_ref());
    target.map_or(String::new(), |to| format!(", a gateway, for {}:{}", to.host, to.port))
}

/// "2026-11-20 09:00:00.000 UTC, 1.250 s from first to last packet, in b.pcapng"; of a failed session also the second
/// that logs have for what decided it.
pub(super) fn when(session: &Session, frames: Frames<'_>, zone: &Zone) -> String {
    let (start, duration) = (zone.full(session.start), duration(session.duration_s.0));
    let decided = session.diagnosis.evidence.first().filter(|_| session.outcome == Outcome::Failed);
    let broke = decided.map_or_else(String::new, |evidence| {
        let time = session.start.0.plus((evidence.time_s.0 * Timestamp::SECOND as f64) as i64);
        format!(", broke at {}", zone.second(Time(time), false))
    });
    format!("{start} {zone}{broke}, {duration} from first to last packet{}", frames.home())
}

/// "Likely. Ended by the client; to be fixed at the server. (code)".
pub(super) fn verdict(diagnosis: &Diagnosis, outcome: Outcome) -> String {
    let confidence = match diagnosis.confidence {
        Confidence::Certain => "Certain",
        Confidence::Likely => "Likely",
        Confidence::Possible => "Possible, one of several causes",
    };
    let silent = diagnosis.code.contains("-silent");
    let side = match diagnosis.side {
        Side::Client if silent => "the client stopped answering",
        Side::Server if silent => "the server did not answer",
        Side::Client => "ended by the client",
        Side::Server => "ended by the server",
        Side::Network => "the fault lies between them",
        Side::Unknown if outcome == Outcome::Healthy => "it did not break",
        Side::Unknown if outcome == Outcome::Degraded => "the session itself worked",
        Side::Unknown => "whose doing it is, the capture does not show",
    };
    // One of several causes, and one whose doer nobody saw, makes nobody's configuration wrong.
    let unsure = diagnosis.confidence == Confidence::Possible
        || (diagnosis.side == Side::Unknown && outcome == Outcome::Failed);
    let between =
        if diagnosis.side == Side::Unknown && outcome == Outcome::Failed { ", though" } else { ":" };
    let fix = if unsure { "look first" } else { "to be fixed" };
    let owner = match diagnosis.owner {
        Owner::Client => "at the client",
        Owner::Server => "at the server",
        Owner::Network => "in the network",
        Owner::Identity => "in accounts and logon policy",
        Owner::Certificate if unsure => "at the certificate",
        Owner::Certificate => "with the certificate",
        Owner::Licensing => "in licensing",
        Owner::Nobody => {
            return format!("{confidence}{between} {side}; nothing to fix. ({})", diagnosis.code);
        }
        Owner::Unknown => return format!("{confidence}{between} {side}. ({})", diagnosis.code),
    };
    format!("{confidence}{between} {side}; {fix} {owner}. ({})", diagnosis.code)
}

/// "The cause. To tell: how to tell it apart.".
pub(super) fn rival(rival: &Rival) -> String {
    format!("{}. To tell: {}.", capital(&rival.cause), rival.tell_apart)
}

/// The text with a capital first letter.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// What stands above the rivals: where the cause is known, they are what may lie behind it.
pub(super) const fn rivals_title(diagnosis: &Diagnosis) -> &'static str {
    match diagnosis.confidence {
        Confidence::Certain => "What may lie behind it, and how to tell",
        Confidence::Likely | Confidence::Possible => "What else it could be, and how to tell",
    }
}

/// Every phase that the wire showed, and how it went. The frames of one reach no further than to where the next
/// begins. `short` makes one of the setup's, where all went well and nothing of it can be read.
pub(super) fn ladder(session: &Session, frames: Frames<'_>, short: bool) -> Vec<Step> {
    let setup = Phase::McsConnect..=Phase::Capabilities;
    let mut shown: Vec<(&'static str, bool, Vec<&Event>)> = Vec::new();
    let mut hidden = false;
    // What still was on its way when it ended is no further phase.
    for &phase in Phase::ALL.iter().filter(|phase| **phase <= session.phase) {
        let events: Vec<&Event> = session.timeline.iter().filter(|event| event.phase == phase).collect();
        let last = phase == session.phase;
        if events.is_empty() && !last {
            continue;
        }
        let before = std::mem::replace(
            &mut hidden,
            short && !last && setup.contains(&phase) && events.iter().all(|event| event.inferred),
        );
        if let Some((title, _, known)) = shown.last_mut().filter(|_| hidden && before) {
            *title = "session setup";
            known.extend(events);
            continue;
        }
        shown.push((phase_title(session, phase), last, events));
    }
    if session.gateway.is_some() {
        // What is inside its tunnel begins with the first phases, after the tunnel's own.
        shown.sort_by(|(_, one_last, one), (_, other_last, other)| {
            let began = |events: &[&Event]| events.first().map_or(f64::MAX, |event| event.time_s.0);
            one_last.cmp(other_last).then(began(one).total_cmp(&began(other)))
        });
    }
    let broke = session.diagnosis.evidence.first().filter(|_| session.outcome == Outcome::Failed);
    let mut steps = Vec::new();
    for (at, (title, last, events)) in shown.iter().enumerate() {
        let (title, last) = (*title, *last);
        let next = shown.get(at + 1).and_then(|(.., events)| events.first().copied());
        steps.push(Step {
            mark: if last { end_mark(session.outcome) } else { Mark::Passed },
            title,
            time: events.first().map_or_else(String::new, |event| format!("{:.3} s", event.time_s.0)),
            frames: event_frames(events, next, broke.filter(|_| last), frames),
            note: if last { end_note(session, frames) } else { inferred(events) },
        });
    }
    steps
}

/// What a phase is called: a gateway's tunnel has none of its own.
pub(super) fn phase_title(session: &Session, phase: Phase) -> &'static str {
    match phase {
        Phase::TlsHandshake if session.gateway.is_some() => "TLS handshake, gateway",
        other => other.title(),
    }
}

/// From the first event's frame to where the next phase begins, or to where it `broke`.
fn event_frames(
    events: &[&Event],
    next: Option<&Event>,
    broke: Option<&Evidence>,
    frames: Frames<'_>,
) -> String {
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return String::new() };
    if first.capture == last.capture {
        let broke = broke.filter(|broke| broke.capture == last.capture);
        let next = next.filter(|next| next.capture == last.capture);
        let end = last.last_frame.max(last.frame).max(broke.map_or(0, |broke| broke.last_frame));
        let end = end.min(next.map_or(u64::MAX, |next| next.frame));
        frames.range(first.capture, first.frame, end.max(first.frame))
    } else {
        let from = frames.range(first.capture, first.frame, first.frame);
        format!("{from} to {}", frames.range(last.capture, last.frame, last.last_frame))
    }
}

pub(super) const fn end_mark(outcome: Outcome) -> Mark {
    match outcome {
        Outcome::Healthy | Outcome::Degraded => Mark::Passed,
        Outcome::Failed => Mark::Broke,
        Outcome::Aborted | Outcome::Probe => Mark::Left,
        Outcome::Inconclusive => Mark::Unclear,
    }
}

/// The sign of an outcome; what worked, but not well, has one of its own.
pub(super) const fn sign(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Degraded => "!",
        other => end_mark(other).symbol(),
    }
}

fn end_note(session: &Session, frames: Frames<'_>) -> String {
    let evidence = session.diagnosis.evidence.first();
    let at = evidence.map(|evidence| frames.range(evidence.capture, evidence.frame, evidence.last_frame));
    match (session.outcome, at) {
        (Outcome::Failed, Some(at)) => format!("broke at {at}"),
        (Outcome::Failed, None) => "broke here".to_owned(),
        (Outcome::Aborted | Outcome::Probe, _) => "the client left here".to_owned(),
        (Outcome::Inconclusive, _) => "how it went on is not shown".to_owned(),
        (Outcome::Degraded, _) => "works, with a fault that users feel".to_owned(),
        (Outcome::Healthy, _) => String::new(),
    }
}

fn inferred(events: &[&Event]) -> String {
    let all = !events.is_empty() && events.iter().all(|event| event.inferred);
    if all { "encrypted, inferred".to_owned() } else { String::new() }
}

/// What came of UDP beside a TCP session, one line a flow.
pub(super) fn udp(session: &Session) -> impl Iterator<Item = String> + '_ {
    session.udp.iter().map(|flow| {
        let begun = flow.start.0.seconds_since(session.start.0);
        let way = match flow.metrics.mode {
            Some(Mode::Lossy) => ", lossy",
            Some(Mode::Reliable) => ", reliable",
            None => "",
        };
        let version = flow.metrics.version.map_or(String::new(), |version| format!(", version {version}"));
        let flow_is = format!("{begun:.3} s, from port {}{version}{way}", flow.client.port);
        let loss = |dir: Option<f64>| dir.map_or("unknown".to_owned(), |loss| format!("{loss} %"));
        let went = match flow.outcome {
            Outcome::Healthy => format!(
                "it worked (loss to the server {}, to the client {}): UDP is not this user's problem",
                loss(flow.metrics.loss_pct.client_to_server),
                loss(flow.metrics.loss_pct.server_to_client)
            ),
            Outcome::Inconclusive => "what came of it is not shown".to_owned(),
            _ if flow.phase == Phase::UdpActive => {
                format!("{} ({})", flow.diagnosis.title, flow.diagnosis.code)
            }
            _ => format!("{} ({}); the session went on over TCP", flow.diagnosis.title, flow.diagnosis.code),
        };
        format!("{flow_is}: {went}.")
    })
}

/// What stands above [`client_errors`].
pub(super) const CLIENT_ERRORS: &str = "What the Windows client (mstsc) shows";

/// What the user saw: the expected errors one by one, the others together.
pub(super) fn client_errors(diagnosis: &Diagnosis) -> Vec<String> {
    let (expected, others): (Vec<&ClientError>, Vec<&ClientError>) =
        diagnosis.client_error.iter().partition(|error| error.fit == Fit::Expected);
    let mut lines: Vec<String> = expected.into_iter().map(client_error).collect();
    let codes: Vec<String> = others.iter().map(|error| short(error)).collect();
    if !codes.is_empty() {
        let also = if lines.is_empty() { "Error codes that fit" } else { "Others that fit" };
        lines.push(format!("{also}: {} (rdpwhy explain CODE tells what one means)", codes.join(", ")));
    }
    lines
}

/// "0x904/0x7".
fn short(error: &ClientError) -> String {
    match &error.extended {
        Some(extended) => format!("{}/{extended}", error.code),
        None => error.code.to_string(),
    }
}

/// "Error code 0x904, extended error code 0x7: the server closed ... (the usual one)".
pub(super) fn client_error(error: &ClientError) -> String {
    let number = |text: &str| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    let extended = match &error.extended {
        Some(extended) => format!(", extended error code {extended}"),
        None => String::new(),
    };
    let row = error.extended.as_deref().and_then(number).filter(|n| *n != 0);
    let row = row.and_then(codes::extended_disconnect_reason);
    let row = row.or_else(|| number(&error.code).and_then(codes::disconnect_reason));
    let meaning = row.map_or_else(String::new, |row| format!(": {}", row.meaning));
    let fit = match error.fit {
        Fit::Expected => " (the usual one)",
        Fit::Consistent => "",
        Fit::Excluded => " (it cannot be)",
    };
    format!("Error code {}{extended}{meaning}{fit}", error.code)
}

/// The terms in what is told, this many remedies and rivals and what else is `shown`, with what they mean.
pub(super) fn words(
    session: &Session,
    remedies: usize,
    rivals: usize,
    shown: &[String],
) -> Vec<(&'static str, &'static str)> {
    let diagnosis = &session.diagnosis;
    let mut told: Vec<&str> = vec![&diagnosis.title, &diagnosis.explanation, session.phase.title()];
    told.extend(diagnosis.remedies.iter().take(remedies).map(|remedy| remedy.text.as_ref()));
    told.extend(diagnosis.evidence.iter().map(|evidence| evidence.text.as_str()));
    for rival in diagnosis.rivals.iter().take(rivals) {
        told.extend([rival.cause.as_ref(), rival.tell_apart.as_ref()]);
    }
    told.extend(shown.iter().map(String::as_str));
    words::used_in(&told)
}

/// "RST: the TCP packet that ...; FIN: ...".
pub(super) fn words_in_line(words: &[(&str, &str)]) -> String {
    words.iter().map(|(term, meaning)| format!("{term}: {meaning}")).collect::<Vec<_>>().join("; ")
}

/// The timeline's entries as lines of (time, frames, who, text).
pub(super) fn timeline(session: &Session, frames: Frames<'_>) -> Vec<[String; 4]> {
    let entries = session.timeline.iter().map(|event| {
        let who = event.direction.map_or("", Direction::sender).to_owned();
        let inferred = if event.inferred { " (inferred)" } else { "" };
        [
            format!("{:.6} s", event.time_s.0),
            frames.range(event.capture, event.frame, event.last_frame),
            who,
            format!("{}{inferred}", event.summary),
        ]
    });
    entries.collect()
}

/// Whether a session's story is told without being asked for, and whether in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Everything.
    Full,
    /// Without references and what the client shows.
    Short,
    /// Only what happened, since another session decided how the attempt went.
    Brief,
    /// Only its line in the table.
    None,
}

pub(super) const fn depth(place: &Place, every: bool) -> Depth {
    match place.outcome {
        _ if every => Depth::Full,
        Outcome::Healthy | Outcome::Probe => Depth::None,
        _ if matches!(place.in_the_end, Outcome::Probe) => Depth::Brief,
        // Of an attempt that failed every failure counts.
        Outcome::Failed if matches!(place.in_the_end, Outcome::Failed) => Depth::Full,
        _ if !place.decides => Depth::Brief,
        Outcome::Failed | Outcome::Degraded => Depth::Full,
        Outcome::Aborted | Outcome::Inconclusive => Depth::Short,
    }
}
