//! `[upstream]`: the parent proxy, what goes past it, and the pages that tell whether it filters.

use super::reader::{FromToml, Table};
use crate::host::Host;
use crate::library::fetch::Web;
use crate::library::parent_check::Pages;
use crate::proxy::parent::{Direct, Parent};
use crate::upstream::{Credentials, Upstream};
use crate::url::split_port;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use toml::de::DeValue;

/// The longest password, in bytes.
const LONGEST_PASSWORD: usize = 1024;

/// Reads `[upstream]`. Without an `address` there is no parent.
pub(super) fn read(file: &Table<'_>, folder: &Path) -> (Option<Parent>, Pages) {
    let mut pages = Pages::default();
    let Some(table) = file.table("upstream") else { return (None, pages) };
    let place: Option<Place> = table.get("address");
    let user: Option<String> = table.get("user");
    let password_file: Option<PathBuf> = table.get("password_file");
    let direct = table.get_or("direct", Vec::new());
    pages.test = table.get_or("test_pages", pages.test);
    pages.control = table.get_or("control_pages", pages.control);
    pages.block_words = table.get_or("block_words", pages.block_words);
    if table.get::<String>("password").is_some() {
        table.wrong("password", "a password does not belong in this file", Some("write it into a file of its own, and name that as `password_file`".into()));
    }
    let credentials = read_credentials(&table, user, password_file.map(|path| folder.join(path)));
    table.done();
    let parent = place.map(|Place(host, port)| Parent::new(Upstream { host, port, credentials }, direct));
    (parent, pages)
}

fn read_credentials(table: &Table<'_>, user: Option<String>, password_file: Option<PathBuf>) -> Option<Credentials> {
    match (user, password_file) {
        (None, None) => None,
        (Some(_), None) => {
            table.wrong("user", "there is a name and no password", Some("write the password into a file of its own, and name that as `password_file`".into()));
            None
        }
        (None, Some(_)) => {
            table.wrong("password_file", "there is a password and no name", Some("say whose it is as `user`".into()));
            None
        }
        (Some(user), Some(path)) => {
            if user.is_empty() || user.contains(':') || user.contains(char::is_control) {
                table.wrong("user", "a name for a proxy is not empty and holds no colon", None);
                return None;
            }
            match read_password(&path) {
                Ok(password) => Some(Credentials { user, password }),
                Err(Unusable { what, hint }) => {
                    table.wrong("password_file", what, hint);
                    None
                }
            }
        }
    }
}

/// Why a file holds no password that can be used.
pub(super) struct Unusable {
    pub(super) what: String,
    pub(super) hint: Option<String>,
}

/// The password, or another secret, in a file that nobody but its owner may read. A line end after it does not count.
pub(super) fn read_password(path: &Path) -> Result<String, Unusable> {
    let unusable = |what: String| Unusable { what, hint: None };
    let unreadable = |error: std::io::Error| unusable(format!("{} cannot be read: {error}", path.display()));
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(unusable(format!("{} is no ordinary file", path.display())));
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let what = format!("{} may be read or changed by others (mode {mode:o})", path.display());
        return Err(Unusable { what, hint: Some(format!("chmod 600 {}", path.display())) });
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let password = text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line));
    if password.is_empty() || password.len() > LONGEST_PASSWORD || password.contains(char::is_control) {
        return Err(unusable(format!("{} does not hold one line with a password", path.display())));
    }
    Ok(password.to_owned())
}

/// A host and a port.
struct Place(Host, u16);

impl FromToml for Place {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let text = String::from_toml(value)?;
        let expected = || format!("\"{text}\" is not a name or an address with a port, such as parent.example:3128");
        let (host, port) = split_port(&text).map_err(|_| expected())?;
        Ok(Self(Host::parse(host).map_err(|_| expected())?, port.ok_or_else(expected)?))
    }
}

impl FromToml for Direct {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let text = String::from_toml(value)?;
        Self::parse(&text).map_err(|_| format!("\"{text}\" is not a name or a range, such as *.school.example or 10.0.0.0/8"))
    }
}

impl FromToml for Web {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let text = String::from_toml(value)?;
        Self::parse(&text).map_err(|error| format!("\"{text}\": {error}"))
    }
}
