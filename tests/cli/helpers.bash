# shellcheck disable=SC2034,SC2154,SC2164
# For all tests of the command line. RUNE is the program, CORPORA the folder of texts.
bats_require_minimum_version 1.5.0

english=$CORPORA/texts/english.txt

# A model that trains in a moment.
tiny=(--hidden-size 8 --num-layers 1 --batch-size 4 --seq-length 16 --max-steps 5 --threads 1)

setup()
{
    cd "$BATS_TEST_TMPDIR"
}

# Trains a tiny model for all tests of a file: MODEL is its run directory.
train_model()
{
    export MODEL=$BATS_FILE_TMPDIR/model
    "$RUNE" train "$english" -o "$MODEL" "${tiny[@]}" --quiet
}

# rune succeeds with these arguments; stdout is in $output, stderr in $stderr. It has one thread unless
# the test sets more: so small a model gains nothing from them, and tests run in parallel.
does()
{
    local threads=()
    [[ $1 != eval && $1 != inspect ]] || threads=(--threads 1)
    run --separate-stderr "$RUNE" "$1" "${threads[@]}" "${@:2}"
    echo "status $status, stderr: $stderr"
    [ "$status" -eq 0 ]
}

# rune fails: it prints nothing on stdout, and on stderr one line that contains the first argument.
fails_naming()
{
    ends_with 1 "$@" && [ "${#stderr_lines[@]}" -eq 1 ]
}

# Wrong usage: rune prints nothing on stdout, and on stderr text that contains the first argument.
misused_naming()
{
    ends_with 2 "$@"
}

# ends_with STATUS PART ARGUMENT…
ends_with()
{
    local expected=$1 part=$2
    shift 2
    run --separate-stderr "$RUNE" "$@"
    echo "status $status, stderr: $stderr"
    [ "$status" -eq "$expected" ] && [ -z "$output" ] && [[ $stderr == *"$part"* ]]
}

# The value of a key in the JSON object $output.
json()
{
    python3 -c 'import json, sys; print(json.loads(sys.argv[1])[sys.argv[2]])' "$output" "$1"
}

# Whether a condition on numbers holds: number_is '$1 < $2' …, as awk has it.
number_is()
{
    local condition=$1
    shift
    echo "$*: $condition"
    echo "$*" | awk "{ exit !($condition) }"
}
