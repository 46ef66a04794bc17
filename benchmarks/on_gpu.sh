#!/usr/bin/env bash
# One run on a CUDA machine: correctness in bfloat16, sparse prefill beside dense attention from 4k to 1M tokens, a run of
# thirty screenshots on one cache, then training from the shipped checkpoint: half of the minutes the reading of pixels,
# half the reading channel with pointer head and language model on top.
#
#   benchmarks/on_gpu.sh [MINUTES] [OUT]        default: 20 minutes, ./gpu-run
#   benchmarks/on_gpu.sh --dry [OUT]            everything, tiny, on the processor (a few minutes)
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-.venv/bin/python}
checkpoint=assets/embedded
device=cuda:0 minutes=${1:-20} scenes=4000 collages=800 validation=40 few=()
if [[ ${1:-} == --dry ]]; then
    device=cpu minutes=0.2 scenes=4 collages=2 validation=2 few=(--limit 4)
fi
half=$(awk "BEGIN {print $minutes / 2}")
out=${2:-gpu-run}
cores=$(nproc)
mkdir -p "$out"

if [[ $device == cuda:0 ]] && ! "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    echo "no CUDA device was found; use --dry to rehearse on the processor" >&2
    exit 2
fi

echo "== correctness"
"$python" -m pytest -q tests/kernels tests/grounding/test_pointer_head.py tests/grounding/test_training.py
"$python" -m reticle_grounding.training device "$checkpoint" --device "$device" | tee "$out/device.json"

"$python" -m reticle_kernels.attention.ahead >"$out/kernels-ahead.json"

echo "== sparse prefill"
bench() { "$python" -c 'from reticle_app.cli.main import main; main()' bench "$@"; }
if [[ $device == cpu ]]; then
    bench prefill --lengths 2200 --rounds 1 --end-to-end --save "$out/prefill.json" --plot "$out/prefill.png"
else
    # One layer of Qwen2.5-VL-7B at every length, then both sizes end to end, where few lengths say enough.
    bench prefill --device cuda --save "$out/prefill.json" --plot "$out/prefill.png"
    for sizes in 3b 7b; do
        bench prefill --device cuda --sizes $sizes --end-to-end --lengths 32768,131072,524288,1048576 \
            --save "$out/prefill-$sizes.json" --plot "$out/prefill-$sizes.png"
    done
fi

echo "== a run of thirty screenshots"
steps=(--steps 30)
[[ $device == cpu ]] && steps=(--steps 2)
"$python" benchmarks/history.py --device "$device" "${steps[@]}" --out "$out/history.json" >"$out/history.log"

echo "== screens, on $cores cores"
share() { echo $((($1 + cores - 1) / cores)); }
for ((i = 0; i < cores; i++)); do
    OMP_NUM_THREADS=1 "$python" -m reticle_grounding.training scenes "$out/scenes" \
        --seed $((5000000 + i * $(share $scenes))) -n "$(share $scenes)" 2>>"$out/scenes.log" &
    OMP_NUM_THREADS=1 "$python" -m reticle_grounding.training scenes "$out/collages" --collage \
        --seed $((6000000 + i * $(share $collages))) -n "$(share $collages)" 2>>"$out/scenes.log" &
done
"$python" -m reticle_grounding.training scenes "$out/validation" --seed 100 -n $validation 2>>"$out/scenes.log"
wait

echo "== training for $half minutes"
captured=()
for folder in ../shared/screens/desktop ../shared/screens/web; do
    [[ -f $folder/screens.jsonl ]] && captured+=(--captured "$folder")
done
bf16=()
[[ $device == cpu ]] || bf16=(--bf16)
"$python" -m reticle_grounding.training train "$out/run" --scenes "$out/scenes" --collages "$out/collages" \
    "${captured[@]}" --tokenizer "$checkpoint/tokenizer.json" --start "$checkpoint" \
    --minutes "$half" --device "$device" "${bf16[@]}"

if ((${#captured[@]})); then
    echo "== reading channel for $half minutes"
    mkdir -p "$out/start"
    cp "$out/run/checkpoint"/* "$checkpoint"/matcher* "$out/start/"
    for ((i = 0; i < cores; i++)); do
        OMP_NUM_THREADS=1 "$python" -m reticle_grounding.training.prepared "$out/prepared" "${captured[@]}" \
            --model "$out/start" --texts "$out/texts" --read --workers "$cores" --rank "$i" "${few[@]}" \
            >>"$out/prepared.log" &
    done
    wait
    "$python" -m reticle_grounding.training.channel_train "$out/channel" --prepared "$out/prepared" \
        --start "$out/start" --minutes "$half" --device "$device" "${bf16[@]}"
fi

echo "== validation"
for part in before after; do
    [[ $part == before ]] && folder=$checkpoint || folder=$out/run/checkpoint
    "$python" -m reticle_grounding.training validate "$folder" --scenes "$out/validation" --screens $validation |
        tee "$out/validation-$part.json"
done
