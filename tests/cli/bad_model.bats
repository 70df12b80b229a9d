# Model files that are wrong.
load helpers

setup_file()
{
    train_model
}

# Every command that reads models refuses this one and names it.
refused()
{
    fails_naming "$1" info "$1"
    useless "$1"
}

# So does every command that computes with it.
useless()
{
    fails_naming "$1" sample "$1" --length 10
    fails_naming "$1" sample "$1" --length 10 --exact --temperature 0 --seed 1
    fails_naming "$1" sample "$1" --length 1 --prompt The --count 20 --seed 1
    fails_naming "$1" eval "$1" "$english"
    fails_naming "$1" inspect "$1" "$english" -o page
    fails_naming "$1" train "$english" -o run --max-steps 5 --threads 1 --init-from "$1"
    [ -z "$(ls page 2>/dev/null)" ]
    [ ! -e run ]
}

damage()
{
    python3 "$BATS_TEST_DIRNAME/edit_model.py" "$MODEL/best.safetensors" "$1.safetensors" "$1"
}

@test "the model that the others are made from is valid" {
    does info "$MODEL/best.safetensors"
}

@test "a missing model" {
    refused nowhere.safetensors
}

@test "a directory without a model" {
    mkdir empty
    refused empty
}

@test "an empty file" {
    : >empty.safetensors
    refused empty.safetensors
}

@test "a text" {
    cp "$english" text.safetensors
    refused text.safetensors
}

@test "a model truncated anywhere" {
    size=$(wc -c <"$MODEL/best.safetensors")
    for length in 4 8 100 $((size / 2)) $((size - 1)); do
        head -c "$length" "$MODEL/best.safetensors" >cut.safetensors
        fails_naming cut.safetensors info cut.safetensors
        fails_naming cut.safetensors sample cut.safetensors
    done
}

@test "a header longer than the file" {
    damage header
    refused header.safetensors
}

@test "an array that lies outside the file" {
    damage offsets
    refused offsets.safetensors
}

@test "an array of another shape is named" {
    damage shape
    refused shape.safetensors
    [[ $stderr == *linear.weight* ]]
}

@test "a missing array is named" {
    damage missing
    refused missing.safetensors
    [[ $stderr == *linear.weight* ]]
}

@test "a weight that is not a number" {
    damage nan
    useless nan.safetensors
    [[ $stderr == *linear.weight* ]]
}

@test "a flipped bit is found by the checksum, which can be removed" {
    damage bit
    useless bit.safetensors
    [[ $stderr == *data_crc32* ]]
    does info bit.safetensors # reads the header alone
    sed 's/"data_crc32"/"data_crc33"/; s/"header_crc32"/"header_crc33"/' bit.safetensors >meant.safetensors
    does eval meant.safetensors "$english"
}

@test "weights that give no finite loss" {
    damage weights
    useless weights.safetensors
    [[ $stderr == *'not finite'* ]]
    fails_naming weights.safetensors eval weights.safetensors "$english" --json
    fails_naming weights.safetensors eval weights.safetensors "$english" --window 50
    run --separate-stderr "$RUNE" eval weights.safetensors "$english" --per-char
    [ "$status" -eq 1 ]
    [[ ${output,,} != *nan* && ${output,,} != *inf* && $stderr == *'not finite'* ]]
    cp -r "$MODEL" old # is not given up for it
    sum=$(sha256sum <old/best.safetensors)
    fails_naming weights.safetensors train "$english" -o old --force --max-steps 5 --threads 1 \
        --init-from weights.safetensors
    [ "$sum" = "$(sha256sum <old/best.safetensors)" ]
}

@test "biases beyond what floats tell apart know nothing, and say so" {
    damage biases
    does eval biases.safetensors "$english" --json
    symbols=$("$RUNE" info "$MODEL" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["vocab_size"])')
    number_is '($1 - log($2)) ^ 2 < 1e-8' "$(json loss)" "$symbols"
    does train "$english" -o run --max-steps 5 --threads 1 --init-from biases.safetensors
}

@test "a validation loss that is infinite" {
    damage endless
    does info endless.safetensors --json
    [ "$(json val_loss)" = None ]
    does info endless.safetensors
    [[ $output != *inf* ]]
}

@test "bytes after the last array" {
    damage behind
    refused behind.safetensors
}

@test "an absurd step" {
    damage step
    refused step.safetensors
    [[ $stderr == *step* ]]
}

@test "an absurd counter" {
    cp -r "$MODEL" run
    python3 "$BATS_TEST_DIRNAME/edit_model.py" "$MODEL/last.safetensors" run/last.safetensors counter
    fails_naming train.characters train --resume run
}

@test "a small file that claims a large model takes no memory" {
    damage claim
    (
        ulimit -v 1000000
        refused claim.safetensors
    )
}

@test "a large file is refused before it is read" {
    cp "$MODEL/best.safetensors" large.safetensors
    truncate -s 60G large.safetensors
    printf 'junk' >junk.safetensors
    truncate -s 60G junk.safetensors
    (
        ulimit -v 1000000
        refused large.safetensors
        refused junk.safetensors
    )
}

@test "a pipe is read as a file" {
    whole=$("$RUNE" sample "$MODEL" --length 100 --seed 1)
    [ "$("$RUNE" sample <(cat "$MODEL/best.safetensors") --length 100 --seed 1)" = "$whole" ]
    [ "$("$RUNE" sample /dev/stdin --length 100 --seed 1 <"$MODEL/best.safetensors")" = "$whole" ]
    cp "$MODEL/best.safetensors" lone.safetensors # as the pipe, it has no log beside it
    [ "$("$RUNE" info <(cat lone.safetensors))" = "$("$RUNE" info lone.safetensors)" ]
    [ "$("$RUNE" info - <lone.safetensors)" = "$("$RUNE" info lone.safetensors)" ]
    run "$RUNE" info <(cat "$MODEL/best.safetensors" "$english")
    [ "$status" -eq 1 ]
    run "$RUNE" info <(head -c 3000 "$MODEL/best.safetensors")
    [ "$status" -eq 1 ]
}

@test "a newer version of the format is named" {
    damage version
    refused version.safetensors
    [[ $stderr == *999* ]]
}
