//! Placeholder until merged.

/// Calls `each` with every folded word of a text.
pub fn for_each_word(text: &str, folded: &mut String, mut each: impl FnMut(&str)) {
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        if word.is_empty() {
            continue;
        }
        folded.clear();
        folded.extend(word.chars().flat_map(char::to_lowercase));
        each(folded);
    }
}
