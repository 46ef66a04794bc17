#!/usr/bin/env bash
# Uses an installed Reticle on a private virtual desktop as a person would: smoke_window.sh COMMAND FOLDER [SECONDS]
# The doctor must find nothing wrong (display, capture, click, typing, overlay, stop key, model); a task must be done in an
# editor and be recorded; the window of the question must open and take "nobody there" for no; the main window must open
# in German, find what is named on a pasted picture, show it in the inspector and close in order. Pictures of the windows
# and the run go to FOLDER; SECONDS is the longest wait for one of them ($RETICLE_SECONDS, or 300, where none is given).
# Needs Xvfb, openbox, xdotool, xclip and mousepad, and a Python with Pillow and mss ($RETICLE_PYTHON).
set -euo pipefail
command=$1 pictures=$2 seconds=${3:-${RETICLE_SECONDS:-300}}
work=$(mktemp -d)
cleanup() {
    exec 4>&- || true
    for pid in ${app:-} ${ask:-} ${wm:-} ${xvfb:-}; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT
mkdir -p "$pictures"
export XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data XDG_CACHE_HOME=$work/cache XAUTHORITY=$work/Xauthority
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV WAYLAND_DISPLAY QT_QPA_PLATFORM
touch "$XAUTHORITY"
here=$(cd "$(dirname "$0")" && pwd)
cd "$work"
Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp 3>"$work/display" 2>"$work/xvfb.log" &
xvfb=$!
for _ in $(seq 200); do [ -s "$work/display" ] && break; sleep 0.1; done
DISPLAY=:$(tr -d '\n' <"$work/display")
export DISPLAY
openbox >"$work/openbox.log" 2>&1 &
wm=$!

fail() { echo "reticle: $command: $1" >&2; cat "$work"/*.log >&2; exit 1; }
python=${RETICLE_PYTHON:-python3}
picture() { "$python" -m mss --quiet --monitor 1 --output "$pictures/$1.png"; }

# await PID WHAT COMMAND...: repeats the command until it succeeds, the process has ended, or time is up
await() {
    local pid=$1 what=$2
    shift 2
    for _ in $(seq "$((seconds * 4))"); do
        "$@" >/dev/null 2>&1 && return
        kill -0 "$pid" 2>/dev/null || fail "it ended before there was $what"
        sleep 0.25
    done
    fail "no $what after $seconds s"
}
# Enter is pressed until the answer is on the screen, since the model may be loading still: the first mark has a colour of
# its own (theme.py, mark_chosen)
answered() {
    xdotool key Return
    sleep 3
    picture window
    "$python" - "$pictures/window.png" <<'END'
import sys

from PIL import Image

with Image.open(sys.argv[1]) as picture:
    colours = picture.convert("RGB").getcolors(1 << 24) or []
sys.exit(0 if sum(count for count, colour in colours if colour == (0xC2, 0x41, 0x0C)) > 200 else 1)
END
}
child() { pgrep -P "$app" -f "reticle_app.worker"; }
window() { xdotool search --onlyvisible --name "$1"; }
gone() { ! window "$1"; }

echo "reticle: $command doctor"
"$command" doctor | tee "$work/doctor.txt" || fail "the doctor found something wrong"

echo "reticle: $command run --auto --app mousepad"
rm -rf "$pictures/run"
"$command" run "open the Search menu, then press Escape" --auto --app mousepad --trace "$pictures/run" >"$work/run.log" 2>&1 ||
    fail "the task was not done ($?)"
"$command" trace report "$pictures/run" --out "$pictures/run/report.html" >/dev/null || fail "no report of the run"

echo "reticle: $command asks a question"
# a process of its own: of the packaged program itself, where an installer wrote a script, of the Python beside that
own=("$command")
[ "$(head -c 2 "$(command -v "$command")")" != '#!' ] || own=("$(dirname "$(command -v "$command")")/python")
mkfifo "$work/channel"
"${own[@]}" -m reticle_app.ask <"$work/channel" >"$work/answer.txt" 2>"$work/ask.log" &
ask=$!
exec 4>"$work/channel"
echo '{"description": "click \"Save\"", "reason": "a trial of the package"}' >&4
await "$ask" "window with the question" window '^Reticle asks'
sleep 2
picture ask
exec 4>&-
wait "$ask" || fail "the question ended with $?"
ask=
grep -q '"deny"' "$work/answer.txt" || fail "an abandoned question was answered with $(cat "$work/answer.txt")"

echo "reticle: $command"
begun=$(date +%s.%N)
LANGUAGE=de "$command" >"$work/app.log" 2>&1 &
app=$!
await "$app" "window" window '^Reticle$'
echo "reticle: window after $(echo "$(date +%s.%N) - $begun" | bc) s"
for words in reticle_de.qm qtbase_de.qm; do # our words and those of Qt's own dialogs; Qt maps both files
    grep -q "translations/$words" "/proc/$app/maps" || fail "a person who reads German gets no $words"
done
await "$app" "model process" child
echo "reticle: model process after $(echo "$(date +%s.%N) - $begun" | bc) s"
# a picture with the header of a window, pasted as a person would
"$python" - "$here/../docs/images/window.png" sample.png <<'END'
import sys

from PIL import Image

with Image.open(sys.argv[1]) as window:
    sheet = Image.new("RGB", (1400, 600), "white")
    sheet.paste(window.convert("RGB").crop((0, 0, 1400, 60)), (0, 120))
    sheet.save(sys.argv[2])
END
# the first start shows the first steps beside the main window, and they have the keyboard
await "$app" "window with the first steps" window '^Erste Schritte'
xdotool windowactivate --sync "$(window '^Erste Schritte' | head -n 1)" key ctrl+w
await "$app" "end of the first steps" gone '^Erste Schritte'
xclip -selection clipboard -target image/png -in sample.png
xdotool windowactivate --sync "$(window '^Reticle$' | head -n 1)" key ctrl+v
xdotool key ctrl+l type --delay 40 "the Run button"
await "$app" "answer in the window" answered
echo "reticle: answer after $(echo "$(date +%s.%N) - $begun" | bc) s"
xdotool windowactivate --sync "$(window '^Reticle$' | head -n 1)" key ctrl+i
await "$app" "inspector" window '^Inspektor'
sleep 4
picture inspector
kill -TERM "$app"
status=0
wait "$app" || status=$?
app=
[ "$status" -eq 0 ] || fail "the window ended with $status"
! grep -q Traceback "$work/app.log" || fail "the window said"
echo "reticle: window closed in order; pictures in $pictures"
