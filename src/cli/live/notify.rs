//! What systemd is told of the service: ready, alive, how it stands, stopping (sd_notify(3)).

use std::env;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

/// Tells it, where it listens.
#[derive(Debug, Default)]
pub(crate) struct Notify {
    socket: Option<UnixDatagram>,
    /// How often it wants to hear that the service is alive.
    watchdog: Option<Duration>,
    told: Option<(Instant, u64)>,
}

impl Notify {
    /// How often it is told how things stand, where no watchdog wants it sooner.
    const STATUS: Duration = Duration::from_secs(10);

    /// As the environment says.
    pub(crate) fn from_environment() -> Self {
        let socket = env::var_os("NOTIFY_SOCKET").and_then(|name| connect(name.as_bytes()));
        let number = |name| env::var(name).ok()?.parse::<u64>().ok();
        let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|_| ours).map(Duration::from_micros);
        Notify { socket, watchdog, told: None }
    }

    /// Packets are captured.
    pub(crate) fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={}", one_line(status)));
    }

    /// Called in every turn of the work with a number that changes as the work goes on. A watchdog hears of it only
    /// where it changed.
    pub(crate) fn turn(&mut self, progress: u64, status: impl FnOnce() -> String) {
        if self.socket.is_none() {
            return;
        }
        let every = self.watchdog.map_or(Self::STATUS, |watchdog| (watchdog / 3).min(Self::STATUS));
        let (last, before) = *self.told.get_or_insert_with(|| (Instant::now(), progress));
        if last.elapsed() >= every && progress != before {
            self.told = Some((Instant::now(), progress));
            self.tell(&format!("WATCHDOG=1\nSTATUS={}", one_line(&status())));
        }
    }

    /// It ends.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    fn tell(&self, text: &str) {
        if let Some(socket) = &self.socket {
            // Who does not listen any more does not care.
            let _ = socket.send(text.as_bytes());
        }
    }
}

fn connect(name: &[u8]) -> Option<UnixDatagram> {
    let address = match name {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        [b'/', ..] => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name)),
        _ => return None,
    };
    let socket = UnixDatagram::unbound().ok()?;
    socket.connect_addr(&address.ok()?).ok()?;
    socket.set_nonblocking(true).ok()?;
    Some(socket)
}

fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standstill_is_not_called_alive() {
        let name = format!("@rdpwhy-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name.as_bytes()[1..]).unwrap();
        let systemd = UnixDatagram::bind_addr(&address).unwrap();
        systemd.set_nonblocking(true).unwrap();
        let heard = || {
            let mut text = [0; 100];
            systemd.recv(&mut text).ok().map(|len| String::from_utf8(text[..len].to_vec()).unwrap())
        };
        let socket = connect(name.as_bytes());
        assert!(socket.is_some() && connect(b"relative").is_none() && connect(b"/not/there").is_none());
        let mut notify = Notify { socket, watchdog: Some(Duration::from_millis(30)), told: None };
        notify.ready("two\nlines");
        assert_eq!(heard().as_deref(), Some("READY=1\nSTATUS=two lines"));
        for (progress, alive) in [(1, false), (1, false), (2, true), (2, false), (3, true)] {
            notify.turn(progress, || "well".to_owned());
            assert_eq!(heard().is_some(), alive, "{progress}");
            std::thread::sleep(Duration::from_millis(12));
        }
        notify.stopping();
        assert_eq!(heard().as_deref(), Some("STOPPING=1"));
    }
}
