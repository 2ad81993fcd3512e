//! Two ends on a path that loses and reorders, and a capture point somewhere on it: what is measured must be what was
//! lost, wherever that point is.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::base::FrameRef;
use crate::protocol::rdpeudp::AckVector;
use crate::protocol::rdpeudp2;

const MS: i64 = Timestamp::MILLISECOND;

/// A path of 10 ms each way, with the capture point so far along it.
#[derive(Clone, Copy, Debug)]
struct Path {
    /// Per cent lost before the capture point and behind it.
    lost: [u32; 2],
    /// Per cent that come 3 ms late.
    late: u32,
    /// Per cent of acknowledgements that are lost.
    acks_lost: u32,
    /// Whether what is reported missing is sent again.
    reliable: bool,
    numbering: Numbering,
    seed: u64,
}

struct Dice(u64);

impl Dice {
    /// Whether something happens that does in so many of a hundred cases.
    fn falls(&mut self, per_cent: u32) -> bool {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % 100 < u64::from(per_cent)
    }
}

/// What happens at the capture point.
enum Event {
    Sent {
        number: u32,
        data: u32,
    },
    /// Newest number of data or transmission, and the runs below it, newest first.
    Ack(u32, Vec<(bool, u64)>),
}

fn runs(have: &BTreeSet<u32>, from: u32) -> (u32, Vec<(bool, u64)>) {
    let newest = *have.last().unwrap();
    let mut runs: Vec<(bool, u64)> = Vec::new();
    for number in (from..=newest).rev() {
        let received = have.contains(&number);
        match runs.last_mut() {
            Some((state, count)) if *state == received => *count += 1,
            _ => runs.push((received, 1)),
        }
    }
    (newest, runs)
}

/// Sends 1500 datagrams and measures; gives what was measured and what was lost in per cent.
fn simulate(path: Path) -> (Measured, f64) {
    const COUNT: u32 = 1500;
    const OWD: i64 = 10;
    let mut dice = Dice(path.seed);
    // At the capture point: time in microseconds and order.
    let mut events: BTreeMap<(i64, u32), Event> = BTreeMap::new();
    let mut order = 0;
    let mut at = |events: &mut BTreeMap<(i64, u32), Event>, time: i64, event| {
        order += 1;
        events.insert((time, order), event);
    };
    // What the receiver gets: time, number, data.
    let mut arrivals: BTreeMap<(i64, u32), u32> = BTreeMap::new();
    let mut queue: BTreeSet<(i64, u32)> = (0..COUNT).map(|data| (i64::from(data) * 2000, data)).collect();
    let (mut number, mut lost, mut sent) = (0_u32, 0_u32, 0_u32);
    let mut again: BTreeMap<u32, u32> = BTreeMap::new();
    while let Some((time, data)) = queue.pop_first() {
        let this = number;
        number += 1;
        sent += 1;
        let late = if dice.falls(path.late) { 5000 } else { 0 };
        let before = dice.falls(path.lost[0]);
        let behind = !before && dice.falls(path.lost[1]);
        if !before {
            at(&mut events, time + OWD * 500 + late, Event::Sent { number: this, data });
        }
        if before || behind {
            lost += 1;
            if path.reliable {
                // Reported missing, it goes again a round trip later.
                *again.entry(data).or_default() += 1;
                queue.insert((time + 2 * OWD * 1000 + 9000, data));
            }
        } else {
            arrivals.insert((time + OWD * 1000 + late, this), data);
        }
    }
    let mut have = BTreeSet::new();
    for (&(time, number), &data) in &arrivals {
        have.insert(if path.numbering == Numbering::Data { data } else { number });
        let newest = *have.last().unwrap();
        let (newest, runs) = runs(&have, newest.saturating_sub(150));
        if !dice.falls(path.acks_lost) {
            at(&mut events, time + OWD * 500, Event::Ack(newest, runs));
        }
    }
    let mut measured = Sent::new(path.numbering);
    let mut heard = Timestamp::default();
    measured.begins_at(Some(FIRST));
    for ((time, order), event) in events {
        let time = Timestamp(time * 1000);
        let stamp = Stamp { at: FrameRef::new(0, u64::from(order)), time, order: u64::from(order) };
        match event {
            Event::Sent { number, data } => {
                let mask = if path.numbering == Numbering::Data { u32::MAX } else { 0xFFFF };
                measured.sent(
                    FIRST.wrapping_add(number) & mask,
                    Some(FIRST.wrapping_add(data) & mask),
                    100,
                    &stamp,
                );
            }
            Event::Ack(newest, runs) => {
                heard = time;
                acknowledge(&mut measured, path, newest, &runs, time);
            }
        }
    }
    (measured.measure(Some(heard)), f64::from(lost) * 100.0 / f64::from(sent))
}

