//! Bodies to and from chat services (`insight::ai`). The first byte chooses the service; in whatever pieces the rest comes, the same is read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use usher::insight::ai;

const ASKED: [(&str, &str); 8] = [
    ("chatgpt.com", "/backend-api/conversation"),
    ("gemini.google.com", "/_/BardChatUi/data/assistant.lamda.BardFrontendService/StreamGenerate"),
    ("www.meta.ai", "/api/graphql/"),
    ("huggingface.co", "/chat/conversation/1"),
    ("chat.mistral.ai", "/api/chat"),
    ("chat.deepseek.com", "/api/v0/chat/completion"),
    ("api.openai.com", "/v1/responses"),
    ("news.example", "/v1/chat/completions"),
];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, body)) = bytes.split_first() else { return };
    let (host, path) = ASKED[usize::from(*first) % ASKED.len()];
    let asking = ai::asking("POST", host, path).expect("a service");
    let prompt = |size: usize| {
        let mut prompt = asking.prompt();
        body.chunks(size).for_each(|piece| prompt.feed(piece));
        prompt.end()
    };
    let whole = prompt(usize::MAX);
    assert_eq!(prompt(1), whole);
    assert!(whole.is_none_or(|text| !text.is_empty() && text.chars().count() <= 2_000 && !text.contains('\n')));
    for is_document in [false, true] {
        let words = |size: usize| {
            let (mut reply, mut words) = (asking.reply(is_document), String::new());
            body.chunks(size).for_each(|piece| reply.feed(piece, &mut words));
            reply.end(&mut words);
            words
        };
        assert_eq!(words(1), words(usize::MAX));
    }
});
