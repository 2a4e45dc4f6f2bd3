//! The runs of text among other bytes, as they stream.

use smallvec::SmallVec;

/// The shortest run that is read, in bytes: what is shorter is there by chance.
pub const SHORTEST: usize = 6;

/// The runs of text among other bytes.
#[derive(Debug, Default)]
pub struct Runs {
    /// The beginning of a run, while it is too short to be told from chance.
    held: SmallVec<[u8; 8]>,
    /// Whether what came last went out.
    is_open: bool,
    /// How many bytes are wanting of the character at hand.
    wanting: u8,
}

impl Runs {
    /// Reads more: the runs go out, each but the last with a line end.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for byte in bytes {
            let is_text = match (*byte, self.wanting) {
                (0x80..=0xbf, 1..) => {
                    self.wanting -= 1;
                    true
                }
                (_, 1..) => false,
                (0x20..=0x7e | b'\t' | b'\n' | b'\r', 0) => true,
                (0xc2..=0xdf, 0) => self.wants(1),
                (0xe0..=0xef, 0) => self.wants(2),
                (0xf0..=0xf4, 0) => self.wants(3),
                (_, 0) => false,
            };
            if !is_text {
                self.break_off(out);
                // What breaks a character off may begin a run.
                if matches!(byte, 0x20..=0x7e) {
                    self.held.push(*byte);
                }
                continue;
            }
            if self.is_open {
                out.push(*byte);
                continue;
            }
            self.held.push(*byte);
            if self.held.len() >= SHORTEST && self.wanting == 0 {
                out.extend_from_slice(&self.held);
                self.held.clear();
                self.is_open = true;
            }
        }
    }

    fn wants(&mut self, more: u8) -> bool {
        self.wanting = more;
        true
    }

    fn break_off(&mut self, out: &mut Vec<u8>) {
        self.held.clear();
        self.wanting = 0;
        if std::mem::take(&mut self.is_open) {
            out.push(b'\n');
        }
    }
}
