//! Older Office documents and Windows installers, which begin alike (compound files, MS-CFB): what is in one is found by marks that stand anywhere in it.

use super::formats::{Format, called};
use memchr::memmem::Finder;

/// The class identifiers of installers, patches and transforms end so; their first byte differs.
const INSTALLER: &[u8] = b"\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46";
/// `_VBA_PROJECT`, as names are written there.
const MACROS: &[u8] = b"_\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0";
/// As many bytes of the last piece as a mark may have begun in.
const KEPT: usize = MACROS.len();

/// Looks through such a file.
pub struct Ole {
    kept: Vec<u8>,
    installer: Finder<'static>,
    macros: Finder<'static>,
    /// What was found. Each is told once.
    found: [bool; 2],
}

impl Default for Ole {
    fn default() -> Self {
        Self { kept: Vec::new(), installer: Finder::new(INSTALLER), macros: Finder::new(MACROS), found: [false; 2] }
    }
}

impl Ole {
    /// More of it.
    pub fn take(&mut self, bytes: &[u8], each: &mut dyn FnMut(&'static Format)) {
        // Across the seam, then in the piece.
        let seam = bytes.len().min(KEPT);
        self.kept.extend_from_slice(&bytes[..seam]);
        let seam = std::mem::take(&mut self.kept);
        for part in [seam.as_slice(), bytes] {
            let is_installer = self.installer.find_iter(part).any(|at| at > 0 && matches!(part[at - 1], 0x82 | 0x84 | 0x86));
            let here = [(is_installer, "a Windows installer"), (self.macros.find(part).is_some(), "a document with macros")];
            for (known, (is, name)) in self.found.iter_mut().zip(here) {
                if is && !std::mem::replace(known, true) {
                    called(name).map(&mut *each);
                }
            }
        }
        let last = if bytes.len() >= KEPT { bytes } else { &seam };
        self.kept.extend_from_slice(&last[last.len().saturating_sub(KEPT)..]);
    }
}