/// Near the wrap-around of both numberings.
const FIRST: u32 = 0xFFFF_FF00;

fn acknowledge(sent: &mut Sent, path: Path, newest: u32, runs: &[(bool, u64)], time: Timestamp) {
    if path.numbering == Numbering::Data {
        let elements: Vec<u8> = runs
            .iter()
            .flat_map(|(received, count)| {
                let state = if *received { 0 } else { 0xC0 };
                let whole = std::iter::repeat_n(64, (*count / 64) as usize);
                whole
                    .chain(Some(*count % 64).filter(|rest| *rest > 0))
                    .map(move |count| state | (count - 1) as u8)
            })
            .collect();
        let vector = AckVector { elements: &elements };
        sent.acknowledged_by_vector(FIRST.wrapping_add(newest), vector, false, false, time);
        return;
    }
    let base = newest + 1 - runs.iter().map(|(_, count)| *count as u32).sum::<u32>();
    let mut wire = vec![0, 8, 0];
    wire.extend((FIRST.wrapping_add(base) as u16).to_le_bytes());
    let coded: Vec<u8> = runs
        .iter()
        .rev()
        .flat_map(|(received, count)| {
            let state = if *received { 0xC0 } else { 0x80 };
            let whole = std::iter::repeat_n(63, (*count / 63) as usize);
            whole.chain(Some(*count % 63).filter(|rest| *rest > 0)).map(move |count| state | count as u8)
        })
        .collect();
    wire.push(coded.len() as u8);
    wire.extend(&coded);
    while wire.len() < 8 {
        wire.push(0);
    }
    // 7 or more: no padding.
    wire[0] = 0xE0;
    wire.swap(0, 7);
    let packet = rdpeudp2::parse(&wire, wire.len()).unwrap();
    sent.acknowledged_with_holes(packet.ack_vec.unwrap(), time);
}

fn close(path: Path) -> Result<(), TestCaseError> {
    let (measured, truth) = simulate(path);
    let got = measured.loss_pct().unwrap();
    prop_assert!((got - truth).abs() <= 1.0, "{path:?}: {got} where {truth} was lost ({measured:?})");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Loss of 0, 1, 5 and 15 per cent, at either end and between, some packets late, some acknowledgements lost.
    #[test]
    fn loss_is_measured_from_anywhere(
        loss in prop::sample::select(vec![0_u32, 1, 5, 15]),
        place in 0..3,
        late in prop::sample::select(vec![0_u32, 2]),
        acks_lost in prop::sample::select(vec![0_u32, 10]),
        version_3 in any::<bool>(),
        reliable in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let lost = match place {
            0 => [loss, 0],
            1 => [0, loss],
            _ => [loss / 2, loss - loss / 2],
        };
        let numbering = if version_3 { Numbering::Transmissions } else { Numbering::Data };
        close(Path { lost, late, acks_lost, reliable, numbering, seed })?;
    }
}

#[test]
fn what_only_came_late_is_not_lost() {
    for numbering in [Numbering::Data, Numbering::Transmissions] {
        for seed in 0..5 {
            let path = Path { lost: [0, 0], late: 10, acks_lost: 5, reliable: true, numbering, seed };
            let (measured, _) = simulate(path);
            assert_eq!((measured.lost, measured.repeats), (0, 0), "{path:?}");
            // These vectors of version 3 do not tell how long they were held back.
            let rtt = measured.rtt;
            assert_eq!(rtt.is_some(), numbering == Numbering::Data);
            assert!(
                rtt.is_none_or(|rtt| (9 * MS..=12 * MS).contains(&rtt)),
                "{rtt:?}: from the middle of 20 ms"
            );
        }
    }
}

fn stamp(ms: i64) -> Stamp {
    Stamp { at: FrameRef::new(0, ms as u64 + 1), time: Timestamp(ms * MS), order: ms as u64 }
}

