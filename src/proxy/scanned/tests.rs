//! However a body comes, cut into frames and with pauses between: what passes is the same, and what is found never leaves.

use super::reader::PIECE;
use super::*;
use crate::policy::words::{Said, Words};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderValue;
use proptest::prelude::*;
use std::io::Write as _;

/// Frames and pauses, then the end, as it may be with trailers, or nothing more for ever.
struct Script {
    steps: VecDeque<Option<Bytes>>,
    trailers: Option<HeaderMap>,
    stalls: bool,
}

impl Source for Script {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.steps.pop_front() {
            Some(Some(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Some(None) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            None if self.stalls => Poll::Pending,
            None => Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers)))),
        }
    }

    fn left(&self) -> SizeHint {
        SizeHint::with_exact(self.steps.iter().flatten().map(|bytes| bytes.len() as u64).sum())
    }
}

/// Finds a word some bytes after it has passed, as the scanner does.
struct Finds {
    on_hit: OnHit,
    text: Vec<u8>,
    place: Option<usize>,
    told: bool,
}

const WORD: &[u8] = b"danger";
const LATER: usize = 40;

impl Finds {
    fn sentence(&self) -> Sentence {
        let said = Said::Unreadable("a word".into());
        Sentence { on_hit: self.on_hit, reason: Reason::Words(Arc::new(Words { way: Way::Answer, group: "g".into(), said })) }
    }
}

impl Judge for Finds {
    fn feed(&mut self, bytes: &[u8]) -> Option<Sentence> {
        let from = self.text.len().saturating_sub(WORD.len());
        self.text.extend_from_slice(bytes);
        let new = self.text[from..].windows(WORD.len()).position(|window| window == WORD);
        self.place = self.place.or(new.map(|place| from + place));
        let found = self.place.is_some_and(|place| self.text.len() >= place + LATER);
        (found && !std::mem::replace(&mut self.told, found)).then(|| self.sentence())
    }

    fn end(&mut self) -> Option<Sentence> {
        self.place.map(|_| self.sentence())
    }

    fn is_anxious(&self) -> bool {
        !self.told && self.place.is_some()
    }

    fn pause(&mut self) -> Option<Sentence> {
        self.end()
    }

    fn unread(&self) -> OnHit {
        OnHit::Note
    }

    fn most(&self) -> OnHit {
        self.on_hit
    }
}

fn scanned(on_hit: OnHit, coding: &str, steps: Vec<Option<Bytes>>, may_change: bool) -> Scanned<Script> {
    let decoder = Decoder::new([coding].into_iter(), crate::body::coding::Limits::default()).expect("a coding");
    let judge = Finds { on_hit, text: Vec::new(), place: None, told: false };
    let manner = Manner {
        way: Way::Answer,
        group: "g".into(),
        may_change,
        pause: Duration::from_secs(2),
        notice: |_, reference| Notice::Bytes(format!("NOTICE {reference}").into()),
        reference: "7".into(),
        told: None,
        overheard: None,
    };
    let judges: Judges = smallvec::smallvec![Box::new(judge) as Box<dyn Judge>];
    let trailers = HeaderMap::from_iter([(http::header::EXPIRES, HeaderValue::from_static("0"))]);
    Scanned::new(Script { steps: steps.into(), trailers: Some(trailers), stalls: false }, decoder, judges, manner, None)
}

/// What passed: the bytes, whether trailers came, and whether it broke off.
async fn passed(scanned: &mut Scanned<Script>) -> (Vec<u8>, bool, bool) {
    let (mut bytes, mut trailers) = (Vec::new(), false);
    while let Some(frame) = poll_fn(|cx| scanned.poll_next(cx)).await {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => bytes.extend_from_slice(&data),
            Ok(Err(_)) => trailers = true,
            Err(_) => return (bytes, trailers, true),
        }
    }
    assert!(scanned.is_over());
    (bytes, trailers, false)
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(body).expect("in memory");
    gzip.finish().expect("in memory")
}

fn steps(body: &[u8], cuts: &[(usize, bool)]) -> Vec<Option<Bytes>> {
    let mut cuts: Vec<_> = cuts.iter().map(|(cut, pauses)| (cut % (body.len() + 1), *pauses)).collect();
    cuts.sort_unstable();
    let (mut from, mut steps) = (0, Vec::new());
    for (to, pauses) in cuts.into_iter().chain([(body.len(), false)]) {
        steps.push(Some(Bytes::copy_from_slice(&body[from..to])));
        steps.extend(pauses.then_some(None));
        from = to;
    }
    steps
}

