#!/usr/bin/env bash
# Runs pytest on private virtual displays with a window manager, whatever display the caller has.
#
# Without a path among the arguments three lanes run side by side, because tests that drive windows and processes mostly
# wait. What only computes has lower priority, so that it does not disturb the others' timing. One lane is shown as it
# goes, the others when they have ended. RETICLE_TEST_LANES=1 runs everything in one process.
set -euo pipefail
cd "$(dirname "$0")/.."

DESKTOP=(tests/agent tests/e2e)
WINDOWS=(tests/app)
INTERRUPTED=2
NOTHING_COLLECTED=5
ROOM_KB=$((6 * 1024 * 1024))

# Recorded runs are put on disk event by event; in memory that costs nothing. Copies of models need room there.
parent=/dev/shm
if ! [ -w "$parent" ] || [ "$(df --output=avail -k "$parent" | tail -n 1)" -lt "$ROOM_KB" ]; then
    parent=${TMPDIR:-/tmp}
fi
work=$(mktemp -d -p "$parent" reticle-tests-XXXXXX)
touch "$work/Xauthority"
export XAUTHORITY="$work/Xauthority"
unset WAYLAND_DISPLAY
helpers=() lanes=() names=()
cleanup() {
    for pid in "${lanes[@]}"; do kill -- "-$pid" 2>/dev/null || true; done
    for pid in "${helpers[@]}"; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What is started next has this display for itself.
new_display() {
    local file="$work/display${#helpers[@]}" xvfb
    Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp 3>"$file" 2>"$work/xvfb.log" &
    xvfb=$!
    helpers+=("$xvfb")
    for _ in $(seq 100); do
        [ -s "$file" ] && break
        kill -0 "$xvfb" 2>/dev/null || { echo "reticle: Xvfb did not start:" >&2; cat "$work/xvfb.log" >&2; exit 1; }
        sleep 0.1
    done
    export DISPLAY=":$(tr -d '\n' <"$file")"
    openbox >"$work/openbox.log" 2>&1 &
    helpers+=("$!")
}

# $1: name of the lane, $2: nice value, then arguments for pytest.
run_lane() {
    local name=$1 niceness=$2
    shift 2
    nice -n "$niceness" .venv/bin/pytest --basetemp="$work/$name" -o cache_dir=".pytest_cache/$name" \
        -o tmp_path_retention_policy=failed "$@"
}

start_lane() {
    set -m # a process group of its own, which Ctrl+C does not reach and in which SIGINT is not ignored
    run_lane "$@" >"$work/$1.log" 2>&1 &
    set +m
    lanes+=("$!")
    names+=("$1")
}

has_path() {
    for argument in "$@"; do
        if [ -e "${argument%%::*}" ]; then return 0; fi
    done
    return 1
}

code=0
if [ "${RETICLE_TEST_LANES:-3}" = 1 ] || has_path "$@"; then
    new_display
    run_lane all 0 "$@" || code=$?
    exit "$code"
fi

export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" # threads of one lane would wait for those of another
echo "reticle: ${DESKTOP[*]} now; ${WINDOWS[*]} and what computes run beside them and are shown afterwards"
new_display
start_lane windows 0 "$@" "${WINDOWS[@]}"
beside=("${DESKTOP[@]}" "${WINDOWS[@]}")
start_lane computing 10 "$@" "${beside[@]/#/--ignore=}"
new_display
run_lane desktop 0 "$@" "${DESKTOP[@]}" || code=$?
if [ "$code" = "$INTERRUPTED" ] || [ "$code" -gt 128 ]; then exit "$code"; fi

# A lane without any of the tests that were asked for is no failure, unless that is so in every lane.
codes=("$code")
for i in "${!lanes[@]}"; do
    code=0
    wait "${lanes[i]}" || code=$?
    codes+=("$code")
    echo
    echo "reticle: ${names[i]}"
    cat "$work/${names[i]}.log"
done
lanes=()
worst=$NOTHING_COLLECTED
for code in "${codes[@]}"; do
    if [ "$code" != "$NOTHING_COLLECTED" ] && { [ "$worst" = 0 ] || [ "$worst" = "$NOTHING_COLLECTED" ]; }; then
        worst=$code
    fi
done
exit "$worst"
