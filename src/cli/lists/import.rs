//! `usher lists import`: a file, folder or archive as a list of this school's.

use super::Desk;
use crate::app;
use crate::cli::serve::thousands;
use crate::cli::{Answer, print};
use crate::library::import::Imported;
use anyhow::{Context, bail};
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher lists import blocked.txt --category games --reason \"from the county\"\n  usher lists import ut1.tar.gz --name ut1 --folders blocklists/ut1.toml --reason \"no internet here\"\n  usher lists import --remove blocked --reason \"the county stopped\""
)]
pub(in crate::cli) struct Import {
    /// The file, folder or archive. It is copied; a list of the same name that was imported before is replaced.
    #[arg(required_unless_present = "remove")]
    path: Option<PathBuf>,
    /// What to call it; without it, the file's name.
    #[arg(long)]
    name: Option<String>,
    /// What its entries are, where its own folders do not say.
    #[arg(long)]
    category: Option<String>,
    /// How its lines are read, where that is not found out rightly.
    #[arg(long)]
    format: Option<String>,
    /// A file that says what its folders are called here.
    #[arg(long, value_name = "FILE")]
    folders: Option<PathBuf>,
    /// Under what terms it may be used.
    #[arg(long)]
    licence: Option<String>,
    /// Why, for the history.
    #[arg(long)]
    reason: String,
    /// Take out a list that was imported.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["path", "name", "category", "format", "folders", "licence"])]
    remove: Option<String>,
}

impl Import {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let order = desk.order(&self.reason);
        let Some(path) = &self.path else {
            let name = self.remove.unwrap_or_default();
            if !desk.library.drop_import(&name, &order)? {
                bail!("there is no imported list \"{name}\"; see: usher lists status");
            }
            return settle(desk, &order);
        };
        let name = match self.name {
            Some(name) => name,
            None => path.file_name().and_then(|name| name.to_str()?.split('.').next()).context("the file has no name; give one with --name")?.to_owned(),
        };
        if desk.rulebook.books().source(&name).is_some() && !desk.library.imported().join(&name).exists() {
            bail!("there is a source \"{name}\" in {}; give the list another name with --name", desk.config.sources.display());
        }
        let folders = self.folders.map(|path| path.canonicalize().with_context(|| format!("{}", path.display()))).transpose()?;
        let imported = Imported {
            name: name.clone(),
            address: String::new(),
            category: self.category,
            format: self.format,
            folders: folders.map(|path| path.display().to_string()),
            licence: self.licence,
        };
        desk.library.import(path, imported, &order)?;
        let settled = settle(desk, &order);
        if settled.is_err() {
            // A list that cannot be put in force would be in the way of every later update.
            desk.library.drop_import(&name, &desk.order("it could not be put in force"))?;
        }
        settled
    }
}

/// Puts in force what is there now, read anew.
fn settle(desk: &Desk, order: &crate::library::Order) -> anyhow::Result<Answer> {
    let rulebook = desk.config.rulebook()?;
    let shelf = app::apart(|| desk.library.bring_up(&rulebook.books(), order, &mut |_| {}))?;
    print(format_args!("generation {} is in force: {} entries", shelf.generation.number, thousands(shelf.generation.entries)))?;
    shelf.remarks.iter().try_for_each(print)?;
    print("What was taken and what was refused: usher lists check. What it changes: usher lists diff")?;
    Ok(Answer::Yes)
}
