//! The page as Markdown (GitHub's, for its tables). What comes from outside is escaped: it is text, whatever it holds.

use super::words::{self, GLOSSARY, HOW_TO_MEET, HOW_TO_TELL, QUESTIONS, UNMET, WHAT_IT_IS};
use super::{Counting, Coverage, Covered, Heading};
use std::fmt::Write as _;

/// A text in which nothing is markup.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '@' | '!' | '$' => {
                safe.push('\\');
                safe.push(c);
            }
            _ => safe.push(c),
        }
    }
    // A reader makes links of what begins so.
    safe.replace("www.", "www\\.").replace("://", "\\://")
}

fn row(cells: &[&str]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn table(head: &[&str], rows: impl Iterator<Item = String>) -> String {
    let rule: Vec<_> = head.iter().map(|_| "---").collect();
    rows.fold(row(head) + &row(&rule), |table, row| table + &row) + "\n"
}

fn lists(counted: &[Counting]) -> String {
    let one = |list: &Counting| format!("{} ({})", escaped(&list.list), list.held());
    if counted.is_empty() { "none".to_owned() } else { counted.iter().map(one).collect::<Vec<_>>().join(", ") }
}

fn category(covered: &Covered) -> String {
    let name = format!("**{}**: {}", escaped(&covered.name), escaped(&covered.covers));
    row(&[&name, &lists(&covered.lists), &covered.held(), &escaped(&covered.treated.sentence())])
}

fn other(covered: &Covered) -> String {
    let stray = covered.unknown_heading.as_deref().map(|heading| format!(" Its heading \"{}\" is none of the standard's.", escaped(heading)));
    let name = format!("{}{}", escaped(&covered.name), stray.unwrap_or_default());
    row(&[&name, &covered.held(), &escaped(&covered.treated.sentence())])
}

fn heading(heading: &Heading) -> String {
    let mut text = format!("## {}\n\n{}\n\n**{}.** {}\n\n", heading.name, heading.about, heading.state.word(), escaped(&heading.says));
    if !heading.categories.is_empty() {
        text += &table(&["Category", "Lists", "Entries", "For whom"], heading.categories.iter().map(category));
    }
    text
}

impl Coverage {
    /// The page as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = "# What the web filter covers\n\n".to_owned();
        if !self.school.is_empty() {
            text += &format!("{}\n\n", escaped(&self.school));
        }
        // Writing to a text cannot fail.
        let _ = write!(text, "{}, generation {} of the lists.\n\n{WHAT_IT_IS}\n\n{}\n\n", self.day(), self.generation, self.summary());
        if self.unmet() {
            let _ = write!(text, "> **{UNMET}** {HOW_TO_MEET}\n\n");
        }
        if let Some(red) = &self.red {
            let _ = write!(text, "> **{}.** {HOW_TO_TELL}\n\n", escaped(red));
        }
        let at_a_glance = self.headings.iter().map(|one| row(&[one.name, one.state.word(), &one.glance(), &escaped(&one.whom())]));
        text += &table(&["Heading", "How it stands", "Entries", "For whom"], at_a_glance);
        let _ = write!(text, "{}\n\n", words::scale());
        text.extend(self.headings.iter().map(heading));
        text += "## Categories under no heading\n\nThe school decides these for other reasons: attention, safety of devices, ways round the filter.\n\n";
        text += &table(&["Category", "Entries", "For whom"], self.others.iter().map(other));
        if !self.strays.is_empty() {
            let _ = write!(text, "Lists of a category that is not known, and so used for nothing: {}.\n\n", lists(&self.strays));
        }
        text += "## What the filter does not see\n\n";
        text.extend(self.limits.iter().map(|limit| format!("- {limit}\n")));
        text += "\n## Questions worth asking\n\n";
        text.extend(QUESTIONS.iter().map(|question| format!("- {question}\n")));
        text += "\n## Words on this page\n\n";
        text.extend(GLOSSARY.iter().map(|(word, means)| format!("- **{word}**: {means}\n")));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn what_a_list_is_called_is_no_markup() {
        for (name, shown) in [
            ("starter/games/domains", "starter/games/domains"),
            ("a|b", "a\\|b"),
            ("*bold* _it_", "\\*bold\\* \\_it\\_"),
            ("[x](http://y)", "\\[x\\](http\\://y)"),
            ("<script>", "&lt;script&gt;"),
            ("`code`", "\\`code\\`"),
            ("a\\b &amp;", "a\\\\b &amp;amp;"),
            ("www.x.example", "www\\.x.example"),
            ("# head", "\\# head"),
        ] {
            assert_eq!(escaped(name), shown);
        }
    }
}
