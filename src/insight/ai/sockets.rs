//! What chat services are asked over WebSockets. Pure.
//!
//! [`talking`] tells from host and path whether a WebSocket is one on which something is asked. Each message that the client sends there is shown to a
//! [`Message`], which says at its end what was asked in it. What a service answers needs no table: messages are weighed whatever they are.
//!
//! To mend a row: open the service in a browser's developer tools (Network, WS, the connection, Messages), send something, and put the message that has it
//! into the fixture.

use super::json::{Keep, Pick, Walker};
use super::table::{RESPONSES, each, whole};
use super::{LONGEST, is_path, unescape};
use crate::insight::engines::in_words;

/// What ends each of several messages in one (SignalR, RFC 7464).
const END: u8 = 0x1e;
/// The most prompts that one message has.
const MOST: usize = 16;

/// One WebSocket of a service.
struct Talk {
    /// The service's name in the log.
    id: &'static str,
    /// Its hosts, each with all below it; any host, if there is none.
    hosts: &'static [&'static str],
    /// The path, part by part: `*` for any one, `**` for any number.
    path: &'static str,
    /// Where in a message the prompt stands.
    asks: &'static [Pick],
}

/// SignalR's call of `chat`, as Microsoft's Copilot and Bing make it.
const SIGNALR: &[Pick] = &[whole(&["arguments.*.message.text"]).of("target", &["chat"])];
/// OpenAI's interface for speech and text at once.
const REALTIME: &[Pick] = &[
    whole(&["item.content.*.text"]).of("item.role", &["user"]),
    whole(&["response.instructions", "response.input.*.content.*.text"]).of("type", &["response.create"]),
];
/// Google's.
const LIVE: &[Pick] = &[
    each("clientContent.turns.*", &["clientContent.turns.*.parts.*.text"]).of("clientContent.turns.*.role", &["user"]),
    each("client_content.turns.*", &["client_content.turns.*.parts.*.text"]).of("client_content.turns.*.role", &["user"]),
    whole(&["realtimeInput.text", "realtime_input.text"]),
];

#[rustfmt::skip]
static TALKS: &[Talk] = &[
    Talk { id: "copilot", hosts: &["copilot.microsoft.com"], path: "/c/api/chat", asks: &[whole(&["content.*.text"]).of("event", &["send"])] },
    Talk { id: "copilot", hosts: &["sydney.bing.com", "copilot.microsoft.com"], path: "/sydney/ChatHub", asks: SIGNALR },
    Talk { id: "copilot", hosts: &["substrate.office.com", "substrate.office365.us"], path: "/m365Copilot/Chathub/*", asks: SIGNALR },
    Talk {
        id: "character-ai", hosts: &["character.ai"], path: "/ws",
        asks: &[whole(&["payload.turn.candidates.*.raw_content"]).of("command", &["create_and_generate_turn", "create_turn"])],
    },
    Talk { id: "perplexity", hosts: &["perplexity.ai"], path: "/socket.io", asks: &[whole(&["1"]).of("0", &["perplexity_ask"])] },
    Talk { id: "openai-api", hosts: &["api.openai.com"], path: "/v1/realtime", asks: REALTIME },
    Talk { id: "openai-api", hosts: &["api.openai.com"], path: "/v1/responses", asks: RESPONSES },
    Talk {
        id: "gemini-api", hosts: &["generativelanguage.googleapis.com"],
        path: "/ws/**", asks: LIVE,
    },
    // Whoever speaks as OpenAI does.
    Talk { id: "ai-api", hosts: &[], path: "/**/v1/realtime", asks: REALTIME },
];

/// A WebSocket on which a chat service is asked.
#[derive(Clone, Copy)]
pub struct Talking(&'static Talk);

impl Talking {
    /// The service's name in the log.
    #[must_use]
    pub fn id(&self) -> &'static str {
        self.0.id
    }

    /// What reads the next message.
    #[must_use]
    pub fn message(&self) -> Message {
        Message { talk: self.0, walker: None, asked: Vec::new() }
    }
}

/// The service that is asked on a WebSocket with this address, if one is.
#[must_use]
pub fn talking(host: &str, path_and_query: &str) -> Option<Talking> {
    let path = path_and_query.split(['?', '#']).next().unwrap_or_default();
    let path = unescape(path);
    let is_at = |talk: &Talk| {
        talk.hosts.is_empty() || talk.hosts.iter().any(|name| host.strip_suffix(name).is_some_and(|below| below.is_empty() || below.ends_with('.')))
    };
    TALKS.iter().find(|talk| is_at(talk) && path_fits(&path, talk.path)).map(Talking)
}

