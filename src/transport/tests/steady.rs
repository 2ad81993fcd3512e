//! The short way of a plain packet leaves the same behind as the full one.

use proptest::prelude::*;

use super::*;

/// What the next packet is, of one end or the other.
#[derive(Clone, Debug)]
enum Next {
    Data(u8),
    /// An acknowledgement of all but so many bytes, with so much payload.
    Ack(i8, u8),
    /// Data that the capture lacks.
    Missing(u8),
    /// The last packet of this end once more, as another sighting or sent again.
    Again {
        sighting: bool,
    },
    KeepAlive,
    /// Says which bytes behind a hole came.
    Sack,
    Window(u16),
    Flags(u8),
    Pause,
}

fn next() -> impl Strategy<Value = Next> {
    prop_oneof![
        30 => (1u8..).prop_map(Next::Data),
        30 => (prop_oneof![8 => Just(0), 1 => any::<i8>(), 1 => Just(-1)], prop_oneof![3 => Just(0), 1 => 1u8..])
            .prop_map(|(less, len)| Next::Ack(less, len)),
        1 => (1u8..).prop_map(Next::Missing),
        3 => any::<bool>().prop_map(|sighting| Next::Again { sighting }),
        1 => Just(Next::KeepAlive),
        1 => Just(Next::Sack),
        1 => prop_oneof![Just(0), any::<u16>()].prop_map(Next::Window),
        1 => prop_oneof![4 => Just(ACK), 1 => Just(FIN | ACK), 1 => Just(RST), 1 => Just(SYN), 1 => any::<u8>()].prop_map(Next::Flags),
        1 => Just(Next::Pause),
    ]
}

/// A conversation whose packets are in order but for what `script` has of other things.
fn conversation(script: &[(bool, Next)], timestamps: bool, ids: bool) -> Vec<P> {
    let mut packets = handshake().to_vec();
    let mut seq = [S.wrapping_add(1), C + 1];
    let mut last: [Option<P>; 2] = [None, None];
    for (n, (from_client, next)) in script.iter().enumerate() {
        let (own, other) = (usize::from(*from_client), usize::from(!*from_client));
        let mut made = packet(*from_client, ACK, seq[own], seq[other], b"");
        made.after = 300;
        made.ip_id = ids.then_some(n as u16 + 1);
        if timestamps {
            made.options = [&[1, 1, 8, 10][..], &(n as u32).to_be_bytes(), &[0; 4]].concat();
        }
        match next {
            Next::Data(len) => made.payload = vec![n as u8; usize::from(*len)],
            Next::Ack(less, len) => {
                made.ack = made.ack.wrapping_add_signed(-i32::from(*less));
                made.payload = vec![n as u8; usize::from(*len)];
            }
            Next::Missing(len) => {
                seq[own] = seq[own].wrapping_add(u32::from(*len));
                continue;
            }
            Next::Again { sighting } => {
                let Some(last) = &last[own] else { continue };
                let id = if *sighting { last.ip_id } else { made.ip_id };
                made = P { ip_id: id, interface: u32::from(*sighting), after: 200_000, ..last.clone() };
                if *sighting {
                    made.after = 20;
                }
            }
            Next::KeepAlive => made = P { seq: seq[own].wrapping_sub(1), payload: vec![0], ..made },
            Next::Sack => {
                let left = seq[other].wrapping_sub(40);
                made.ack = left.wrapping_sub(20);
                made.options = [&[1, 1, 5, 10][..], &left.to_be_bytes(), &seq[other].to_be_bytes()].concat();
            }
            Next::Window(window) => made.window = *window,
            Next::Flags(flags) => made.flags = *flags,
            Next::Pause => made.after = 11_000_000,
        }
        if made.seq == seq[own] {
            seq[own] = seq[own].wrapping_add(made.payload.len() as u32);
        }
        last[own] = Some(made.clone());
        packets.push(made);
    }
    packets
}

/// All that comes out, and how many packets found a connection on its plain course.
fn told(packets: &[P], leave: bool, ignore_after: Option<u64>) -> (String, usize) {
    let mut run = Run { ignore_after, ..Run::new() };
    let mut on_course = 0;
    for packet in packets {
        on_course += run.connections.on_course(leave).into_iter().filter(|steady| *steady).count();
        run.push(packet);
    }
    let out = format!("{:?}", run.finish().out);
    (out, on_course)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn both_ways_tell_the_same(
        script in prop::collection::vec((any::<bool>(), next()), 0..60),
        lacks in 0usize..3,
        timestamps: bool,
        ids: bool,
        ignore_after in prop_oneof![3 => Just(None), 1 => (1u64..3000).prop_map(Some)],
    ) {
        let packets = conversation(&script, timestamps, ids);
        let (plainly, _) = told(&packets[lacks..], false, ignore_after);
        let (in_full, _) = told(&packets[lacks..], true, ignore_after);
        prop_assert_eq!(plainly, in_full);
    }
}

#[test]
fn a_plain_session_is_on_its_course() {
    let script: Vec<(bool, Next)> = (0..100u8)
        .map(|n| (n % 3 == 0, if n % 5 == 0 { Next::Ack(0, 0) } else { Next::Data(n.max(1)) }))
        .collect();
    for (timestamps, ids) in [(false, false), (true, true)] {
        let packets = conversation(&script, timestamps, ids);
        let (_, on_course) = told(&packets, false, None);
        assert!(on_course >= 95, "{on_course} of 100");
    }
}

#[test]
fn a_loss_that_is_repaired_leads_back_to_it() {
    let mut packets = conversation(&[(true, Next::Data(9)), (false, Next::Data(9))], false, false);
    let (up, down) = (C + 10, S.wrapping_add(10));
    packets.extend([
        c(ACK, up + 5, down, b"behind"),
        c(ACK, up, down, b"hole:"),
        s(ACK, down, up + 11, b""),
        s(ACK, down, up + 11, b"on"),
    ]);
    let mut run = Run::new();
    let courses: Vec<bool> =
        packets.iter().flat_map(|packet| run.play([packet]).connections.on_course(false)).collect();
    assert_eq!(courses, [false, true, false, true, true, true]);
}

#[test]
fn what_the_beginning_still_lacks_is_not_passed_by() {
    let next = S.wrapping_add(1);
    // The client's first acknowledgement is an old connection's.
    let unanswered = [
        c(ACK, C + 1, S.wrapping_sub(5), b"x"),
        s(ACK, next, C + 2, b"y"),
        c(ACK, C + 2, next.wrapping_add(1), b""),
    ];
    let packets = [&handshake()[..2], &unanswered].concat();
    assert_eq!(told(&packets, false, None).0, told(&packets, true, None).0);
    // Off RDP's ports nobody reads before the first new byte, which comes after bytes that were given up.
    let mut unread = handshake().to_vec();
    unread.extend([c(ACK, C + 1, next.wrapping_add(9), b""), s(ACK, next.wrapping_add(9), C + 10, b"")]);
    unread.extend((0..5).map(|n| c(ACK, C + 10, next.wrapping_add(9), b"").id(n + 1)));
    unread.extend([s(ACK, next, C + 10, b"late"), c(ACK, C + 1, next.wrapping_add(9), b"late")]);
    for p in &mut unread {
        p.server_port = 4000;
    }
    assert_eq!(Run::new().play(&unread).connections.on_course(false), [false]);
}
