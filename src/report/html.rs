//! The report as one page of HTML that carries everything in it: no network, no scripts needed, one small
//! one to filter and to unfold before printing. Templates are in `html/`, and escape by themselves.

mod facts;
mod health;
mod ladder;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::io::{self, Write};

use askama::Template;
use sha2::{Digest, Sha256};

use super::community_id::base64;
use super::model::{Capture, Outcome, Session, Transport};
use super::paint::View;
use super::personal;
use super::rungs;
use super::saw;
use super::source::{Place, Source};
use super::story::{self, Frames, Mark};
use super::summary::{self, Tale};
use super::text::{count, is_unsafe, number};

use facts::Group;

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// Rows of the overview: a browser filters so many while somebody types.
const ROWS: usize = 3000;

/// How a report came about, for its last lines.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// Options that it was made with, as typed.
    pub options: String,
    /// SHA-256 of each capture, lower-case hex; empty where it could not be read again.
    pub digests: Vec<String>,
    /// rdpwhy's version.
    pub version: &'static str,
}

/// Writes the page.
pub fn write<W: Write>(source: &impl Source, made: &Made, view: &View, mut out: W) -> io::Result<()> {
    let out = &mut Clean { out: &mut out, error: None };
    let rows = summary::rows(source);
    let plans = summary::plan(source, &rows, view);
    let nothing = source.summary().by_outcome.is_empty();
    let day = summary::one_day(source, view);
    let single = rows.shown.len() == 1 && source.len() == 1;
    let more = rows.shown.len().saturating_sub(ROWS) as u64;
    let more = (more > 0)
        .then(|| format!("... and {} (--format json lists every session)", count(more, "more row")));
    let unlisted = source.summary().unlisted.iter().map(|u| summary::unlisted(u, view));
    let folds = more.into_iter().chain(rows.folds()).chain(unlisted);
    out.show(&Head {
        style: STYLE,
        style_hash: hash(STYLE),
        script_hash: hash(SCRIPT),
        title: if nothing { "No RDP session".to_owned() } else { summary::headline(source) },
        times: if nothing { String::new() } else { summary::times(day.as_deref(), view) },
        personal: if nothing { String::new() } else { format!("This page {}.", personal::holds(source)) },
        warnings: source.captures().iter().flat_map(|capture| &capture.warnings).collect(),
        patterns: summary::patterns(source, view).chain(saw::summary(source)).collect(),
        nothing: if nothing { source.nothing().split("\n\n").collect() } else { Vec::new() },
        rows: if single { Vec::new() } else { overview(source, &rows, &plans, view, day.is_some()) },
        folds: folds.collect(),
    })?;
    let mut more = None;
    let mut waiting: Option<(Box<Session>, Option<Place>)> = None;
    let mut told = HashMap::new();
    let mut tell = |session: &Session, place: Option<Place>, alike| {
        let diagnosis = &session.diagnosis;
        let server = (session.server.ip, session.server.port);
        let key = (diagnosis.code, diagnosis.title.to_string(), session.phase, server, place.is_some());
        let first = *told.entry(key).or_insert(session.id);
        let again = (first != session.id).then_some(first);
        session_page(out, source, session, &Beside { place, alike, again }, view)
    };
    for tale in summary::tell(source, &plans) {
        match tale {
            Tale::Story(session, _, place) => {
                if let Some((session, place)) = waiting.replace((session, place)) {
                    tell(&session, place, None)?;
                }
            }
            Tale::Alike(text) => {
                if let Some((session, place)) = waiting.take() {
                    tell(&session, place, Some(text))?;
                }
            }
            Tale::More(left) => more = Some(summary::more_stories(left)),
        }
    }
    if let Some((session, place)) = waiting {
        tell(&session, place, None)?;
    }
    out.show(&Foot { made, more, captures: captures(source.captures(), made, view), script: SCRIPT })
}

/// For the page's policy: only this very style and script.
fn hash(text: &str) -> String {
    base64(&Sha256::digest(text.as_bytes()))
}

/// Text on its way out, in which no character can change how what is around it is read, whatever a template
/// or a packet says.
struct Clean<'a, W> {
    out: &'a mut W,
    error: Option<io::Error>,
}

impl<W: Write> Clean<'_, W> {
    fn show(&mut self, part: &impl Template) -> io::Result<()> {
        part.render_into(self).map_err(|error| self.error.take().unwrap_or_else(|| io::Error::other(error)))
    }
}

