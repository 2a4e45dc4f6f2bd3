//! `usher users`: the users of this installation, whose access is restricted, and who does much more than usual.

mod activity;
mod restrict;
mod until;

use super::table::table;
use super::{Answer, print, print_json};
use crate::app;
use crate::config::Config;
use crate::identity::local::Users as UsersFile;
use anyhow::{Context, bail};
use clap::Subcommand;
use serde::Serialize;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

/// Keep the users of this installation. After a change, a running Usher takes it up on SIGHUP.
#[derive(Subcommand)]
pub(super) enum Users {
    /// Add a user. The password is asked for, or read from standard input.
    #[command(after_help = "Examples:\n  usher users add j.smith --group staff\n  echo 'correct horse' | usher users add j.smith --group staff")]
    Add {
        /// The name they give to the proxy.
        name: String,
        /// Their group, where the policy does not name them.
        #[arg(long)]
        group: Option<String>,
    },
    /// List the users.
    List {
        /// Print one JSON object a user.
        #[arg(long)]
        json: bool,
    },
    /// Change a password.
    Passwd {
        /// Whose.
        name: String,
    },
    /// Remove a user.
    Remove {
        /// Whom.
        name: String,
    },
    /// Take somebody's access away, keep it to a few sites, or slow it, until a time, for a reason; list that, and end it.
    Restrict(restrict::Restrict),
    /// Show who did much more than they usually do, or what somebody did today. Exit code 1 if nothing is unusual.
    Activity(activity::Activity),
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    group: Option<&'a str>,
}

impl Users {
    pub(super) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        let config = Config::load(path)?;
        app::open_data(&config)?;
        let file = config.users_path();
        let mut users = UsersFile::load(&file)?;
        match self {
            Self::List { json } => return list(&users, json),
            Self::Add { name, group } => {
                if let Some(group) = &group {
                    check_group(&config, group)?;
                }
                // Better told before a password is typed twice.
                users.expect_new(&name)?;
                users.add(&name, group, &read_password()?)?;
            }
            Self::Passwd { name } => {
                users.expect_known(&name)?;
                users.set_password(&name, &read_password()?)?;
            }
            Self::Remove { name } => users.remove(&name)?,
            // It changes no user.
            Self::Restrict(command) => return command.run(path),
            Self::Activity(command) => return command.run(path),
        }
        users.save(&file)?;
        let count = match users.users.len() {
            1 => "1 user".to_owned(),
            many => format!("{many} users"),
        };
        print(format_args!("{}: {count}. A running Usher takes the change up on SIGHUP.", file.display()))?;
        Ok(Answer::Yes)
    }
}

fn check_group(config: &Config, group: &str) -> anyhow::Result<()> {
    let policy = config.rulebook()?.school.policy;
    if policy.group_named(group).is_none() {
        let names: Vec<_> = policy.groups.iter().map(|group| &*group.name).collect();
        bail!("there is no group \"{group}\"; there are {}", names.join(", "));
    }
    Ok(())
}

/// Asks for a password on a terminal, twice; takes the first line of anything else.
fn read_password() -> anyhow::Result<String> {
    if io::stdin().is_terminal() {
        let first = rpassword::prompt_password("Password: ").context("the password cannot be read")?;
        if first != rpassword::prompt_password("Again: ").context("the password cannot be read")? {
            bail!("the two passwords differ");
        }
        return Ok(first);
    }
    let mut text = String::new();
    io::stdin().take(4096).read_to_string(&mut text).context("the password cannot be read from standard input")?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn list(users: &UsersFile, json: bool) -> anyhow::Result<Answer> {
    let listed = users.users.iter().map(|(name, user)| Listed { name, group: user.group.as_deref() });
    if json {
        listed.into_iter().try_for_each(|user| print_json(&user))?;
        return Ok(Answer::Yes);
    }
    if users.users.is_empty() {
        print("there are no users; add one with: usher users add NAME --group GROUP")?;
        return Ok(Answer::Yes);
    }
    let mut rows = table(&["user", "group"]);
    for user in listed {
        rows.add_row([user.name, user.group.unwrap_or("as the policy says")]);
    }
    print(rows)?;
    Ok(Answer::Yes)
}
