//! `--metrics`: what runs in numbers, for Prometheus. `docs/metrics.md` says what each means.
//!
//! The capture only sets numbers, most of them a few times a second; whoever asks for them is answered on other
//! threads.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use rdpwhy::analyzer::{Analyzer, Over, Whole};
use rdpwhy::base::Timestamp;
use rdpwhy::capture::live::Live;
use rdpwhy::report::model::{Direction, Metrics as UdpMetrics, Outcome, Phase, Session};

use super::http::{self, Answer};
use super::memory::Memory;
use super::recorder::Recorder;
use super::sink::Sink;

/// How often what others count is looked at.
const EVERY: Duration = Duration::from_millis(250);
/// The capture has stopped if it did not come round for so long.
const STALLED: Duration = Duration::from_secs(5);

/// Bounds of phases in seconds: from a round trip in a LAN to a working day.
const SECONDS: [f64; 16] =
    [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 600.0, 3600.0, 28_800.0];
/// Bounds of loss; `udp-lossy` begins at 0.02.
const RATIOS: [f64; 8] = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];

type Labels<const N: usize> = [(&'static str, String); N];
type Histograms = Family<Labels<1>, Histogram, fn() -> Histogram>;

/// The numbers of one run.
pub(crate) struct Metrics {
    numbers: Numbers,
    alive: Arc<Alive>,
    looked: Option<Instant>,
}

struct Numbers {
    packets: Counter,
    bytes: Counter,
    last_packet: Gauge<f64, AtomicU64>,
    received: Family<Labels<1>, Counter>,
    dropped: Family<Labels<2>, Counter>,
    up: Family<Labels<1>, Gauge>,
    sessions: Family<Labels<3>, Counter>,
    phases: Histograms,
    loss: Histograms,
    datagrams: Family<Labels<1>, Counter>,
    given_up: Family<Labels<1>, Counter>,
    connections: Held,
    in_full: Held,
    udp_flows: Held,
    held_back: Gauge,
    frames: Held,
    saving: Gauge,
    writing: Gauge,
    memory: Held,
}

/// How much there is of something, and may be.
#[derive(Default)]
struct Held {
    now: Gauge,
    most: Gauge,
}

impl Held {
    fn set(&self, now: usize, most: usize) {
        self.now.set(now as i64);
        self.most.set(most as i64);
    }
}

/// Whether the capture goes on.
struct Alive {
    begun: Instant,
    /// When it came round last, in milliseconds since the beginning.
    beat: AtomicU64,
    /// Whether the packets of any interface come.
    any_up: AtomicBool,
}

impl Alive {
    fn beat(&self, any_up: bool) {
        self.any_up.store(any_up, Ordering::Relaxed);
        self.beat.store(self.begun.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    fn answer(&self) -> Answer {
        let beat = Duration::from_millis(self.beat.load(Ordering::Relaxed));
        let silent = self.begun.elapsed().saturating_sub(beat);
        if silent > STALLED {
            let line = format!("the capture came round {} s ago", silent.as_secs());
            return Answer::text("503 Service Unavailable", &line);
        }
        if !self.any_up.load(Ordering::Relaxed) {
            return Answer::text("503 Service Unavailable", "no interface is up");
        }
        Answer::text("200 OK", "capturing")
    }
}

impl Metrics {
    /// Serves them from now on, at the address that is returned.
    pub(crate) fn serve(at: SocketAddr) -> std::io::Result<(Self, SocketAddr)> {
        let listener = TcpListener::bind(at)?;
        let at = listener.local_addr()?;
        let numbers = Numbers::new();
        let registry = numbers.registry();
        let alive =
            Arc::new(Alive { begun: Instant::now(), beat: AtomicU64::new(0), any_up: AtomicBool::new(true) });
        let health = alive.clone();
        http::serve(listener, move |path| match path {
            "/metrics" => {
                let mut body = String::new();
                // Writing to memory does not fail.
                let _ = text::encode(&mut body, &registry);
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                Answer { status: "200 OK", kind, body }
            }
            "/healthz" => health.answer(),
            _ => Answer::text("404 Not Found", "/metrics and /healthz are here"),
        })?;
        Ok((Metrics { numbers, alive, looked: None }, at))
    }

    /// A session is over; `told` is what is said of it, if it is more than counted.
    pub(crate) fn over(&self, over: &Over, told: Option<&Session>) {
        let transport = if matches!(over.whole, Whole::Udp(_)) { "udp" } else { "tcp" };
        let labels = labels(transport, over.brief.outcome.as_str(), over.brief.code);
        self.numbers.sessions.get_or_create(&labels).inc();
        let Some(session) = told else { return };
        for (phase, seconds) in phases(session) {
            self.numbers.phases.get_or_create(&[("phase", phase.as_str().to_owned())]).observe(seconds);
        }
        session.udp.iter().map(|flow| &flow.metrics).chain(&session.metrics).for_each(|flow| self.flow(flow));
    }

    fn flow(&self, flow: &UdpMetrics) {
        let (loss, datagrams) = (flow.loss_pct, flow.datagrams);
        for (direction, loss, datagrams) in [
            (Direction::ClientToServer, loss.client_to_server, datagrams.client_to_server),
            (Direction::ServerToClient, loss.server_to_client, datagrams.server_to_client),
        ] {
            let label = [("direction", direction.as_str().to_owned())];
            if let Some(loss) = loss {
                self.numbers.loss.get_or_create(&label).observe(loss / 100.0);
            }
            self.numbers.datagrams.get_or_create(&label).inc_by(datagrams);
        }
    }

    /// Looks at what others count, if it is time for that. The capture goes on.
    pub(crate) fn look(
        &mut self,
        live: &Live,
        last: Option<Timestamp>,
        analyzer: &Analyzer,
        memory: &Memory,
        recorder: Option<&Recorder>,
        sink: &Sink,
    ) {
        if self.looked.is_some_and(|looked| looked.elapsed() < EVERY) {
            return;
        }
        self.looked = Some(Instant::now());
        let numbers = &self.numbers;
        let (packets, bytes) = live.handed_out();
        set(&numbers.packets, packets);
        set(&numbers.bytes, bytes);
        if let Some(last) = last {
            numbers.last_packet.set(last.0 as f64 / 1e9);
        }
        let mut any_up = false;
        for counts in live.counts() {
            let label = [("interface", counts.device)];
            any_up |= counts.up;
            numbers.up.get_or_create(&label).set(i64::from(counts.up));
            set(&numbers.received.get_or_create(&label), counts.received);
            for (by, dropped) in [("kernel", counts.kernel_dropped), ("interface", counts.interface_dropped)]
            {
                set(&numbers.dropped.get_or_create(&[label[0].clone(), ("by", by.to_owned())]), dropped);
            }
        }
        let given_up = analyzer.given_up();
        for (what, count) in [
            ("half_open", given_up.half_open),
            ("other", given_up.other),
            ("begun", given_up.begun),
            ("secured", given_up.secured),
            ("udp", given_up.udp),
        ] {
            set(&numbers.given_up.get_or_create(&[("what", what.to_owned())]), count);
        }
        let (depths, limits) = (analyzer.depths(), memory.limits());
        numbers.connections.set(depths.connections, limits.flows);
        numbers.in_full.set(depths.in_full, limits.watched);
        numbers.udp_flows.set(depths.udp_flows, limits.udp_flows);
        numbers.held_back.set(depths.held_back as i64);
        if let Some(recorder) = recorder {
            numbers.frames.set(recorder.frames(), memory.frames().total);
            numbers.saving.set(recorder.waiting() as i64);
        }
        numbers.writing.set(sink.waiting() as i64);
        numbers.memory.set(Memory::held(), memory.most());
        self.alive.beat(any_up);
    }
}

/// To a number that is counted elsewhere.
fn set(counter: &Counter, count: u64) {
    counter.inner().store(count, Ordering::Relaxed);
}

/// How long each phase took that the session entered: to the next one's first message, the last one to the end.
fn phases(session: &Session) -> Vec<(Phase, f64)> {
    let mut begun: BTreeMap<Phase, f64> = BTreeMap::new();
    for event in &session.timeline {
        let at = begun.entry(event.phase).or_insert(f64::INFINITY);
        *at = at.min(event.time_s.0);
    }
    let ends = begun.values().copied().skip(1).chain([session.duration_s.0]);
    begun.iter().zip(ends).map(|((&phase, &begun), end)| (phase, (end - begun).max(0.0))).collect()
}

impl Numbers {
    fn new() -> Self {
        let numbers = Self::empty();
        // A number that is not there before it is 1 never increases, for Prometheus.
        for session in usual() {
            drop(numbers.sessions.get_or_create(&session));
        }
        for phase in Phase::ALL {
            drop(numbers.phases.get_or_create(&[("phase", phase.as_str().to_owned())]));
        }
        for direction in Direction::ALL {
            drop(numbers.loss.get_or_create(&[("direction", direction.as_str().to_owned())]));
        }
        numbers
    }

    fn empty() -> Self {
        Numbers {
            packets: Counter::default(),
            bytes: Counter::default(),
            last_packet: Gauge::default(),
            received: Family::default(),
            dropped: Family::default(),
            up: Family::default(),
            sessions: Family::default(),
            phases: Histograms::new_with_constructor(|| Histogram::new(SECONDS)),
            loss: Histograms::new_with_constructor(|| Histogram::new(RATIOS)),
            datagrams: Family::default(),
            given_up: Family::default(),
            connections: Held::default(),
            in_full: Held::default(),
            udp_flows: Held::default(),
            held_back: Gauge::default(),
            frames: Held::default(),
            saving: Gauge::default(),
            writing: Gauge::default(),
            memory: Held::default(),
        }
    }

    /// Their names. A counter's ends in "_total".
    fn registry(&self) -> Registry {
        let mut all = Registry::default();
        all.register_collector(Box::new(Process));
        let ours = all.sub_registry_with_prefix("rdpwhy");
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        ours.register("build", "The version that runs", version);
        ours.register("captured_packets", "Packets taken from all interfaces", self.packets.clone());
        ours.register_with_unit("captured", "Bytes of these packets", Unit::Bytes, self.bytes.clone());
        ours.register_with_unit(
            "last_packet_timestamp",
            "When the last packet was captured",
            Unit::Seconds,
            self.last_packet.clone(),
        );
        ours.register("interface_packets", "Packets that passed the filter", self.received.clone());
        ours.register(
            "interface_dropped_packets",
            "Packets dropped by the kernel, whose buffer was full, or by the interface",
            self.dropped.clone(),
        );
        ours.register("interface_up", "Whether its packets come", self.up.clone());
        ours.register("sessions", "Sessions that are over", self.sessions.clone());
        ours.register_with_unit(
            "phase_duration",
            "How long sessions were in a phase",
            Unit::Seconds,
            self.phases.clone(),
        );
        ours.register("udp_loss_ratio", "Part of a flow's datagrams that was lost", self.loss.clone());
        ours.register("udp_datagrams", "Datagrams of flows that are over", self.datagrams.clone());
        ours.register(
            "given_up_connections",
            "Connections not followed to their end since memory was short",
            self.given_up.clone(),
        );
        for (name, help, held) in [
            ("connections", "Connections in the engine", &self.connections),
            ("full_connections", "Connections kept in full", &self.in_full),
            ("udp_flows", "RDP-UDP flows followed", &self.udp_flows),
        ] {
            ours.register(name, help, held.now.clone());
            ours.register(format!("{name}_limit"), format!("{help}: the most"), held.most.clone());
        }
        ours.register(
            "held_back_sessions",
            "Sessions that wait for their client's return",
            self.held_back.clone(),
        );
        for (name, help, held) in [
            ("memory", "Memory allocated", &self.memory),
            ("recorder_frames", "Frames kept of sessions that run", &self.frames),
        ] {
            ours.register_with_unit(name, help, Unit::Bytes, held.now.clone());
            let most = format!("{name}_limit");
            ours.register_with_unit(most, format!("{help}: the most"), Unit::Bytes, held.most.clone());
        }
        ours.register_with_unit("recorder_waiting", "Attempts to be saved", Unit::Bytes, self.saving.clone());
        ours.register_with_unit("output_waiting", "Lines to be written", Unit::Bytes, self.writing.clone());
        all
    }
}

/// Transport, outcome and code of the sessions that there may be; one that is missing is only not counted from 0.
fn usual() -> impl Iterator<Item = Labels<3>> {
    rdpwhy::knowledge::codes().flat_map(|code| {
        let outcomes: &[Outcome] = match code {
            "healthy" | "redirected" | "udp-healthy" => &[Outcome::Healthy],
            "session-lossy" | "udp-lossy" => &[Outcome::Degraded],
            "client-left-after-tls" => &[Outcome::Aborted],
            "inconclusive" => &[Outcome::Inconclusive],
            "tcp-probe" => &[Outcome::Probe],
            "not-rdp" => &[Outcome::Probe, Outcome::Failed],
            _ => &[Outcome::Failed],
        };
        let udp = code.starts_with("udp-");
        let own = if udp { "udp" } else { "tcp" };
        // A flow that failed beside a session makes that one degraded.
        let beside = (udp && code != "udp-healthy").then_some(("tcp", Outcome::Degraded));
        let all = outcomes.iter().map(move |outcome| (own, *outcome)).chain(beside);
        all.map(move |(transport, outcome)| labels(transport, outcome.as_str(), code))
    })
}

fn labels(transport: &str, outcome: &str, code: &str) -> Labels<3> {
    [("transport", transport), ("outcome", outcome), ("code", code)]
        .map(|(name, value)| (name, value.to_owned()))
}

/// What the system knows of the process, under the names that all programs use for it.
#[derive(Debug)]
struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let Some(bytes) = resident() else { return Ok(()) };
        let bytes = ConstGauge::new(bytes);
        let help = "Memory of the process that is in RAM";
        let name = "process_resident_memory";
        bytes.encode(encoder.encode_descriptor(name, help, Some(&Unit::Bytes), MetricType::Gauge)?)
    }
}

/// Bytes of memory in RAM, as Linux tells it.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// All numbers, each with every label it may have, as they are shown.
    fn shown() -> String {
        let numbers = Numbers::new();
        let label = |name, value: &str| (name, value.to_owned());
        drop(numbers.received.get_or_create(&[label("interface", "eth0")]));
        drop(numbers.dropped.get_or_create(&[label("interface", "eth0"), label("by", "kernel")]));
        drop(numbers.up.get_or_create(&[label("interface", "eth0")]));
        drop(numbers.datagrams.get_or_create(&[label("direction", "client_to_server")]));
        drop(numbers.given_up.get_or_create(&[label("what", "half_open")]));
        let mut text = String::new();
        text::encode(&mut text, &numbers.registry()).unwrap();
        text
    }

    /// Words that begin like a number's name, in order.
    fn names(text: &str) -> BTreeSet<&str> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.filter(|word| word.starts_with("rdpwhy_") || word.starts_with("process_")).collect()
    }

    fn samples(text: &str) -> BTreeSet<&str> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split([' ', '{']).next()).collect()
    }

    #[test]
    fn the_dashboard_and_the_guide_know_the_names() {
        let text = shown();
        let samples = samples(&text);
        assert!(samples.len() >= 30, "{samples:?}");
        let read = |path: &str| {
            std::fs::read_to_string(format!("{}/docs/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
        };
        let dashboard: serde_json::Value = serde_json::from_str(&read("grafana/rdpwhy.json")).unwrap();
        let mut expressions = Vec::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                expressions.push(target["expr"].as_str().unwrap().to_owned());
            }
        }
        let asked = expressions.join("\n");
        let asked = names(&asked);
        let unknown: Vec<_> = asked.difference(&samples).collect();
        assert!(unknown.is_empty(), "the dashboard asks for {unknown:?}");
        let guide = read("metrics.md");
        let series = |name: &str| {
            ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| name.strip_suffix(end))
                .unwrap_or(name)
                .to_owned()
        };
        let told: BTreeSet<String> = names(&guide).into_iter().map(series).collect();
        assert_eq!(told, samples.iter().map(|name| series(name)).collect());
    }

    #[test]
    fn health_is_lost_with_the_capture() {
        let alive = Alive {
            begun: Instant::now().checked_sub(Duration::from_mins(1)).unwrap(),
            beat: AtomicU64::new(0),
            any_up: AtomicBool::new(true),
        };
        assert_eq!(alive.answer().status, "503 Service Unavailable");
        alive.beat(true);
        assert_eq!(alive.answer().status, "200 OK");
        alive.beat(false);
        assert_eq!(alive.answer().body, "no interface is up\n");
    }
}
