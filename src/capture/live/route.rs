//! Which interface has the default route.

use super::device::list;
use super::error::LiveError;

/// The interface of the default route: of IPv4, else of IPv6, the one with the lowest metric.
pub fn default_device() -> Result<String, LiveError> {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let found = v4(&read("/proc/net/route")).or_else(|| v6(&read("/proc/net/ipv6_route")));
    if let Some(device) = found {
        return Ok(device);
    }
    let there = list().unwrap_or_default();
    // Other systems have no such file; there libpcap's first is as good a guess as any.
    if cfg!(not(target_os = "linux"))
        && let Some(first) = there.first()
    {
        return Ok(first.name.clone());
    }
    Err(LiveError::NoDefault { there: there.into_iter().map(|found| found.name).collect() })
}

/// Bit of a route's flags: it may be used.
const UP: u32 = 1;
/// Bit of a route's flags: it refuses.
const REJECT: u32 = 0x200;

/// Lines of name, destination, gateway, flags, two counts, metric (decimal) and mask; addresses and flags in hex.
fn v4(table: &str) -> Option<String> {
    let routes = table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[name, destination, _, flags, _, _, metric, mask, ..] = fields.as_slice() else { return None };
        let default = destination == "00000000" && mask == "00000000";
        let usable = u32::from_str_radix(flags, 16).is_ok_and(usable);
        (default && usable).then_some((metric.parse::<u32>().ok()?, name))
    });
    routes.min().map(|(_, name)| name.to_owned())
}

/// Lines of destination, its prefix length, source, its length, next hop, metric, two counts, flags and name, in hex.
fn v6(table: &str) -> Option<String> {
    let routes = table.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[destination, length, _, _, _, metric, _, _, flags, name] = fields.as_slice() else {
            return None;
        };
        let default = length == "00" && destination.bytes().all(|byte| byte == b'0') && name != "lo";
        let usable = u32::from_str_radix(flags, 16).is_ok_and(usable);
        (default && usable).then_some((u32::from_str_radix(metric, 16).ok()?, name))
    });
    routes.min().map(|(_, name)| name.to_owned())
}

fn usable(flags: u32) -> bool {
    flags & UP != 0 && flags & REJECT == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_metric_wins() {
        let table = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
            wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
            eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
            eth1\t00000000\t010200C0\t0002\t0\t0\t1\t00000000\t0\t0\t0\n\
            eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
            tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000080\t0\t0\t0\n";
        assert_eq!(v4(table).as_deref(), Some("eth0"));
        assert_eq!(v4("Iface\n"), None);
        assert_eq!(v4(""), None);
    }

    #[test]
    fn ipv6_knows_where_nothing_goes() {
        let zero = "0".repeat(32);
        let line = |metric: &str, flags: &str, name: &str| {
            format!("{zero} 00 {zero} 00 {zero} {metric} 00000001 00000000 {flags} {name}\n")
        };
        let table = line("ffffffff", "00200200", "lo") + &line("00000400", "00450003", "eth0");
        assert_eq!(v6(&table).as_deref(), Some("eth0"));
        assert_eq!(v6(&line("ffffffff", "00200200", "lo")), None);
        let narrow = format!("fe80{} 40 {zero} 00 {zero} 00000100 1 0 00000001 eth0\n", "0".repeat(28));
        assert_eq!(v6(&narrow), None);
    }
}
