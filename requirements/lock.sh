#!/usr/bin/env bash
# Writes the locks from pyproject.toml; with --check it only checks that they are current.
# Either way it fails if a lock names a version that its authors have withdrawn ("yanked").
# Versions that still fit are kept; to raise them, delete the files first.
set -euo pipefail
cd "$(dirname "$0")/.."

target=requirements
if [ "${1:-}" = "--check" ]; then
    target=$(mktemp -d)
    trap 'rm -r "$target"' EXIT
    cp requirements/*.txt "$target"
fi

lock() {
    local name=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --no-emit-index-url --no-emit-find-links --output-file "$target/$name.txt" "$@" pyproject.toml >/dev/null
}

lock dev --extra demo --group dev
lock demo --extra demo --constraints "$target/dev.txt"
lock run --constraints "$target/dev.txt"
# The oldest versions that pyproject.toml allows, which .ci/bounds tries.
lock lowest --resolution lowest-direct
# Not constrained: hikari asks for another multidict than the newest.
lock bench --group bench

if [ "$target" != requirements ]; then
    diff -r "$target" requirements --exclude lock.sh || { echo "The locks are not current: run requirements/lock.sh" >&2; exit 1; }
fi

for lock in "$target"/*.txt; do
    output=$(uv pip compile --universal --python-version 3.11 --no-deps --no-header "$lock" 2>&1 >/dev/null)
    if grep "is yanked" <<<"$output" >&2; then
        exit 1
    fi
done
