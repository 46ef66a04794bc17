#!/usr/bin/env bash
# Opens the window of an installed Reticle on a virtual display, waits until it stands there, takes a picture and closes
# it: smoke_window.sh COMMAND PICTURE.png [SECONDS]
set -euo pipefail
command=$1 out=$2 seconds=${3:-120}
work=$(mktemp -d)
cleanup() {
    for pid in ${app:-} ${wm:-} ${xvfb:-}; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT
export XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data XDG_CACHE_HOME=$work/cache XAUTHORITY=$work/Xauthority
unset PYTHONPATH WAYLAND_DISPLAY
touch "$XAUTHORITY"
Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp 3>"$work/display" 2>"$work/xvfb.log" &
xvfb=$!
for _ in $(seq 200); do [ -s "$work/display" ] && break; sleep 0.1; done
export DISPLAY=":$(tr -d '\n' <"$work/display")"
openbox >"$work/openbox.log" 2>&1 &
wm=$!
begun=$(date +%s.%N)
"$command" >"$work/app.log" 2>&1 &
app=$!
for _ in $(seq "$((seconds * 5))"); do
    xdotool search --onlyvisible --name '^Reticle$' >"$work/windows" 2>/dev/null && [ -s "$work/windows" ] && break
    kill -0 "$app" 2>/dev/null || { echo "reticle: the application ended:" >&2; cat "$work/app.log" >&2; exit 1; }
    sleep 0.2
done
[ -s "$work/windows" ] || { echo "reticle: no window after $seconds s:" >&2; cat "$work/app.log" >&2; exit 1; }
echo "reticle: window after $(echo "$(date +%s.%N) - $begun" | bc) s"
# the model process is the packaged program itself, started with -m
for _ in $(seq "$((seconds * 5))"); do
    pgrep -P "$app" -f 'reticle_app.worker' >/dev/null && break
    sleep 0.2
done
pgrep -P "$app" -f 'reticle_app.worker' >/dev/null || { echo "reticle: no model process" >&2; cat "$work/app.log" >&2; exit 1; }
sleep "${RETICLE_WINDOW_WAIT:-5}"
"${RETICLE_PYTHON:-python3}" -m mss --quiet --monitor 1 --output "$out"
kill -TERM "$app"
wait "$app" && echo "reticle: window closed in order" || echo "reticle: the window ended with $?"
app=
