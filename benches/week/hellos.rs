//! Hellos of TLS, byte by byte (RFC 8446 section 4.1.2), in the order and with the ciphers of some programs.

/// One hello.
#[derive(Clone)]
pub struct Hello<'a> {
    name: Option<&'a str>,
    ciphers: &'a [u16],
    protocols: &'a [&'a str],
    /// Beside the name: extensions without a body that matters, in this order.
    extensions: &'a [u16],
    sealed: Option<Vec<u8>>,
}

/// As a Chrome of these years begins.
pub fn chrome(name: &str) -> Hello<'_> {
    const CIPHERS: [u16; 16] = [0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035];
    Hello {
        name: Some(name),
        ciphers: &CIPHERS,
        protocols: &["h2", "http/1.1"],
        extensions: &[23, 0xff01, 10, 11, 35, 5, 13, 18, 51, 45, 43, 27],
        sealed: None,
    }
}

/// As Go's own library begins.
pub fn go(name: &str) -> Hello<'_> {
    const CIPHERS: [u16; 13] = [0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc009, 0xc013, 0xc00a, 0xc014, 0x1301, 0x1302, 0x1303];
    Hello { name: Some(name), ciphers: &CIPHERS, protocols: &["h2", "http/1.1"], extensions: &[5, 10, 11, 13, 0xff01, 18, 43, 51], sealed: None }
}

/// As a client of Tor begins: no protocols.
pub fn tor(name: &str) -> Hello<'_> {
    const CIPHERS: [u16; 18] =
        [0x1302, 0x1303, 0x1301, 0xc02b, 0xc02f, 0xcca9, 0xcca8, 0xc02c, 0xc030, 0xc00a, 0xc009, 0xc013, 0xc014, 0x0033, 0x0039, 0x002f, 0x0035, 0x00ff];
    Hello { name: Some(name), ciphers: &CIPHERS, protocols: &[], extensions: &[11, 10, 35, 22, 23, 13, 43, 45, 51], sealed: None }
}

fn short(bytes: &[u8]) -> Vec<u8> {
    [&[bytes.len() as u8][..], bytes].concat()
}

fn long(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

impl Hello<'_> {
    /// The same without a name.
    pub fn unnamed(self) -> Self {
        Self { name: None, ..self }
    }

    /// The same with another hello sealed in it (RFC 9849): these bytes stand for what is encrypted.
    pub fn sealed(self, bytes: Vec<u8>) -> Self {
        Self { sealed: Some(bytes), ..self }
    }

    /// As it is on the wire: one record.
    pub fn bytes(&self) -> Vec<u8> {
        let mut extensions = Vec::new();
        let mut add = |number: u16, body: &[u8]| extensions.extend([&number.to_be_bytes()[..], &long(body)].concat());
        if let Some(name) = self.name {
            add(0, &long(&[&[0][..], &long(name.as_bytes())].concat()));
        }
        if !self.protocols.is_empty() {
            let names: Vec<u8> = self.protocols.iter().flat_map(|name| short(name.as_bytes())).collect();
            add(16, &long(&names));
        }
        for number in self.extensions {
            let body = match number {
                // x25519, P-256; points as they are; signatures; versions 1.3 and 1.2; a share of x25519.
                10 => long(&[0, 29, 0, 23]),
                11 => short(&[0]),
                13 => long(&[4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8, 6, 6, 1]),
                43 => short(&[3, 4, 3, 3]),
                45 => short(&[1]),
                51 => long(&[&[0, 29][..], &long(&[9; 32])].concat()),
                5 => vec![1, 0, 0, 0, 0],
                27 => short(&[0, 2]),
                0xff01 => vec![0],
                _ => Vec::new(),
            };
            add(*number, &body);
        }
        if let Some(sealed) = &self.sealed {
            // The outer one: HKDF-SHA256 and AES-128-GCM, configuration 7, a key, what is sealed.
            add(0xfe0d, &[&[0, 0, 1, 0, 1, 7][..], &long(&[5; 32]), &long(sealed)].concat());
        }
        let ciphers: Vec<u8> = self.ciphers.iter().flat_map(|cipher| cipher.to_be_bytes()).collect();
        let hello = [&[3, 3][..], &[8; 32], &short(&[6; 32]), &long(&ciphers), &short(&[0]), &long(&extensions)].concat();
        let message = [&[1][..], &(hello.len() as u32).to_be_bytes()[1..], &hello].concat();
        [&[0x16, 3, 1][..], &long(&message)].concat()
    }
}
