//! Several captures as one.

use std::io::Cursor;

use crate::base::Timestamp;
use crate::capture::testing::*;
use crate::capture::{Capture, Merged};

fn capture(index: u16, times: &[u32]) -> Capture {
    let mut file = PcapFile::new(false, MICRO, 1);
    for &time in times {
        file = file.packet(time, 0, 1, &[index as u8]);
    }
    Capture::from_reader(format!("{index}.pcap"), Cursor::new(file.bytes), index).unwrap()
}

fn order(files: &[&[u32]]) -> Vec<(u16, u64)> {
    let captures = files.iter().zip(0..).map(|(times, index)| capture(index, times)).collect();
    let mut merged = Merged::new(captures);
    let frames = drain_merged(&mut merged);
    assert_eq!(frames.len(), files.iter().map(|file| file.len()).sum::<usize>());
    assert!(
        frames.iter().all(|frame| frame.data == [frame.capture as u8]),
        "a frame has its own file's bytes"
    );
    let counted: Vec<_> = merged.infos().map(|info| info.packets as usize).collect();
    assert_eq!(counted, files.iter().map(|file| file.len()).collect::<Vec<_>>());
    frames.into_iter().map(|frame| (frame.capture, frame.number)).collect()
}

#[test]
fn frames_come_in_time_order_and_keep_their_names() {
    assert_eq!(order(&[&[5, 6], &[1, 2], &[3, 4]]), [(1, 1), (1, 2), (2, 1), (2, 2), (0, 1), (0, 2)]);
    assert_eq!(
        order(&[&[1, 4, 7], &[2, 5], &[3, 6]]),
        [(0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (2, 2), (0, 3)]
    );
}

#[test]
fn ties_go_by_the_order_of_the_files() {
    assert_eq!(order(&[&[1, 1], &[1, 1]]), [(0, 1), (0, 2), (1, 1), (1, 2)]);
    assert_eq!(order(&[&[2], &[1, 2, 2], &[2]]), [(1, 1), (0, 1), (1, 2), (1, 3), (2, 1)]);
}

#[test]
fn time_that_runs_backwards_keeps_each_files_order() {
    assert_eq!(order(&[&[5, 1, 6], &[2, 7]]), [(1, 1), (0, 1), (0, 2), (0, 3), (1, 2)]);
}

#[test]
fn none_one_and_empty_captures() {
    assert!(order(&[]).is_empty());
    assert_eq!(order(&[&[3, 1]]), [(0, 1), (0, 2)]);
    assert_eq!(order(&[&[], &[1], &[]]), [(1, 1)]);
}

#[test]
fn a_pause_is_where_no_capture_ran() {
    let pauses = |files: &[&[u32]]| {
        let captures = files.iter().zip(0..).map(|(times, index)| capture(index, times)).collect();
        let mut merged = Merged::new(captures);
        let mut pauses = Vec::new();
        loop {
            pauses.extend(merged.paused().map(|since| since.0 / Timestamp::SECOND));
            if merged.next_frame().is_none() {
                return pauses;
            }
        }
    };
    assert_eq!(pauses(&[&[1, 2], &[100, 200], &[300]]), [2, 200]);
    assert_eq!(pauses(&[&[300], &[1, 2], &[100]]), [2, 100], "in any order of the files");
    assert_eq!(pauses(&[&[1, 2], &[7]]), [0; 0], "a ring buffer's next file");
    assert_eq!(pauses(&[&[1, 150], &[100]]), [0; 0], "another capture runs on");
    assert_eq!(pauses(&[&[1, 500]]), [0; 0], "one capture runs all the time");
}
