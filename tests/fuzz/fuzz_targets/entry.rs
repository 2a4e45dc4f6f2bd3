//! Records as bytes (`audit::entry`). Whatever the bytes, they are a record or refused; and no two spellings are one record, since it is the bytes
//! that are hashed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use usher::audit::entry::{Decoder, Encoder};

/// What this writes.
fn written(write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut out = Encoder::default();
    write(&mut out);
    out.0
}

fuzz_target!(|bytes: &[u8]| {
    let read = || Decoder::new(bytes);
    let spellings = [
        read().who().ok().map(|who| who.encoded()),
        read().judgement().ok().map(|judgement| judgement.encoded()),
        read().shape().ok().map(|shape| written(|out| out.shape(&shape))),
        read().opened().ok().map(|opened| written(|out| out.opened(&opened))),
        read().closed().ok().map(|closed| written(|out| out.closed(&closed))),
    ];
    for spelling in spellings.into_iter().flatten() {
        assert_eq!(spelling, bytes, "a record has two spellings");
    }
    let mut numbers = read();
    while let Ok(number) = numbers.number() {
        assert_eq!(Decoder::new(&written(|out| out.number(number))).number(), Ok(number));
        assert_eq!(Decoder::new(&written(|out| out.signed(number.cast_signed()))).signed(), Ok(number.cast_signed()));
    }
});
