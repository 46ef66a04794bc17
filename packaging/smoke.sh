#!/usr/bin/env bash
# Runs the commands of an installed Reticle as a newcomer would, outside any checkout: smoke.sh COMMAND PICTURE WORDS
# The command gets settings and data folders of its own, so that nothing of the person's is touched.
# $RETICLE_AT is the box "left top right bottom" in the picture in which the first answer must lie.
set -euo pipefail
command=$1 picture=$2 words=$3
private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT
export XDG_CONFIG_HOME=$private/config XDG_DATA_HOME=$private/data XDG_CACHE_HOME=$private/cache
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV
cd "$private"

fail() { echo "reticle: $command: $1" >&2; exit 1; }

# wrong_input STATUS ARGUMENT...: must end with that status and say why in one line, not in a traceback
wrong_input() {
    local wanted=$1 status=0
    shift
    "$command" "$@" >said.txt 2>&1 || status=$?
    [ "$status" -eq "$wanted" ] || fail "'$*' ended with $status, not $wanted: $(cat said.txt)"
    ! grep -q Traceback said.txt || fail "'$*' gave a traceback: $(cat said.txt)"
}

echo "reticle: $command --version"
"$command" --version | grep -q '^reticle [0-9]' || fail "no version"
echo "reticle: $command ground $(basename "$picture") '$words'"
"$command" ground "$picture" "$words" --json >found.json 2>said.txt || fail "no answer: $(cat said.txt)"
! grep -i warning said.txt || fail "it warns about itself"
"${RETICLE_PYTHON:-python3}" - "${RETICLE_AT:-1232 13 1303 48}" <<'END'
import json
import sys

with open("found.json", encoding="utf-8") as file:
    answer = json.load(file)
left, top, right, bottom = (float(number) for number in sys.argv[1].split())
best = answer["candidates"][0]
x, y = best["point"]
if not (answer["found"] and left <= x <= right and top <= y <= bottom):
    raise SystemExit(f"reticle: the answer {x},{y} does not lie in {sys.argv[1]}: {answer}")
print(f"reticle: found {best['text']!r} at {x:g},{y:g} with {best['p_true']}")
END
wrong_input 2 ground nowhere.png "$words"
wrong_input 2 ground "$picture" "$words" --model nowhere
wrong_input 2 trace show nowhere
echo "reticle: $command works"
