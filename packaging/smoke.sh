#!/usr/bin/env bash
# Runs an installed Reticle as a newcomer would: smoke.sh COMMAND PICTURE WORDS
# The command gets settings and data folders of its own, so that nothing of the person's is touched.
set -euo pipefail
command=$1 picture=$2 words=$3
private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT
export XDG_CONFIG_HOME=$private/config XDG_DATA_HOME=$private/data XDG_CACHE_HOME=$private/cache
unset PYTHONPATH
cd "$private"

echo "reticle: $command --version"
"$command" --version | grep -q '^reticle [0-9]'
echo "reticle: $command ground $(basename "$picture") '$words'"
"$command" ground "$picture" "$words" --json >found.json
grep -q '"candidates"' found.json
head -c 300 found.json && echo
status=0
"$command" ground nowhere.png "$words" 2>error.txt || status=$?
[ "$status" -eq 2 ] || { echo "reticle: a missing picture ended with $status, not 2" >&2; exit 1; }
status=0
"$command" -m json.tool 2>error.txt || status=$?
[ "$status" -ne 0 ] || { echo "reticle: it runs modules of others" >&2; exit 1; }
echo "reticle: $command works"
