use super::*;
use proptest::prelude::*;
use std::fs;
use std::path::Path;

const PIECES: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhe\nhit\nme\n##s\n";
const WIDTH: usize = 8;
const INNER: usize = 6;

/// A small file, of weights that nothing taught.
fn made() -> Vec<u8> {
    let head = r#"{"about": "made up", "themes": ["abuse", "drugs"], "levels": "40 from 1, danger 60 from 0", "from": -300, "size": {"width": 8, "heads": 2, "inner": 6, "layers": 2, "places": 6}, "pieces": 8}"#;
    let mut file = [BEGINS, head.as_bytes(), b"\n", PIECES.as_bytes()].concat();
    let mut next = 7_u32;
    let mut number = || {
        next = next.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (next >> 24).to_le_bytes()[0]
    };
    let mut floats = |file: &mut Vec<u8>, count: usize| (0..count).for_each(|_| file.extend((f32::from(number()) / 128.0 - 1.0).to_le_bytes()));
    let mut cells = 1_u8;
    let mut matrix = |file: &mut Vec<u8>, floats: &mut dyn FnMut(&mut Vec<u8>, usize), rows: usize, columns: usize| {
        (0..rows).for_each(|_| file.extend(0.01_f32.to_le_bytes()));
        (0..rows * columns).for_each(|_| {
            cells = cells.wrapping_mul(29).wrapping_add(11);
            file.push(cells);
        });
        floats(file, rows);
    };
    // Pieces have nothing added.
    matrix(&mut file, &mut |_, _| {}, 8, WIDTH);
    floats(&mut file, 6 * WIDTH + 2 * WIDTH);
    for _ in 0..2 {
        (0..4).for_each(|_| matrix(&mut file, &mut floats, WIDTH, WIDTH));
        floats(&mut file, 2 * WIDTH);
        matrix(&mut file, &mut floats, INNER, WIDTH);
        matrix(&mut file, &mut floats, WIDTH, INNER);
        floats(&mut file, 2 * WIDTH);
    }
    matrix(&mut file, &mut floats, 4, WIDTH);
    file
}

#[test]
fn a_file_is_read_whole_or_not_at_all() {
    let file = made();
    let (head, meaning) = Meaning::read(&file).expect("sound");
    assert_eq!((head.themes, head.from), (vec!["abuse".to_owned(), "drugs".to_owned()], -300));
    assert_eq!(meaning.points(&[&["he", "hits", "me"]]).len(), 3, "danger, and each theme");
    let broken = |file: &[u8]| Meaning::read(file).err();
    assert_eq!(broken(&file[1..]), Some(Broken::Head));
    assert_eq!(broken(&file[..file.len() - 1]), Some(Broken::Weights));
    assert_eq!(broken(&[&*file, b"x"].concat()), Some(Broken::Weights));
    let no_number = [&file[..file.len() - 4], &f32::NAN.to_le_bytes()].concat();
    assert_eq!(broken(&no_number), Some(Broken::Weights));
    let text = |from: &str, to: &str| {
        let at = file.windows(from.len()).position(|part| part == from.as_bytes()).expect("it is there");
        [&file[..at], to.as_bytes(), &file[at + from.len()..]].concat()
    };
    assert_eq!(broken(&text("\"width\": 8", "\"width\": 9")), Some(Broken::Head), "the heads would not fit");
    assert_eq!(broken(&text("\"layers\": 2", "\"layers\": 3")), Some(Broken::Weights));
    assert_eq!(broken(&text("\"pieces\": 8", "\"pieces\": 9000")), Some(Broken::Pieces));
    assert_eq!(broken(&text("\nhit\n", "\nhat\n")), None, "another word is another word");
    assert_eq!(broken(&text("\nhit\n", "\nhe\n")), Some(Broken::Pieces));
}

#[test]
fn the_order_of_words_counts_and_the_theme_that_they_are_about_has_the_points_of_anything() {
    let (_, meaning) = Meaning::read(&made()).expect("sound");
    let points = |words: &[&str]| meaning.points(&[words]);
    assert_eq!(points(&["he", "hit", "me"]), points(&["he", "hit", "me"]));
    assert_ne!(points(&["he", "hit", "me"]), points(&["me", "hit", "he"]));
    assert_eq!(points(&["he", "hit", "me", "hit", "he", "he"]), points(&["he", "hit", "me", "hit", "me"]), "what is behind the last place is not read");
}

/// What PyTorch makes of texts with the weights that ship, before they were made bytes; by `benches/asked/meaning.py`. In hundredths: danger, then each theme.
const BY_PYTORCH: [(&[&str], [i32; 11]); 6] = [
    (&["my dad hits me"], [88, -191, 156, -225, -84, -205, -144, -109, -207, -115, -232]),
    (&["how do volcanoes work"], [-294, -327, -328, -245, -329, -315, -332, -348, -348, -392, -415]),
    (&["where can i buy a zombie knife near me"], [-49, -168, -122, -218, 220, -67, -77, -121, -270, 58, -265]),
    (&["i dont want to wake up tomorrow"], [-13, 33, -140, -310, -180, -262, -173, -200, -400, -321, -388]),
    (&["can you help me write an essay about the causes of world war one"], [-278, -271, -296, -261, -279, -262, -261, -299, -308, -311, -350]),
    (&["how high is the car park by the station", "is the top floor open at night"], [78, 111, -108, -254, -146, -223, -200, -135, -233, -139, -244]),
];
/// How far a point may be from that, as weights are bytes.
const APART: i32 = 25;

#[test]
fn what_ships_reads_as_it_was_taught() {
    let file = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("blocklists/lexicon/phrases/meaning")).expect("the file that ships");
    let (head, meaning) = Meaning::read(&file).expect("sound");
    assert_eq!(head.themes.len(), 10);
    for (texts, by_pytorch) in BY_PYTORCH {
        let text = texts.join(" / ");
        let words: Vec<Vec<&str>> = texts.iter().map(|text| text.split(' ').collect()).collect();
        let points = meaning.points(&words.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let far = points.iter().zip(by_pytorch).map(|(one, other)| (one - other).abs()).max();
        println!("{text}: {far:?} apart");
        assert!(points.len() == 11 && far <= Some(APART), "{text}: {points:?}, and not {by_pytorch:?}");
    }
}

proptest! {
    #[test]
    fn bytes_of_any_kind_are_read_or_not_and_never_more(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut file = made();
        let length = file.len();
        file[at.index(length)] = byte;
        file.truncate(length - cut.index(length) / 64);
        if let Ok((_, meaning)) = Meaning::read(&file) {
            prop_assert!(meaning.points(&[&["he", "hits", "whatever"]]).iter().all(|points| points.abs() <= 30_000));
        }
    }
}
