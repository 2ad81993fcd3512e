//! Fragments, hand-made, in every order and disorder.

use proptest::prelude::*;

use super::made::*;
use super::{Body, Decoder, Packet, Undecoded};
use crate::base::{Frame, Limits, LinkType};

/// The IPv4 fragment of `whole` that starts at `from`.
fn part(whole: &[u8], from: usize, to: usize) -> Vec<u8> {
    part_of(6, whole, from, to)
}

fn part_of(protocol: u8, whole: &[u8], from: usize, to: usize) -> Vec<u8> {
    let more = if to < whole.len() { 0x2000 } else { 0 };
    ethernet(0x0800, &ipv4_flags(protocol, more | (from / 8) as u16, &whole[from..to]))
}

/// The IPv6 fragment, of identification 77.
fn part_v6(whole: &[u8], from: usize, to: usize) -> Vec<u8> {
    let more = u16::from(to < whole.len());
    let field = (from as u16 | more).to_be_bytes();
    ethernet(0x86dd, &ipv6(44, &join(&[&[6, 0, field[0], field[1], 0, 0, 0, 77], &whole[from..to]])))
}

fn whole(length: usize) -> Vec<u8> {
    tcp(&(0..length).map(|at| (at * 7) as u8).collect::<Vec<_>>())
}

fn feed<'p>(decoder: &'p mut Decoder, data: &'p [u8], seconds: i64) -> Result<Packet<'p>, Undecoded> {
    decoder.decode(&at(LinkType::ETHERNET, data, seconds), seconds as u64)
}

fn assert_whole(result: Result<Packet<'_>, Undecoded>, expected: &[u8]) {
    let packet = result.unwrap();
    assert_eq!(segment(&packet).payload, &expected[24..]);
    assert_eq!(segment(&packet).payload_len as usize, expected.len() - 24);
    let header = if packet.meta.src.is_ipv6() { 40 } else { 20 };
    assert_eq!(packet.meta.ip_len as usize, expected.len() + header);
    assert_eq!(packet.meta.src_mac, Some(MAC));
}

#[test]
fn both_versions_in_every_order() {
    let data = whole(100);
    let cuts = [(0, 40), (40, 80), (80, 124)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for make in [part, part_v6] {
            let mut decoder = Decoder::new(&Limits::default());
            let parts = order.map(|at| make(&data, cuts[at].0, cuts[at].1));
            assert_eq!(feed(&mut decoder, &parts[0], 1), Err(Undecoded::Fragment));
            assert_eq!(feed(&mut decoder, &parts[1], 2), Err(Undecoded::Fragment));
            let last = feed(&mut decoder, &parts[2], 3);
            assert_eq!(last.unwrap().meta.stamp.order, 3, "the fragment that came last");
            assert_whole(last, &data);
        }
    }
}

#[test]
fn a_mirror_port_shows_every_fragment_twice() {
    let data = whole(64);
    let (a, b) = (part(&data, 0, 40), part(&data, 40, 88));
    let mut decoder = Decoder::new(&Limits::default());
    assert_eq!(feed(&mut decoder, &a, 1), Err(Undecoded::Fragment));
    assert_eq!(feed(&mut decoder, &a, 1), Err(Undecoded::Fragment));
    assert_whole(feed(&mut decoder, &b, 1), &data);
    assert_eq!(feed(&mut decoder, &b, 1), Err(Undecoded::Fragment));
    // The identification is used again: nothing of the old datagram is left.
    let other: Vec<u8> = whole(64).into_iter().rev().collect();
    assert_eq!(feed(&mut decoder, &part(&data, 0, 40), 2), Err(Undecoded::Fragment));
    assert_eq!(feed(&mut decoder, &part(&other, 0, 40), 3), Err(Undecoded::Fragment));
    assert_eq!(feed(&mut decoder, &part(&data, 0, 40), 4), Err(Undecoded::Fragment));
    assert_whole(feed(&mut decoder, &b, 5), &data);
}

