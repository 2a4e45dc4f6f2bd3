//! What restricted a person's access, as that person is given it: when, how and why, and not who decided.

use super::Cover;
use crate::audit::restrictions::Made;
use crate::policy::restrict::How;
use serde::Serialize;

/// One, as it is given.
#[derive(Serialize)]
pub struct Given {
    from: String,
    until: String,
    how: String,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_for: Option<String>,
}

impl Given {
    /// Of one that was made. Names of others are taken out of what staff wrote.
    #[must_use]
    pub fn of(made: &Made, cover: &mut Cover) -> Self {
        let restriction = &made.restriction;
        Self {
            from: restriction.from.to_string(),
            until: restriction.until.to_string(),
            how: match &restriction.how {
                How::Off => "no access but for help".to_owned(),
                How::Only { categories, hosts } => {
                    let all = categories.iter().map(ToString::to_string).chain(hosts.iter().map(ToString::to_string));
                    format!("only help, and: {}", all.collect::<Vec<_>>().join(", "))
                }
                How::Slow { kib } => format!("{kib} KiB a second"),
            },
            reason: cover.text(&restriction.reason),
            told: restriction.tell.as_deref().map(|tell| cover.text(tell)),
            ended: made.ended.as_ref().map(|(at, _, _)| at.to_string()),
            ended_for: made.ended.as_ref().map(|(_, reason, _)| cover.text(reason)),
        }
    }
}
