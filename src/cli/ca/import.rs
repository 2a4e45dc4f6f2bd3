//! `usher ca import`: an authority that was made elsewhere.

use super::{Desk, Where};
use crate::cli::{Answer, print, print_json};
use crate::tls::ca::{Kept, KeyKind, read_given};
use anyhow::Context;
use clap::Args;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Take over an authority that was made elsewhere.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher ca import ca.pem ca.key\n  usher ca import both.pem\n  usher ca import --next new.pem new.key --signs-from 2027-07-26\n\nFrom a .pfx: openssl pkcs12 -in ca.pfx -nodes -out both.pem"
)]
pub(in crate::cli) struct Import {
    /// The certificate, in PEM.
    certificate: PathBuf,
    /// Its private key, in PEM, without a password. In the same file, if it is not said.
    key: Option<PathBuf>,
    #[command(flatten)]
    place: Where,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Import {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        desk.folder.has_room(self.place.place(), desk.now)?;
        let read = |path: &Path| read_given(path).with_context(|| path.display().to_string());
        let key_path = self.key.as_deref().unwrap_or(&self.certificate);
        let (certificate, key) = (read(&self.certificate)?, read(key_path)?);
        let mut kept = Kept::import(&certificate, &key, desk.now).with_context(|| match &self.key {
            Some(key) => format!("{} with {}", self.certificate.display(), key.display()),
            None => self.certificate.display().to_string(),
        })?;
        kept.signs_from = desk.signs_from(&self.place, &kept)?;
        let lines = desk.keep(&self.place, &kept, "imported")?;
        if self.json {
            print_json(&super::show::shown(desk, &desk.load()?, kept.own()))?;
        } else {
            lines.iter().try_for_each(print)?;
        }
        let mut complaints = io::stderr().lock();
        warnings(&kept, key_path).iter().try_for_each(|warning| writeln!(complaints, "warning: {warning}"))?;
        Ok(Answer::Yes)
    }
}

/// What works, and should be known all the same.
fn warnings(kept: &Kept, key: &Path) -> Vec<String> {
    let mut warnings = Vec::new();
    if let KeyKind::Rsa(bits) = kept.own().key {
        warnings.push(format!("to sign with RSA of {bits} bits takes up to 5 ms for each new site, a hundred times as long as with ECDSA P-256"));
    }
    if !kept.trusted().has_common_name {
        warnings.push("it has no common name, so iPhones and iPads do not list it among the certificates that can be trusted".to_owned());
    }
    if !kept.trusted().is_root {
        warnings.push(format!(
            "\"{}\" was signed by another authority, whose certificate is not in the file; devices must trust that one already",
            kept.trusted().name
        ));
    }
    let mode = fs::metadata(key).map(|file| file.permissions().mode() & 0o777).unwrap_or_default();
    if mode & 0o077 != 0 {
        warnings.push(format!("{} holds the key and may be read by others (mode {mode:04o}); remove it, or: chmod 600 {}", key.display(), key.display()));
    } else {
        warnings.push(format!("{} still holds the key; remove it if it is not your backup", key.display()));
    }
    warnings
}
