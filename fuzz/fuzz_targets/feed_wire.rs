//! Whatever a control plane or a proxy says is read or refused, and what was read is said again alike.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_feed::wire::frame::{self, Frames};
use tollgate_feed::wire::{ToControl, ToProxy};

fuzz_target!(|bytes: &[u8]| {
    // As it comes, where checksums seldom fit, and then with one that fits.
    let mut frames = Frames::default();
    frames.push(bytes);
    while let Ok(Some(frame)) = frames.frame() {
        hold(&frame);
    }
    let Some((kind, body)) = bytes.split_first() else { return };
    let mut framed = Vec::new();
    frame::write(*kind, body, &mut framed);
    let mut frames = Frames::default();
    frames.push(&framed);
    let frame = frames.frame().expect("a whole frame").expect("a whole frame");
    hold(&frame);
});

fn hold(frame: &frame::Frame) {
    if let Ok(said) = ToProxy::read(frame) {
        let again = said.to_bytes();
        let read = ToProxy::read(&whole(&again)).expect("what was written");
        assert_eq!(read.to_bytes(), again);
    }
    if let Ok(said) = ToControl::read(frame) {
        let mut again = Vec::new();
        said.write(&mut again);
        assert_eq!(ToControl::read(&whole(&again)), Ok(said));
    }
}

fn whole(bytes: &[u8]) -> frame::Frame {
    let mut frames = Frames::default();
    frames.push(bytes);
    frames.frame().expect("a whole frame").expect("a whole frame")
}
