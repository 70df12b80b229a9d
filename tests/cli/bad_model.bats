# Model files that are wrong.
load helpers

setup_file()
{
    train_model
}

# Every command that reads models refuses this one and names it.
refused()
{
    fails_naming "$1" sample "$1" --length 10
    fails_naming "$1" info "$1"
    fails_naming "$1" eval "$1" "$english"
    fails_naming "$1" inspect "$1" "$english" -o page
    fails_naming "$1" train "$english" -o run --max-steps 5 --threads 1 --init-from "$1"
    [ ! -e page ]
    [ ! -e run ]
}

damage()
{
    python3 "$BATS_TEST_DIRNAME/edit_model.py" "$MODEL/best.safetensors" "$1.safetensors" "$1"
}

@test "the model that the others are made of is whole" {
    does info "$MODEL/best.safetensors"
}

@test "a model that is not there" {
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

@test "a model that was cut off, anywhere" {
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

@test "an array that is missing is named" {
    damage missing
    refused missing.safetensors
    [[ $stderr == *linear.weight* ]]
}

@test "a weight that is not a number" {
    damage nan
    refused nan.safetensors
    [[ $stderr == *linear.weight* ]]
}

@test "a newer version of the format is named" {
    damage version
    refused version.safetensors
    [[ $stderr == *999* ]]
}
