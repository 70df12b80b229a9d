# Wherever an allocation finds no memory, a command ends with one line that says so, not by a signal.
# EVERY=1 tries each allocation, else some of them are.
load helpers

setup_file()
{
    train_model
    head -c 2000 "$english" >"$BATS_FILE_TMPDIR/text"
}

# Fails allocations of a command one by one. What it may go on without, it may do without.
tries()
{
    local at status every
    LD_PRELOAD=$NO_MEMORY COUNT_IN=count "$RUNE" "$@" >/dev/null 2>&1 </dev/null
    every=${EVERY:-$(($(cat count) / 60 + 1))}
    echo "$* makes $(cat count) allocations"
    for ((at = 1; at <= $(cat count); at += every)); do
        status=0
        LD_PRELOAD=$NO_MEMORY FAIL_AT=$at "$RUNE" "$@" >out 2>err </dev/null || status=$?
        if [ "$status" -gt 2 ] || { [ "$status" -gt 0 ] && ! grep -q "^rune" err; }; then
            echo "allocation $at: status $status, $(cat err)"
            bad=yes
        fi
    done
}

works()
{
    tries "$@"
    [ -z "${bad:-}" ]
}

@test "info" {
    works info "$MODEL"
}

@test "sample" {
    works sample "$MODEL" --length 50 --seed 1 --prompt "the "
}

@test "eval" {
    works eval "$MODEL" "$BATS_FILE_TMPDIR/text" --json
}

@test "inspect" {
    works inspect "$MODEL" "$BATS_FILE_TMPDIR/text" -o inspect --format page,npy,csv --label 'the=the'
}

@test "train" {
    works train "$BATS_FILE_TMPDIR/text" -o run "${tiny[@]}" --force
}

@test "train --resume" {
    "$RUNE" train "$BATS_FILE_TMPDIR/text" -o run "${tiny[@]}" --quiet
    works train --resume run --max-steps 7
}
