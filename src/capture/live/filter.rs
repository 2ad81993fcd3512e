//! Which packets are captured, in the language of pcap-filter(7).

/// Which packets are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// RDP on its usual ports and on these, with what tells of its path: ICMP errors and fragments, all also
    /// inside one or two VLAN tags.
    Ports(Vec<u16>),
    /// All.
    Everything,
    /// Those that this expression takes.
    Expression(String),
}

/// RDP by TCP and UDP; UDP of managed networks; UDP of a gateway.
const USUAL: [u16; 3] = [3389, 3390, 3391];
/// A virtual machine's console on Hyper-V.
const CONSOLE: u16 = 2179;

impl Filter {
    /// The expression, and the one for link types that know no VLAN tags; `None` takes everything.
    pub(super) fn expressions(&self) -> [Option<String>; 2] {
        match self {
            Filter::Ports(more) => {
                let plain = plain(more);
                // Behind the keyword, every offset is one tag further.
                let tagged = format!("{plain} or (vlan and ({plain} or (vlan and {plain})))");
                [Some(tagged), Some(plain)]
            }
            Filter::Everything => [None, None],
            Filter::Expression(text) => [Some(text.clone()), Some(text.clone())],
        }
    }
}

fn plain(more: &[u16]) -> String {
    let ports: Vec<String> = USUAL.iter().chain(more).map(|port| format!("port {port}")).collect();
    let errors =
        "icmp[0] = 3 or icmp[0] = 4 or icmp[0] = 11 or icmp[0] = 12 or (ip6[6] = 58 and ip6[40] < 128)";
    // The first fragment's ports are known, its others' are not; 44 is IPv6's fragment header.
    let fragments = "ip[6:2] & 0x3fff != 0 or ip6[6] = 44";
    format!("({} or tcp port {CONSOLE} or {errors} or {fragments})", ports.join(" or "))
}

#[cfg(test)]
mod tests {
    use pcap::{BpfProgram, Capture, Linktype};

    use super::*;

    fn compile(filter: &Filter, link: i32) -> BpfProgram {
        let [first, second] = filter.expressions().map(Option::unwrap);
        let dead = Capture::dead(Linktype(link)).unwrap();
        dead.compile(&first, true).or_else(|_| dead.compile(&second, true)).unwrap()
    }

    /// An Ethernet frame of IPv4 with a payload that starts with these bytes.
    fn ipv4(protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 12];
        packet.extend([0x08, 0x00, 0x45, 0, 0, 60, 0, 1]);
        packet.extend(fragment.to_be_bytes());
        packet.extend([64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        packet.extend(payload);
        packet.resize(64, 0);
        packet
    }

    fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 12];
        packet.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 20, next, 64]);
        packet.extend([0; 32]);
        packet.extend(payload);
        packet.resize(80, 0);
        packet
    }

    fn ports(one: u16, other: u16) -> Vec<u8> {
        [one.to_be_bytes(), other.to_be_bytes()].concat()
    }

    fn tagged(packet: &[u8], kind: u16) -> Vec<u8> {
        let (addresses, rest) = packet.split_at(12);
        [addresses, &kind.to_be_bytes(), &[0, 5], rest].concat()
    }

    #[test]
    fn rdp_and_what_tells_of_its_path_pass() {
        let program = compile(&Filter::Ports(vec![4000]), 1);
        let pass = [
            ipv4(6, 0, &ports(50_000, 3389)),
            ipv4(6, 0, &ports(3389, 50_000)),
            ipv4(17, 0, &ports(50_000, 3389)),
            ipv4(17, 0, &ports(50_000, 3391)),
            ipv4(6, 0, &ports(50_000, 2179)),
            ipv4(6, 0, &ports(4000, 50_000)),
            ipv4(1, 0, &[3, 4]),
            ipv4(1, 0, &[11, 0]),
            ipv4(17, 0x2000, &ports(1, 2)),
            ipv4(17, 0x00ff, b"rest"),
            ipv6(6, &ports(50_000, 3389)),
            ipv6(58, &[2, 0]),
            ipv6(44, &[6, 0]),
        ];
        let stay = [
            ipv4(6, 0, &ports(50_000, 443)),
            ipv4(17, 0, &ports(50_000, 53)),
            ipv4(1, 0, &[8, 0]),
            ipv4(17, 0, &ports(50_000, 2179)),
            ipv6(6, &ports(50_000, 443)),
            ipv6(58, &[135, 0]),
        ];
        for (packets, wanted) in [(&pass[..], true), (&stay[..], false)] {
            for packet in packets {
                assert_eq!(program.filter(packet), wanted, "{packet:02x?}");
                let once = tagged(packet, 0x8100);
                assert_eq!(program.filter(&once), wanted, "{once:02x?}");
                let twice = tagged(&once, 0x88a8);
                assert_eq!(program.filter(&twice), wanted, "{twice:02x?}");
            }
        }
    }

    #[test]
    fn every_link_type_can_be_filtered() {
        // Ethernet, cooked v1 and v2, raw, loopback.
        for link in [1, 113, 276, 12, 0, 108] {
            compile(&Filter::Ports(Vec::new()), link);
        }
        let [first, second] = Filter::Expression("tcp port 80".into()).expressions();
        assert_eq!((first.as_deref(), second.as_deref()), (Some("tcp port 80"), Some("tcp port 80")));
        assert_eq!(Filter::Everything.expressions(), [None, None]);
    }
}
