//! Tables for people: as wide as the terminal, readable without colours.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};

/// A table with these headings.
pub(super) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(headings);
    if let Some(width) = terminal_width() {
        table.set_width(width);
    }
    table
}

/// Numbers read best one below the other: the last so many columns end on the right.
pub(super) fn align_numbers(table: &mut Table, columns: usize) {
    let all = table.column_count();
    table.column_iter_mut().skip(all - columns).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
}

/// The terminal's width as the shell or the terminal tells it; tables that go to a file are as wide as they need be.
pub(super) fn terminal_width() -> Option<u16> {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    said.or_else(|| rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| size.ws_col)).filter(|width| *width > 0)
}

/// A text without what could change the terminal it is shown on.
pub(super) fn safe(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A text cut to so many characters.
pub(super) fn short(text: &str, most: usize) -> String {
    let text = safe(text);
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}
