#!/usr/bin/env bats
# Every cell with everything that the program does with a model.
# shellcheck disable=SC2154

load helpers

# The cells that --help names, "lstm gru …".
cells()
{
    "$RUNE" train --help | tr -d ',\n' | sed 's/.*Recurrent cell: //; s/ *(default.*//'
}

setup_file()
{
    local cell precision
    export MODELS=$BATS_FILE_TMPDIR CELLS
    CELLS=$(cells)
    for cell in $CELLS; do
        for precision in fp32 bf16; do
            "$RUNE" train "$english" -o "$MODELS/$cell-$precision" --cell "$cell" --quiet \
                --precision $precision --num-layers 2 --hidden-size 20 --batch-size 6 \
                --seq-length 20 --dropout 0.2 --max-steps 100 --threads 2
        done
    done
}

# Calls a function with every cell and its run.
for_cells()
{
    local cell precision
    for cell in $CELLS; do
        for precision in fp32 bf16; do
            "$1" "$cell" "$MODELS/$cell-$precision" "$precision"
        done
    done
}

@test "the help names more than one cell" {
    [ "$(wc -w <<<"$CELLS")" -ge 3 ]
}

is_described()
{
    does info "$2" --json
    [ "$(json cell)" = "$1" ]
    [[ $(json quantities) == *"'h': 'hidden state'"* ]]
    does info "$2"
    [[ $output == *"cell        $1"* && $output == *"h hidden state"* ]]
}

@test "info" {
    for_cells is_described
}

goes_on()
{
    "$RUNE" train "$english" -o "parts-$1" --cell "$1" --quiet --precision "$3" --num-layers 2 \
        --hidden-size 20 --batch-size 6 --seq-length 20 --dropout 0.2 --max-steps 100 --threads 1 &
    local child=$!
    until [ -e "parts-$1/last.safetensors" ] || ! kill -0 $child; do
        sleep 0.01
    done
    kill -TERM $child || true # it may be done
    wait $child || [ $? -eq 143 ]
    does train --resume "parts-$1" --quiet --threads 2
    cmp "parts-$1/best.safetensors" "$2/best.safetensors"
    rm -r "parts-$1"
}

@test "interrupted and resumed with another number of threads equals uninterrupted" {
    for_cells goes_on
}

has_its_loss()
{
    local recorded
    does info "$2" --json
    recorded=$(json val_loss)
    does eval "$2" --streams 6 --json
    number_is '($1 - $2)^2 < 1e-4' "$recorded" "$(json loss)"
}

@test "eval gives the loss that training recorded" {
    for_cells has_its_loss
}

writes()
{
    does sample "$2" --length 60 --seed 3 --threads 1
    local alone=$output
    [ ${#alone} -ge 50 ]
    does sample "$2" --length 60 --seed 3 --count 5 --threads 2
    [[ $output == "$alone"* ]]
    does sample "$2" --length 60 --seed 3 --clamp 0:3=1,1:2=-1
    [ "$output" != "$alone" ]
}

@test "sample: alone as in a batch, and with units clamped" {
    for_cells writes
}

is_inspected()
{
    [ "$3" = fp32 ] || return 0 # all models are inspected in float32
    head -c 4000 "$english" >text.txt
    does inspect "$2" text.txt -o "out-$1" -f page,csv,svg --ablate all
    local file
    for file in index.html neurons.csv scores.csv reach.csv ablation.csv activations.svg; do
        [ -s "out-$1/$file" ]
    done
    local quantities
    quantities=$("$RUNE" info "$2" --json | python3 -c 'import json, sys
print(",".join(json.load(sys.stdin)["quantities"]))')
    does inspect "$2" text.txt -o "all-$1" -f npy --quantities "$quantities" --ablate none
    rm -r "out-$1" "all-$1"
}

@test "inspect: the page, tables, pictures, reach, ablation, and all quantities" {
    for_cells is_inspected
}

@test "options of cells: kept, and refused for cells without them" {
    does train "$english" -o relu --cell rnn --nonlinearity relu "${tiny[@]}" --quiet
    does info relu
    [[ $output == *"rnn, nonlinearity relu"* ]]
    does train "$english" -o tanh --cell rnn "${tiny[@]}" --quiet
    run ! cmp relu/best.safetensors tanh/best.safetensors
    does sample relu --length 20
    does train --resume relu --max-steps 8 --quiet
    does train "$english" -o before --cell gru --reset-gate before "${tiny[@]}" --quiet --threads 2
    does train "$english" -o after --cell gru "${tiny[@]}" --quiet
    run ! cmp before/best.safetensors after/best.safetensors
    does sample before --length 20
    misused_naming "is an option of --cell rnn" train "$english" -o run --nonlinearity relu
    misused_naming "tanh, relu" train "$english" -o run --cell rnn --nonlinearity sin
    misused_naming "the model has its own" train "$english" -o run --init-from tanh --nonlinearity relu
    [ ! -e run ]
}

@test "a model of an unknown cell is refused with a list of the known ones" {
    does train "$english" -o run "${tiny[@]}" --quiet
    python3 "$BATS_TEST_DIRNAME/edit_model.py" run/best.safetensors other.safetensors cell
    fails_naming "the cells are " info other.safetensors
    [[ $stderr == *"other.safetensors"* && $stderr == *lstx* ]]
}
