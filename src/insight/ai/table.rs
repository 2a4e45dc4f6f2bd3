//! The table of chat services.

use super::json::Pick;

/// Where in a body the prompt stands.
pub(super) enum Body {
    /// In JSON.
    Json(&'static [Pick]),
    /// In JSON in a field of a form.
    Form(&'static str, &'static [Pick]),
    /// In JSON in a text of JSON in a field of a form.
    FormOfJson(&'static str, &'static [Pick], &'static [Pick]),
    /// In JSON in a part of a form of several parts.
    Parts(&'static str, &'static [Pick]),
}

/// One way of asking.
pub(super) struct Ask {
    /// The path, part by part: `*` for any one, `**` for any number.
    pub(super) path: &'static str,
    pub(super) body: Body,
}

/// Where the words of an answer stand in each line of it.
pub(super) struct Answer {
    pub(super) picks: &'static [Pick],
    /// In JSON within what is picked.
    pub(super) within: Option<&'static [Pick]>,
    /// Each line says all that was said before too.
    pub(super) is_whole_each_time: bool,
}

/// One service.
pub(super) struct Service {
    /// Its name in the log.
    pub(super) id: &'static str,
    /// Its name as people write it.
    pub(super) label: &'static str,
    /// Its hosts, each with all below it; any host, if there is none.
    pub(super) hosts: &'static [&'static str],
    /// Whether its hosts are there for chats: looked into where search engines are. Not so for sites that do much else.
    pub(super) looked_into: bool,
    pub(super) asks: &'static [Ask],
    pub(super) reply: Answer,
}

/// Text of the whole.
pub(super) const fn whole(text: &'static [&'static str]) -> Pick {
    Pick { group: "", text, who: None }
}