/// `**` may stand for the end as well.
fn path_fits(path: &str, wanted: &str) -> bool {
    match wanted.strip_suffix("/**") {
        Some(before) => path.get(..before.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(before)) && path[before.len()..].starts_with('/'),
        None => is_path(path, wanted),
    }
}

/// What was asked, read from the pieces of one message.
pub struct Message {
    talk: &'static Talk,
    /// None before the JSON begins.
    walker: Option<Walker>,
    asked: Vec<String>,
}

impl Message {
    /// The next piece. What is held is bounded.
    pub fn feed(&mut self, piece: &[u8]) {
        let mut parts = piece.split(|byte| *byte == END);
        if let Some(first) = parts.next() {
            self.part(first);
        }
        for part in parts {
            self.part_over();
            self.part(part);
        }
    }

    fn part(&mut self, part: &[u8]) {
        // Socket.IO has a number before.
        let part = match &self.walker {
            Some(_) => part,
            None => &part[part.iter().position(|byte| matches!(byte, b'{' | b'[')).unwrap_or(part.len())..],
        };
        if !part.is_empty() {
            self.walker.get_or_insert_with(|| Walker::new(self.talk.asks, Keep::Last)).feed(part);
        }
    }

    fn part_over(&mut self) {
        let text = self.walker.take().map(Walker::end).unwrap_or_default();
        if self.asked.len() < MOST {
            self.asked.extend(in_words(&text, LONGEST));
        }
    }

    /// The end of the message, or as much of it as came: what was asked, each in one line of a length somebody reads.
    #[must_use]
    pub fn end(mut self) -> Vec<String> {
        self.part_over();
        self.asked
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::ai::label;

    struct Fixture {
        /// Where the shape is known from.
        known: &'static str,
        id: &'static str,
        url: &'static str,
        message: &'static str,
        asked: &'static [&'static str],
    }

    const FIXTURES: &[Fixture] = &[
        Fixture {
            known: "open-source clients of copilot.microsoft.com, and descriptions of its messages of November 2025",
            id: "copilot",
            url: "copilot.microsoft.com/c/api/chat?api-version=2&features=-,ncedge",
            message: r#"{"event":"send","conversationId":"H9b7","content":[{"type":"text","text":"how tall is Everest"}],"mode":"chat","context":{}}"#,
            asked: &["how tall is Everest"],
        },
        Fixture {
            known: "the same; a picture beside the text",
            id: "copilot",
            url: "copilot.microsoft.com/c/api/chat",
            message: r#"{"event":"send","content":[{"type":"image","url":"/th/x"},{"type":"text","text":"what bird is this"}],"mode":"smart"}"#,
            asked: &["what bird is this"],
        },
        Fixture {
            known: "open-source clients of Bing Chat; SignalR's description of its JSON protocol",
            id: "copilot",
            url: "sydney.bing.com/sydney/ChatHub?sec_access_token=x",
            message: "{\"arguments\":[{\"source\":\"cib\",\"optionsSets\":[\"galileo\"],\"isStartOfSession\":true,\"message\":{\"author\":\"user\",\"inputMethod\":\"Keyboard\",\"text\":\"who was Ada Lovelace\",\"messageType\":\"Chat\"},\"conversationId\":\"y\"}],\"invocationId\":\"0\",\"target\":\"chat\",\"type\":4}\u{1e}",
            asked: &["who was Ada Lovelace"],
        },
        Fixture {
            known: "open-source clients of Microsoft 365 Copilot",
            id: "copilot",
            url: "substrate.office.com/m365Copilot/Chathub/oid@tenant?source=officeweb",
            message: "{\"type\":6}\u{1e}{\"arguments\":[{\"source\":\"officeweb\",\"tone\":\"Magic\",\"message\":{\"author\":\"user\",\"text\":\"sum up my mail\"}}],\"invocationId\":\"0\",\"target\":\"chat\",\"type\":4}\u{1e}",
            asked: &["sum up my mail"],
        },
        Fixture {
            known: "open-source clients of character.ai (neo)",
            id: "character-ai",
            url: "neo.character.ai/ws/",
            message: r#"{"command":"create_and_generate_turn","request_id":"x","payload":{"num_candidates":1,"tts_enabled":false,"character_id":"y","user_name":"ann","turn":{"turn_key":{"turn_id":"t","chat_id":"c"},"author":{"author_id":"1","is_human":true,"name":"ann"},"candidates":[{"candidate_id":"k","raw_content":"do you like me"}],"primary_candidate_id":"k"}},"origin_id":"web-next"}"#,
            asked: &["do you like me"],
        },
        Fixture {
            known: "open-source clients of perplexity.ai (its Socket.IO)",
            id: "perplexity",
            url: "www.perplexity.ai/socket.io/?EIO=4&transport=websocket&sid=x",
            message: r#"421["perplexity_ask","why is the sky blue",{"source":"default","mode":"concise"}]"#,
            asked: &["why is the sky blue"],
        },
        Fixture {
            known: "OpenAI's documentation of its Realtime API",
            id: "openai-api",
            url: "api.openai.com/v1/realtime?model=gpt-realtime",
            message: r#"{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"say hello"}]}}"#,
            asked: &["say hello"],
        },
        Fixture {
            known: "the same",
            id: "ai-api",
            url: "10.0.0.5/proxy/v1/realtime",
            message: r#"{"type":"response.create","response":{"instructions":"sing a song"}}"#,
            asked: &["sing a song"],
        },
        Fixture {
            known: "OpenAI's documentation of its Responses API over a WebSocket",
            id: "openai-api",
            url: "api.openai.com/v1/responses",
            message: r#"{"type":"response.create","model":"gpt-5","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"find the bug"}]}]}"#,
            asked: &["find the bug"],
        },
        Fixture {
            known: "Google's documentation of the Live API",
            id: "gemini-api",
            url: "generativelanguage.googleapis.com/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=x",
            message: r#"{"clientContent":{"turns":[{"role":"user","parts":[{"text":"name a river"}]}],"turnComplete":true}}"#,
            asked: &["name a river"],
        },
        Fixture {
            known: "the same",
            id: "gemini-api",
            url: "generativelanguage.googleapis.com/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContent",
            message: r#"{"realtime_input":{"text":"and a lake"}}"#,
            asked: &["and a lake"],
        },
    ];

