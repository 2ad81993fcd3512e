use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::*;

fn redactor() -> Redactor {
    Redactor::new(b"key", Kinds::ALL)
}

/// Bits that two addresses have in common from the left.
fn common(a: IpAddr, b: IpAddr) -> u32 {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        _ => 0,
    }
}

#[test]
fn common_prefixes_stay_common() {
    let this = redactor();
    let addresses = [
        "10.77.1.10",
        "10.77.1.11",
        "10.77.2.20",
        "10.1.1.1",
        "192.168.0.1",
        "8.8.8.8",
        "2001:db8::1",
        "2001:db8::2",
        "2001:db8:1::2",
        "fd00::1",
        "fe80::1",
        "fe80::2",
    ];
    let addresses = addresses.map(|ip| ip.parse::<IpAddr>().unwrap());
    for a in addresses {
        assert_ne!(this.ip(a), a);
        assert_ne!(this.ip(a), Redactor::new(b"other", Kinds::ALL).ip(a), "{a}");
        for b in addresses.into_iter().filter(|b| b.is_ipv4() == a.is_ipv4()) {
            let (before, after) = (common(a, b), common(this.ip(a), this.ip(b)));
            // Where an address leads to one that names nobody, it goes round again; so do all of its network.
            assert!(before == after || before < 8, "{a} {b}: {before} {after}");
        }
    }
}

#[test]
fn what_names_nobody_stays() {
    let this = redactor();
    for ip in ["0.0.0.0", "127.0.0.1", "224.0.0.251", "255.255.255.255", "::", "::1", "ff02::2"] {
        let ip: IpAddr = ip.parse().unwrap();
        assert_eq!(this.ip(ip), ip);
    }
    for first in 1..224 {
        let [now, ..] = this.v4(Ipv4Addr::new(first, 2, 3, 4)).octets();
        assert!(first == 127 || !matches!(now, 0 | 127 | 224..), "{first} became {now}");
    }
    let solicited: Ipv6Addr = "ff02::1:ff12:3456".parse().unwrap();
    assert!(this.v6(solicited).to_string().starts_with("ff02::1:ff") && this.v6(solicited) != solicited);
    assert!(this.v6("fe80::1".parse().unwrap()).is_unicast_link_local());
    assert_eq!(this.mac([0xff; 6]), [0xff; 6]);
    let mac = this.mac([0, 0x1b, 0x21, 1, 2, 3]);
    assert_eq!(mac[0] & 3, 2);
}

#[test]
fn names_keep_their_shape() {
    let this = redactor();
    let name = this.name("WS-17.corp.example");
    let shape = |text: &str| {
        text.chars()
            .map(|c| {
                if c.is_ascii_digit() {
                    '0'
                } else if c.is_ascii_alphabetic() {
                    'a'
                } else {
                    c
                }
            })
            .collect::<String>()
    };
    assert_eq!(shape(&name), shape("WS-17.corp.example"));
    assert!(this.name("dc.corp.example").ends_with(&name[5..]), "one domain, one substitute");
    assert_eq!(this.name("ALICE").to_lowercase(), this.name("alice"));
    for letter in "abcdefghijklmnopqrstuvwxyz0123456789".chars().map(String::from) {
        assert_ne!(this.name(&letter), letter);
    }
    assert_eq!(this.words("Zoë".as_bytes()).len(), 4);
    assert_eq!(this.id(&[0; 16]), [0; 16]);
    assert_ne!(this.id(&[1; 40]), [1; 40]);
}

#[test]
fn names_in_sentences() {
    let this = Redactor::new(b"key", Kinds(Kinds::ALL.0 & !Kinds::ADDRESSES.0));
    let mut names = Names::new(&this);
    names.add("lab", "xyz".to_owned());
    names.add("lab.example", "q".to_owned());
    assert_eq!(
        names.replace("label lab.example, lab; collab lab.examples \"lab\""),
        "label q, xyz; collab xyz.examples \"xyz\""
    );
    assert_eq!(names.replace("10.0.0.1 09:00:01"), "10.0.0.1 09:00:01");
    let this = redactor();
    let names = Names::new(&this);
    let (one, six) = (this.ip("10.0.0.1".parse().unwrap()), this.ip("fe80::1".parse().unwrap()));
    assert_eq!(
        names.replace("10.0.0.1:3389, [fe80::1]:3389 at 09:00:01. From 10.0.0.1."),
        format!("{one}:3389, [{six}]:3389 at 09:00:01. From {one}.")
    );
}