impl<W: Write> fmt::Write for Clean<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let written = if text.contains(|c| c != '\n' && is_unsafe(c)) {
            text.split_inclusive(|c| c != '\n' && is_unsafe(c)).try_for_each(|part| {
                let Some(last) = part.chars().last().filter(|c| *c != '\n' && is_unsafe(*c)) else {
                    return self.out.write_all(part.as_bytes());
                };
                let before = part.strip_suffix(last).unwrap_or(part);
                write!(self.out, "{before}\\u{{{:x}}}", u32::from(last))
            })
        } else {
            self.out.write_all(text.as_bytes())
        };
        written.map_err(|error| {
            self.error = Some(error);
            fmt::Error
        })
    }
}

#[derive(Template)]
#[template(path = "head.html")]
struct Head<'a> {
    style: &'static str,
    style_hash: String,
    script_hash: String,
    title: String,
    times: String,
    personal: String,
    warnings: Vec<&'a String>,
    patterns: Vec<String>,
    nothing: Vec<&'a str>,
    rows: Vec<Row>,
    folds: Vec<String>,
}

/// A session's line in the overview.
struct Row {
    cells: [String; 8],
    class: &'static str,
    symbol: &'static str,
    /// The session whose story tells of it.
    link: Option<u64>,
    attempt: Option<String>,
}

fn overview<S: Source>(
    source: &S,
    rows: &summary::Rows,
    plans: &summary::Plans,
    view: &View,
    one_day: bool,
) -> Vec<Row> {
    let links = plans.links(source);
    let row = |(at, &index): (usize, &usize)| {
        let session = source.session(index)?;
        let (class, symbol) = ladder::outcome(session.outcome);
        Some(Row {
            class,
            symbol,
            link: links.get(&session.id).copied(),
            cells: summary::cells(&session, view, one_day),
            attempt: rows.ends(source, at).map(|attempt| summary::attempt(&attempt)),
        })
    };
    rows.shown.iter().take(ROWS).enumerate().filter_map(row).collect()
}

#[derive(Template)]
#[template(path = "story.html")]
struct Story<'a> {
    s: &'a Session,
    class: &'static str,
    symbol: &'static str,
    client: String,
    server: String,
    when: String,
    /// None: that it is inconclusive says it all.
    verdict: Option<String>,
    inside: Option<String>,
    saw: Option<String>,
    brief: Option<String>,
    alike: Option<&'a str>,
    /// The session whose story was the same: this one is folded.
    again: Option<u64>,
    explanation: Vec<&'a str>,
    steps: Vec<Step>,
    pictures: [String; 2],
    legend: String,
    evidence: Vec<Evidence<'a>>,
    filter: String,
    rivals_title: &'static str,
    rivals: Vec<(String, &'a str)>,
    errors_title: &'static str,
    errors: Vec<String>,
    others: Vec<String>,
    words: Vec<(&'static str, &'static str)>,
    groups: Vec<Group>,
    timeline: Vec<[String; 4]>,
    references: Vec<(&'a str, &'a str)>,
}

struct Step {
    class: &'static str,
    symbol: &'static str,
    word: &'static str,
    title: &'static str,
    rest: String,
}

struct Evidence<'a> {
    /// Its own name in the page, where it is the frame's first.
    own: Option<String>,
    /// Names of its arrows in the wide picture and in the narrow one.
    arrows: Option<[String; 2]>,
    frames: String,
    time: String,
    text: &'a str,
    filter: String,
}

/// What is told of a session in the light of others.
struct Beside {
    place: Option<Place>,
    /// Which others have the same diagnosis.
    alike: Option<String>,
    again: Option<u64>,
}

fn session_page<W: Write>(
    out: &mut Clean<'_, W>,
    source: &impl Source,
    session: &Session,
    beside: &Beside,
    view: &View,
) -> io::Result<()> {
    let frames = Frames::of(session, source.captures());
    let (class, symbol) = ladder::outcome(session.outcome);
    let pictures = ladder::draw(session, frames);
    let render = |picture: &ladder::Ladder| picture.render().map_err(io::Error::other);
    let diagnosis = &session.diagnosis;
    out.show(&Story {
        s: session,
        class,
        symbol,
        client: story::endpoint(&session.client),
        server: server(session),
        when: story::when(session, frames, &view.zone),
        verdict: (session.outcome != Outcome::Inconclusive)
            .then(|| story::verdict(diagnosis, session.outcome)),
        inside: story::inside(session).map(|inside| inside.trim_start_matches("Inside: ").to_owned()),
        saw: session.saw.as_ref().map(saw::line),
        brief: beside.place.map(|place| summary::in_brief(&place, session.id)),
        alike: beside.alike.as_deref(),
        again: beside.again,
        explanation: diagnosis.explanation.split("\n\n").filter(|text| !text.is_empty()).collect(),
        steps: steps(session, frames),
        pictures: [render(&pictures.wide)?, render(&pictures.narrow)?],
        legend: pictures.legend,
        evidence: evidence(session, frames, &pictures.anchored),
        filter: filter(session),
        rivals_title: story::rivals_title(diagnosis),
        rivals: diagnosis
            .rivals
            .iter()
            .map(|rival| (story::capital(&rival.cause), rival.tell_apart.as_ref()))
            .collect(),
        errors_title: story::CLIENT_ERRORS,
        errors: story::client_errors(diagnosis),
        others: session
            .other_diagnoses
            .iter()
            .map(|other| format!("{} ({}, {})", other.title, other.code, other.confidence.as_str()))
            .collect(),
        words: story::words(session, usize::MAX, usize::MAX, &pictures.labels),
        groups: facts::groups(session, view),
        timeline: story::timeline(session, frames),
        references: diagnosis.references.iter().map(|text| link(text)).collect(),
    })
}

