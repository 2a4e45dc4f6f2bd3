//! The forms of messages that Teams, Slack and Google Chat take, and what their answers mean. Pure.
//!
//! A name or a site that looks like their markup must stay what it is: nobody may ping a whole channel, or put a link into the school's message, by what they
//! call themselves. Sources: Adaptive Cards 1.4; Slack, "Formatting text for app surfaces" and "Sending messages using incoming webhooks"; Google Chat,
//! "Format messages" and `spaces.messages`.

use super::story::Story;
use crate::alert::plan::Shape;
use crate::outputs::webhook::Said;
use serde_json::{Value, json};

/// The most of a card for Teams, in bytes; the whole message may have 28 KB.
const TEAMS: usize = 16 << 10;
/// The most of one section for Slack, in characters; it takes 3,000.
const SLACK: usize = 2800;
/// The most of a text for Google Chat, in bytes; it takes 4,096 characters.
const GOOGLE: usize = 3600;

/// For a workflow of Teams. Its texts are runs, in which nothing is markup.
pub(super) fn teams(story: &Story) -> Vec<u8> {
    let mut left = TEAMS;
    let line = |text: &str, weight: &str| json!({"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, "weight": weight}]});
    let mut body = vec![line(&story.subject, "Bolder")];
    for sentence in story.sentences() {
        // As JSON, a letter can be six bytes.
        let size = json!(sentence).to_string().len() + 100;
        if size > left {
            body.push(line(&format!("and more; see: {}", story.command), "Default"));
            break;
        }
        left -= size;
        body.push(line(&sentence, "Default"));
    }
    let actions: Vec<Value> = story.link.iter().map(|link| json!({"type": "Action.OpenUrl", "title": "I have read this", "url": link})).collect();
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": actions,
    });
    let attachment = json!({"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card});
    json!({"type": "message", "attachments": [attachment]}).to_string().into_bytes()
}

/// For an incoming webhook of Slack. `verbatim` keeps names of channels and people in it from becoming links, and escapes keep its commands out.
pub(super) fn slack(story: &Story) -> Vec<u8> {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let text = cut(story.sentences().iter().map(|sentence| escaped(sentence)), SLACK, &story.command, |text| text.chars().count());
    let section = |text: String| json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}});
    let mut blocks = vec![section(format!("*{}*", escaped(&story.subject).replace('*', "∗"))), section(text)];
    blocks.extend(story.link.iter().map(|link| section(format!("<{}|I have read this>", escaped(link).replace('|', "%7C")))));
    json!({"text": escaped(&story.subject), "blocks": blocks, "unfurl_links": false, "unfurl_media": false}).to_string().into_bytes()
}

/// For an incoming webhook of Google Chat. Angle brackets, in which it has its commands, are written with others that look like them.
pub(super) fn google(story: &Story) -> Vec<u8> {
    let plain = |text: &str| text.replace('<', "‹").replace('>', "›");
    let mut text = cut([story.subject.clone()].iter().chain(&story.sentences()).map(|sentence| plain(sentence)), GOOGLE, &story.command, str::len);
    if let Some(link) = &story.link {
        text += &format!("\n<{}|I have read this>", plain(link));
    }
    json!({"text": text}).to_string().into_bytes()
}

/// Lines up to a size, and where the rest is.
fn cut(lines: impl Iterator<Item = String>, most: usize, command: &str, size: impl Fn(&str) -> usize) -> String {
    let mut text = String::new();
    for line in lines {
        if size(&text) + size(&line) + 1 > most {
            text += &format!("and more; see: {command}");
            break;
        }
        text += &line;
        text.push('\n');
    }
    text.trim_end().to_owned()
}

/// Whether an answer that says yes means it.
pub(super) fn has_taken(shape: Shape, said: &Said) -> bool {
    let body = String::from_utf8_lossy(&said.body);
    let body = body.trim();
    match shape {
        Shape::Json => true,
        // Its older connector answers 200 and says in words that it has failed.
        Shape::Teams => said.status.as_u16() == 202 || body.is_empty() || body == "1",
        Shape::Slack => body == "ok",
        // A page to sign in at answers 200 too. What it took it names.
        Shape::GoogleChat => body.starts_with('{') && body.contains("\"name\"") && !body.contains("\"error\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::notify::story::tests::{hostile, story};

    fn parsed(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).expect("JSON")
    }

    #[test]
    fn nothing_in_a_name_is_taken_for_markup() {
        let story = hostile("<!channel> <https://evil.example|x> [y](https://evil.example) *b* & <users/all>");
        let slack = String::from_utf8(slack(&story)).expect("text");
        assert!(!slack.contains("<!channel>") && !slack.contains("<https://evil") && slack.contains("&lt;!channel&gt;"), "{slack}");
        let google = parsed(&google(&story));
        let text = google["text"].as_str().expect("text");
        assert!(!text.contains("<users/all>") && !text.contains("<https://evil"), "{text}");
        assert_eq!(text.matches('<').count(), 1, "the link of ours: {text}");
        let teams = parsed(&teams(&story));
        let body = teams["attachments"][0]["content"]["body"].as_array().expect("blocks");
        assert!(body.iter().all(|block| block["type"] == "RichTextBlock" && block["inlines"][0]["type"] == "TextRun"), "{teams}");
    }

    #[test]
    fn each_has_the_form_that_is_taken() {
        let story = story();
        let teams = parsed(&teams(&story));
        let attachment = &teams["attachments"][0];
        assert_eq!((&teams["type"], &attachment["contentType"]), (&json!("message"), &json!("application/vnd.microsoft.card.adaptive")));
        assert!(attachment["contentUrl"].is_null());
        assert_eq!((&attachment["content"]["type"], &attachment["content"]["version"]), (&json!("AdaptiveCard"), &json!("1.4")));
        assert_eq!(attachment["content"]["actions"][0]["url"], json!(story.link));
        let slack = parsed(&slack(&story));
        assert_eq!(slack["text"], json!(story.subject));
        assert!(slack["blocks"].as_array().expect("blocks").iter().all(|block| block["type"] == "section" && block["text"]["verbatim"] == true), "{slack}");
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_where_the_rest_is() {
        let mut story = story();
        story.why = vec!["\u{1F600}\u{7}".repeat(200); 200];
        let (teams, slack, google) = (teams(&story), slack(&story), google(&story));
        assert!(teams.len() < 28 << 10, "{}", teams.len());
        for block in parsed(&slack)["blocks"].as_array().expect("blocks") {
            assert!(block["text"]["text"].as_str().expect("text").chars().count() <= 3000);
        }
        assert!(parsed(&google)["text"].as_str().expect("text").chars().count() <= 4096);
        for text in [teams, slack, google] {
            assert!(String::from_utf8_lossy(&text).contains("and more; see: usher alerts show"));
        }
    }
}
