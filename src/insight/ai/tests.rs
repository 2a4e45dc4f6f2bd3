//! A fixture a service: a request as it is sent, what was asked, and an answer as it comes.
//!
//! Each says where its shape is known from. To mend one: the developer tools of a browser, as the module's head says.

use super::*;
use proptest::prelude::*;

struct Fixture {
    /// Where the shape is known from.
    known: &'static str,
    id: &'static str,
    url: &'static str,
    body: &'static str,
    asked: &'static str,
    reply: &'static str,
    answered: &'static str,
}

const FIXTURES: &[Fixture] = &[
    Fixture {
        known: "open-source readers of the site's requests (its /f/conversation, and delta_encoding v1 answers)",
        id: "chatgpt",
        url: "https://chatgpt.com/backend-api/f/conversation",
        body: r#"{"action":"next","messages":[{"id":"7d5dbfb0","author":{"role":"user"},"create_time":1700000000.1,"content":{"content_type":"text","parts":["How do volcanoes erupt?"]},"metadata":{"serialization_metadata":{"custom_symbol_offsets":[]}}}],"parent_message_id":"client-created-root","model":"auto","timezone_offset_min":0,"supported_encodings":["v1"]}"#,
        asked: "How do volcanoes erupt?",
        reply: "event: delta_encoding\ndata: \"v1\"\n\nevent: delta\ndata: {\"p\":\"\",\"o\":\"add\",\"v\":{\"message\":{\"id\":\"a\",\"author\":{\"role\":\"assistant\"},\"content\":{\"content_type\":\"text\",\"parts\":[\"\"]},\"status\":\"in_progress\"}},\"c\":1}\n\nevent: delta\ndata: {\"p\":\"/message/content/parts/0\",\"o\":\"append\",\"v\":\"Magma\"}\n\nevent: delta\ndata: {\"v\":\" rises\"}\n\nevent: delta\ndata: {\"p\":\"\",\"o\":\"patch\",\"v\":[{\"p\":\"/message/content/parts/0\",\"o\":\"append\",\"v\":\".\"},{\"p\":\"/message/status\",\"o\":\"replace\",\"v\":\"finished_successfully\"}]}\n\ndata: [DONE]\n\n",
        answered: "Magma rises.",
    },
    Fixture {
        known: "open-source readers of the site's older requests, which are answered to the anonymous too",
        id: "chatgpt",
        url: "https://chat.openai.com/backend-anon/conversation",
        body: r#"{"action":"next","messages":[{"author":{"role":"system"},"content":{"content_type":"text","parts":["hidden"]}},{"author":{"role":"user"},"content":{"content_type":"multimodal_text","parts":[{"asset_pointer":"file-service://x","content_type":"image_asset_pointer"},"what is this"]}}]}"#,
        asked: "what is this",
        reply: "",
        answered: "",
    },
    Fixture {
        known: "open-source clients of claude.ai",
        id: "claude",
        url: "https://claude.ai/api/organizations/0a1b/chat_conversations/2c3d/completion",
        body: r#"{"prompt":"Write a poem\nabout rain","parent_message_uuid":"00000000-0000-4000-8000-000000000000","timezone":"Europe/London","attachments":[],"files":[],"rendering_mode":"messages"}"#,
        asked: "Write a poem about rain",
        reply: "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"x\",\"role\":\"assistant\",\"content\":[]}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Soft \"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"rain\"}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        answered: "Soft rain",
    },
    Fixture {
        known: "open-source clients of gemini.google.com (batchexecute; a JSON text within JSON within a form)",
        id: "gemini",
        url: "https://gemini.google.com/_/BardChatUi/data/assistant.lamda.BardFrontendService/StreamGenerate?bl=boq_assistant-bard-web-server_20251105&_reqid=5&rt=c",
        body: "f.req=%5Bnull%2C%22%5B%5B%5C%22who+was+Henry+%5C%5C%5C%22VIII%5C%5C%5C%22%3F%5C%22%2C0%2Cnull%2C%5B%5D%2Cnull%2Cnull%2C0%5D%2C%5B%5C%22en%5C%22%5D%2C%5B%5C%22%5C%22%2C%5C%22%5C%22%5D%5D%22%5D&at=AJvLN6N%3A1700&",
        asked: "who was Henry \"VIII\"?",
        reply: ")]}'\n\n133\n[[\"wrb.fr\",null,\"[null,[\\\"c_1\\\",\\\"r_1\\\"],null,null,[[\\\"rc_1\\\",[\\\"A king\\\"]]]]\"]]\n150\n[[\"wrb.fr\",null,\"[null,[\\\"c_1\\\",\\\"r_1\\\"],null,null,[[\\\"rc_1\\\",[\\\"A king of England\\\"]]]]\"]]\n25\n[[\"di\",120],[\"e\",5]]\n",
        answered: "A king of England",
    },
    Fixture {
        known: "open-source clients of copilot.microsoft.com: the message they send over its WebSocket",
        id: "copilot",
        url: "https://copilot.microsoft.com/c/api/chat?api-version=2",
        body: r#"{"event":"send","conversationId":"x","content":[{"type":"text","text":"explain tides"}],"mode":"chat","context":{}}"#,
        asked: "explain tides",
        reply: "{\"event\":\"appendText\",\"messageId\":\"x\",\"text\":\"The Moon\"}\n{\"event\":\"done\",\"messageId\":\"x\"}\n",
        answered: "The Moon",
    },
    Fixture {
        known: "open-source clients of GitHub's chat",
        id: "github-copilot",
        url: "https://api.individual.githubcopilot.com/github/chat/threads/0a1b/messages",
        body: r#"{"responseMessageID":"x","content":"what is a loop","intent":"conversation","references":[],"streaming":true}"#,
        asked: "what is a loop",
        reply: "data: {\"type\":\"content\",\"body\":\"A loop\"}\n\ndata: {\"type\":\"content\",\"body\":\" repeats\"}\n\n",
        answered: "A loop repeats",
    },
    Fixture {
        known: "a published study of the site's requests by its developer tools, November 2025",
        id: "perplexity",
        url: "https://www.perplexity.ai/rest/sse/perplexity_ask",
        body: r#"{"params":{"attachments":[],"language":"en-GB","timezone":"Europe/London","search_focus":"internet","sources":["web"],"mode":"concise","dsl_query":"tallest tree"},"query_str":"tallest tree"}"#,
        asked: "tallest tree",
        reply: "event: message\r\ndata: {\"status\":\"PENDING\",\"blocks\":[{\"intended_usage\":\"ask_text\",\"markdown_block\":{\"progress\":\"IN_PROGRESS\",\"chunks\":[\"Hyper\",\"ion\"],\"chunk_starting_offset\":0}}]}\r\n\r\n",
        answered: "Hyperion",
    },
    Fixture {
        known: "a published recording of an exchange of the site, November 2025",
        id: "deepseek",
        url: "https://chat.deepseek.com/api/v0/chat/completion",
        body: r#"{"chat_session_id":"d213f7b1","parent_message_id":null,"prompt":"hello 你好","ref_file_ids":[],"thinking_enabled":false,"search_enabled":false,"client_stream_id":"20251122-a"}"#,
        asked: "hello 你好",
        reply: "event: ready\ndata: {\"request_message_id\":1}\n\ndata: {\"v\": [{\"v\": false, \"p\": \"has_pending_fragment\"}, {\"v\": [{\"id\": 1, \"type\": \"RESPONSE\", \"content\": \"Hel\", \"references\": []}], \"p\": \"fragments\", \"o\": \"APPEND\"}], \"p\": \"response\", \"o\": \"BATCH\"}\n\ndata: {\"v\": \"lo\", \"p\": \"response/fragments/0/content\", \"o\": \"APPEND\"}\n\ndata: {\"v\": \"!\"}\n\ndata: {\"p\":\"response/status\",\"v\":\"FINISHED\"}\n\n",
        answered: "Hello!",
    },
    Fixture {
        known: "open-source clients of chat.mistral.ai; not confirmed on the site lately",
        id: "mistral",
        url: "https://chat.mistral.ai/api/chat",
        body: r#"{"chatId":"0a1b","mode":"append","messageInput":[{"type":"text","text":"bonjour"}],"messageId":"x","features":["beta-websearch"]}"#,
        asked: "bonjour",
        reply: "0:\"Bon\"\n0:\"jour !\"\n15:{\"json\":{\"patches\":[{\"op\":\"append\",\"path\":\"/contentChunks/0/text\",\"value\":\" Ça va ?\"}]}}\ne:{\"finishReason\":\"stop\"}\n",
        answered: "Bonjour ! Ça va ?",
    },
    Fixture {
        known: "open-source clients of grok.com",
        id: "grok",
        url: "https://grok.com/rest/app-chat/conversations/new",
        body: r#"{"temporary":false,"modelName":"grok-3","message":"why is the sky blue","fileAttachments":[],"imageAttachments":[],"disableSearch":false,"customInstructions":"","isReasoning":false}"#,
        asked: "why is the sky blue",
        reply: "{\"result\":{\"conversation\":{\"conversationId\":\"x\"}}}\n{\"result\":{\"response\":{\"token\":\"Light\",\"isThinking\":false}}}\n{\"result\":{\"response\":{\"token\":\" scatters\"}}}\n",
        answered: "Light scatters",
    },
    Fixture {
        known: "open-source clients of Grok on X",
        id: "grok",
        url: "https://x.com/i/api/2/grok/add_response.json",
        body: r#"{"responses":[{"message":"first","sender":1,"fileAttachments":[]},{"message":"second","sender":1}],"systemPromptName":"","conversationId":"1"}"#,
        asked: "second",
        reply: "{\"result\":{\"sender\":\"ASSISTANT\",\"message\":\"He\"}}\n{\"result\":{\"sender\":\"ASSISTANT\",\"message\":\"llo\"}}\n",
        answered: "Hello",
    },
    Fixture {
        known: "open-source clients of meta.ai (GraphQL in a form)",
        id: "meta-ai",
        url: "https://www.meta.ai/api/graphql/",
        body: "av=0&fb_api_caller_class=RelayModern&fb_api_req_friendly_name=useAbraSendMessageMutation&variables=%7B%22message%22%3A%7B%22sensitive_string_value%22%3A%22draw%20a%20cat%22%7D%2C%22externalConversationId%22%3A%22x%22%7D&server_timestamps=true&doc_id=7783822248314888",
        asked: "draw a cat",
        reply: "{\"data\":{\"node\":{\"bot_response_message\":{\"composed_text\":{\"content\":[{\"text\":\"Here\"}]},\"streaming_state\":\"STREAMING\"}}}}\r\n{\"data\":{\"node\":{\"bot_response_message\":{\"composed_text\":{\"content\":[{\"text\":\"Here is a cat\"}]}}}}}\r\n",
        answered: "Here is a cat",
    },
    Fixture {
        known: "open-source clients of poe.com (its GraphQL)",
        id: "poe",
        url: "https://poe.com/api/gql_POST",
        body: r#"{"queryName":"sendMessageMutation","variables":{"chatId":null,"bot":"assistant","query":"rhymes with orange","source":null,"clientNonce":"x","sdid":"y","attachments":[]},"extensions":{"hash":"z"}}"#,
        asked: "rhymes with orange",
        reply: "",
        answered: "",
    },
    Fixture {
        known: "open-source clients of character.ai (its streaming requests, before its WebSocket)",
        id: "character-ai",
        url: "https://plus.character.ai/chat/streaming/",
        body: r#"{"history_external_id":"x","character_external_id":"y","text":"tell me a secret","tgt":"internal_id:1","is_proactive":false,"stream_every_n_steps":16}"#,
        asked: "tell me a secret",
        reply: "{\"replies\":[{\"text\":\"I\",\"id\":1}],\"is_final_chunk\":false}\n{\"replies\":[{\"text\":\"I am shy\",\"id\":1}],\"is_final_chunk\":true}\n",
        answered: "I am shy",
    },
    Fixture {
        known: "open-source clients of duckduckgo.com's chat; duck.ai asks alike",
        id: "duck-ai",
        url: "https://duck.ai/duckchat/v1/chat",
        body: r#"{"model":"gpt-4o-mini","metadata":{"toolChoice":{"WebSearch":false}},"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"Hello!"},{"role":"user","content":[{"type":"text","text":"who won the cup"}]}],"canUseTools":true}"#,
        asked: "who won the cup",
        reply: "data: {\"role\":\"assistant\",\"message\":\"I\",\"created\":1,\"action\":\"success\"}\n\ndata: {\"message\":\" think\"}\n\ndata: [DONE]\n\n",
        answered: "I think",
    },
    Fixture {
        known: "open-source clients of huggingface.co/chat, and its own source (multipart)",
        id: "hugging-chat",
        url: "https://huggingface.co/chat/conversation/65a0b1c2",
        body: "------WebKitFormBoundaryAbC\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{\"inputs\":\"what is entropy\",\"id\":\"x\",\"is_retry\":false,\"is_continue\":false,\"web_search\":false,\"tools\":[]}\r\n------WebKitFormBoundaryAbC--\r\n",
        asked: "what is entropy",
        reply: "{\"type\":\"status\",\"status\":\"started\"}\n{\"type\":\"stream\",\"token\":\"Dis\"}\n{\"type\":\"stream\",\"token\":\"order\"}\n{\"type\":\"finalAnswer\",\"text\":\"Disorder\"}\n",
        answered: "Disorder",
    },
    Fixture {
        known: "open-source clients of you.com; its older form asks in the address",
        id: "you",
        url: "https://you.com/api/streamingSearch?page=1&count=10&domain=youchat",
        body: r#"{"query":"capital of Wales","chat":"[]"}"#,
        asked: "capital of Wales",
        reply: "event: youChatToken\ndata: {\"youChatToken\": \"Car\"}\n\nevent: youChatToken\ndata: {\"youChatToken\": \"diff\"}\n\n",
        answered: "Cardiff",
    },
    Fixture {
        known: "open-source clients of kimi.com",
        id: "kimi",
        url: "https://www.kimi.com/api/chat/d0a1/completion/stream",
        body: r#"{"kimiplus_id":"kimi","messages":[{"role":"user","content":"what is jade"}],"refs":[],"use_search":true}"#,
        asked: "what is jade",
        reply: "data: {\"event\":\"req\",\"id\":\"x\"}\n\ndata: {\"event\":\"cmpl\",\"text\":\"A stone\"}\n\n",
        answered: "A stone",
    },
    Fixture {
        known: "open-source clients of chat.qwen.ai",
        id: "qwen",
        url: "https://chat.qwen.ai/api/v2/chat/completions?chat_id=x",
        body: r#"{"stream":true,"chat_id":"x","model":"qwen3-max","messages":[{"fid":"y","role":"user","content":"what is silk","files":[]}]}"#,
        asked: "what is silk",
        reply: "data: {\"choices\": [{\"delta\": {\"role\": \"assistant\", \"content\": \"A fibre\", \"phase\": \"answer\"}}]}\n\n",
        answered: "A fibre",
    },
    Fixture {
        known: "open-source clients of pi.ai",
        id: "pi",
        url: "https://pi.ai/api/chat",
        body: r#"{"text":"i feel sad","conversation":"x"}"#,
        asked: "i feel sad",
        reply: "event: partial\ndata: {\"text\":\"I am\"}\n\nevent: partial\ndata: {\"text\":\" here\"}\n\n",
        answered: "I am here",
    },
    Fixture {
        known: "open-source clients of blackbox.ai; its answer is plain text, which is weighed as any page is",
        id: "blackbox",
        url: "https://www.blackbox.ai/api/chat",
        body: r#"{"messages":[{"id":"x","content":"fix my code","role":"user"}],"id":"x","codeModelMode":true}"#,
        asked: "fix my code",
        reply: "",
        answered: "",
    },
    Fixture {
        known: "open-source clients of venice.ai",
        id: "venice",
        url: "https://outerface.venice.ai/api/inference/chat",
        body: r#"{"conversationId":"x","modelId":"dolphin","prompt":[{"content":"a dragon","role":"user"}],"systemPrompt":""}"#,
        asked: "a dragon",
        reply: "{\"content\":\"Once\",\"kind\":\"content\"}\n{\"content\":\" upon\",\"kind\":\"content\"}\n",
        answered: "Once upon",
    },
    Fixture {
        known: "Anthropic's documentation of its Messages API",
        id: "anthropic-api",
        url: "https://api.anthropic.com/v1/messages",
        body: r#"{"model":"claude","max_tokens":1024,"stream":true,"system":"Be short.","messages":[{"role":"user","content":[{"type":"text","text":"Hello"},{"type":"text","text":"there"}]}]}"#,
        asked: "Hello there",
        reply: "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n",
        answered: "Hi",
    },
    Fixture {
        known: "Google's documentation of the Gemini API",
        id: "gemini-api",
        url: "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        body: r#"{"systemInstruction":{"parts":[{"text":"hidden"}]},"contents":[{"role":"user","parts":[{"text":"one"}]},{"role":"model","parts":[{"text":"two"}]},{"role":"user","parts":[{"text":"three"}]}]}"#,
        asked: "three",
        reply: "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"four\"}],\"role\": \"model\"},\"index\": 0}]}\n\n",
        answered: "four",
    },
    Fixture {
        known: "OpenAI's documentation of its Responses API",
        id: "openai-api",
        url: "https://api.openai.com/v1/responses",
        body: r#"{"model":"gpt-5","input":[{"role":"developer","content":"hidden"},{"role":"user","content":[{"type":"input_text","text":"count to three"}]}],"stream":true}"#,
        asked: "count to three",
        reply: "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"1 2\"}\n\nevent: response.output_text.done\ndata: {\"type\":\"response.output_text.done\",\"text\":\"1 2\"}\n\n",
        answered: "1 2",
    },
    Fixture {
        known: "Ollama's documentation of its API",
        id: "ollama",
        url: "https://ollama.com/api/chat",
        body: r#"{"model":"llama3","messages":[{"role":"user","content":"moo"}]}"#,
        asked: "moo",
        reply: "{\"model\":\"llama3\",\"message\":{\"role\":\"assistant\",\"content\":\"A \"},\"done\":false}\n{\"message\":{\"content\":\"cow\"},\"done\":true}\n",
        answered: "A cow",
    },
    Fixture {
        known: "OpenAI's documentation of its Chat Completions API, which many others speak",
        id: "ai-api",
        url: "http://10.0.0.5:8080/openai/v1/chat/completions",
        body: r#"{"model":"llama","stream":true,"messages":[{"role":"system","content":"hidden"},{"role":"user","content":"old"},{"role":"assistant","content":"reply"},{"role":"user","content":"new \ud83d\ude00\u00e9"}]}"#,
        asked: "new 😀é",
        reply: "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Ah\"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\", yes\"}}]}\n\ndata: [DONE]\n\n",
        answered: "Ah, yes",
    },
];

