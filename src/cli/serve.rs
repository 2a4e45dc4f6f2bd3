//! `usher serve`: the proxy, until it is told to stop.

use super::Answer;
use crate::app::{App, Stock};
use crate::config::Config;
use crate::illegal::Standing;
use crate::library::generations::Generation;
use crate::snapshot::Snapshot;
use crate::telemetry;
use clap::Args;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// Run the proxy, in the foreground, until SIGTERM or Ctrl-C. SIGHUP reads policy, lists and users anew.
#[derive(Args)]
#[command(after_help = "Examples:\n  usher serve\n  usher --config /etc/usher/usher.toml serve --quiet")]
pub(super) struct Serve {
    /// Do not print what is loaded, only problems.
    #[arg(long)]
    quiet: bool,
}

impl Serve {
    pub(super) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        let config = Config::load(path)?;
        telemetry::start(if self.quiet { "error" } else { "info" });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            // Signals are waited for from here on, so that none is lost while lists load.
            let mut hangup = signal(SignalKind::hangup())?;
            let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
            // A file that may not grow is a full disk, and is told as one; the signal would end Usher (setrlimit(2)).
            let _file_too_large = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;
            let (app, stock) = App::build(config, Arc::new(jiff::Timestamp::now)).await?;
            if !self.quiet {
                say_hello(&app, &stock)?;
            }
            let reloader = app.reloader();
            let reloading = tokio::spawn(async move {
                while hangup.recv().await.is_some() {
                    // What is wrong was told by the reloader.
                    let _ = reloader.reload().await;
                }
            });
            app.run(async {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            })
            .await;
            reloading.abort();
            Ok::<_, anyhow::Error>(())
        })?;
        runtime.shutdown_background();
        Ok(Answer::Yes)
    }
}

/// Says where Usher listens, what is loaded, what is missing, and how to try it.
fn say_hello(app: &App, stock: &Stock) -> anyhow::Result<()> {
    let in_force = app.in_force();
    let snapshot = in_force.get();
    let config = app.config();
    let mut text = format!("Usher {}\n", env!("CARGO_PKG_VERSION"));
    let mut row = |name: &str, value: &str| writeln!(text, "  {name:<10} {value}");
    let addresses: Vec<_> = app.addresses().iter().map(ToString::to_string).collect();
    row("proxy", &addresses.join(", "))?;
    let log = config.log().path().to_owned();
    row("record", &log.canonicalize().unwrap_or(log).display().to_string())?;
    row("lists", &lists_line(&snapshot, stock))?;
    row("groups", &snapshot.policy.groups.iter().map(|group| &*group.name).collect::<Vec<_>>().join(", "))?;
    let looked_into: Vec<_> = snapshot.policy.inspected().map(|group| &*group.name).collect();
    if !looked_into.is_empty() {
        row("https", &format!("looked into for {}", looked_into.join(", ")))?;
    }
    if snapshot.policy.reads_words() {
        row("phrases", &phrases_line(&snapshot))?;
    }
    row("rules", &format!("{}, snapshot {}", snapshot.policy.rules.len(), snapshot.id))?;
    let standing = app.illegal();
    if let Standing::Sealed(_) = standing {
        row("illegal", &standing.headline(jiff::Timestamp::now()))?;
    }
    let alerts = app.reloader().alerts();
    for line in alerts.red.iter().chain(&alerts.remarks) {
        row("missing", line)?;
    }
    for line in missing(&snapshot, &standing, stock) {
        row("missing", &line)?;
    }
    let proxy = addresses.first().map_or("127.0.0.1:3128", String::as_str);
    row("try", &format!("curl -x http://{proxy} http://coolmathgames.com/"))?;
    row("", "usher log tail")?;
    write!(std::io::stdout().lock(), "{text}")?;
    Ok(())
}

fn lists_line(snapshot: &Snapshot, stock: &Stock) -> String {
    let Generation { number, lists, .. } = &stock.generation;
    let refused: usize = lists.iter().map(|list| list.counted.refused).sum();
    let mut line = format!("{} lists, {} entries, generation {number}", thousands(lists.len()), thousands(snapshot.lists.len()));
    if refused > 0 {
        line += &format!(" ({} lines refused; see: usher lists check)", thousands(refused));
    }
    line
}

/// What pages are read for, and whose.
fn phrases_line(snapshot: &Snapshot) -> String {
    let lexicon = &snapshot.lexicon;
    let read: Vec<_> = snapshot.policy.groups.iter().filter(|group| group.phrases.is_some()).map(|group| &*group.name).collect();
    format!("{} phrases of {} themes; pages are read for {}", thousands(lexicon.entries().len()), lexicon.themes().len(), read.join(", "))
}

/// What a school would want to know is not there.
fn missing(snapshot: &Snapshot, illegal: &Standing, stock: &Stock) -> Vec<String> {
    let mut lines = illegal.missing(jiff::Timestamp::now());
    if snapshot.policy.inspected().next().is_none() {
        lines.push("TLS inspection: of https only the site's name is seen, and no page can be shown.".to_owned());
    }
    lines.extend(snapshot.policy.remarks());
    let generation = &stock.generation;
    let filled = |id: &str| generation.lists.iter().any(|list| list.category == id && list.counted.entries > 0);
    let empty: Vec<_> = snapshot.taxonomy.iter().filter(|(_, info)| !filled(&info.id)).map(|(_, info)| info.id.as_str()).collect();
    if !empty.is_empty() {
        lines.push(format!("categories without a single entry: {}", empty.join(", ")));
    }
    let unknown = generation.skipped.iter().filter(|(_, reason)| reason.contains("[map]")).map(|(name, _)| name.as_str()).collect::<Vec<_>>();
    if !unknown.is_empty() {
        lines.push(format!("list folders with no category, not loaded: {}", unknown.join(", ")));
    }
    lines.extend(stock.held.as_ref().map(|held| format!("newer lists: {} holds generation {}: {}", held.who, generation.number, held.why)));
    lines.extend(stock.remarks.iter().cloned());
    let today = jiff::Timestamp::now().to_zoned(snapshot.timetable.zone.clone()).date();
    for rule in snapshot.policy.due(today) {
        lines.push(format!("the rule \"{}\" was to be reviewed by {}; it still holds", rule.name, rule.review));
    }
    lines
}

/// A number as people read it: 610,432.
pub(super) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_read_in_threes() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (610_432, "610,432"), (5_000_000, "5,000,000")] {
            assert_eq!(super::thousands(number), text);
        }
    }
}
