//! Reading all that matches, however much it is: a stretch at a time, so that memory does not grow with it.
//!
//! Pages are for people: each is sorted, and each costs a look through everything that may belong to it. Reading ten million records in pages would
//! decode the same chunks hundreds of times. Here each is decoded once, in the order it is stored: the live files first, newest record first; then
//! segment by segment, those with the newest records first, and in each person by person.

use super::condition::Conditions;
use super::page::Best;
use super::{Filter, Log, LogError, Page, Row, sealed};
use crate::audit::journal::Part;
use crate::audit::segment::SegmentError;

/// How many records of live files are handed out at a time.
const STRETCH: usize = 8192;

/// Why a segment was not read to its end.
enum Ended<E> {
    /// It is damaged.
    Segment(SegmentError),
    /// Whoever takes the records wants no more.
    Taker(E),
}

impl<E> From<SegmentError> for Ended<E> {
    fn from(error: SegmentError) -> Self {
        Self::Segment(error)
    }
}

impl Log {
    /// Hands out every record that matches, some thousands at a time. What is damaged is passed over and named in the page that is returned, which
    /// holds no rows.
    pub(in crate::audit) fn scan<E: From<LogError>>(&self, filter: &Filter, mut take: impl FnMut(Vec<Row>) -> Result<(), E>) -> Result<Page, E> {
        let conditions = Conditions::of(filter)?;
        let (live, parts) = self.parts()?;
        let mut found = Best::new(usize::MAX, false);
        live.search(&conditions, &mut found)?;
        let mut places: Vec<_> = found.into_places().collect();
        places.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id));
        for stretch in places.chunks(STRETCH) {
            let mut rows = Vec::with_capacity(stretch.len());
            for (id, place) in stretch {
                rows.extend(live.row_at(place, *id)?);
            }
            take(rows)?;
        }
        let mut page = Page::default();
        for part in parts.iter().filter(|part| part.rows > 0 && conditions.may_be_in(part)) {
            match self.scan_part(part, &conditions, |rows| take(rows).map_err(Ended::Taker)) {
                Ok(()) => {}
                Err(Ended::Segment(error)) => page.pass_over(&part.file, &error),
                Err(Ended::Taker(error)) => return Err(error),
            }
        }
        // What was handed out cannot be taken back to begin again.
        if self.has_moved(&page.passed_over)? { Err(LogError::Moved.into()) } else { Ok(page) }
    }

    fn scan_part<E>(&self, part: &Part, conditions: &Conditions, take: impl FnMut(Vec<Row>) -> Result<(), Ended<E>>) -> Result<(), Ended<E>> {
        let segment = self.segments.get(&part.file, Some(&part.digest))?;
        sealed::scan(&segment, part, conditions, take)
    }
}