fn asking_of(url: &str) -> Option<Asking> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    asking("POST", host.split(':').next().unwrap_or_default(), path)
}

fn asked(asking: &Asking, pieces: &[&[u8]]) -> Option<String> {
    let mut prompt = asking.prompt();
    pieces.iter().for_each(|piece| prompt.feed(piece));
    prompt.end()
}

fn answered(asking: &Asking, pieces: &[&[u8]]) -> String {
    let (mut reply, mut words) = (asking.reply(false), String::new());
    pieces.iter().for_each(|piece| reply.feed(piece, &mut words));
    reply.end(&mut words);
    words
}

#[test]
fn what_is_asked_and_answered_is_read_of_each_service() {
    for Fixture { known, id, url, body, asked: prompt, reply, answered: words } in FIXTURES {
        let asking = asking_of(url).expect(url);
        assert!(!known.is_empty() && asking.id() == *id, "{url} is {}", asking.id());
        assert_eq!(asked(&asking, &[body.as_bytes()]).as_deref(), Some(*prompt), "{url}");
        assert_eq!(answered(&asking, &[reply.as_bytes()]), *words, "{url}");
    }
}

#[test]
fn each_service_has_a_fixture_and_a_name() {
    for service in SERVICES {
        assert!(FIXTURES.iter().any(|fixture| fixture.id == service.id), "{}", service.id);
        assert!(label(service.id).is_some_and(|label| !label.is_empty()));
        assert!(service.hosts.iter().all(|host| *host == host.to_lowercase() && host.contains('.')));
    }
    assert_eq!(label("google"), None);
}

