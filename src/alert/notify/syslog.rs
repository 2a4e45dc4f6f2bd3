//! Syslog: one RFC 5424 message, over TCP or TLS. It was taken when the receiver has read to its end; see `outputs/syslog.rs`.

use super::story::Story;
use super::{Receipt, Unsent};
use crate::alert::plan::Syslog;
use crate::audit::events::Severity;
use crate::audit::incident::Level;
use crate::outputs::syslog::{Server, frames, origin};
use crate::outputs::{Content, Item, Notice, Position, What};
use crate::reach::Roots;
use jiff::Timestamp;

/// Sends a message to a syslog server.
///
/// # Errors
/// If it was not taken.
pub(super) async fn send(server: &Syslog, key: &str, story: &Story, roots: &Roots, now: Timestamp) -> Result<Receipt, Unsent> {
    let Some(to) = Server::parse(&server.address) else {
        let what = "is no syslog server that says whether it took something; write tls://host:6514 or tcp://host:601";
        return Err(Unsent::Never(format!("\"{}\" {what}", server.address)));
    };
    let bytes = frames(&[item(key, story, now)], &origin());
    to.write(&bytes, roots).await.map_err(|error| Unsent::Later(error.to_string(), None))?;
    Ok(Receipt("read to its end".to_owned()))
}

fn item(key: &str, story: &Story, now: Timestamp) -> Item {
    let severity = match story.level {
        Some(Level::Danger) => Severity::Critical,
        Some(Level::Concern) => Severity::Warning,
        Some(Level::Watch) | None => Severity::Info,
    };
    let level = story.level.map_or_else(String::new, |level| level.as_str().to_owned());
    let fields = vec![
        ("key", key.to_owned()),
        ("id", story.reference.clone()),
        ("level", level),
        ("theme", story.theme().to_owned()),
        ("themes", story.themes.join(",")),
        ("group", story.group.clone()),
        ("who", story.who.clone().unwrap_or_default()),
        ("at", story.at.to_string()),
    ];
    let notice = Notice { what: What::Events, kind: "alert".to_owned(), severity, text: story.headline.clone(), fields };
    Item { position: Position(0), at: now, content: Content::Notice(notice) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::notify::story::tests::story;

    #[test]
    fn it_holds_the_theme_and_every_theme() {
        let story = Story { themes: vec!["self-harm".into(), "drugs".into()], ..story() };
        let Content::Notice(notice) = item("key", &story, Timestamp::UNIX_EPOCH).content else { panic!("a notice") };
        let field = |name: &str| notice.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        assert_eq!((field("theme"), field("themes")), (Some("self-harm"), Some("self-harm,drugs")));
    }
}
