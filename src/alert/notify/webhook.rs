//! Hooks: one POST a message, signed as `outputs/webhook.rs` says where the hook has a secret. What an answer means depends on whose hook it is: see
//! [`chat`](super::chat).

use super::story::{Story, one_line};
use super::{Receipt, Unsent, chat};
use crate::alert::plan::{Hook, Shape};
use crate::library::fetch::Web;
use crate::outputs::webhook::{Hook as Poster, Posting, Said};
use crate::reach::Roots;
use jiff::Timestamp;
use std::time::Duration;

/// The longest that is kept of what a receiver said, in characters.
const LONGEST_SAID: usize = 160;

/// Sends a message to a hook.
///
/// # Errors
/// If it was not taken.
pub(super) async fn send(hook: &Hook, key: &str, story: &Story, roots: &Roots, now: Timestamp) -> Result<Receipt, Unsent> {
    // The address is a secret: what is wrong with it is said without it.
    let Ok(address) = Web::parse(&hook.address.0) else { return Err(Unsent::Never(format!("the address of the hook \"{}\" cannot be read", hook.name))) };
    let body = match hook.shape {
        Shape::Json => story.json(key),
        Shape::Teams => chat::teams(story),
        Shape::Slack => chat::slack(story),
        Shape::GoogleChat => chat::google(story),
    };
    let poster = Poster { address, secret: hook.secret.clone() };
    let posting = Posting { name: &hook.name, kind: "application/json", key, body: &body };
    let said = poster.post(&posting, roots, now).await.map_err(|error| Unsent::Later(error.to_string(), None))?;
    judge(hook.shape, &said)
}

/// What an answer means.
fn judge(shape: Shape, said: &Said) -> Result<Receipt, Unsent> {
    let (code, words) = (said.status.as_u16(), one_line(&String::from_utf8_lossy(&said.body), LONGEST_SAID));
    let answered = format!("{code} {words}").trim().to_owned();
    match code {
        200..=299 if chat::has_taken(shape, said) => Ok(Receipt(answered)),
        200..=299 => Err(Unsent::Later(format!("it answered as if it had taken it, and has not: {answered}"), None)),
        404 | 410 => Err(Unsent::Never(format!("there is no such hook any more: {answered}; make a new one and set its address"))),
        300..=399 => Err(Unsent::Later(format!("it leads elsewhere ({code}); set the address it leads to"), None)),
        _ => Err(Unsent::Later(format!("it answered {answered}"), said.retry_after.map(Duration::from_secs))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    #[test]
    fn an_answer_means_what_its_sender_means_by_it() {
        let said = |code: u16, body: &str| Said { status: StatusCode::from_u16(code).expect("a status"), body: body.into(), retry_after: Some(7) };
        let failed = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429";
        for (shape, code, body, expected) in [
            (Shape::Json, 204, "", "sent"),
            (Shape::Json, 200, "whatever", "sent"),
            (Shape::Json, 500, "", "later"),
            (Shape::Json, 401, "", "later"),
            (Shape::Json, 404, "", "never"),
            (Shape::Json, 410, "", "never"),
            (Shape::Json, 302, "", "later"),
            (Shape::Teams, 202, "", "sent"),
            (Shape::Teams, 200, "1", "sent"),
            (Shape::Teams, 200, "", "sent"),
            (Shape::Teams, 200, failed, "later"),
            (Shape::Teams, 429, "", "later"),
            (Shape::Slack, 200, "ok", "sent"),
            (Shape::Slack, 200, "<!doctype html>", "later"),
            (Shape::Slack, 200, "invalid_payload", "later"),
            (Shape::Slack, 410, "channel_is_archived", "never"),
            (Shape::GoogleChat, 200, "{\"name\":\"spaces/A/messages/B\"}", "sent"),
            (Shape::GoogleChat, 200, "<html>sign in</html>", "later"),
            (Shape::GoogleChat, 200, "{\"error\":{\"code\":429}}", "later"),
            (Shape::GoogleChat, 200, "", "later"),
        ] {
            let came = match judge(shape, &said(code, body)) {
                Ok(_) => "sent",
                Err(Unsent::Later(..)) => "later",
                Err(Unsent::Never(_)) => "never",
            };
            assert_eq!(came, expected, "{shape:?} {code} {body}");
        }
        let Err(Unsent::Later(_, Some(wait))) = judge(Shape::Slack, &said(429, "")) else { panic!("it asks for time") };
        assert_eq!(wait, Duration::from_secs(7));
    }
}