    fn talking_at(url: &str) -> Option<Talking> {
        let (host, path) = url.split_at(url.find('/').unwrap_or(url.len()));
        talking(host, path)
    }

    #[test]
    fn what_is_asked_of_each_service_is_read_in_whatever_pieces() {
        for Fixture { known, id, url, message, asked } in FIXTURES {
            let talking = talking_at(url).expect(url);
            assert!(!known.is_empty() && talking.id() == *id, "{url} is {}", talking.id());
            for size in [1, 3, 7, message.len()] {
                let mut read = talking.message();
                message.as_bytes().chunks(size).for_each(|piece| read.feed(piece));
                assert_eq!(read.end(), *asked, "{url}");
            }
        }
    }

    #[test]
    fn each_row_has_a_fixture_and_a_name() {
        for (number, talk) in TALKS.iter().enumerate() {
            assert!(label(talk.id).is_some(), "{}", talk.id);
            let is_of = |fixture: &&Fixture| talking_at(fixture.url).is_some_and(|talking| std::ptr::eq(talking.0, talk));
            assert!(FIXTURES.iter().any(|fixture| is_of(&fixture)), "row {number}");
        }
    }

    #[test]
    fn what_asks_nothing_is_left_alone() {
        for url in ["copilot.microsoft.com/c/api/other", "evil-character.ai/ws/", "news.example/ws/", "web.whatsapp.com/ws/chat", "neo.character.ai/wsx"] {
            assert!(talking_at(url).is_none(), "{url}");
        }
        let copilot = talking_at("copilot.microsoft.com/c/api/chat").expect("a service");
        for message in [
            "",
            "{}",
            "{\"event\":\"ping\"}",
            r#"{"event":"setOptions","content":[{"text":"x"}]}"#,
            "\u{1e}\u{1e}",
            "hello",
            r#"{"event":"send","content":[{"text":"  "}]}"#,
        ] {
            let mut read = copilot.message();
            read.feed(message.as_bytes());
            assert_eq!(read.end(), [] as [String; 0], "{message}");
        }
        let mut read = copilot.message();
        let one = r#"{"event":"send","content":[{"text":"x"}]}"#;
        read.feed(format!("{one}\u{1e}").repeat(1000).as_bytes());
        assert_eq!(read.end().len(), MOST);
    }
}