/// Text of one message of several.
pub(super) const fn each(group: &'static str, text: &'static [&'static str]) -> Pick {
    Pick { group, text, who: None }
}

impl Pick {
    /// Only where this says so.
    pub(super) const fn of(self, path: &'static str, ends: &'static [&'static str]) -> Self {
        Self { who: Some((path, ends)), ..self }
    }
}

const fn ask(path: &'static str, picks: &'static [Pick]) -> Ask {
    Ask { path, body: Body::Json(picks) }
}

const fn says(picks: &'static [Pick]) -> Answer {
    Answer { picks, within: None, is_whole_each_time: false }
}

/// Messages as OpenAI has them, and most since: `messages: [{role, content}]`, the content a text or parts with texts.
const MESSAGES: &[Pick] =
    &[each("messages.*", &["messages.*.content", "messages.*.content.*.text", "messages.*.parts.*.text"]).of("messages.*.role", &["user"])];
/// Answers to them, streamed and whole.
const CHOICES: &[Pick] = &[each("choices.*", &["choices.*.delta.content", "choices.*.message.content", "choices.*.text"])];
/// OpenAI's newer interface.
pub(super) const RESPONSES: &[Pick] =
    &[whole(&["input", "prompt"]), each("input.*", &["input.*.content", "input.*.content.*.text"]).of("input.*.role", &["user"])];
const RESPONSE: &[Pick] = &[
    whole(&["delta"]).of("type", &["response.output_text.delta"]),
    each("choices.*", &["choices.*.delta.content", "choices.*.message.content", "choices.*.text"]),
    each("output.*", &["output.*.content.*.text"]),
];
/// Anthropic's, streamed and whole, and claude.ai's older one.
const BLOCKS: &[Pick] = &[whole(&["delta.text", "completion"]), each("content.*", &["content.*.text"])];
/// Google's interface for programs.
const CONTENTS: &[Pick] = &[each("contents.*", &["contents.*.parts.*.text"]).of("contents.*.role", &["user"])];

#[rustfmt::skip]
pub(super) static SERVICES: &[Service] = &[
    Service {
        id: "chatgpt", label: "ChatGPT", hosts: &["chatgpt.com", "chat.openai.com"], looked_into: true,
        asks: &[
            ask("/backend-api/conversation", CHATGPT), ask("/backend-api/f/conversation", CHATGPT), ask("/backend-anon/conversation", CHATGPT),
            ask("/backend-anon/f/conversation", CHATGPT), ask("/unauthenticated-api/conversation", CHATGPT),
        ],
        reply: says(&[
            whole(&["v"]).of("p", &["/message/content/parts/0", "parts/0"]),
            each("v.*", &["v.*.v"]).of("v.*.p", &["/message/content/parts/0"]),
            whole(&["v.message.content.parts.*"]).of("v.message.author.role", &["assistant"]),
        ]),
    },
    Service {
        id: "claude", label: "Claude", hosts: &["claude.ai"], looked_into: true,
        asks: &[
            ask("/api/organizations/*/chat_conversations/*/completion", &[whole(&["prompt"])]),
            ask("/api/organizations/*/chat_conversations/*/retry_completion", &[whole(&["prompt"])]),
            ask("/api/append_message", &[whole(&["completion.prompt", "text"])]),
        ],
        reply: says(BLOCKS),
    },
    Service {
        id: "gemini", label: "Gemini", hosts: &["gemini.google.com", "bard.google.com"], looked_into: true,
        asks: &[Ask {
            path: "/**/data/assistant.lamda.BardFrontendService/StreamGenerate",
            body: Body::FormOfJson("f.req", &[whole(&["1"])], &[whole(&["0.0"])]),
        }],
        reply: Answer { picks: &[whole(&["*.2"])], within: Some(&[whole(&["4.0.1.0"])]), is_whole_each_time: true },
    },
    Service {
        // What is asked in its own window goes over a WebSocket: see `sockets`.
        id: "copilot", label: "Copilot", hosts: &["copilot.microsoft.com", "sydney.bing.com", "copilot.cloud.microsoft"], looked_into: true,
        asks: &[ask("/c/api/conversations/*/messages", &[each("content.*", &["content.*.text"])]), ask("/c/api/chat", &[each("content.*", &["content.*.text"])])],
        reply: says(&[whole(&["text"]).of("event", &["appendText"])]),
    },
    Service {
        id: "github-copilot", label: "GitHub Copilot", hosts: &["githubcopilot.com"], looked_into: false,
        asks: &[ask("/github/chat/threads/*/messages", &[whole(&["content"])]), ask("/**/chat/completions", MESSAGES), ask("/chat/completions", MESSAGES)],
        reply: says(&[whole(&["body"]), each("choices.*", &["choices.*.delta.content", "choices.*.message.content"])]),
    },
    Service {
        id: "perplexity", label: "Perplexity", hosts: &["perplexity.ai"], looked_into: true,
        asks: &[ask("/rest/sse/perplexity_ask", &[whole(&["query_str"])]), ask("/chat/completions", MESSAGES)],
        reply: says(&[
            each("blocks.*", &["blocks.*.markdown_block.chunks.*"]).of("blocks.*.intended_usage", &["ask_text"]),
            each("choices.*", &["choices.*.delta.content", "choices.*.message.content"]),
        ]),
    },
    Service {
        id: "deepseek", label: "DeepSeek", hosts: &["deepseek.com"], looked_into: true,
        asks: &[ask("/api/v0/chat/completion", &[whole(&["prompt"])]), ask("/chat/completions", MESSAGES), ask("/v1/chat/completions", MESSAGES)],
        reply: says(&[
            whole(&["v"]).of("p", &["/content"]),
            each("v.*", &["v.*.v.*.content"]),
            each("choices.*", &["choices.*.delta.content", "choices.*.message.content"]),
        ]),
    },
    Service {
        id: "mistral", label: "Le Chat", hosts: &["mistral.ai"], looked_into: true,
        asks: &[
            ask("/api/chat", &[whole(&["messageInput", "messageInput.*.text", "content"]), each("messages.*", &["messages.*.content"]).of("messages.*.role", &["user"])]),
            ask("/v1/chat/completions", MESSAGES),
        ],
        // Texts by themselves, and changes to a message.
        reply: says(&[
            whole(&[""]),
            each("json.patches.*", &["json.patches.*.value"]).of("json.patches.*.op", &["append"]),
            each("choices.*", &["choices.*.delta.content", "choices.*.message.content"]),
        ]),
    },
    Service {
        id: "grok", label: "Grok", hosts: &["grok.com", "grok.x.com"], looked_into: true,
        asks: &[
            ask("/rest/app-chat/conversations/new", &[whole(&["message"])]), ask("/rest/app-chat/conversations/*/responses", &[whole(&["message"])]),
            ask("/2/grok/add_response.json", GROK_ON_X),
        ],
        reply: says(&[whole(&["result.response.token", "result.token"]), whole(&["result.message"]).of("result.sender", &["ASSISTANT"])]),
    },
    Service {
        id: "grok", label: "Grok", hosts: &["x.com", "twitter.com"], looked_into: false,
        asks: &[ask("/i/api/2/grok/add_response.json", GROK_ON_X)],
        reply: says(&[whole(&["result.message"]).of("result.sender", &["ASSISTANT"])]),
    },
    Service {
        id: "meta-ai", label: "Meta AI", hosts: &["meta.ai"], looked_into: true,
        asks: &[
            Ask { path: "/api/graphql", body: Body::Form("variables", META) },
            Ask { path: "/graphql", body: Body::Form("variables", META) },
        ],
        reply: Answer {
            picks: &[whole(&["data.node.bot_response_message.composed_text.content.*.text", "data.xfb_silverstone_send_message.agent_messages.edges.*.node.composed_text.content.*.text"])],
            within: None,
            is_whole_each_time: true,
        },
    },
    Service {
        // Answers come over a WebSocket, which is read as any chat is.
        id: "poe", label: "Poe", hosts: &["poe.com"], looked_into: true,
        asks: &[ask("/api/gql_POST", &[whole(&["variables.query", "variables.message.text"])]), ask("/api/gql_upload_POST", &[whole(&["variables.query"])])],
        reply: says(&[whole(&["data.messageAdded.text"])]),
    },
    Service {
        // The site itself asks over a WebSocket (`sockets`); this is what it did before, and other programs do.
        id: "character-ai", label: "Character.AI", hosts: &["character.ai"], looked_into: true,
        asks: &[
            ask("/chat/streaming", &[whole(&["text"])]),
            ask("/**/turn", &[each("payload.turn.candidates.*", &["payload.turn.candidates.*.raw_content"])]),
        ],
        reply: Answer { picks: &[whole(&["replies.0.text", "turn.candidates.0.raw_content"])], within: None, is_whole_each_time: true },
    },
    Service {
        id: "duck-ai", label: "Duck.ai", hosts: &["duck.ai"], looked_into: true,
        asks: &[ask("/duckchat/v1/chat", MESSAGES)],
        reply: says(&[whole(&["message"])]),
    },
    Service {
        id: "duck-ai", label: "Duck.ai", hosts: &["duckduckgo.com"], looked_into: false,
        asks: &[ask("/duckchat/v1/chat", MESSAGES)],
        reply: says(&[whole(&["message"])]),
    },
    Service {
        id: "hugging-chat", label: "HuggingChat", hosts: &["huggingface.co", "hf.co"], looked_into: false,
        asks: &[
            Ask { path: "/chat/conversation/*", body: Body::Parts("data", &[whole(&["inputs"])]) },
            ask("/models/**", &[whole(&["inputs"])]), ask("/**/v1/chat/completions", MESSAGES),
        ],
        reply: says(&[
            whole(&["token"]).of("type", &["stream"]),
            each("choices.*", &["choices.*.delta.content", "choices.*.message.content"]),
        ]),
    },
    Service {
        // Most is asked in the address: see the search engines.
        id: "you", label: "You.com", hosts: &["you.com"], looked_into: true,
        asks: &[ask("/api/streamingSearch", &[whole(&["query", "q"])]), ask("/api/chat/**", &[whole(&["query"])])],
        reply: says(&[whole(&["youChatToken"])]),
    },
    Service {
        id: "kimi", label: "Kimi", hosts: &["kimi.com", "kimi.moonshot.cn"], looked_into: true,
        asks: &[ask("/api/chat/*/completion/stream", MESSAGES), ask("/apiv2/kimi.chat.v1.ChatService/Chat", &[each("message.blocks.*", &["message.blocks.*.text.content"])])],
        reply: says(&[whole(&["text"]).of("event", &["cmpl"])]),
    },
    Service {
        id: "qwen", label: "Qwen", hosts: &["chat.qwen.ai", "chat.qwenlm.ai"], looked_into: true,
        asks: &[ask("/api/v2/chat/completions", MESSAGES), ask("/api/chat/completions", MESSAGES)],
        reply: says(CHOICES),
    },
    Service {
        id: "pi", label: "Pi", hosts: &["pi.ai"], looked_into: true,
        asks: &[ask("/api/chat", &[whole(&["text"])]), ask("/api/v2/chat", &[whole(&["text"])])],
        reply: says(&[whole(&["text"])]),
    },
    Service {
        id: "blackbox", label: "Blackbox", hosts: &["blackbox.ai"], looked_into: true,
        asks: &[ask("/api/chat", MESSAGES)],
        reply: says(CHOICES),
    },
    Service {
        id: "venice", label: "Venice", hosts: &["venice.ai"], looked_into: true,
        asks: &[ask("/api/inference/chat", &[each("prompt.*", &["prompt.*.content"]).of("prompt.*.role", &["user"])]), ask("/api/v1/chat/completions", MESSAGES)],
        reply: says(&[whole(&["content"]), each("choices.*", &["choices.*.delta.content", "choices.*.message.content"])]),
    },
    Service {
        id: "anthropic-api", label: "Claude (API)", hosts: &["api.anthropic.com"], looked_into: true,
        asks: &[ask("/v1/messages", MESSAGES), ask("/v1/complete", &[whole(&["prompt"])])],
        reply: says(BLOCKS),
    },
    Service {
        id: "gemini-api", label: "Gemini (API)", hosts: &["generativelanguage.googleapis.com", "aiplatform.googleapis.com"], looked_into: true,
        asks: &[ask("/v1beta/models/*", CONTENTS), ask("/v1/models/*", CONTENTS), ask("/**/chat/completions", MESSAGES)],
        reply: says(&[each("candidates.*", &["candidates.*.content.parts.*.text"]), each("*.candidates.*", &["*.candidates.*.content.parts.*.text"])]),
    },
    Service {
        id: "openai-api", label: "ChatGPT (API)", hosts: &["api.openai.com"], looked_into: true,
        asks: &[ask("/v1/chat/completions", MESSAGES), ask("/v1/responses", RESPONSES), ask("/v1/completions", &[whole(&["prompt"])]), ask("/v1/images/generations", &[whole(&["prompt"])])],
        reply: says(RESPONSE),
    },
    Service {
        // Ollama, LM Studio and the like, on a machine of the school's too.
        id: "ollama", label: "Ollama", hosts: &["ollama.com"], looked_into: true,
        asks: &[ask("/api/chat", MESSAGES), ask("/api/generate", &[whole(&["prompt"])])],
        reply: says(&[whole(&["message.content", "response"])]),
    },
    Service {
        // Whoever speaks as OpenAI does: Groq, OpenRouter, xAI, Mistral, a pupil's own server.
        id: "ai-api", label: "an AI service", hosts: &[], looked_into: false,
        asks: &[ask("/**/v1/chat/completions", MESSAGES), ask("/**/chat/completions", MESSAGES), ask("/**/v1/responses", RESPONSES)],
        reply: says(RESPONSE),
    },
];

const CHATGPT: &[Pick] = &[each("messages.*", &["messages.*.content.parts.*", "messages.*.content.parts.*.text"]).of("messages.*.author.role", &["user"])];
const GROK_ON_X: &[Pick] = &[each("responses.*", &["responses.*.message"])];
const META: &[Pick] = &[whole(&["message.sensitive_string_value", "content"])];
