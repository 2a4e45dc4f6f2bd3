//! `usher ca install-help`: how devices are told to trust the authority.

use super::Desk;
use crate::cli::{Answer, print, print_json};
use crate::tls::install::{Artifact, Guide, Offered, Step, System};
use anyhow::Context;
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};

/// Say how devices of a system are told to trust the authority, and write the files for it.
#[derive(Args)]
#[command(
    after_help = "Systems: windows-gpo, intune, chromeos, ios, macos, android, linux, firefox\n\nExamples:\n  usher ca install-help ios\n  usher ca install-help windows-gpo --files /tmp/for-windows"
)]
pub(in crate::cli) struct InstallHelp {
    /// The system.
    #[arg(value_parser = system)]
    system: System,
    /// Write the files it needs into this folder. There is nothing secret in them.
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

fn system(name: &str) -> Result<System, String> {
    let found = System::NAMES.iter().find(|(known, _)| *known == name.to_lowercase()).map(|(_, system)| *system);
    found.ok_or_else(|| {
        let names: Vec<_> = System::NAMES.iter().map(|(name, _)| *name).collect();
        format!("there is a guide for {}", names.join(", "))
    })
}

impl InstallHelp {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let offered = desk.offered()?;
        let guide = offered.guide(self.system);
        let files: Vec<_> = guide.forms.iter().flat_map(|form| offered.files(*form)).collect();
        if let Some(folder) = &self.files {
            write(folder, &files)?;
        }
        if self.json {
            let names: Vec<_> = files.iter().map(|file| file.name).collect();
            let steps = guide.steps.iter().map(|step| match step {
                Step::Do(text) => serde_json::json!({ "do": text }),
                Step::Run(command) => serde_json::json!({ "run": command }),
            });
            let steps: Vec<_> = steps.collect();
            print_json(
                &serde_json::json!({ "system": guide.heading, "sha256": offered.signing.sha256(), "files": names, "steps": steps, "know": guide.know }),
            )?;
        } else {
            self.show(desk, &offered, &guide, &files)?;
        }
        Ok(Answer::Yes)
    }

    fn show(&self, desk: &Desk, offered: &Offered, guide: &Guide, files: &[Artifact]) -> anyhow::Result<()> {
        let names: Vec<_> = files.iter().map(|file| file.name).collect();
        let wherefrom = match &self.files {
            Some(folder) => format!("written to {}", folder.display()),
            None => format!("write them with --files DIR, or open http://{}/ca through the proxy", offered.own_name),
        };
        print(guide.heading)?;
        for certificate in offered.certificates() {
            print(format_args!("  certificate  {}, until {}", certificate.name, desk.day(certificate.until)))?;
            print(format_args!("  SHA-256      {}", certificate.sha256()))?;
        }
        print(format_args!("  files        {} ({wherefrom})", names.join(", ")))?;
        if offered.next.is_some() {
            let both = if files.iter().any(|file| file.name.contains("next")) { "Do the same with both." } else { "The file holds both." };
            print(format_args!("  Two certificates: one signs now, one will. {both}"))?;
        }
        print("")?;
        let mut number = 0;
        for step in &guide.steps {
            match step {
                Step::Do(text) => {
                    number += 1;
                    print(format_args!("{number}. {text}"))?;
                }
                Step::Run(command) => print(format_args!("     {command}"))?,
            }
        }
        print("")?;
        guide.know.iter().try_for_each(|know| print(format_args!("- {know}")))?;
        Ok(())
    }
}

fn write(folder: &Path, files: &[Artifact]) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    files.iter().try_for_each(|file| {
        let path = folder.join(file.name);
        fs::write(&path, &file.bytes).with_context(|| format!("{} cannot be written", path.display()))
    })
}
