//! Random segments: no panic, bounded memory, the stream's invariants kept (checked by the log's asserts).

use proptest::prelude::*;

use super::*;

fn wild() -> impl Strategy<Value = P> {
    let near = prop_oneof![Just(C), Just(S), Just(C.wrapping_add(1 << 30)), Just(S.wrapping_add(1 << 30))];
    let number = prop_oneof![
        8 => (near, -40i32..200).prop_map(|(base, off)| base.wrapping_add_signed(off)),
        1 => any::<u32>(),
    ];
    (
        (any::<bool>(), 0u16..3, prop_oneof![Just(3389u16), Just(443)]),
        prop_oneof![4 => Just(ACK), 1 => Just(SYN), 1 => Just(SYN | ACK), 1 => Just(FIN | ACK), 1 => Just(RST), 1 => any::<u8>()],
        (number.clone(), number),
        (prop::collection::vec(any::<u8>(), 0..60), prop::option::weighted(0.1, 60u32..100_000)),
        (any::<bool>(), prop::option::of(0u16..4), prop::collection::vec(any::<u8>(), 0..20)),
        prop_oneof![8 => 0i64..20_000, 1 => -1_000_000i64..400_000_000, 1 => Just(i64::from(u32::MAX))],
    )
        .prop_map(|((from_client, client, server_port), flags, (seq, ack), (payload, wire_len), rest, after)| {
            let (closed, ip_id, options) = rest;
            P {
                from_client,
                client: (2, 50000 + client),
                server_port,
                flags,
                seq,
                ack,
                payload,
                wire_len,
                window: if closed { 0 } else { 64000 },
                ip_id,
                ttl: 64,
                interface: 0,
                checksum: 0,
                options,
                after,
            }
        })
}

/// Offsets may be far beyond what the log wants to hold.
#[derive(Debug, Default)]
struct Offsets([u64; 2]);

impl Reader for Offsets {
    fn data(&mut self, _: &TcpFacts, dir: Dir, chunk: Chunk<'_>) -> Interest {
        assert!(
            chunk.offset >= self.0[dir as usize] && chunk.len > 0 && chunk.len >= chunk.data.len() as u64
        );
        self.0[dir as usize] = chunk.offset + chunk.len;
        Interest::Watch
    }

    fn gap(&mut self, _: &TcpFacts, dir: Dir, gap: Gap) -> Interest {
        assert_eq!(gap.offset, self.0[dir as usize]);
        assert!(gap.len > 0);
        self.0[dir as usize] += gap.len;
        if gap.len.is_multiple_of(7) { Interest::Ignore } else { Interest::Watch }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn random_segments(packets in prop::collection::vec(wild(), 0..120)) {
        let limits = Limits { out_of_order_bytes: 512, out_of_order_segments: 8, reassembly_bytes: 900, flows: 4, watched: 2, ..Limits::default() };
        let mut connections = Connections::<Offsets>::new(&limits, Config::default());
        let mut now = 0i64;
        let mut frames = [0u64; 2];
        for (n, p) in packets.iter().enumerate() {
            now = now.saturating_add(p.after.saturating_mul(1000));
            let (src, dst) = if p.from_client { (2, 1) } else { (1, 2) };
            let (src_port, dst_port) = if p.from_client { (p.client.1, p.server_port) } else { (p.server_port, p.client.1) };
            let ip = |n| IpAddr::V4(Ipv4Addr::new(10, 0, 0, n));
            let stamp = Stamp { at: FrameRef::new(0, n as u64 + 1), time: Timestamp(now), order: n as u64 };
            let payload_len = p.wire_len.unwrap_or(p.payload.len() as u32);
            let meta = Meta { stamp, interface: 0, src: ip(src), dst: ip(dst), ttl: 64, ip_id: p.ip_id, dont_fragment: true, src_mac: None, ip_len: 40 + payload_len, tunnelled: false };
            let segment = Segment { src_port, dst_port, seq: p.seq, ack: p.ack, flags: TcpFlags(p.flags), window: p.window, checksum: 0, options: TcpOptions(&p.options), payload: &p.payload, payload_len };
            connections.segment(&meta, &segment, &mut |_| Offsets::default());
            prop_assert!(connections.len() <= 4);
            prop_assert!(connections.buffered() <= 900 + 60);
            while let Some(finished) = connections.poll() { frames[usize::from(matches!(finished, Finished::Other { .. }))] += 1; }
        }
        connections.finish();
        while connections.poll().is_some() {}
        prop_assert_eq!((connections.len(), connections.buffered()), (0, 0));
    }
}

#[test]
fn the_end_of_time() {
    let mut run = Run::new();
    run.now = i64::MAX - 1000;
    run.play(&handshake().map(|p| p.after_us(0)));
    run.play(&[
        c(ACK, C + 1, S.wrapping_add(1), b"x").after_us(0),
        s(RST, S.wrapping_add(1), 0, b"").after_us(0),
    ]);
    assert!(run.out.is_empty());
    assert_eq!(run.finish().sessions().len(), 1);
}