#[test]
fn what_the_capture_missed_is_not_lost() {
    let mut sent = Sent::new(Numbering::Data);
    for n in (0..100_u32).filter(|n| n % 10 != 3) {
        sent.sent(n, Some(n), 100, &stamp(i64::from(n)));
        let elements = [63, 63];
        sent.acknowledged_by_vector(
            n,
            AckVector { elements: &elements },
            true,
            false,
            stamp(i64::from(n) + 1).time,
        );
    }
    let measured = sent.measure(Some(stamp(200).time));
    assert_eq!((measured.sent, measured.lost, measured.missed), (100, 0, 10));
}

#[test]
fn what_was_before_the_first_number_was_not_missed() {
    let mut sent = Sent::new(Numbering::Data);
    sent.begins_at(Some(1001));
    sent.sent(1001, Some(1001), 100, &stamp(0));
    sent.acknowledged_by_vector(1001, AckVector { elements: &[0] }, true, false, stamp(1).time);
    let measured = sent.measure(Some(stamp(1).time));
    assert_eq!((measured.sent, measured.lost, measured.missed), (1, 0, 0));
}

#[test]
fn what_met_a_dead_path_is_not_loss() {
    let mut sent = Sent::new(Numbering::Data);
    for n in 0..50_u32 {
        sent.sent(n, Some(n), 100, &stamp(i64::from(n)));
    }
    for (at, coded) in (50..90_u32).enumerate() {
        sent.sent(coded, Some(49), 1200, &stamp(100 + at as i64 * 300));
    }
    let measured = sent.measure(Some(stamp(49).time));
    // The last one met it.
    assert_eq!((measured.sent, measured.lost, measured.repeats), (50, 1, 40));
    let stuck = sent.stuck(None).unwrap();
    assert_eq!((stuck.all.count, stuck.ip_len), (41, 1200));
}

#[test]
fn hostile_numbers_stay_within_bounds() {
    let mut sent = Sent::new(Numbering::Data);
    let mut number = 1_u32;
    for step in 0..5000_u32 {
        number = number.wrapping_mul(0x9E37_79B9).wrapping_add(step);
        sent.sent(number, Some(number.rotate_left(7)), 100, &stamp(i64::from(step)));
        let elements = [0xFF; 64];
        sent.acknowledged_by_vector(
            number.swap_bytes(),
            AckVector { elements: &elements },
            true,
            false,
            stamp(0).time,
        );
    }
    let measured = sent.measure(None);
    assert!(measured.lost <= measured.sent);
    assert!(sent.numbers.end() - sent.numbers.base() <= 2048);
    assert!(sent.data.end() - sent.data.base() <= 2048);
}

proptest! {
    /// A vector of one run takes a short way; the same in two runs does not.
    #[test]
    fn one_run_is_as_good_as_two(
        script in prop::collection::vec((0_u32..12, 0_u32..4, 2_u8..=64, 0_u32..9, any::<bool>()), 1..120),
        in_order: bool,
    ) {
        let mut both = [Sent::new(Numbering::Data), Sent::new(Numbering::Data)];
        let mut number = 1000_u32;
        for (step, (kind, back, count, ahead, delayed)) in script.into_iter().enumerate() {
            let at = stamp(step as i64 * 7);
            let newest = number.wrapping_add(ahead).wrapping_sub(5);
            for (sent, split) in both.iter_mut().zip([false, true]) {
                let mut acknowledge = |elements: &[u8]| {
                    sent.acknowledged_by_vector(newest, AckVector { elements }, in_order, delayed, at.time);
                };
                match kind {
                    // The next one, now and then with the data of one before; or some that the capture lacks.
                    0..5 => sent.sent(number, Some(number - if kind == 0 { back } else { 0 }), 100, &at),
                    5 => {}
                    6 => acknowledge(&[count - 1, 0xC0, count - 2]),
                    _ if split => acknowledge(&[0, count - 2]),
                    _ => acknowledge(&[count - 1]),
                }
            }
            number += u32::from(kind < 6);
        }
        // How far all is known to have arrived only saves work.
        let [one, mut two] = both;
        two.arrived = one.arrived;
        prop_assert_eq!(format!("{one:?}"), format!("{two:?}"));
    }
}
