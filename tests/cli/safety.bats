# Nothing is lost: the user's files, an old run, the progress of a run.
load helpers

# Names that a user gives to copies.
copies=(best.safetensors.backup best.safetensors.epoch1 last.safetensors.abc123 log.csv.backup
    loss.svg.aB3_x- notes.txt .hidden)

make_copies()
{
    local name
    for name in "${copies[@]}"; do
        echo "$name" >"$1/$name"
    done
}

copies_are_there()
{
    local name
    for name in "${copies[@]}"; do
        [ "$(cat "$1/$name")" = "$name" ]
    done
}

@test "copies beside a run's files stay when it is resumed or replaced" {
    does train "$english" -o run "${tiny[@]}"
    make_copies run
    does train --resume run --max-steps 25
    copies_are_there run
    does train "$english" -o run "${tiny[@]}" --force
    copies_are_there run
}

@test "copies beside inspect's files stay" {
    does train "$english" -o run "${tiny[@]}"
    mkdir out
    echo mine >out/index.html.backup
    echo mine >out/neurons.csv.abc123
    head -c 300 "$english" >text
    does inspect run text -o out --ablate none
    [ "$(cat out/index.html.backup out/neurons.csv.abc123)" = $'mine\nmine' ]
}

@test "two inspections write into one directory at a time" {
    does train "$english" -o run "${tiny[@]}"
    local pids=() pid
    for _ in 1 2 3; do
        "$RUNE" inspect run "$english" -o out --ablate none --passage 16000 -f page,csv,npy >/dev/null 2>/dev/null &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid"
    done
    [ -s out/index.html ]
    [ -z "$(find out -name '*rune-tmp*')" ]
}

@test "unfinished files of a killed run are removed when it is resumed" {
    does train "$english" -o run "${tiny[@]}"
    : >run/best.safetensors.rune-tmp-123-0123456789abcdef
    does train --resume run --max-steps 25
    [ ! -e run/best.safetensors.rune-tmp-123-0123456789abcdef ]
}

@test "a directory with a log.csv but no run is not called a run" {
    mkdir run
    echo mine >run/log.csv
    fails_naming log.csv train "$english" -o run "${tiny[@]}"
    [[ $stderr == *"holds no run"* && $stderr != *--resume* ]]
    [ "$(cat run/log.csv)" = mine ]
}

@test "training that diverges ends with 1 and a model" {
    run --separate-stderr "$RUNE" train "$english" -o run "${tiny[@]}" --learning-rate 1000 \
        --max-steps 100 --validate-every 10
    [ "$status" -eq 1 ]
    [[ $stderr == *"half the learning rate"*"rune train: "*--learning-rate* ]]
    does sample run --length 10 --seed 1
    does train --resume run --max-steps 400 # with the rate that it had come down to
}

@test "a weight decay that would zero the weights is refused" {
    fails_naming --weight-decay train "$english" -o run "${tiny[@]}" --weight-decay 1000
    [ ! -e run ]
}

# peak ARGUMENT…: kilobytes of memory that rune takes at most.
peak()
{
    python3 - "$RUNE" "$@" <<'PYTHON'
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
PYTHON
}

@test "memory does not grow with the text" {
    for ((k = 0; k < 80; k++)); do cat "$english"; done >part.txt
    for ((k = 0; k < 60; k++)); do cat part.txt; done >small.txt # 80 MB: its ids go to a file
    cat small.txt small.txt >large.txt
    small=$(peak train small.txt -o small "${tiny[@]}" --val-fraction 0)
    large=$(peak train large.txt -o large "${tiny[@]}" --val-fraction 0)
    number_is '$2 < $1 + 3000' "$small" "$large"
}

@test "memory does not grow with the length of a run and its log" {
    short=$(peak train "$english" -o short "${tiny[@]}" --max-steps 100 --validate-every 5 --patience 0)
    long=$(peak train "$english" -o long "${tiny[@]}" --max-steps 2000 --validate-every 5 --patience 0)
    number_is '$2 < $1 + 3000' "$short" "$long"
}
