//! What pupils look for: topics of lessons and of breaks, put in their words, with their spelling.

use super::names::Random;

const TOPICS: [&str; 112] = [
    "photosynthesis", "plate tectonics", "volcanoes", "earthquakes", "the water cycle", "river erosion", "coastal management", "rainforest", "climate change",
    "renewable energy", "the periodic table", "ionic bonding", "covalent bonding", "rates of reaction", "electrolysis", "acids and alkalis", "the atom",
    "newton's laws", "electromagnetism", "circuits", "speed distance time", "waves", "the solar system", "black holes", "cells", "mitosis", "dna",
    "natural selection", "the heart", "the digestive system", "enzymes", "respiration", "food chains", "adaptation", "macbeth", "romeo and juliet",
    "an inspector calls", "a christmas carol", "jekyll and hyde", "of mice and men", "blood brothers", "lord of the flies", "animal farm", "poetry anthology",
    "similes and metaphors", "persuasive writing", "the tudors", "henry viii", "the battle of hastings", "william the conqueror", "the black death",
    "the industrial revolution", "the slave trade", "world war one", "world war two", "the treaty of versailles", "the blitz", "the cold war", "the holocaust",
    "the suffragettes", "martin luther king", "the roman empire", "ancient egypt", "vikings", "pythagoras", "quadratic equations", "simultaneous equations",
    "fractions", "percentages", "ratio", "trigonometry", "circle theorems", "probability tree", "standard form", "algebra", "french verbs",
    "spanish past tense", "german adjectives", "binary numbers", "python loops", "html tags", "algorithms", "islam", "christianity", "hinduism", "buddhism",
    "judaism", "euthanasia debate", "democracy", "parliament", "human rights", "van gogh", "picasso", "cubism", "pop art", "frida kahlo", "mozart",
    "chord progressions", "badminton rules", "netball positions", "muscles of the body", "healthy eating", "bread recipe", "victoria sponge",
    "supply and demand", "marketing mix", "erikson stages", "social media addiction", "stress", "sleep", "anxiety", "puberty",
];
const FUN: [&str; 40] = [
    "minecraft", "roblox", "fortnite", "fifa", "premier league table", "arsenal", "liverpool fc", "man united", "taylor swift", "drake", "stormzy", "sza",
    "one piece", "naruto", "anime", "manga", "tiktok", "snapchat", "mr beast", "ksi", "sneakers", "jordan 4", "nike tech", "drill music", "lyrics", "memes",
    "funny cats", "dogs", "makeup", "hair styles", "unblocked games", "slope", "retro bowl", "1v1", "cookie clicker", "wordle", "chess", "formula one", "ufc",
    "gta 6",
];
const BEFORE: [&str; 12] =
    ["", "", "", "what is ", "how does ", "why did ", "facts about ", "pictures of ", "causes of ", "definition of ", "how to draw ", "who was "];
const AFTER: [&str; 18] = [
    "", "", "", "", " ks3", " gcse", " gcse revision", " year 9", " bbc bitesize", " facts for kids", " explained", " diagram", " worksheet", " quiz",
    " essay", " quotes", " summary", " timeline",
];

/// Words of addresses and of pages.
pub const SLUGS: [&str; 96] = [
    "guide", "revision", "topics", "science", "biology", "chemistry", "physics", "maths", "english", "history", "geography", "music", "art", "sport", "news",
    "football", "world", "health", "culture", "climate", "energy", "animals", "space", "planet", "river", "volcano", "castle", "empire", "war", "king",
    "queen", "poem", "novel", "theme", "quote", "essay", "lesson", "unit", "quiz", "test", "exam", "answer", "question", "worksheet", "video", "game", "play",
    "level", "score", "team", "league", "match", "player", "season", "film", "series", "episode", "trailer", "review", "best", "top", "new", "how", "why",
    "what", "when", "the", "of", "and", "for", "with", "from", "about", "school", "student", "teacher", "parent", "learn", "study", "course", "chapter",
    "section", "page", "home", "search", "help", "contact", "shop", "product", "shoes", "dress", "phone", "laptop", "recipe", "garden", "travel",
];

/// A search in somebody's words.
pub fn term(random: &mut Random) -> String {
    let topic = if random.below(100) < 72 { *random.pick(&TOPICS) } else { *random.pick(&FUN) };
    let term = format!("{}{topic}{}", random.pick(&BEFORE), random.pick(&AFTER));
    if random.below(100) < 14 { misspelt(&term, random) } else { term }
}

/// One slip of the fingers: a letter left out, doubled, or changed with its neighbour.
fn misspelt(term: &str, random: &mut Random) -> String {
    let mut letters: Vec<char> = term.chars().collect();
    let at = 1 + random.below(letters.len() - 1);
    match random.below(3) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        _ => letters.swap(at - 1, at),
    }
    letters.into_iter().collect()
}