#[test]
fn overlaps_make_no_datagram() {
    let data = whole(64);
    let mut decoder = Decoder::new(&Limits::default());
    // Teardrop: the second lies inside the first and claims to be the last.
    assert_eq!(feed(&mut decoder, &part(&data, 0, 40), 1), Err(Undecoded::Fragment));
    assert_eq!(feed(&mut decoder, &part(&data[..28], 24, 28), 1), Err(Undecoded::Fragment));
    assert_eq!(feed(&mut decoder, &part(&data, 40, 88), 1), Err(Undecoded::Fragment));
    // A partial overlap.
    let mut decoder = Decoder::new(&Limits::default());
    assert_eq!(feed(&mut decoder, &part(&data, 0, 40), 1), Err(Undecoded::Fragment));
    assert_eq!(feed(&mut decoder, &part(&data, 32, 88), 1), Err(Undecoded::Fragment));
    // The rest of what the overlap began anew.
    assert_whole(feed(&mut decoder, &part(&data, 0, 32), 1), &data);
    // Bytes behind the end.
    let mut decoder = Decoder::new(&Limits::default());
    assert_eq!(feed(&mut decoder, &part(&data, 40, 88), 1), Err(Undecoded::Fragment));
    assert_eq!(feed(&mut decoder, &part(&whole(200), 88, 96), 1), Err(Undecoded::Fragment));
    assert_eq!(feed(&mut decoder, &part(&data, 0, 40), 1), Err(Undecoded::Fragment));
}

#[test]
fn unsound_fragments() {
    let data = whole(64);
    let mut decoder = Decoder::new(&Limits::default());
    // A length that is no multiple of 8, no length, more than 64 KiB (the ping of death).
    let odd = ethernet(0x0800, &ipv4_flags(6, 0x2000, &data[..39]));
    assert_eq!(feed(&mut decoder, &odd, 1), Err(Undecoded::Malformed));
    let empty = ethernet(0x0800, &ipv4_flags(6, 0x2001, &[]));
    assert_eq!(feed(&mut decoder, &empty, 1), Err(Undecoded::Malformed));
    let far = ethernet(0x0800, &ipv4_flags(6, 0x1fff, &data[..40]));
    assert_eq!(feed(&mut decoder, &far, 1), Err(Undecoded::Malformed));
}

#[test]
fn the_largest_datagram() {
    let data = tcp(&vec![5; 65_535 - 24]);
    let mut decoder = Decoder::new(&Limits::default());
    for from in (0..65_536).step_by(8).rev().skip(1) {
        assert_eq!(feed(&mut decoder, &part(&data, from, (from + 8).min(data.len())), 1).is_ok(), from == 0);
        if from == 65_520 {
            assert_eq!(feed(&mut decoder, &part(&data, 65_528, 65_535), 1), Err(Undecoded::Fragment));
        }
    }
}

#[test]
fn a_datagram_waits_for_a_minute_by_the_highest_time() {
    let data = whole(64);
    for (later, complete) in [(61, true), (62, false)] {
        let mut decoder = Decoder::new(&Limits::default());
        assert_eq!(feed(&mut decoder, &part(&data, 0, 40), 1), Err(Undecoded::Fragment));
        // An ordinary packet moves the time on; then it runs backwards.
        assert!(feed(&mut decoder, &ethernet(0x0800, &ipv4(6, &data)), later).is_ok());
        assert_eq!(feed(&mut decoder, &part(&data, 40, 88), 2).is_ok(), complete);
    }
}

#[test]
fn the_oldest_makes_room() {
    let data = whole(64);
    let from_source = |source: u8, part: &[u8]| {
        let mut part = part.to_vec();
        part[29] = source;
        part
    };
    let limits = Limits { fragment_datagrams: 3, ..Limits::default() };
    let mut decoder = Decoder::new(&limits);
    for source in 1..=4 {
        assert_eq!(
            feed(&mut decoder, &from_source(source, &part(&data, 0, 40)), 1),
            Err(Undecoded::Fragment)
        );
    }
    for source in 2..=4 {
        assert!(feed(&mut decoder, &from_source(source, &part(&data, 40, 88)), 1).is_ok());
    }
    assert_eq!(feed(&mut decoder, &from_source(1, &part(&data, 40, 88)), 1), Err(Undecoded::Fragment));
    let mut decoder = Decoder::new(&Limits { fragment_datagrams: 0, ..Limits::default() });
    assert_eq!(feed(&mut decoder, &part(&data, 0, 40), 1), Err(Undecoded::Fragment));
    assert_eq!(feed(&mut decoder, &part(&data, 40, 88), 1), Err(Undecoded::Fragment));
}

