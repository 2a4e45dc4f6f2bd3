//! What Usher says of itself to the person who runs it, on standard error. What pupils do is never said here: that is the record.

pub mod events;
pub mod light;

use tracing_subscriber::EnvFilter;

/// Starts writing log lines to standard error. `RUST_LOG` overrides the level.
pub fn start(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
    // A second start, as in tests, keeps the first.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(ansi).with_target(false).try_init();
}