#[test]
fn the_pieces_a_body_comes_in_do_not_matter() {
    for Fixture { url, body, asked: prompt, reply, answered: words, .. } in FIXTURES {
        let asking = asking_of(url).expect(url);
        for size in [1, 2, 3, 7] {
            assert_eq!(asked(&asking, &body.as_bytes().chunks(size).collect::<Vec<_>>()).as_deref(), Some(*prompt), "{url} {size}");
            assert_eq!(answered(&asking, &reply.as_bytes().chunks(size).collect::<Vec<_>>()), *words, "{url} {size}");
        }
    }
}

#[test]
fn a_whole_answer_is_read_too() {
    let asking = asking_of("https://api.openai.com/v1/chat/completions").expect("a service");
    let (mut reply, mut words) = (asking.reply(true), String::new());
    reply.feed(b"{\n  \"choices\": [\n    {\n      \"message\": {\"role\": \"assistant\", \"content\": \"A whole\\n", &mut words);
    reply.feed(b" answer\"}\n    }\n  ]\n}", &mut words);
    reply.end(&mut words);
    assert_eq!(words, "A whole\n answer");
}

#[test]
fn what_asks_nothing_is_left_alone() {
    for (method, host, path) in [
        ("GET", "chatgpt.com", "/backend-api/conversation"),
        ("POST", "chatgpt.com", "/backend-api/conversations"),
        ("POST", "chatgpt.com", "/backend-api/conversation/init"),
        ("POST", "chatgpt.com.evil.example", "/backend-api/conversation"),
        ("POST", "notchatgpt.com", "/backend-api/conversation"),
        ("POST", "claude.ai", "/api/organizations/x/chat_conversations"),
        ("POST", "news.example", "/api/chat"),
        ("POST", "duckduckgo.com", "/t/page"),
    ] {
        assert!(asking(method, host, path).is_none(), "{method} {host}{path}");
    }
    assert!(asking("POST", "chatgpt.com", "/%62ackend-api//conversation/?x=1").is_some(), "spelled otherwise");
    assert!(is_service("www.perplexity.ai") && !is_service("x.com") && !is_service("news.example") && !is_service("duckduckgo.com"));
}

