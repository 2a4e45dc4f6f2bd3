//! Usher: a filtering forward proxy for schools. Every request is judged by lists and a policy, and is on record before its answer.
//!
//! # The way of one request
//!
//! ```text
//! client ─▶ proxy::listen ─▶ proxy::identify ─▶ lists::look_up ─▶ illegal::judge_* ─▶ policy::decide_* ─▶ audit::open ─┬▶ proxy::connect, tunnel ─▶ Pending::close
//!           (framing)         (one Identity)     (categories)      (lawful, or not)    (a Decision)        (committed)  ├▶ proxy::forward ─────────▶
//!                                                                                                                       └▶ proxy::pages ───────────▶
//! ```
//!
//! A connection that begins with `CONNECT`, as all for https do, is served without hyper: hyper's state for one head without a body cost more
//! than everything else a tunnel needs. Its record is committed while its origin is connected to; nothing is said to either before both are done.
//! One core is left to the record and the system: a worker more than that costs each tunnel a fifth for being woken.
//!
//! # Inside https
//!
//! ```text
//! CONNECT ─▶ policy::decide_connect ─┬▶ sealed ───▶ proxy::gate (first bytes, names agree) ─▶ tunnel
//!                                    ├▶ inspected ▶ proxy::intercept (hello, leaf, handshake) ─▶ http/1.1 or streams (HTTP/2) ─▶ each request as above
//!                                    └▶ blocked ──▶ 403, or proxy::explain: the same with the page, and no origin
//! forward ─▶ changes (SafeSearch, tenants, rules) ─▶ uploads judged ─▶ exchange ─▶ where it leads ─▶ files judged ─▶ words read ─▶ client
//! ```
//!
//! The decision on a tunnel and the decision on a request are two. A connection outlives lists and policies: who is at its far end is kept, and whose
//! rules apply is asked anew for each request. An origin's connection is found by all that makes it what it is: host, port, the name it was looked up as,
//! whether it speaks TLS, and by which rules it was believed.
//!
//! # The layers
//!
//! A module uses only those before it; `tests/promises/layers.rs` holds it to that.
//!
//! | layer | what it is |
//! | --- | --- |
//! | [`host`] [`url`] [`category`] [`clock`] | pure: one spelling of names, URLs, categories, school time |
//! | [`body`] | pure: bodies as they stream: out of their codings, and taken apart into their parts |
//! | [`shares`] | a fair share of what there is little of |
//! | [`bounded`] | pure: maps that strangers fill, and that do not grow without bound |
//! | [`files`] | files written whole; the secret of the installation |
//! | [`lists`] | pure but for its `store` and `generation`: list files to one compiled, immutable look-up, kept in a mapped file |
//! | [`illegal`] | pure but for its `store`: what is against the law, judged before a policy exists |
//! | [`insight`] | pure: what a request means: visits, searches, what pages drag in |
//! | [`scan`] | pure: the words of a page as it streams, and of what is typed, weighed; weights of words, and what they mean, learned from examples; other languages word for word in English |
//! | [`bypass`] | pure: ways round the filter, found out |
//! | [`socket`] | pure: the frames and messages of a WebSocket as they stream |
//! | [`kinds`] | pure: what kind of file something is, by name, type and bytes |
//! | [`upstream`] | the parent proxy |
//! | [`identity`] | who asks; local users |
//! | [`policy`] | pure: facts in, a decision and a permit out |
//! | [`snapshot`] | what is in force: policy and lists, swapped whole |
//! | [`telemetry`] | what Usher tells the person who runs it |
//! | [`tls`] | the school's certificate authority and what it signs; what a client says first in a tunnel; who an origin is, and why it is not believed |
//! | [`antivirus`] | virus scanners: clamd, and whatever speaks ICAP |
//! | [`audit`] | the record of every request |
//! | [`reach`] | from a name to a connection that is checked, for what Usher itself fetches and sends |
//! | [`library`] | lists kept: fetched, judged, put in force |
//! | [`outputs`] | the record sent elsewhere as it is committed |
//! | [`alert`] | who is in danger, or gets round the filter, and who is told |
//! | [`report`] | pure: pages for governors and heads |
//! | [`proxy`] | sockets, HTTP, tunnels, pages |
//! | [`config`] | files to a checked configuration, every problem at once |
//! | [`app`] [`cli`] | putting it together; the commands |

pub mod alert;
pub mod antivirus;
pub mod app;
pub mod audit;
pub mod body;
pub mod bounded;
pub mod bypass;
pub mod category;
pub mod cli;
pub mod clock;
pub mod config;
pub mod files;
pub mod host;
pub mod identity;
pub mod illegal;
pub mod insight;
pub mod kinds;
pub mod library;
pub mod lists;
pub mod outputs;
pub mod policy;
pub mod proxy;
pub mod reach;
pub mod report;
pub mod scan;
pub mod shares;
pub mod snapshot;
pub mod socket;
pub mod telemetry;
pub mod tls;
pub mod upstream;
pub mod url;
