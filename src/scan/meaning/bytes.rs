//! Numbers out of a file, one after the other.

/// What of a file was not read yet.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Bytes<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// So many floats of four bytes, the lowest first; nothing where one is no number.
    pub(super) fn floats(&mut self, count: usize) -> Option<Vec<f32>> {
        let bytes = self.take(count.checked_mul(4)?)?;
        let floats: Vec<f32> = bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        floats.iter().all(|float| float.is_finite()).then_some(floats)
    }

    /// So many bytes with a sign.
    pub(super) fn signed(&mut self, count: usize) -> Option<Vec<i8>> {
        Some(self.take(count)?.iter().map(|byte| byte.cast_signed()).collect())
    }
}
