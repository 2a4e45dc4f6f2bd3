//! What the first bytes of a tunnel are, where they are not TLS.
//!
//! A tunnel to port 443 carries TLS in all but a few cases, and those few are mostly ways round the filter: SSH, SOCKS, a VPN. Each is told by the bytes
//! its own specification makes a client begin with. No two signatures fit the same bytes, so the answer never depends on how many have come.
//! A protocol whose server speaks first (SMTP, VNC) is not seen here: its client says nothing, and the caller stops waiting. One that looks like noise
//! (obfs4, Shadowsocks) is [`First::Other`]. Tor is TLS. Pure: bytes in, an answer out.
//!
//! A new protocol is a row of `TEXTS` or `SHAPES`.

use std::fmt;

/// What the first bytes are, where they are not TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum First {
    /// A TLS hello in the form of SSL 2.0, from a program of before 2008 (RFC 8446 appendix D.5 forbids it).
    Ssl2,
    /// SSH (RFC 4253 section 4.2).
    Ssh,
    /// SOCKS 4.
    Socks4,
    /// SOCKS 5 (RFC 1928 section 3).
    Socks5,
    /// HTTP/1 in the clear. Also what a browser sends for `ws://`; a `CONNECT` in it is a proxy beyond the proxy.
    Http,
    /// HTTP/2 in the clear (RFC 9113 section 3.4).
    Http2,
    /// OpenVPN over TCP.
    OpenVpn,
    /// A WireGuard handshake carried over TCP.
    WireGuard,
    /// BitTorrent (BEP 3).
    BitTorrent,
    /// STUN or TURN over TCP (RFC 8489 section 5): calls, and tunnels through their relays.
    Stun,
    /// Remote Desktop (MS-RDPBCGR 2.2.1.1).
    Rdp,
    /// None of these.
    Other,
}

impl First {
    /// The protocol's name, as a technician knows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ssl2 => "SSL 2.0",
            Self::Ssh => "SSH",
            Self::Socks4 => "SOCKS 4",
            Self::Socks5 => "SOCKS 5",
            Self::Http => "HTTP",
            Self::Http2 => "HTTP/2",
            Self::OpenVpn => "OpenVPN",
            Self::WireGuard => "WireGuard",
            Self::BitTorrent => "BitTorrent",
            Self::Stun => "STUN or TURN",
            Self::Rdp => "Remote Desktop",
            Self::Other => "an unknown protocol",
        }
    }
}

impl fmt::Display for First {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What can be said of the bytes that have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// They may become several things.
    More,
    /// A record of TLS: a handshake message, of any version of the protocol.
    Tls,
    /// Not TLS.
    Not(First),
}

/// One byte of a signature.
#[derive(Clone, Copy)]
enum Byte {
    Is(u8),
    Between(u8, u8),
    Any,
}
use Byte::{Any, Between, Is};

impl Byte {
    fn fits(self, byte: u8) -> bool {
        match self {
            Self::Is(this) => byte == this,
            Self::Between(least, most) => (least..=most).contains(&byte),
            Self::Any => true,
        }
    }
}

/// What a TLS client begins with: a record that holds a handshake message. The second byte of the version is ignored (RFC 8446 section 5.1).
const TLS: [u8; 2] = [0x16, 0x03];

/// Protocols that begin with words.
const TEXTS: [(&[u8], First); 13] = [
    (b"SSH-", First::Ssh),
    (b"GET ", First::Http),
    (b"POST ", First::Http),
    (b"HEAD ", First::Http),
    (b"PUT ", First::Http),
    (b"PATCH ", First::Http),
    (b"DELETE ", First::Http),
    (b"OPTIONS ", First::Http),
    (b"TRACE ", First::Http),
    (b"CONNECT ", First::Http),
    (b"PROPFIND ", First::Http),
    (b"PRI * HTTP/2", First::Http2),
    (b"\x13BitTorrent protocol", First::BitTorrent),
];

/// Protocols that begin with numbers.
const SHAPES: [(&[Byte], First); 11] = [
    // Version; connect or bind.
    (&[Is(4), Between(1, 2)], First::Socks4),
    // Version; how many ways to authenticate.
    (&[Is(5), Between(1, 9)], First::Socks5),
    // Length; P_CONTROL_HARD_RESET_CLIENT_V2, key 0. With tls-auth and tls-crypt it is below 100 bytes.
    (&[Is(0), Between(0x0e, 0xff), Is(7 << 3)], First::OpenVpn),
    // Length; P_CONTROL_HARD_RESET_CLIENT_V3, key 0: the same with the client's wrapped key (tls-crypt-v2), some 350 bytes and more.
    (&[Is(0), Between(0x0e, 0xff), Is(10 << 3)], First::OpenVpn),
    (&[Between(1, 3), Any, Is(10 << 3)], First::OpenVpn),
    // Handshake initiation (1) and three reserved bytes, as some carry it over TCP: with or without its length of 148.
    (&[Is(1), Is(0), Is(0), Is(0)], First::WireGuard),
    (&[Is(0), Is(148), Is(1), Is(0), Is(0), Is(0)], First::WireGuard),
    // A request of any method a client begins with; length; the magic cookie.
    (&[Is(0), Between(0, 0x0d), Any, Any, Is(0x21), Is(0x12), Is(0xa4), Is(0x42)], First::Stun),
    // TPKT; length; length; X.224 connection request.
    (&[Is(3), Is(0), Between(0, 4), Any, Any, Is(0xe0)], First::Rdp),
    // Length of two bytes; ClientHello; version 2, or 3 and what came after.
    (&[Between(0x80, 0xff), Any, Is(1), Is(0), Is(2)], First::Ssl2),
    (&[Between(0x80, 0xff), Any, Is(1), Is(3), Between(0, 4)], First::Ssl2),
];

