//! Just enough DER (ITU-T X.690) to put the issuer's name into a certificate that was made here a moment ago. Pure.
//!
//! Certificates from elsewhere are read by `x509-parser`, never by this.

/// The first element, with tag and length, and what follows it. `None` if the bytes end within it, or it is of 16 MiB or more.
pub(super) fn element(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (header, length) = header(bytes)?;
    bytes.split_at_checked(header.checked_add(length)?)
}

/// What is in an element.
pub(super) fn content(element: &[u8]) -> Option<&[u8]> {
    let (header, length) = header(element)?;
    element.get(header..header.checked_add(length)?)
}

/// How many bytes tag and length take, and how many the content.
fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = *bytes.get(1)?;
    let more = match first {
        0..=0x7f => return Some((2, first.into())),
        0x81..=0x83 => usize::from(first & 0x7f),
        _ => return None,
    };
    let length = bytes.get(2..2 + more)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    Some((2 + more, length))
}

/// A SEQUENCE of elements.
pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    wrapped(0x30, parts)
}

/// A BIT STRING of whole bytes.
pub(super) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    wrapped(0x03, &[&[0], bytes])
}

fn wrapped(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = Vec::with_capacity(length + 5);
    bytes.push(tag);
    let digits = length.to_be_bytes();
    let digits = &digits[digits.iter().take_while(|digit| **digit == 0).count()..];
    match digits {
        [] => bytes.push(0),
        [short @ 0..=0x7f] => bytes.push(*short),
        // No certificate is so long that the number of digits takes more than these seven bits.
        long => {
            bytes.push(0x80 | u8::try_from(long.len()).unwrap_or_default());
            bytes.extend_from_slice(long);
        }
    }
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrapped_is_read_back() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let inner = vec![7; length];
            let whole = sequence(&[&inner]);
            let followed = [&whole[..], &[1, 2, 3]].concat();
            assert_eq!(element(&followed), Some((&whole[..], &[1, 2, 3][..])), "{length}");
            assert_eq!(content(&whole), Some(&inner[..]), "{length}");
            assert_eq!(element(&whole[..whole.len() - 1]), None, "{length}");
        }
        assert_eq!(bit_string(&[5]), [3, 2, 0, 5]);
        assert_eq!(element(&[]), None);
        assert_eq!(element(&[0x30, 0x80, 0, 0]), None);
    }
}
