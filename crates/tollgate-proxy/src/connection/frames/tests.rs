use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn frames(resets: u32, control_frames: u32) -> Frames {
    Frames { incoming: Heads::behind(0), ..Frames::within(resets, control_frames) }
}

fn frame(kind: u8, flags: u8, length: usize) -> Vec<u8> {
    let mut bytes = u32::try_from(length).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags, 0, 0, 0, 1]);
    // Looks like a reset wherever it is taken for a head.
    bytes.extend(std::iter::repeat_n(RST_STREAM, length));
    bytes
}

#[test]
fn what_carries_nothing_counts_and_what_a_client_needs_does_not() {
    for (kind, flags, length, counts) in [
        (DATA, 0, 0, true),
        (DATA, 1, 0, false),
        (DATA, 0, 5, false),
        (HEADERS, 4, 5, false),
        (0x2, 0, 5, true),
        (RST_STREAM, 0, 4, true),
        (SETTINGS, 0, 6, true),
        (SETTINGS, 1, 0, false),
        (PING, 0, 8, true),
        (PING, 1, 8, false),
        (WINDOW_UPDATE, 0, 4, true),
        (0x9, 4, 0, true),
        (0xbe, 0, 0, true),
    ] {
        let read = frames(0, 0).read(&frame(kind, flags, length), 0);
        assert_eq!(read.is_err(), counts, "{kind} {flags} {length}");
    }
}

#[test]
fn each_window_begins_anew() {
    let mut frames = frames(2, 100);
    let reset = frame(RST_STREAM, 0, 4);
    let window = nanoseconds(WINDOW);
    for now in [1, 2, window, window + 1] {
        assert_eq!(frames.read(&reset, now), Ok(()));
    }
    assert_eq!(frames.read(&reset, window + 2), Err(TurnedAway::Resets));
}

#[test]
fn the_preface_is_no_frame() {
    let mut frames = Frames::within(0, 0);
    assert_eq!(frames.read(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0), Ok(()));
    assert_eq!(frames.read(&frame(SETTINGS, 0, 0), 0), Err(TurnedAway::ControlFrames));
}

#[test]
fn an_update_of_a_window_counts_unless_something_was_sent_or_opened() {
    let update = frame(WINDOW_UPDATE, 0, 4);
    let mut frames = frames(0, 8);
    let counts = |frames: &mut Frames| {
        frames.read(&update, 0).unwrap();
        frames.control_frames
    };
    assert_eq!(counts(&mut frames), 1);
    let write = |frames: &mut Frames, bytes: &[u8]| frames.write(bytes, |_| unreachable!());
    write(&mut frames, &frame(DATA, 0, 5));
    write(&mut frames, &frame(HEADERS, 4, 5));
    frames.read(&frame(HEADERS, 4, 5), 0).unwrap();
    for _ in 0..UPDATES_FOR_DATA + UPDATES_FOR_STREAM {
        assert_eq!(counts(&mut frames), 1);
    }
    assert_eq!(counts(&mut frames), 2);
    // As much as was sent, only a few of them can be saved up.
    (0..1000).for_each(|_| write(&mut frames, &frame(DATA, 0, 5)));
    for _ in 0..8 {
        assert_eq!(counts(&mut frames), 2);
    }
    assert_eq!(counts(&mut frames), 3);
}

#[test]
fn streams_that_are_refused_are_told_of_however_the_bytes_are_cut() {
    let reset = |code: u32| {
        let mut bytes = frame(RST_STREAM, 0, 4);
        bytes.splice(HEAD.., code.to_be_bytes());
        bytes
    };
    let codes = [0, 7, 8, 1, 7, 2];
    let bytes: Vec<u8> =
        codes.iter().flat_map(|code| [reset(*code), frame(DATA, 0, 3)].concat()).collect();
    for length in [1, 5, HEAD, RESET, 100, bytes.len()] {
        let (mut frames, mut told) = (frames(0, 0), Vec::new());
        bytes.chunks(length).for_each(|piece| frames.write(piece, |why| told.push(why)));
        let (maximum, malformed) = (StreamRefused::Maximum, StreamRefused::Malformed);
        assert_eq!(told, [maximum, malformed, maximum], "{length}");
    }
}

proptest! {
    /// However the bytes are cut, the same frames are counted.
    #[test]
    fn frames_are_followed_in_any_pieces(
        kinds in vec((0u8..12, 0u8..2, 0usize..40), 0..40),
        cuts in vec(1usize..60, 1..60),
    ) {
        let bytes: Vec<u8> =
            kinds.iter().flat_map(|(kind, flags, length)| frame(*kind, *flags, *length)).collect();
        let mut whole = frames(u32::MAX, u32::MAX);
        whole.read(&bytes, 0).unwrap();
        let mut cut = frames(u32::MAX, u32::MAX);
        let mut rest = &bytes[..];
        for length in cuts.iter().cycle() {
            let (piece, after) = rest.split_at((*length).min(rest.len()));
            cut.read(piece, 0).unwrap();
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!((cut.resets, cut.control_frames), (whole.resets, whole.control_frames));
        prop_assert_eq!((cut.incoming.skip, cut.incoming.filled), (0, 0));
        let resets = kinds.iter().filter(|(kind, ..)| *kind == RST_STREAM).count();
        prop_assert_eq!(whole.resets as usize, resets);
    }
}