#[test]
fn a_snapshot_length_cuts_fragments() {
    let data = whole(64);
    let (a, b) = (part(&data, 0, 40), part(&data, 40, 88));
    for (kept_a, kept_b, payload) in [(74, 40, 16), (70, 82, 12), (64, 34, 6), (74, 34, 16), (54, 82, 0)] {
        for twice in [false, true] {
            let mut decoder = Decoder::new(&Limits::default());
            let first = Frame { data: &a[..kept_a], ..at(LinkType::ETHERNET, &a, 1) };
            let last = Frame { data: &b[..kept_b], ..at(LinkType::ETHERNET, &b, 1) };
            assert_eq!(decoder.decode(&last, 1), Err(Undecoded::Fragment));
            if twice {
                assert_eq!(decoder.decode(&last, 1), Err(Undecoded::Fragment));
            }
            let packet = decoder.decode(&first, 2).unwrap();
            let segment = segment(&packet);
            assert_eq!(segment.payload_len, 64);
            let kept = if kept_a == 74 { 16 + kept_b.saturating_sub(34) } else { payload };
            assert_eq!(segment.payload, &data[24..24 + kept]);
        }
    }
}

#[test]
fn fragments_inside_a_fragmented_tunnel() {
    let data = whole(200);
    let inner = [(0, 104), (104, 224)].map(|(from, to)| part(&data, from, to)[14..].to_vec());
    let mut decoder = Decoder::new(&Limits::default());
    let mut results = Vec::new();
    for (id, inner) in inner.iter().enumerate() {
        let outer = join(&[&[0, 0, 8, 0], inner]);
        for (from, to) in [(64, outer.len()), (0, 64)] {
            let mut frame = part_of(47, &outer, from, to);
            frame[19] = id as u8;
            results.push(feed(&mut decoder, &frame, 1).map(|packet| {
                assert!(packet.meta.tunnelled);
                segment(&packet).payload.to_vec()
            }));
        }
    }
    let fragment = Err(Undecoded::Fragment);
    assert_eq!(results, [fragment.clone(), fragment.clone(), fragment, Ok(data[24..].to_vec())]);
}

#[test]
fn destination_options_behind_the_fragment_header() {
    let data = join(&[&[6, 0, 1, 4, 0, 0, 0, 0], &tcp(TEXT)]);
    let mut decoder = Decoder::new(&Limits::default());
    let mut parts = [part_v6(&data, 0, 16), part_v6(&data, 16, data.len())];
    parts[0][54] = 60;
    assert_eq!(feed(&mut decoder, &parts[1], 1), Err(Undecoded::Fragment));
    assert_eq!(segment(&feed(&mut decoder, &parts[0], 1).unwrap()).payload, TEXT);
}

proptest! {
    #[test]
    fn any_cuts_order_and_repeats(
        length in 1..400usize,
        mut cuts in proptest::collection::vec(1..50usize, 0..12),
        shuffle in any::<u64>(),
        repeats in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
        v6 in any::<bool>(),
    ) {
        let data = whole(length);
        for cut in &mut cuts {
            *cut *= 8;
        }
        cuts.retain(|cut| *cut < data.len());
        cuts.extend([0, 8, data.len()]);
        cuts.sort_unstable();
        cuts.dedup();
        let make = if v6 { part_v6 } else { part };
        let mut parts: Vec<_> = cuts.windows(2).map(|cut| make(&data, cut[0], cut[1])).collect();
        let mut state = shuffle;
        for at in (1..parts.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            parts.swap(at, (state >> 33) as usize % (at + 1));
        }
        for repeat in repeats {
            let at = repeat.index(parts.len());
            parts.insert(at, parts[at].clone());
        }
        let mut decoder = Decoder::new(&Limits::default());
        let mut complete = 0;
        for part in &parts {
            match feed(&mut decoder, part, 1) {
                Ok(packet) => {
                    complete += 1;
                    assert_whole(Ok(packet), &data);
                }
                Err(error) => prop_assert_eq!(error, Undecoded::Fragment),
            }
        }
        prop_assert_eq!(complete, 1);
    }

    #[test]
    fn hostile_fragments(
        parts in proptest::collection::vec((0..40u16, 0..6usize, any::<bool>(), any::<u8>(), 0..90usize), 0..200),
    ) {
        let mut decoder = Decoder::new(&Limits { fragment_datagrams: 4, ..Limits::default() });
        for (offset, length, more, fill, cut) in parts {
            let flags = offset | if more { 0x2000 } else { 0 };
            let mut data = ethernet(0x0800, &ipv4_flags(17, flags, &vec![fill & 1; length * 8]));
            data[19] = fill & 0x0e;
            let frame = at(LinkType::ETHERNET, &data, i64::from(fill));
            let frame = Frame { data: &data[..cut.max(34).min(data.len())], ..frame };
            if let Ok(packet) = decoder.decode(&frame, 1)
                && let Body::Udp(datagram) = packet.body
            {
                prop_assert!(datagram.payload.len() <= datagram.payload_len as usize);
            }
        }
    }
}