#[test]
fn what_is_no_prompt_says_nothing_and_what_is_cut_off_says_what_came() {
    let chat = asking_of("https://chatgpt.com/backend-api/conversation").expect("a service");
    let claude = asking_of("https://claude.ai/api/organizations/x/chat_conversations/y/completion").expect("a service");
    for body in [
        "",
        "null",
        "{}",
        "[]",
        "{\"messages\":[]}",
        "{\"messages\":[{\"author\":{\"role\":\"user\"},\"content\":{\"parts\":[\"  \"]}}]}",
        "%%",
        "}",
        "]",
        "{\"messages\"",
        "\u{1}",
    ] {
        assert_eq!(asked(&chat, &[body.as_bytes()]), None, "{body}");
    }
    assert_eq!(asked(&claude, &[br#"{"prompt":"half a quest"#]).as_deref(), Some("half a quest"));
    assert_eq!(asked(&claude, &[br#"{"a":{"prompt":"no"},"prompt":"yes","z":["prompt"]}"#]).as_deref(), Some("yes"));
    // What has a dot in its name is not taken for a path.
    let poe = asking_of("https://poe.com/api/gql_POST").expect("a service");
    assert_eq!(asked(&poe, &[br#"{"variables.query":"no"}"#]), None);
    let deep = format!("{}{}", "[".repeat(10_000), "{\"prompt\":\"no\"}");
    assert_eq!(asked(&claude, &[deep.as_bytes()]), None);
}

#[test]
fn what_is_held_is_bounded() {
    let claude = asking_of("https://claude.ai/api/organizations/x/chat_conversations/y/completion").expect("a service");
    let long = format!("{{\"prompt\":\"{}\"}}", "a".repeat(3_000_000));
    assert_eq!(asked(&claude, &[long.as_bytes()]).map(|text| text.len()), Some(LONGEST));
    let meta = asking_of("https://www.meta.ai/api/graphql").expect("a service");
    let late = format!("pad={}&variables=%7B%22message%22%3A%7B%22sensitive_string_value%22%3A%22x%22%7D%7D", "a".repeat(MOST_HELD));
    assert_eq!(asked(&meta, &[late.as_bytes()]), None, "no more is held");
    let mut reply = claude.reply(false);
    let mut words = String::new();
    for _ in 0..100 {
        reply.feed(&vec![b'x'; 10_000], &mut words);
    }
    reply.end(&mut words);
    assert_eq!(words, "");
}

proptest! {
    #[test]
    fn texts_are_read_as_another_reader_of_json_reads_them(text in "\\PC{0,40}|[\\x00-\\x7f]{0,40}", history in prop::collection::vec("\\PC{0,10}", 0..3), cut in 0usize..200) {
        let mut messages: Vec<_> = history.iter().map(|old| serde_json::json!({"role": "user", "content": old})).collect();
        messages.push(serde_json::json!({"content": text, "role": "user", "x": [1, {"y": null, "content": "no"}]}));
        let body = serde_json::json!({"model": "m", "messages": messages, "stream": true}).to_string();
        let asking = asking_of("https://api.openai.com/v1/chat/completions").expect("a service");
        let mut cut = cut.min(body.len());
        while !body.is_char_boundary(cut) { cut -= 1; }
        let (first, second) = body.as_bytes().split_at(cut);
        // One that has no words, but blanks or signs that steer a terminal, asks nothing.
        let expected = messages.iter().rev().find_map(|message| in_words(message["content"].as_str()?, LONGEST));
        prop_assert_eq!(asked(&asking, &[first, second]), expected);
    }

    #[test]
    fn no_bytes_break_the_readers(bytes in prop::collection::vec(prop::sample::select(b"{}[]\":,\\u0d8/ maesgcontrlpvi\r\n-=&%+\xff".to_vec()), 0..200), place in 0..FIXTURES.len()) {
        let asking = asking_of(FIXTURES[place].url).expect("a service");
        let whole = asked(&asking, &[&bytes]);
        let pieces: Vec<_> = bytes.chunks(1).collect();
        prop_assert_eq!(asked(&asking, &pieces), whole);
        prop_assert_eq!(answered(&asking, &pieces), answered(&asking, &[&bytes]));
    }
}
