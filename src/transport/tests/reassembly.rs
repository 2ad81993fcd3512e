//! Any segmentation, order, duplication and overlap of the same bytes gives the same stream.

use proptest::prelude::*;

use super::*;

/// Cuts a stream into segments, swaps some, repeats some with other borders.
fn arrangement(len: u32) -> impl Strategy<Value = Vec<(u32, u32)>> {
    let cuts = prop::collection::vec(1..len, 0..24);
    let repeats = prop::collection::vec((any::<prop::sample::Index>(), 0..len, 1u32..40), 0..12);
    let swaps = prop::collection::vec((any::<prop::sample::Index>(), 1usize..6), 0..24);
    (cuts, repeats, swaps).prop_map(move |(mut cuts, repeats, swaps)| {
        cuts.extend([0, len]);
        cuts.sort_unstable();
        cuts.dedup();
        let mut segments: Vec<(u32, u32)> =
            cuts.windows(2).map(|pair| (pair[0], pair[1] - pair[0])).collect();
        for (at, start, size) in repeats {
            let at = at.index(segments.len() + 1);
            segments.insert(at, (start, size.min(len - start)));
        }
        for (at, by) in swaps {
            let at = at.index(segments.len());
            let other = (at + by).min(segments.len() - 1);
            segments.swap(at, other);
        }
        segments
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn the_same_stream(segments in arrangement(400), isn in prop_oneof![Just(u32::MAX - 100), any::<u32>()], syn in any::<bool>()) {
        let stream: Vec<u8> = (0..400u32).map(|n| (n % 251) as u8 + 1).collect();
        let mut run = Run::new();
        if syn {
            run.push(&c(SYN, isn, 0, b""));
        } else {
            // The other end says where the stream stood.
            run.push(&s(ACK, S, isn.wrapping_add(1), b""));
        }
        for &(start, len) in &segments {
            let data = &stream[start as usize..(start + len) as usize];
            run.push(&c(ACK, isn.wrapping_add(1 + start), S, data));
        }
        let sessions = run.finish().sessions();
        prop_assert_eq!(sessions.len(), 1);
        let (facts, log) = &sessions[0];
        let log = log.as_ref().unwrap();
        prop_assert_eq!(&log.up.bytes, &stream);
        prop_assert!(log.up.gaps.is_empty());
        let dir = &facts.dir[UP];
        prop_assert_eq!((dir.bytes, dir.sent, dir.gaps, dir.holes), (400, 400, 0, 0));
        prop_assert!(dir.segments <= segments.len() as u64);
        let oldest = dir.unanswered.as_deref().unwrap();
        prop_assert!(oldest.count >= 1 && !oldest.last.before(&oldest.first));
    }

    /// With bytes missing, what is there stands in its place.
    #[test]
    fn holes_stay_holes(segments in arrangement(300), lost in prop::collection::vec(any::<prop::sample::Index>(), 1..6), acked in 0u32..=300) {
        let stream: Vec<u8> = (0..300u32).map(|n| (n % 200) as u8).map(|n| if n == b'_' { 255 } else { n }).collect();
        let mut segments = segments;
        for lost in lost {
            if segments.len() > 1 {
                segments.remove(lost.index(segments.len()));
            }
        }
        let mut expected = vec![b'_'; 300];
        let mut run = Run::new();
        run.push(&c(SYN, C, 0, b""));
        for &(start, len) in &segments {
            let range = start as usize..(start + len) as usize;
            expected[range.clone()].copy_from_slice(&stream[range.clone()]);
            run.push(&c(ACK, C + 1 + start, S, &stream[range]));
        }
        run.push(&s(ACK, S, C + 1 + acked, b""));
        let end = segments.iter().map(|(start, len)| start + len).max().unwrap();
        // An acknowledgement of one byte more reads as that of a FIN.
        let end = if acked > end + 1 { acked } else { end };
        expected.truncate(end as usize);
        let sessions = run.finish().sessions();
        let (facts, log) = &sessions[0];
        let log = log.as_ref().unwrap();
        prop_assert_eq!(&log.up.bytes, &expected);
        let dir = &facts.dir[UP];
        prop_assert!(dir.gaps + dir.holes >= log.up.gaps.len() as u64);
        prop_assert_eq!(dir.bytes, expected.iter().filter(|&&byte| byte != b'_').count() as u64);
    }
}
