//! What may be done with somebody's access, and what is counted of everybody, in the sentences of the sheet for a DPIA: only what is in force.

use crate::alert::volume::KEPT_DAYS;
use crate::audit::restrictions::Limit;
use crate::config::Rulebook;

/// By hand, by itself, and what is unusually much.
pub(super) fn restricted(rulebook: &Rulebook) -> Vec<String> {
    let by_hand = "Somebody's access may be taken away, kept to a few sites or slowed until a time, by whoever can use Usher's account; who did it, of whom, why and \
                   until when is a signed statement of the record. The person reads until when and whom to ask, not why. Sites that help stay open.";
    let counted = format!(
        "Of every person and device four numbers a day (pages, searches, bytes, pages at night) are kept for {KEPT_DAYS} days, with a hash that names nobody \
         without the secret of this installation, so that much more than usual can be seen. It is told to nobody by itself, and nothing is decided by it."
    );
    vec![by_hand.to_owned(), by_itself(rulebook), counted]
}

fn by_itself(rulebook: &Rulebook) -> String {
    let Some(settings) = &rulebook.alerts.restrict else {
        return "Nobody's access is restricted by Usher itself ([restrict] in alerts.toml is off).".to_owned();
    };
    let left = match &settings.how {
        Limit::Only { categories, hosts } => format!("to help and {}", categories.iter().chain(hosts).map(String::as_str).collect::<Vec<_>>().join(", ")),
        Limit::Off | Limit::Slow { .. } => "to sites that help".to_owned(),
    };
    let whose = if settings.devices { "users, and of devices where nobody is signed in," } else { "users" };
    format!(
        "A decision that nobody makes (UK GDPR article 22): after {} the access of {whose} is restricted {left}, for {} minutes, never that of staff. It is short, the \
         person reads until when and whom to ask, and any member of staff with Usher's account can end it at once. Whether that is a significant effect, on what \
         basis it rests, and how a person has it looked at by somebody, is for the school to say here.",
        settings.words(),
        settings.length.as_secs() / 60
    )
}
