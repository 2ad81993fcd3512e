//! Two namespaces with a cable between them, and `rdpwhy live` at one end.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

/// Says so where the tests can't run.
pub fn wanted(test: &str) -> bool {
    if std::env::var_os("RDPWHY_LIVE_TESTS").is_none() {
        eprintln!("SKIPPED: {test}, because RDPWHY_LIVE_TESTS is not set (needs root and tcpreplay)");
        return false;
    }
    true
}

pub fn command(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap());
    command.args(words).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

pub fn shell(line: &str) {
    let output = command(line).output().unwrap_or_else(|error| panic!("{line}: {error}"));
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Two namespaces and a cable between them.
pub struct Cable {
    pub name: String,
}

impl Cable {
    pub fn new(name: &str) -> Self {
        let name = format!("rdpwhy-{}-{name}", std::process::id());
        let cable = Cable { name };
        for end in ["a", "b"] {
            let namespace = cable.namespace(end);
            shell(&format!("ip netns add {namespace}"));
            shell(&format!("ip netns exec {namespace} sysctl -qw net.ipv6.conf.all.disable_ipv6=1"));
        }
        cable.plug();
        cable
    }

    /// Puts the cable in; the ends are called "wire".
    pub fn plug(&self) {
        let (a, b) = (self.namespace("a"), self.namespace("b"));
        shell(&format!("ip -n {a} link add wire type veth peer name wire netns {b}"));
        for end in [a, b] {
            // Captures hold segments that an interface was to cut.
            shell(&format!("ip -n {end} link set wire mtu 65535 up"));
        }
    }

    pub fn namespace(&self, end: &str) -> String {
        format!("{}-{end}", self.name)
    }

    pub fn replay(&self, capture: &Path, more: &str) {
        let a = self.namespace("a");
        shell(&format!("ip netns exec {a} tcpreplay -q {more} -i wire {}", capture.display()));
    }

    /// Starts `rdpwhy live` at the other end.
    pub fn live(&self, arguments: &str) -> Live {
        self.live_as("ndjson", arguments)
    }

    pub fn live_as(&self, format: &str, arguments: &str) -> Live {
        self.live_in("", &format!("--format {format} {arguments}"))
    }

    pub fn live_in(&self, environment: &str, arguments: &str) -> Live {
        let b = self.namespace("b");
        let rdpwhy = env!("CARGO_BIN_EXE_rdpwhy");
        let mut child = command(&format!("ip netns exec {b} {environment} {rdpwhy} live {arguments}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        stderr.read_line(&mut said).unwrap();
        assert!(said.contains("listening on"), "{said}");
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Live { child, stdout, stderr }
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for end in ["a", "b"] {
            let _ = command(&format!("ip netns del {}", self.namespace(end))).status();
        }
    }
}

/// A line, which must be as the schema tells.
pub fn sound(line: &str) -> Value {
    static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        let schema = serde_json::to_value(rdpwhy::report::schema::line()).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    });
    let value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    let wrong: Vec<String> = SCHEMA.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}: {line}");
    value
}

pub struct Live {
    pub child: Child,
    pub stdout: BufReader<ChildStdout>,
    pub stderr: BufReader<ChildStderr>,
}

impl Live {
    pub fn signal(&self, name: &str) {
        shell(&format!("kill -{name} {}", self.child.id()));
    }

    pub fn line(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        sound(&line)
    }

    /// Ends it; returns the rest of what it says.
    pub fn end(self) -> (Vec<Value>, String) {
        let (text, said) = self.end_as_text();
        (text.lines().map(sound).collect(), said)
    }

    pub fn end_as_text(mut self) -> (String, String) {
        self.signal("TERM");
        let mut text = String::new();
        self.stdout.read_to_string(&mut text).unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0));
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).unwrap();
        (text, said)
    }
}

/// A test that failed leaves nothing running.
impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Captures with one session that failed, and was over at its end. A session replayed again is the same session.
pub fn failed(which: usize) -> PathBuf {
    let captures = [
        "tls-cipher-mismatch/xrdp-tls12",
        "negotiation-nla-required/shadow",
        "tls-version-mismatch/server-tls13-only",
    ];
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(captures[which]).with_extension("pcapng")
}
