//! Points of what was learned, as whole numbers: the same on every machine.

/// Points in hundredths, within 300 either way; what is no number is nought.
#[allow(clippy::cast_possible_truncation, reason = "it is within these bounds")]
pub(super) fn hundredths(points: f32) -> i32 {
    (points * 100.0).round().clamp(-30_000.0, 30_000.0) as i32
}
