//! Usher: a filtering forward proxy for schools. Every request is judged by lists and a policy, and is on record before its answer.
//!
//! # The way of one request
//!
//! ```text
//! client ─▶ proxy::listen ─▶ proxy::identify ─▶ lists::look_up ─▶ policy::decide_* ─▶ audit::open ─▶ proxy::execute ─▶ Pending::close
//!           (framing)         (one Identity)     (categories)      (a Decision)        (committed)    ├ tunnel
//!                                                                                                     ├ forward
//!                                                                                                     └ pages
//! ```
//!
//! # The layers
//!
//! A module uses only those before it; `tests/promises/layers.rs` holds it to that.
//!
//! | layer | what it is |
//! | --- | --- |
//! | [`host`] [`url`] [`category`] [`clock`] | pure: one spelling of names, URLs, categories, school time |
//! | [`lists`] | pure but for its `store`: list files to one compiled, immutable look-up |
//! | [`files`] | files written whole; the secret of the installation |
//! | [`identity`] | who asks; local users |
//! | [`policy`] | pure: facts in, a decision and a permit out |
//! | [`snapshot`] | what is in force: policy and lists, swapped whole |
//! | [`telemetry`] | what Usher tells the person who runs it |
//! | [`audit`] | the record of every request |
//! | [`proxy`] | sockets, HTTP, tunnels, pages |
//! | [`config`] | files to a checked configuration, every problem at once |
//! | [`app`] [`cli`] | putting it together; the commands |

pub mod app;
pub mod audit;
pub mod category;
pub mod cli;
pub mod clock;
pub mod config;
pub mod files;
pub mod host;
pub mod identity;
pub mod lists;
pub mod policy;
pub mod proxy;
pub mod snapshot;
pub mod telemetry;
pub mod url;