/// "10.0.0.9:443, a gateway, for host:3389".
fn server(session: &Session) -> String {
    format!("{}{}", story::endpoint(&session.server), story::behind(session))
}

/// "title `<address>`" apart.
fn link(reference: &str) -> (&str, &str) {
    let parts = reference.strip_suffix('>').and_then(|reference| reference.rsplit_once(" <"));
    parts.filter(|(_, address)| address.starts_with("https://")).unwrap_or((reference, ""))
}

fn steps(session: &Session, frames: Frames<'_>) -> Vec<Step> {
    let step = |step: story::Step| {
        let rest = [step.time, step.frames, step.note];
        let rest: Vec<String> = rest.into_iter().filter(|part| !part.is_empty()).collect();
        Step {
            class: ladder::class(step.mark),
            symbol: step.mark.symbol(),
            word: match step.mark {
                Mark::Passed => "passed",
                Mark::Broke => "broke",
                Mark::Left => "left by the client",
                Mark::Unclear => "unclear",
            },
            title: step.title,
            rest: rest.join(", "),
        }
    };
    story::ladder(session, frames, false).into_iter().map(step).collect()
}

fn evidence<'a>(
    session: &'a Session,
    frames: Frames<'_>,
    drawn: &BTreeSet<rungs::Place>,
) -> Vec<Evidence<'a>> {
    let mut named = BTreeSet::new();
    let mut row = |evidence: &'a super::model::Evidence| {
        let place = (evidence.capture, evidence.frame);
        Evidence {
            own: named.insert(place).then(|| ladder::row_name(session.id, place)),
            arrows: drawn.contains(&place).then(|| ladder::arrow_names(session.id, place)),
            frames: frames.range(evidence.capture, evidence.frame, evidence.last_frame),
            time: format!("{:.6} s", evidence.time_s.0),
            text: &evidence.text,
            filter: if evidence.last_frame > evidence.frame {
                format!("frame.number in {{{}..{}}}", evidence.frame, evidence.last_frame)
            } else {
                format!("frame.number == {}", evidence.frame)
            },
        }
    };
    session.diagnosis.evidence.iter().map(&mut row).collect()
}

/// Wireshark's display filter for the connection, and for UDP beside it.
fn filter(session: &Session) -> String {
    let (client, server) = (&session.client, &session.server);
    let ip = if client.ip.is_ipv4() { "ip" } else { "ipv6" };
    let carrier = match session.transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    };
    let own = format!("{carrier}.port == {} && {carrier}.port == {}", client.port, server.port);
    let ports: BTreeSet<u16> = session.udp.iter().map(|flow| flow.client.port).collect();
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let ports = match ports.as_slice() {
        [] => own,
        beside => format!("(({own}) || udp.port in {{{}}})", beside.join(", ")),
    };
    format!("{ip}.addr == {} && {ip}.addr == {} && {ports}", client.ip, server.ip)
}

#[derive(Template)]
#[template(path = "foot.html")]
struct Foot<'a> {
    made: &'a Made,
    more: Option<String>,
    captures: Vec<[String; 5]>,
    script: &'static str,
}

fn captures(captures: &[Capture], made: &Made, view: &View) -> Vec<[String; 5]> {
    let row = |(at, capture): (usize, &Capture)| {
        let time = |time| match time {
            Some(time) => format!("{} {}", view.zone.full(time), view.zone),
            None => String::new(),
        };
        [
            story::file_name(&capture.file).to_owned(),
            number(capture.packets),
            time(capture.first),
            time(capture.last),
            made.digests.get(at).cloned().unwrap_or_default(),
        ]
    };
    captures.iter().enumerate().map(row).collect()
}