fn paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}

const LIMITS: ScanLimits = ScanLimits {
    held: 300,
    pause: Duration::from_secs(2),
    decode: crate::body::coding::Limits { bytes: 1 << 20, ratio: 200, ratio_from: 1 << 20, layers: 3 },
    memory_mib: 1,
};

proptest! {
    #[test]
    fn what_is_found_never_leaves_and_what_is_not_passes_whole(
        before in "[a-z .]{0,900}",
        after in "[a-z .]{0,300}",
        has_word in any::<bool>(),
        is_coded in any::<bool>(),
        may_change in any::<bool>(),
        on_hit in prop_oneof![Just(OnHit::Note), Just(OnHit::Cut), Just(OnHit::Withhold)],
        cuts in proptest::collection::vec((any::<usize>(), any::<bool>()), 0..12),
    ) {
        prop_assume!(!before.contains("danger") && !after.contains("danger"));
        let body = format!("{before}{}{after}", if has_word { "danger" } else { "" }).into_bytes();
        let wire = if is_coded { gzip(&body) } else { body.clone() };
        paused().block_on(async {
            let mut scanned = scanned(on_hit, if is_coded { "gzip" } else { "identity" }, steps(&wire, &cuts), may_change);
            let form = if on_hit == OnHit::Withhold {
                match scanned.hold(&LIMITS).await {
                    Held::Whole => { assert!(!has_word && body.len() <= LIMITS.held + PIECE, "the whole was there"); Form::Original }
                    Held::Begun(form) => form,
                    Held::Withheld => { assert!(has_word); return Ok(()) }
                }
            } else {
                scanned.begin()
            };
            prop_assert_eq!(form == Form::Decoded && !may_change, false);
            let hint = scanned.left().exact();
            let (bytes, trailers, broke_off) = passed(&mut scanned).await;
            prop_assert!(hint.is_none_or(|hint| hint == bytes.len() as u64 || scanned.is_cut()), "{:?} {}", hint, bytes.len());
            prop_assert_eq!(scanned.found().is_some(), has_word);
            if !has_word || on_hit == OnHit::Note {
                let expected = if form == Form::Decoded { &body } else { &wire };
                prop_assert!(&bytes == expected && trailers && !broke_off);
                return Ok(());
            }
            prop_assert!(scanned.is_cut() && broke_off != may_change);
            let notice = if may_change { &b"NOTICE 7"[..] } else { b"" };
            prop_assert!(bytes.ends_with(notice));
            let kept = &bytes[..bytes.len() - notice.len()];
            let source = if form == Form::Decoded { &body } else { &wire };
            prop_assert!(source.starts_with(kept));
            if !is_coded || may_change {
                prop_assert!(kept.len() < before.len() + WORD.len(), "the word left");
            }
            Ok(())
        })?;
    }
}

#[test]
fn a_stall_is_judged_as_though_it_were_the_end() {
    paused().block_on(async {
        for (on_hit, expected) in [(OnHit::Cut, "NOTICE 7"), (OnHit::Note, "a danger")] {
            let mut scanned = scanned(on_hit, "identity", vec![Some(Bytes::from_static(b"a danger"))], true);
            scanned.source.stalls = true;
            scanned.begin();
            let begun = Instant::now();
            let frame = poll_fn(|cx| scanned.poll_next(cx)).await.expect("something passes").expect("a frame");
            assert_eq!(frame.into_data().expect("bytes"), expected);
            assert_eq!((begun.elapsed().as_secs(), scanned.is_cut(), scanned.found().is_some()), (2, on_hit == OnHit::Cut, true));
        }
    });
}

#[test]
fn a_flood_of_what_little_unpacks_to_lets_others_have_their_turn() {
    paused().block_on(async {
        // Dense, but not too dense to be read.
        let mixed: Vec<u8> = (0..4 << 20).map(|n| if n % 97 == 0 { (n / 97 % 251) as u8 } else { b'x' }).collect();
        let mut scanned = scanned(OnHit::Note, "gzip", vec![Some(gzip(&mixed).into())], true);
        scanned.begin();
        let mut turns = 0;
        poll_fn(|cx| match scanned.poll_next(cx) {
            Poll::Pending => {
                turns += 1;
                Poll::Pending
            }
            Poll::Ready(frame) => Poll::Ready(frame),
        })
        .await;
        assert!(turns >= 10, "{turns}");
    });
}
