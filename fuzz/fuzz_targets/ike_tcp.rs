//! The start of a stream -> the IKE and ESP messages framed in it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portproof::proto::ike_tcp::{Frame, PREFIX, frames};
use portproof_fuzz::{assert_inside, prefixes};

fuzz_target!(|stream: &[u8]| {
    let whole = read(stream);
    for prefix in prefixes(stream) {
        let cut = read(prefix);
        assert!(cut.len() <= whole.len());
        for (cut, whole) in cut.iter().zip(&whole) {
            match (cut, whole) {
                // Too little to say more.
                (Frame::Partial, _) => {}
                (Frame::Ike(cut, part), Frame::Ike(header, message)) => {
                    assert_eq!(cut, header);
                    assert!(message.starts_with(part));
                }
                (cut, whole) => assert_eq!(cut, whole),
            }
        }
    }
});

fn read(stream: &[u8]) -> Vec<Frame<'_>> {
    let mut messages = frames(stream);
    let mut seen = Vec::new();
    let mut consumed = messages.consumed();
    while let Some(frame) = messages.next() {
        if let Frame::Ike(header, message) = frame {
            assert_inside(message, stream);
            assert!(message.len() <= header.length as usize);
        }
        assert!(consumed <= messages.consumed() && messages.consumed() <= stream.len());
        consumed = messages.consumed();
        seen.push(frame);
    }
    assert!(messages.next().is_none(), "what has ended stays ended");
    let before_last = seen.split_last().map_or(&[][..], |(_, before)| before);
    assert!(!before_last.iter().any(|frame| matches!(frame, Frame::Partial | Frame::Junk)), "nothing follows these");
    // The shortest message is ESP: two bytes of length, eight of head.
    assert!(before_last.len() <= stream.len() / 10);
    // Read on from where whole messages end, the rest is the same.
    let rest = &stream[consumed..];
    if consumed > 0 && !rest.starts_with(&PREFIX[..1]) {
        assert_eq!(frames(rest).next(), seen.last().copied().filter(|_| !rest.is_empty()));
    }
    seen
}
