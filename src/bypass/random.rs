//! Bytes that look like noise from the first on: how Shadowsocks, obfs4 and their kin make a connection look.
//!
//! By the measure that is known of the Great Firewall (Wu and others, "How the Great Firewall of China Detects and Blocks Fully Encrypted Traffic", USENIX
//! Security 2023): what any usual protocol has is looked for, and what has none of it is noise.

/// Fewer bytes say nothing.
const LEAST: usize = 48;

/// Whether the first bytes of a connection look like noise. For those that are no protocol that is known ([`super::first`]).
#[must_use]
pub fn is_noise(first: &[u8]) -> bool {
    if first.len() < LEAST {
        return false;
    }
    let bits: u32 = first.iter().map(|byte| byte.count_ones()).sum();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand bytes")]
    let each = f64::from(bits) / first.len() as f64;
    let is_printable = |byte: &u8| (0x20..=0x7e).contains(byte);
    let printable = first.iter().filter(|byte| is_printable(byte)).count();
    let longest = first.split(|byte| !is_printable(byte)).map(<[u8]>::len).max().unwrap_or_default();
    (3.4..4.6).contains(&each) && !first[..6].iter().all(is_printable) && printable * 2 <= first.len() && longest <= 20
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise, the same on every run.
    fn noise(seed: u8, length: usize) -> Vec<u8> {
        let mut reader = blake3::Hasher::new().update(&[seed]).finalize_xof();
        let mut bytes = vec![0; length];
        reader.fill(&mut bytes);
        bytes
    }

    #[test]
    fn noise_is_told_from_what_has_a_form() {
        let told = (0..200).filter(|seed| is_noise(&noise(*seed, 186))).count();
        assert!(told >= 190, "{told} of 200");
        for formed in [&b"GET / HTTP/1.1\r\nHost: a.example\r\nUser-Agent: x\r\n\r\n"[..], &[0; 100], &[0xff; 100], &noise(1, 40)] {
            assert!(!is_noise(formed));
        }
        // An own protocol with lengths and zeros in front.
        let mut framed = vec![0, 0, 0, 200, 0, 0, 0, 1];
        framed.extend([0; 30]);
        framed.extend(noise(3, 20));
        assert!(!is_noise(&framed));
    }
}
