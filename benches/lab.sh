#!/usr/bin/env bash
# Starts Usher for the side-by-side lab: benches/lab.sh LISTS CA DIR IP PORT plain|mitm
#
# LISTS: a folder for each category, in UT1's layout, all blocked for everyone. CA: proxy.crt and proxy.key, which sign in mode `mitm`, where all https
# is looked into, and origin.crt, which the origins are believed by.
# DIR: where data and configuration go. Listens on IP:PORT; IP may be a destination; the record is on.
set -euo pipefail
lists=$1 ca=$2 dir=$3 ip=$4 port=$5 mode=$6
root=$(cd "$(dirname "$0")/.." && pwd)
inspect=none believed=
[ "$mode" = plain ] || { inspect=all believed="\"$ca/origin.crt\""; }
binary=${USHER_BINARY:-$root/target/release/usher}
[ -x "$binary" ] || (cd "$root" && cargo build --release --locked)
home=$dir/usher
rm -rf "$home"
mkdir -p "$home"

blocked=$(awk -F'"' '/^id = / { if ($2 != "child-sexual-abuse" && $2 != "terrorism") printf "\"%s\", ", $2 }' "$root/blocklists/categories.toml")
cat > "$home/policy.toml" <<POLICY
[[group]]
name = "everyone"
members = { networks = ["0.0.0.0/0", "::/0"] }
block = [$blocked]
inspect = "$inspect"
POLICY
cat > "$home/usher.toml" <<SETTINGS
data = "data"
[proxy]
listen = ["$ip:$port"]
[destinations]
allow = ["$ip/32"]
[files]
policy = "policy.toml"
categories = "$root/blocklists/categories.toml"
sources = "sources.toml"
canaries = "canaries.toml"
[tls]
authorities = [$believed]
[limits]
connections_per_client = 20000
requests_per_second = 0
SETTINGS
cat > "$home/sources.toml" <<SOURCES
[[source]]
name = "lab"
address = "$lists"
folders = "$root/blocklists/ut1.toml"
SOURCES
: > "$home/canaries.toml"
[ "$mode" = plain ] || "$binary" --config "$home/usher.toml" ca import "$ca/proxy.crt" "$ca/proxy.key" >&2
exec "$binary" --config "$home/usher.toml" serve
