//! One letter's plain form: what it is without its accent, or in another shape.

/// What a letter (in lower case) folds to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// Nothing: an accent on the letter before, or a mark nobody sees.
    Nothing,
    /// This letter.
    One(char),
    /// These letters.
    Several(&'static str),
}

/// The base letters of U+00C0 to U+024F; a dot where there is none, or more than one.
const LATIN: &[u8; 400] = b"aaaaaa.ceeeeiiiidnooooo.ouuuuy..aaaaaa.ceeeeiiiidnooooo.ouuuuy.yaaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii..jjkkklllllll\
lllnnnnnnnnnoooooo..rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs................................oo.............uu...............\
.............aaiioouuuuuuuuuu.aaaa....ggkkoooo..j...gg..nnaa..ooaaaaeeeeiiiioooorrrruuuusstt..hh......aaeeooooooooyy............\
................";

/// The base letters of U+1E00 to U+1EFF.
const LATIN_ADDITIONAL: &[u8; 256] =
    b"aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvv\
wwwwwwwwwwxxxxyyzzzzzzhtwy.s....aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy......";

/// The plain form of a character that is not ASCII.
pub fn plain(c: char) -> Plain {
    let code = u32::from(c);
    match code {
        0xc0..=0x24f => of_table(LATIN, code - 0xc0, c),
        0x1e00..=0x1eff => of_table(LATIN_ADDITIONAL, code - 0x1e00, c),
        // Accents that stand alone; points and signs that Hebrew and Arabic may leave out.
        0x300..=0x36f
        | 0x483..=0x487
        | 0x591..=0x5bd
        | 0x640
        | 0x64b..=0x65f
        | 0x670
        | 0x1ab0..=0x1aff
        | 0x1dc0..=0x1dff
        | 0x20d0..=0x20f0
        | 0xfe20..=0xfe2f => Plain::Nothing,
        // Soft hyphen, joiners, zero-width spaces, direction marks, variation selectors, tags.
        0xad | 0x61c | 0x180b..=0x180f | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfe00..=0xfe0f | 0xfeff | 0xe0000..=0xe0fff => Plain::Nothing,
        0xff01..=0xff5e => shifted(code - 0xff00 + 0x20),
        // Letters in circles and squares; letters and digits of mathematics, bold, italic, script and so on.
        0x24b6..=0x24cf => letter(code - 0x24b6),
        0x24d0..=0x24e9 => letter(code - 0x24d0),
        0x1f130..=0x1f149 => letter(code - 0x1f130),
        0x1f150..=0x1f169 => letter(code - 0x1f150),
        0x1f170..=0x1f189 => letter(code - 0x1f170),
        0x1d400..=0x1d6a3 => letter((code - 0x1d400) % 26),
        0x1d7ce..=0x1d7ff => shifted(u32::from('0') + (code - 0x1d7ce) % 10),
        0x2080..=0x2089 => shifted(u32::from('0') + code - 0x2080),
        0x2070 | 0x2074..=0x2079 => shifted(u32::from('0') + code - 0x2070),
        0x391..=0x4ff => other_alphabets(c),
        0xaa..=0xbf | 0x2100..=0x214f | 0xfb00..=0xfb06 => in_another_shape(c),
        _ => Plain::One(c),
    }
}

fn of_table(table: &[u8], at: u32, c: char) -> Plain {
    match usize::try_from(at).ok().and_then(|at| table.get(at)) {
        Some(b'.') | None => several(c),
        Some(letter) => Plain::One(char::from(*letter)),
    }
}

fn several(c: char) -> Plain {
    Plain::Several(match c {
        'Æ' | 'æ' | 'Ǣ' | 'ǣ' | 'Ǽ' | 'ǽ' => "ae",
        'Œ' | 'œ' => "oe",
        'Þ' | 'þ' => "th",
        'ß' | 'ẞ' => "ss",
        'Ĳ' | 'ĳ' => "ij",
        'Ǆ' | 'ǅ' | 'ǆ' | 'Ǳ' | 'ǲ' | 'ǳ' => "dz",
        'Ǉ' | 'ǈ' | 'ǉ' => "lj",
        'Ǌ' | 'ǋ' | 'ǌ' => "nj",
        _ => return Plain::One(c),
    })
}

