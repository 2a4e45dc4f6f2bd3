//! Letters that look like Latin ones, and letters of other scripts that are written in several ways.

/// The Latin letter that a letter of another script looks like. Whether it stands for that one depends on the word it is in.
pub fn latin(c: char) -> Option<char> {
    Some(match c {
        'а' | 'α' | 'ӑ' | 'ӓ' => 'a',
        'в' | 'β' | 'ь' => 'b',
        'с' | 'ϲ' | 'ҫ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' | 'є' | 'ҽ' | 'э' => 'e',
        'ғ' | 'ϝ' => 'f',
        'ց' => 'g',
        'һ' | 'н' | 'հ' | 'ҥ' | 'ң' => 'h',
        'і' | 'ι' | 'ӏ' => 'i',
        'ј' | 'ϳ' => 'j',
        'к' | 'κ' | 'қ' => 'k',
        'ⅼ' | 'ւ' => 'l',
        'м' | 'μ' => 'm',
        'η' | 'п' | 'ո' => 'n',
        'о' | 'ο' | 'օ' | 'σ' | 'ө' | 'ѳ' | 'ס' | 'ഠ' | '೦' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' | 'գ' | 'զ' => 'q',
        'г' | 'ѓ' => 'r',
        'ѕ' | 'ʂ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' | 'џ' => 'u',
        'ν' | 'ѵ' | 'ט' => 'v',
        'ԝ' | 'ω' | 'ш' | 'щ' | 'ѡ' => 'w',
        'х' | 'χ' | 'ҳ' => 'x',
        'у' | 'γ' | 'ү' | 'ұ' | 'ყ' => 'y',
        'ʐ' => 'z',
        _ => return None,
    })
}

/// Whether it cannot be told from the Latin letter by eye. Many words of Cyrillic letters hold some that only resemble one.
pub fn is_the_same_by_eye(c: char) -> bool {
    matches!(c, 'а' | 'с' | 'ϲ' | 'ԁ' | 'е' | 'һ' | 'і' | 'ј' | 'ϳ' | 'о' | 'ο' | 'օ' | 'р' | 'ԛ' | 'ѕ' | 'ν' | 'ѵ' | 'ԝ' | 'х' | 'у' | 'ү')
}

/// The Latin letter that is meant wherever this one stands: small capitals, turned and phonetic letters, Roman numbers, letters of flags.
pub fn always_latin(c: char) -> Option<char> {
    Some(match c {
        'ᴀ' | 'ɑ' | 'ɐ' => 'a',
        'ʙ' | 'ƅ' => 'b',
        'ᴄ' | 'ⅽ' | 'ↄ' => 'c',
        'ᴅ' | 'ⅾ' => 'd',
        'ᴇ' | 'ǝ' | 'ə' | 'ɛ' | 'ɘ' => 'e',
        'ꜰ' => 'f',
        'ɡ' | 'ɢ' => 'g',
        'ʜ' | 'ɦ' | 'ɥ' => 'h',
        'ɪ' | 'ɩ' | 'ⅰ' | 'ı' => 'i',
        'ᴊ' | 'ɟ' => 'j',
        'ᴋ' | 'ʞ' => 'k',
        'ʟ' | 'ɭ' => 'l',
        'ᴍ' | 'ɯ' | 'ⅿ' => 'm',
        'ɴ' | 'ɲ' => 'n',
        'ᴏ' | 'ɔ' | 'ɵ' => 'o',
        'ᴘ' => 'p',
        'ǫ' => 'q',
        'ʀ' | 'ɹ' | 'ɾ' => 'r',
        'ꜱ' => 's',
        'ᴛ' | 'ʇ' => 't',
        'ᴜ' | 'ʊ' => 'u',
        'ᴠ' | 'ʌ' | 'ⅴ' => 'v',
        'ᴡ' | 'ʍ' => 'w',
        'ⅹ' => 'x',
        'ʏ' | 'ʎ' => 'y',
        'ᴢ' | 'ʒ' => 'z',
        '\u{1f1e6}'..='\u{1f1ff}' => char::from_u32(u32::from(c) - 0x1f1e6 + u32::from('a'))?,
        _ => return None,
    })
}

/// The one spelling of a letter that Arabic, Persian, Urdu and Pashto write in several ways.
pub fn one_spelling(c: char) -> char {
    match c {
        'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
        'ى' | 'ی' | 'ې' | 'ئ' => 'ي',
        'ک' | 'ڪ' => 'ك',
        'ة' | 'ہ' | 'ھ' | 'ۀ' | 'ە' => 'ه',
        'ؤ' => 'و',
        other => other,
    }
}

/// A mark within words of Indian scripts that is no letter: what joins two consonants, and stays.
pub fn joins_consonants(c: char) -> bool {
    matches!(u32::from(c), 0x900..=0xd7f) && u32::from(c) & 0x7f == 0x4d
}

/// A point below a letter of an Indian script, which many leave out.
pub fn may_be_left_out(c: char) -> bool {
    matches!(u32::from(c), 0x900..=0xd7f) && u32::from(c) & 0x7f == 0x3c
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_latin_is_not_ascii_and_becomes_ascii() {
        for c in ('\u{80}'..='\u{ffff}').chain('\u{1f1e6}'..='\u{1f1ff}') {
            for latin in [latin(c), always_latin(c)].into_iter().flatten() {
                assert!(latin.is_ascii_lowercase(), "{c}");
            }
            assert!(latin(c).is_none() || always_latin(c).is_none(), "{c} is in both tables");
            assert_eq!(one_spelling(one_spelling(c)), one_spelling(c));
        }
    }
}
