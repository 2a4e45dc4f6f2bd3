//! Who acts, as it is on record.

use crate::files;
use anyhow::bail;

/// The longest name that somebody gives with `--as`.
const LONGEST_NAME: usize = 100;

/// The account, and the name that is given with `--as` where several people share it.
pub(super) fn by(name: Option<&str>) -> anyhow::Result<String> {
    let account = files::own_account();
    let name = name.map(|name| name.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|name| !name.is_empty());
    if name.as_ref().is_some_and(|name| name.chars().count() > LONGEST_NAME || name.contains(char::is_control)) {
        bail!("--as takes a name");
    }
    Ok(name.map_or(account.clone(), |name| format!("{name} (account {account})")))
}