/// What the bytes are, as far as they have come.
#[must_use]
pub fn look(bytes: &[u8]) -> Look {
    if bytes.starts_with(&TLS) {
        return Look::Tls;
    }
    let mut open = TLS.starts_with(bytes);
    let texts = TEXTS.iter().map(|(text, first)| (text.len(), begins(bytes, text, |this, byte| *this == byte), *first));
    let shapes = SHAPES.iter().map(|(shape, first)| (shape.len(), begins(bytes, shape, |this, byte| this.fits(byte)), *first));
    for (length, begins, first) in texts.chain(shapes) {
        if begins && bytes.len() >= length {
            return Look::Not(first);
        }
        open |= begins;
    }
    if open { Look::More } else { Look::Not(First::Other) }
}

/// Whether `bytes` begin as `signature` does, as far as both go.
fn begins<T>(bytes: &[u8], signature: &[T], fits: impl Fn(&T, u8) -> bool) -> bool {
    signature.iter().zip(bytes).all(|(this, byte)| fits(this, *byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_is_told_by_its_first_bytes() {
        for (bytes, first) in [
            (&b"SSH-2.0-OpenSSH_9.2p1\r\n"[..], First::Ssh),
            (b"\x04\x01\x01\xbb\x05\x06\x07\x08user\0", First::Socks4),
            (b"\x05\x01\x00", First::Socks5),
            (b"\x05\x04\x00\x01\x02\x80", First::Socks5),
            (b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", First::Http),
            (b"CONNECT a.example:443 HTTP/1.1\r\n", First::Http),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", First::Http2),
            // Plain, with tls-crypt, with tls-crypt-v2.
            (b"\x00\x0e\x38\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x00\x00", First::OpenVpn),
            (b"\x00\x36\x38\x01\x02\x03\x04\x05\x06\x07\x08", First::OpenVpn),
            (b"\x01\x62\x50\x01\x02\x03\x04\x05\x06\x07\x08", First::OpenVpn),
            (b"\x01\x00\x00\x00\xaa\xbb\xcc\xdd", First::WireGuard),
            (b"\x00\x94\x01\x00\x00\x00\xaa\xbb", First::WireGuard),
            (b"\x13BitTorrent protocol\0\0\0\0", First::BitTorrent),
            // A binding request, and a TURN allocation.
            (b"\x00\x01\x00\x00\x21\x12\xa4\x42\x01\x02", First::Stun),
            (b"\x00\x03\x00\x08\x21\x12\xa4\x42\x01\x02", First::Stun),
            (b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00", First::Rdp),
            (b"\x80\x2e\x01\x00\x02\x00\x15", First::Ssl2),
            (b"\x80\x2e\x01\x03\x01\x00\x15", First::Ssl2),
            (b"\x16\x02\x01", First::Other),
            // An alert, and data, with no handshake before.
            (b"\x15\x03\x01\x00\x02\x02\x28", First::Other),
            (b"\x17\x03\x03\x00\x02\x02\x28", First::Other),
            (b"hello there", First::Other),
            (b"get / http/1.1", First::Other),
            (b"\x9f\x3b\x77\xe1\x08\xd4", First::Other),
        ] {
            assert_eq!(look(bytes), Look::Not(first), "{bytes:x?}");
        }
        for version in 0..=4 {
            assert_eq!(look(&[0x16, 3, version]), Look::Tls);
        }
        for early in [&b""[..], b"\x16", b"P", b"PR", b"SSH", b"CONNECT", b"\x00", b"\x00\x01\x00\x00\x21\x12\xa4", b"\x05", b"\x13Bit"] {
            assert_eq!(look(early), Look::More, "{early:x?}");
        }
    }

    /// Otherwise the answer could change when more bytes come, or with the order of the rows.
    #[test]
    fn no_two_signatures_fit_the_same_bytes() {
        let texts = TEXTS.iter().map(|(text, first)| (text.iter().copied().map(Is).collect::<Vec<_>>(), *first));
        let all: Vec<_> = texts.chain(SHAPES.iter().map(|(shape, first)| (shape.to_vec(), *first))).chain([(TLS.map(Is).to_vec(), First::Other)]).collect();
        let meet = |a: Byte, b: Byte| (0..=255).any(|byte| a.fits(byte) && b.fits(byte));
        for (at, (one, first)) in all.iter().enumerate() {
            for (other, second) in &all[at + 1..] {
                assert!(!one.iter().zip(other).all(|(a, b)| meet(*a, *b)), "{first} and {second}");
            }
        }
    }
}
