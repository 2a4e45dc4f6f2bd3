//! Pages for people who do not run Usher: governors, heads, safeguarding leads. Pure: facts in, a page out.
//!
//! A new report: one file here, with a value that can be printed as JSON and its faces as Markdown and HTML. What printed pages share is `style.css`.

pub mod coverage;
pub mod dpia;
pub mod evidence;
pub mod fields;
pub mod incidents;
pub mod subject;
pub mod timeline;
