//! How the bytes of a part of a message are written down (`Content-Transfer-Encoding`, RFC 2045 section 6), undone as they stream.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use smallvec::SmallVec;

/// As mail programs read it: whatever pads it, and whatever is left over in its last bits.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::Indifferent));
/// How much of base64 is undone at a time; a multiple of its four letters.
const LETTERS: usize = 4 * 256;

/// Undoes one.
#[derive(Clone, Debug, Default)]
pub enum Transfer {
    /// Bytes as they are.
    #[default]
    Plain,
    /// `base64`; the letters that are not undone yet, always fewer than four between two pieces.
    Base64(Vec<u8>),
    /// `quoted-printable`; what an equals sign has begun.
    Quoted(SmallVec<[u8; 3]>),
}

impl Transfer {
    /// That of this name; none if it is not known.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let known: [(&str, Self); 6] = [
            ("", Self::Plain),
            ("7bit", Self::Plain),
            ("8bit", Self::Plain),
            ("binary", Self::Plain),
            ("base64", Self::Base64(Vec::new())),
            ("quoted-printable", Self::Quoted(SmallVec::new())),
        ];
        known.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim())).map(|(_, transfer)| transfer)
    }

    /// Whether bytes are as they are.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(self, Self::Plain)
    }

    /// Reads more; what it comes to goes to `out`.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Plain => out.extend_from_slice(bytes),
            Self::Base64(letters) => {
                for byte in bytes {
                    match byte {
                        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => letters.push(*byte),
                        // One text ends; some programs write another behind it.
                        b'=' => undo(letters, out),
                        // Line ends, and whatever else is none of its letters.
                        _ => {}
                    }
                    if letters.len() == LETTERS {
                        undo(letters, out);
                    }
                }
                let whole = letters.len() / 4 * 4;
                let rest = letters.split_off(whole);
                undo(letters, out);
                *letters = rest;
            }
            Self::Quoted(held) => bytes.iter().for_each(|byte| quoted(held, *byte, out)),
        }
    }

    /// It is over.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Plain => {}
            Self::Base64(letters) => undo(letters, out),
            Self::Quoted(held) => out.extend(held.drain(..)),
        }
    }
}

/// Undoes the letters at hand.
fn undo(letters: &mut Vec<u8>, out: &mut Vec<u8>) {
    if letters.len() % 4 == 1 {
        // Six bits are no byte.
        letters.pop();
    }
    // They are its letters, in a number that there can be: nothing is wrong with them.
    let _ = BASE64.decode_vec(&*letters, out);
    letters.clear();
}

/// The next byte of what is quoted: `=41`, or `=` at the end of a line, which is no line end then.
fn quoted(held: &mut SmallVec<[u8; 3]>, byte: u8, out: &mut Vec<u8>) {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match (held.as_slice(), byte) {
        ([], b'=') => held.push(byte),
        ([], _) => out.push(byte),
        ([_], b'\n') | ([_, b'\r'], b'\n') => held.clear(),
        ([_], b'\r') => held.push(byte),
        ([_], _) if digit(byte).is_some() => held.push(byte),
        (begun, _) => match begun.get(1).and_then(|high| digit(*high)).zip(digit(byte)) {
            Some((high, low)) => {
                out.push(high << 4 | low);
                held.clear();
            }
            // It was none.
            None => {
                out.extend(held.drain(..));
                quoted(held, byte, out);
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn undone(name: &str, bytes: &[u8], piece: usize) -> Vec<u8> {
        let (mut transfer, mut out) = (Transfer::named(name).expect("known"), Vec::new());
        bytes.chunks(piece.max(1)).for_each(|piece| transfer.feed(piece, &mut out));
        transfer.end(&mut out);
        out
    }

    #[test]
    fn what_is_written_down_is_read() {
        for (name, written, read) in [
            ("", "as it is =41", "as it is =41"),
            (" 7BIT ", "a", "a"),
            ("base64", "cGFp\r\nbmxl c3M=\r\n", "painless"),
            ("Base64", "cGFpbmxlc3M", "painless"),
            ("base64", "cGE=cGE=", "papa"),
            ("base64", "cGEx=a", "pa1"),
            ("quoted-printable", "pain=6Ce=\r\nss=\n day=3d=3D", "painless day=="),
            ("quoted-printable", "a=zb=4=\rc=", "a=zb=4=\rc="),
        ] {
            assert_eq!(String::from_utf8_lossy(&undone(name, written.as_bytes(), 1000)), read, "{name} {written}");
        }
        assert!(Transfer::named("x-uuencode").is_none());
    }

    proptest! {
        #[test]
        fn a_cut_makes_no_difference(text in "(=|\r|\n|[0-9A-F]|[a-z ]|=[0-9A-F]{2}|=\r\n){0,60}", piece in 1usize..9) {
            for name in ["base64", "quoted-printable"] {
                prop_assert_eq!(undone(name, text.as_bytes(), piece), undone(name, text.as_bytes(), text.len()));
            }
        }

        #[test]
        fn what_the_usual_encoder_writes_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..5000)) {
            let written: Vec<u8> = BASE64.encode(&bytes).into_bytes().chunks(76).collect::<Vec<_>>().join(&b"\r\n"[..]);
            prop_assert_eq!(undone("base64", &written, 100), bytes);
        }
    }
}
