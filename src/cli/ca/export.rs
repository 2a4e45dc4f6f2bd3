//! `usher ca export`: the certificate, as devices need it; the key only to who asks for it.

use super::{Desk, NONE};
use crate::audit::events::Severity;
use crate::cli::{Answer, print};
use crate::files;
use crate::tls::ca::{Authorities, Kept, Place, Standing};
use anyhow::{Context, bail};
use clap::Args;
use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Give out the certificate that devices are to trust, to standard output or a file. There is nothing secret in it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher ca export > usher.pem\n  usher ca export --output usher.cer\n  usher ca export --next --output usher-next.cer\n  usher ca export --with-key --output /media/safe/ca-backup.pem"
)]
pub(in crate::cli) struct Export {
    /// The form: pem or der. If it is not said, der for a file that ends in .cer or .der, else pem.
    #[arg(long, value_parser = ["pem", "der"])]
    form: Option<String>,
    /// The file to write.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The one that will sign, in place of the one that does.
    #[arg(long)]
    next: bool,
    /// The private key too, as for a backup. Whoever has it can be any site to the school's devices. That it was given out is on record.
    #[arg(long, requires = "output")]
    with_key: bool,
}

impl Export {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let there = desk.load()?;
        let kept = self.which(&there, desk)?;
        if self.with_key {
            return self.with_key(desk, kept);
        }
        let bytes = if self.is_der() { kept.trusted().der().to_vec() } else { kept.trusted().pem().into_bytes() };
        match &self.output {
            Some(path) => {
                fs::write(path, &bytes).with_context(|| format!("{} cannot be written", path.display()))?;
                print(format_args!("written: {}, the certificate of \"{}\"", path.display(), kept.trusted().name))?;
            }
            None if self.is_der() && io::stdout().is_terminal() => bail!("DER cannot be read on a terminal; name a file with --output, or take --form pem"),
            None => io::stdout().lock().write_all(&bytes)?,
        }
        Ok(Answer::Yes)
    }

    fn which<'a>(&self, there: &'a Authorities, desk: &Desk) -> anyhow::Result<&'a Kept> {
        if !self.next {
            return there.signing(desk.now).context(NONE);
        }
        let waiting = there.each(desk.now).find(|(standing, _)| *standing == Standing::Waits);
        match (waiting, there.in_place(Place::Next)) {
            (Some((_, kept)), _) => Ok(kept),
            (None, Some(_)) => bail!("the next authority signs already; leave out --next"),
            (None, None) => bail!("there is no next authority; make one: usher ca create --next --name NAME"),
        }
    }

    fn is_der(&self) -> bool {
        match self.form.as_deref() {
            Some(form) => form == "der",
            None => self.output.as_deref().and_then(Path::extension).is_some_and(|end| end == "cer" || end == "der"),
        }
    }

    fn with_key(&self, desk: &Desk, kept: &Kept) -> anyhow::Result<Answer> {
        let path = self.output.as_deref().context("--with-key needs --output")?;
        if self.is_der() {
            bail!("certificate and key together are given out as PEM only; name a file that ends in .pem, or take --form pem");
        }
        if path.exists() {
            bail!("{} is there already; remove it, or name another --output", path.display());
        }
        let own = kept.own();
        let text = format!("The key of the certificate authority \"{}\" (SHA-256 {}) was given out by {}.", own.name, own.sha256(), files::own_account());
        desk.record(Severity::Warning, text)?;
        let mut text = Zeroizing::new(String::with_capacity(16 * 1024));
        kept.certificates().iter().for_each(|certificate| text.push_str(&certificate.pem()));
        text.push_str(kept.key_pem());
        write_new(path, text.as_bytes()).with_context(|| format!("{} cannot be written", path.display()))?;
        print(format_args!("written: {}, certificate and key of \"{}\", readable by you only", path.display(), own.name))?;
        print("Keep it where nobody else gets at it. That it was given out is on record: usher log events")?;
        Ok(Answer::Yes)
    }
}

/// Writes a file that was not there before, for its owner alone. In a folder such as /tmp somebody else may have put one there in advance, or a link: then
/// nothing is written.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).inspect_err(|_| {
        // What is left of it is of no use.
        let _ = fs::remove_file(path);
    })
}
