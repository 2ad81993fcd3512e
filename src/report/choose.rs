//! Which sessions are shown. Choosing changes what is shown, never what is analyzed.

use std::net::IpAddr;
use std::str::FromStr;

use super::model::Outcome;
use crate::base::Timestamp;

/// What a session must be to be shown; the default takes every one.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// One of these ids; any where there is none.
    pub ids: Vec<u64>,
    /// One of these at either end; any where there is none.
    pub hosts: Vec<HostPattern>,
    /// One of these in the cookie; any where there is none.
    pub users: Vec<String>,
    /// Not over before this.
    pub from: Option<Timestamp>,
    /// Begun by then.
    pub to: Option<Timestamp>,
    /// Failed.
    pub failed: bool,
}

/// What [`Choice`] looks at.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Its number.
    pub id: u64,
    /// Addresses of both ends.
    pub ips: [IpAddr; 2],
    /// Names that messages gave the ends.
    pub names: [Option<&'a str>; 2],
    /// The cookie.
    pub user: Option<&'a str>,
    /// First frame.
    pub start: Timestamp,
    /// Last frame.
    pub end: Timestamp,
    /// Its outcome.
    pub outcome: Outcome,
}

impl Choice {
    /// Whether a session is one of those.
    pub fn takes(&self, facts: &Facts<'_>) -> bool {
        self.takes_timeless(facts) && self.takes_time(facts.id, facts.start, facts.end)
    }

    /// Whether hosts, user and outcome fit: what is known before the capture was read to its end.
    pub fn takes_timeless(&self, facts: &Facts<'_>) -> bool {
        let host = self.hosts.is_empty() || self.hosts.iter().any(|host| host.fits(facts));
        let user = self.users.is_empty()
            || facts.user.is_some_and(|cookie| self.users.iter().any(|user| is_user(user, cookie)));
        host && user && (!self.failed || facts.outcome == Outcome::Failed)
    }

    /// Whether neither ids nor times are asked for.
    pub fn is_timeless(&self) -> bool {
        self.ids.is_empty() && self.from.is_none() && self.to.is_none()
    }

    /// Whether nothing is asked for, so that every session is taken.
    pub fn takes_all(&self) -> bool {
        self.is_timeless() && self.hosts.is_empty() && self.users.is_empty() && !self.failed
    }

    /// Whether id and times fit.
    pub fn takes_time(&self, id: u64, start: Timestamp, end: Timestamp) -> bool {
        (self.ids.is_empty() || self.ids.contains(&id))
            && self.from.is_none_or(|from| end >= from)
            && self.to.is_none_or(|to| start <= to)
    }
}

/// Whether a cookie is this user's. mstsc cuts "DOMAIN\name" to nine characters, and pads with blanks.
fn is_user(user: &str, cookie: &str) -> bool {
    const CUT: usize = 9;
    let cookie = cookie.trim_end().to_lowercase();
    let user = user.trim().to_lowercase();
    if cookie == user || cookie.rsplit('\\').next() == Some(&user) {
        return true;
    }
    let cut: String = user.chars().take(CUT).collect();
    cookie.chars().count() == CUT && cookie == cut
}

/// An address, a network, or a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// All addresses with these first bits.
    Network(IpAddr, u8),
    /// A host name, in lower case; its first label is enough.
    Name(String),
}

/// `--host` is none of address, network or name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a host is an address (10.0.0.1), a network (10.0.0.0/8) or a name")]
pub struct BadHost;

impl HostPattern {
    fn fits(&self, facts: &Facts<'_>) -> bool {
        match self {
            HostPattern::Network(network, bits) => facts.ips.iter().any(|ip| within(*ip, *network, *bits)),
            HostPattern::Name(name) => facts.names.iter().flatten().any(|known| {
                let known = known.to_lowercase();
                known == *name || known.split('.').next() == Some(name)
            }),
        }
    }
}

fn within(ip: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (ip.to_canonical(), network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(u32::from(bits))).unwrap_or(0);
            u32::from(ip) & mask == u32::from(network) & mask
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(u32::from(bits))).unwrap_or(0);
            u128::from(ip) & mask == u128::from(network) & mask
        }
        _ => false,
    }
}

impl FromStr for HostPattern {
    type Err = BadHost;

    fn from_str(text: &str) -> Result<Self, BadHost> {
        let whole = |ip: IpAddr| if ip.is_ipv4() { 32 } else { 128 };
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(HostPattern::Network(ip, whole(ip)));
        }
        if let Some((ip, bits)) = text.split_once('/') {
            let ip: IpAddr = ip.parse().map_err(|_| BadHost)?;
            let bits = bits.parse::<u8>().ok().filter(|bits| *bits <= whole(ip)).ok_or(BadHost)?;
            return Ok(HostPattern::Network(ip, bits));
        }
        let name =
            !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
        // What looks like an address and is none would silently match nothing.
        let number = text.chars().all(|c| c.is_ascii_digit() || c == '.');
        if name && !number { Ok(HostPattern::Name(text.to_lowercase())) } else { Err(BadHost) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts<'static> {
        Facts {
            id: 7,
            ips: ["10.0.0.2".parse().unwrap(), "2001:db8::1".parse().unwrap()],
            names: [Some("WS-17"), Some("host.example.com")],
            user: Some("EXAMPLE\\a"),
            start: Timestamp(100),
            end: Timestamp(200),
            outcome: Outcome::Aborted,
        }
    }

    fn host(text: &str) -> bool {
        let hosts = vec![text.parse().unwrap()];
        Choice { hosts, ..Choice::default() }.takes(&facts())
    }

    #[test]
    fn everything_by_default() {
        assert!(Choice::default().takes(&facts()));
    }

    #[test]
    fn by_host() {
        for yes in
            ["10.0.0.2", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "[2001:db8::1]", "::/0", "ws-17", "HOST"]
        {
            assert!(host(yes), "{yes}");
        }
        for no in ["10.0.0.1", "10.0.0.0/31", "192.168.0.0/16", "2001:db9::/32", "ws", "example.com"] {
            assert!(!host(no), "{no}");
        }
        for bad in ["", "10.0.0", "10.0.0.0/33", "a/b", "a b", "1.2.3.4.5", "::/129", "10.0.0.0/"] {
            assert_eq!(bad.parse::<HostPattern>(), Err(BadHost), "{bad:?}");
        }
    }

    #[test]
    fn by_user_as_mstsc_cuts_names() {
        let fits = |user: &str, cookie: &str| is_user(user, cookie);
        assert!(fits("alice", "Alice"));
        assert!(fits("a70", "FTBCO\\A70"));
        assert!(fits("administrator", "administr"));
        assert!(fits("EXAMPLE\\alice", "EXAMPLE\\a"));
        assert!(fits("john-pc", "JOHN-PC  "));
        assert!(!fits("administrator", "admin"));
        assert!(!fits("bob", "alice"));
    }

    #[test]
    fn by_time_outcome_and_id() {
        let at = |from: Option<i64>, to: Option<i64>| {
            let (from, to) = (from.map(Timestamp), to.map(Timestamp));
            Choice { from, to, ..Choice::default() }.takes(&facts())
        };
        assert!(at(Some(200), None) && at(None, Some(100)) && at(Some(150), Some(160)));
        assert!(!at(Some(201), None) && !at(None, Some(99)));
        assert!(!Choice { failed: true, ..Choice::default() }.takes(&facts()));
        assert!(Choice { ids: vec![1, 7], ..Choice::default() }.takes(&facts()));
        assert!(!Choice { ids: vec![1], ..Choice::default() }.takes(&facts()));
    }
}