/// Greek and Cyrillic letters that are written with and without their marks.
fn other_alphabets(c: char) -> Plain {
    Plain::One(match c {
        'ά' => 'α',
        'έ' => 'ε',
        'ή' => 'η',
        'ί' | 'ϊ' | 'ΐ' => 'ι',
        'ό' => 'ο',
        'ύ' | 'ϋ' | 'ΰ' => 'υ',
        'ώ' => 'ω',
        'ς' => 'σ',
        'ё' | 'ѐ' => 'е',
        'й' | 'ѝ' => 'и',
        'ї' => 'і',
        'ў' => 'у',
        'ѓ' => 'г',
        'ќ' => 'к',
        _ => c,
    })
}

fn in_another_shape(c: char) -> Plain {
    match c {
        'ª' => Plain::One('a'),
        'º' | 'ℴ' => Plain::One('o'),
        '¹' => Plain::One('1'),
        '²' => Plain::One('2'),
        '³' => Plain::One('3'),
        'ℎ' => Plain::One('h'),
        'ℓ' => Plain::One('l'),
        'ℯ' => Plain::One('e'),
        'ℊ' => Plain::One('g'),
        'ﬀ' => Plain::Several("ff"),
        'ﬁ' => Plain::Several("fi"),
        'ﬂ' => Plain::Several("fl"),
        'ﬃ' => Plain::Several("ffi"),
        'ﬄ' => Plain::Several("ffl"),
        'ﬅ' | 'ﬆ' => Plain::Several("st"),
        _ => Plain::One(c),
    }
}

fn letter(place: u32) -> Plain {
    shifted(u32::from('a') + place)
}

/// The ASCII character with this number, in lower case.
fn shifted(code: u32) -> Plain {
    Plain::One(char::from_u32(code).unwrap_or_default().to_ascii_lowercase())
}

/// The letter a digit stands for.
pub fn meant(digit: char) -> char {
    match digit {
        '0' => 'o',
        '1' => 'i',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        '8' => 'b',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_hold_every_letter_at_its_place() {
        for (accented, base) in [
            ('à', 'a'),
            ('ÿ', 'y'),
            ('č', 'c'),
            ('ğ', 'g'),
            ('ł', 'l'),
            ('ő', 'o'),
            ('ś', 's'),
            ('ź', 'z'),
            ('ſ', 's'),
            ('ơ', 'o'),
            ('ǎ', 'a'),
            ('ǒ', 'o'),
            ('ș', 's'),
        ] {
            assert_eq!(plain(accented), Plain::One(base), "{accented}");
        }
        for (accented, base) in [('ḁ', 'a'), ('ḧ', 'h'), ('ṁ', 'm'), ('ṩ', 's'), ('ẑ', 'z'), ('ạ', 'a'), ('ế', 'e'), ('ộ', 'o'), ('ừ', 'u'), ('ỹ', 'y')]
        {
            assert_eq!(plain(accented), Plain::One(base), "{accented}");
        }
        for (shape, base) in [('𝓼', 's'), ('𝐀', 'a'), ('𝟗', '9'), ('ｓ', 's'), ('Ａ', 'a'), ('ⓢ', 's'), ('🅰', 'a'), ('₂', '2'), ('⁵', '5')]
        {
            assert_eq!(plain(shape), Plain::One(base), "{shape}");
        }
        assert_eq!([plain('ß'), plain('æ'), plain('\u{200b}'), plain('語')], [Plain::Several("ss"), Plain::Several("ae"), Plain::Nothing, Plain::One('語')]);
    }
}
