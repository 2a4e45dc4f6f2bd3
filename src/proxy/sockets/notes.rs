//! What is said of messages that pass all the same: on record when it is said, each by itself, for a WebSocket may stay open for hours.

use crate::policy::Reason;
use crate::policy::words::Said;
use crate::proxy::judge::Sentence;
use crate::proxy::scanned::Note;
use std::time::Duration;
use tokio::time::Instant;

/// How long nothing more of the same theme is put on record by itself: messages come faster than anybody reads.
const APART: Duration = Duration::from_secs(10);

/// What was noted one way.
#[derive(Default)]
pub(super) struct Notes {
    note: Option<Note>,
    last: Option<(Option<Box<str>>, Instant)>,
    /// Kept for the connection's own record: what was said first, and what there is to say of the reading.
    said: Vec<String>,
    /// How many messages were noted.
    count: u64,
}

impl Notes {
    pub(super) fn new(note: Option<Note>) -> Self {
        Self { note, ..Self::default() }
    }

    /// Notes what was said of a message.
    pub(super) fn add(&mut self, said: &Sentence) {
        if self.count == 0 {
            self.said.push(said.on_record());
        }
        self.count += 1;
        let (now, theme) = (Instant::now(), theme(said));
        let is_told = self.last.as_ref().is_some_and(|(last, when)| *last == theme && now < *when + APART);
        if let Some(note) = self.note.as_ref().filter(|_| !is_told) {
            note(said);
            self.last = Some((theme, now));
        }
    }

    /// Adds what is to be said of the reading.
    pub(super) fn say(&mut self, said: String) {
        self.said.push(said);
    }

    /// What the connection's own record says.
    pub(super) fn take(&mut self) -> Vec<String> {
        let mut said = std::mem::take(&mut self.said);
        match self.count {
            0 | 1 => {}
            2 => said.push("One more message was noted.".to_owned()),
            count => said.push(format!("{} more messages were noted.", count - 1)),
        }
        said
    }
}

fn theme(said: &Sentence) -> Option<Box<str>> {
    match &said.reason {
        Reason::Words(words) => match &words.said {
            Said::Over { theme, .. } => Some(theme.clone()),
            Said::Unreadable(_) => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::OnHit;
    use crate::policy::words::{Way, Words};
    use parking_lot::Mutex;
    use std::sync::Arc;

    fn said(theme: &str) -> Sentence {
        let said = Said::Over { theme: theme.into(), category: None, points: 120, threshold: 100, seen: Vec::new() };
        Sentence { on_hit: OnHit::Note, reason: Reason::Words(Arc::new(Words { way: Way::Upload, group: "pupils".into(), said })) }
    }

    #[tokio::test(start_paused = true)]
    async fn each_theme_is_put_on_record_at_once_and_again_after_a_while() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        let mut notes = Notes::new(Some(Arc::new(move |said: &Sentence| heard.lock().push(theme(said)))));
        for (step, (of, after)) in [("drugs", 0), ("drugs", 9), ("suicide", 0), ("suicide", 9), ("suicide", 1), ("drugs", 0)].into_iter().enumerate() {
            tokio::time::advance(Duration::from_secs(after)).await;
            notes.add(&said(of));
            let expected = [1, 1, 2, 2, 3, 4][step];
            assert_eq!(told.lock().len(), expected, "step {step}");
        }
        notes.say("It is not read any further.".to_owned());
        let said = notes.take();
        assert!(said[0].contains("drugs"), "{said:?}");
        assert_eq!(said[1..], ["It is not read any further.", "5 more messages were noted."]);
    }
}
