# Training: options, the run directory, stopping and resuming.
load helpers

# write_the_same A B: two models that write the same 300 characters are the same.
write_the_same()
{
    local model n=0
    for model; do
        n=$((n + 1))
        "$RUNE" sample "$model" --length 300 --seed 1 --temperature 1 --exact >"sample.$n"
    done
    [ "$(wc -c <"sample.$n")" -ge 300 ] && cmp "sample.$((n - 1))" "sample.$n"
}

@test "training leaves the best and the last model, the log and the curve" {
    does train "$english" -o run "${tiny[@]}"
    [ -s run/best.safetensors ]
    [ -s run/last.safetensors ]
    [ "$(head -n 1 run/log.csv)" = \
        step,epoch,seconds,train_loss,val_loss,learning_rate,grad_norm,chars_per_second ]
    [ "$(wc -l <run/log.csv)" -ge 2 ]
    [[ $(cat run/loss.svg) == *'<svg'*'</svg>'* ]]
    [ -z "$(ls -A run | grep -vE '^(best.safetensors|last.safetensors|log.csv|loss.svg)$')" ]
}

@test "the curve is drawn without fonts, and its title is text" {
    echo '<broken' >fonts.conf
    FONTCONFIG_FILE=$PWD/fonts.conf does train "$english" -o '<script>&' "${tiny[@]}" --quiet
    [ -z "$stderr" ]
    python3 -c 'import sys, xml.dom.minidom as x
text = [t.firstChild.data for t in x.parse(sys.argv[1]).getElementsByTagName("text")]
assert text[0] == sys.argv[2] and "training" in text and "validation" in text' \
        '<script>&/loss.svg' '<script>&'
}

@test "a curve that cannot be written is noted once and does not stop the run" {
    does train "$english" -o run "${tiny[@]}" --validate-every 1
    rm run/loss.svg
    mkdir -p run/loss.svg/taken
    does train --resume run --max-steps 9
    [ "$(grep -c '^note: run/loss.svg: cannot be written' <<<"$stderr")" -eq 1 ]
    [ "$(tail -n 1 run/log.csv | cut -d , -f 1)" -eq 9 ]
}

@test "stdout is empty; without a terminal the progress is plain lines" {
    does train "$english" -o run "${tiny[@]}"
    [ -z "$output" ]
    [ -n "$stderr" ]
    [[ $stderr != *$'\r'* && $stderr != *$'\e'* ]]
}

@test "--quiet prints nothing" {
    does train "$english" -o run "${tiny[@]}" --quiet
    [ -s run/best.safetensors ]
    [ -z "$output$stderr" ]
}

@test "RUN is runs/<name of the first file> by default" {
    cp "$english" tales.txt
    does train tales.txt "$english" "${tiny[@]}"
    [ -s runs/tales/best.safetensors ]
}

@test "a file name of dots gets a directory of its own in runs" {
    mkdir -p outer/inner/a
    cd outer/inner
    for name in . .. a/..; do
        fails_naming "$name: has no text to read" train "$name" "${tiny[@]}"
    done
    for name in .txt ..txt ...txt ... a/..txt .hidden.txt x..; do
        cp "$english" "$name"
        does train "$name" "${tiny[@]}" --force --quiet
    done
    for run in .txt ..txt ...txt text .hidden x.; do
        [ -s "runs/$run/best.safetensors" ]
    done
    [ ! -e best.safetensors ] && [ ! -e runs/best.safetensors ]
}

@test "a file whose name begins with a dash follows --" {
    cp "$english" ./-x.txt
    misused_naming '-x.txt' train -x.txt "${tiny[@]}"
    does train "${tiny[@]}" --quiet -- -x.txt
    [ -s runs/-x/best.safetensors ]
}

@test "stdin trains the same model as the file does" {
    does train "$english" -o from_file "${tiny[@]}"
    run --separate-stderr "$RUNE" train - -o from_stdin "${tiny[@]}" <"$english"
    [ "$status" -eq 0 ]
    write_the_same from_file from_stdin
}

@test "the same seed gives the same model, another seed another" {
    does train "$english" -o a "${tiny[@]}" --seed 3
    does train "$english" -o b "${tiny[@]}" --seed 3
    does train "$english" -o c "${tiny[@]}" --seed 4
    write_the_same a b
    run ! write_the_same a c
}

@test "the number of threads does not change the model" {
    does train "$english" -o a "${tiny[@]}" --hidden-size 40 --threads 1
    does train "$english" -o b "${tiny[@]}" --hidden-size 40 --threads 3
    cmp <(cut -d , -f 1,2,4-7 a/log.csv) <(cut -d , -f 1,2,4-7 b/log.csv)
    write_the_same a b
}

@test "numbers may be 1e1, sizes 1k" {
    does train "$english" -o run "${tiny[@]}" --max-steps 1e1 --learning-rate 1e-3
    [ "$(tail -n 1 run/log.csv | cut -d , -f 1)" -eq 10 ]
    does train "$english" -o run --force "${tiny[@]}" --batch-size 2 --seq-length 1k --max-steps 1
}

@test "a RUN that exists is kept unless --force is given" {
    does train "$english" -o run "${tiny[@]}"
    before=$(sha256sum run/*)
    fails_naming --force train "$english" -o run "${tiny[@]}" --seed 9
    [[ $stderr == *run* ]]
    [ "$before" = "$(sha256sum run/*)" ]
    does train "$english" -o run "${tiny[@]}" --seed 9 --force
    [ "$before" != "$(sha256sum run/*)" ]
}

@test "a RUN that cannot be made is named" {
    : >file
    fails_naming file/run train "$english" -o file/run "${tiny[@]}"
}

@test "sizes of 0 are wrong usage" {
    for option in --hidden-size --num-layers --batch-size --seq-length --threads; do
        misused_naming "$option" train "$english" -o run "${tiny[@]}" "$option" 0
        misused_naming "$option" train "$english" -o run "${tiny[@]}" "$option" -1
    done
    [ ! -e run ]
}

@test "numbers out of range, nan and infinity are wrong usage" {
    for value in -1 nan inf; do
        misused_naming --learning-rate train "$english" -o run "${tiny[@]}" --learning-rate "$value"
        misused_naming --dropout train "$english" -o run "${tiny[@]}" --dropout "$value"
        misused_naming --val-fraction train "$english" -o run "${tiny[@]}" --val-fraction "$value"
    done
    misused_naming --dropout train "$english" -o run "${tiny[@]}" --dropout 1
    misused_naming --val-fraction train "$english" -o run "${tiny[@]}" --val-fraction 1
    [ ! -e run ]
}

@test "a model beyond memory is refused with a figure, and nothing is left" {
    fails_naming --hidden-size train "$english" -o run "${tiny[@]}" --hidden-size 1M
    [[ $stderr =~ [0-9].*([kMGTP]i?B|bytes) ]]
    [ ! -e run ]
    fails_naming '' train "$english" -o run "${tiny[@]}" --num-layers 1000 --hidden-size 10k
    [[ $stderr =~ [0-9].*([kMGTP]i?B|bytes) ]]
    [ ! -e run ]
}

@test "resumed equals uninterrupted" {
    does train "$english" -o whole "${tiny[@]}" --schedule constant --warmup 0 --max-steps 12 --validate-every 3
    does train "$english" -o parts "${tiny[@]}" --schedule constant --warmup 0 --max-steps 6 --validate-every 3
    does train --resume parts --max-steps 12
    cmp <(cut -d , -f 1,2,4-7 whole/log.csv) <(cut -d , -f 1,2,4-7 parts/log.csv)
    write_the_same whole/last.safetensors parts/last.safetensors
    write_the_same whole parts
}

@test "resuming takes the options that can change, and no others" {
    does train "$english" -o run "${tiny[@]}" --dropout 0.1
    misused_naming --hidden-size train --resume run --hidden-size 16
    misused_naming 'only --max-epochs,' train --resume run --seed 2
    does train --resume run --max-steps 9 --learning-rate 0.002 --dropout 0 --save-every 1 \
        --validate-every 3 --patience 4 --samples 1 --threads 1
    [[ $stderr == *'note: from step 5 on this is another run: learning-rate 0.01 to 0.002, dropout 0.1 to 0, validate-every 0 to 3, save-every 2 to 1, patience 10 to 4, max-steps 5 to 9'* ]]
    [[ $stderr == *'learning rate 0.002,'*'dropout 0,'* ]]
    number_is '$1 == 9 && $6 <= 0.002' "$(tail -n 1 run/log.csv | tr , ' ')"
    [ "$(cut -d , -f 1,5 run/log.csv | grep -c '^[69],[0-9]')" -eq 2 ]

    # The rest of the run keeps them, and its models tell.
    does train --resume run --max-steps 12
    [[ $stderr == *'learning rate 0.002,'* ]]
    does info run/last.safetensors
    [[ $output == *$'\nchanged     step 5: learning-rate 0.01 to 0.002,'*$'\n            step 9: max-steps 9 to 12\n'* ]]
    does info run/last.safetensors --json
    [[ $(json history) == "['step 5: "*"', 'step 9: max-steps 9 to 12']" ]]
    does info "$(does train "$english" -o plain "${tiny[@]}" >&2; echo plain)"
    [[ $output != *changed* ]]
}

@test "resuming a run that has ended says how to extend it" {
    for limit in '--max-steps 5' '--max-epochs 0.1' '--max-minutes 0.01' '--max-steps 100 --patience 1 --learning-rate 0 --validate-every 5'; do
        # shellcheck disable=SC2086
        does train "$english" -o run --force --hidden-size 8 --num-layers 1 --batch-size 4 --seq-length 16 $limit
        last=$(tail -n 1 run/log.csv | cut -d , -f 1)
        does train --resume run
        echo "$stderr"
        [ "$(tail -n 1 run/log.csv | cut -d , -f 1)" -eq "$last" ]
        [[ $stderr == *'The run had ended before. To train it further:'* ]]
        command=$(tail -n 1 <<<"$stderr")
        [[ $command == *'rune train --resume run --'* ]]
        sh -ec "$command --quiet"
        [ "$(tail -n 1 run/log.csv | cut -d , -f 1)" -gt "$last" ]
    done
}

@test "a limit that the run has passed already: the command to extend it goes beyond the run" {
    does train "$english" -o run --hidden-size 8 --num-layers 1 --batch-size 4 --seq-length 16 --max-steps 60
    does train --resume run --max-steps 10
    [[ $(tail -n 1 <<<"$stderr") == *' --max-steps 120' ]]
}

# Whether each sample follows a line of progress; prints their number.
samples()
{
    awk '/^  \| / { if (line) n++; line = 0 } /^epoch / { line = 1 } END { print n + 0 }' <<<"$stderr"
}

@test "--samples says how many samples the run shows, spread over it" {
    many=("${tiny[@]}" --max-steps 120 --validate-every 3)
    for n in 1 4 40; do
        does train "$english" -o run --force "${many[@]}" --samples $n
        [ "$(samples)" -eq $n ]
        [ "$(grep -c '^epoch .*  step 120/120' <<<"$stderr")" -eq 1 ]
    done
    does train "$english" -o run --force "${many[@]}" --samples 4
    for step in 30 60 90; do
        grep -q "^epoch .*  step $step/120" <<<"$stderr"
    done
    does train "$english" -o run --force "${many[@]}" --samples none
    [ "$(samples)" -eq 0 ]
    does train "$english" -o run --force "${many[@]}" # by default a short run shows few
    [ "$(samples)" -ge 1 ] && [ "$(samples)" -le 10 ]
}

@test "--val-fraction that was asked for is obeyed, also of a short text" {
    head -c 2000 "$english" >short.txt
    does train short.txt -o without "${tiny[@]}"
    [[ $stderr == *'too short to hold a part out'* ]]
    fails_naming 'held out nothing' eval without
    does train short.txt -o with "${tiny[@]}" --val-fraction 0.1
    [[ $stderr != *'too short'* && $stderr == *'best validation loss'* ]]
    does eval with --json
    [ "$(json characters)" -eq $(($(wc -m <short.txt) - $(wc -m <short.txt) * 9 / 10)) ]
    does train --resume with --max-steps 7
    fails_naming 'not a single one' train short.txt -o none "${tiny[@]}" --val-fraction 1e-10
}

@test "a text that is known by heart is told, if nothing was held out" {
    printf 'Tiger, tiger, burning bright,\nIn the forests of the night,\n%.0s' 1 2 >short.txt
    fit=(--hidden-size 64 --num-layers 1 --batch-size 2 --seq-length 20 --threads 1 --warmup 0)
    does train short.txt -o early "${fit[@]}" --max-steps 5
    [[ $stderr != *'by heart'* ]]
    does train short.txt -o late "${fit[@]}" --max-steps 500
    [[ $stderr == *'knows the text by heart'* ]]
    does train short.txt -o held "${fit[@]}" --max-steps 500 --val-fraction 0.1 --patience 0
    [[ $stderr != *'by heart'* ]]
}

@test "--precision bf16 is kept by the run; without bf16 float32 is used, with a note" {
    does train "$english" -o run "${tiny[@]}" --precision bf16
    kernels=$(grep '^machine' <<<"$stderr" | cut -d , -f 2)
    does train --resume run --max-steps 10
    [[ $(grep '^machine' <<<"$stderr") == *,"$kernels",* ]]
    misused_naming --precision train --resume run --max-steps 20 --precision fp32
    misused_naming fp16 train "$english" -o no "${tiny[@]}" --precision fp16
    misused_naming int8 train "$english" -o no "${tiny[@]}" --precision int8
    [ ! -e no ]

    export RUNE_ISA=baseline
    does train "$english" -o exact "${tiny[@]}"
    [[ $stderr != *bf16* ]]
    does train "$english" -o rounded "${tiny[@]}" --precision bf16
    [[ $stderr == *'note: baseline has no bf16 instructions: products are made in float32'* ]]
    write_the_same exact rounded
}

@test "a run from before there was a precision is resumed" {
    does train "$english" -o run "${tiny[@]}"
    python3 "$BATS_TEST_DIRNAME/edit_model.py" run/last.safetensors older older
    mv older run/last.safetensors
    does train --resume run
    [[ $stderr != *note* ]]
    does train --resume run --max-steps 10
}

@test "resuming is refused when the text has changed" {
    cp "$english" text.txt
    does train text.txt -o run "${tiny[@]}"
    sed -i 's/bridge/brigde/' text.txt
    fails_naming text.txt train --resume run --max-steps 10
}

@test "resuming what is not a run is refused" {
    fails_naming nowhere train --resume nowhere
    mkdir empty
    fails_naming empty train --resume empty
}

# can_be_interrupted COMMAND…: runs it with signals as on a terminal, where SIGINT is not ignored as
# it is of a shell's background jobs.
can_be_interrupted()
{
    exec python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$@"
}

@test "an interrupted run is saved, ends by the signal, and can be resumed" {
    for signal in INT:130 TERM:143 HUP:129; do
        rm -rf run
        can_be_interrupted "$RUNE" train "$english" -o run --force "${tiny[@]}" --patience 0 \
            --max-steps 100000000 --validate-every 100 3>&- 2>/dev/null &
        pid=$! status=0
        while kill -0 "$pid" && [ ! -e run/best.safetensors ]; do
            sleep 0.02
        done
        kill "-${signal%:*}" "$pid"
        wait "$pid" || status=$?
        [ "$status" -eq "${signal#*:}" ] # so that a script that runs it ends, too
        step=$(tail -n 1 run/log.csv | cut -d , -f 1)
        does info run/last.safetensors --json
        [ "$(json step)" -ge "$step" ]
        does train --resume run --max-steps $((step + 150))
        [ "$(tail -n 1 run/log.csv | cut -d , -f 1)" -gt "$step" ]
    done
}

@test "a killed run is intact and can be resumed" {
    "$RUNE" train "$english" -o run "${tiny[@]}" --max-steps 2000000 --patience 0 \
        --validate-every 100 --save-every 0.001 3>&- 2>/dev/null &
    pid=$!
    while kill -0 "$pid" && [ ! -e run/best.safetensors ]; do
        sleep 0.05
    done
    kill -KILL "$pid"
    wait "$pid" || true
    step=$(tail -n 1 run/log.csv | cut -d , -f 1)
    does sample run --length 10
    does train --resume run --max-steps $((step + 150))
}

@test "every kind of unit trains on every script" {
    for text in "$CORPORA"/texts/*.txt; do
        for unit in codepoint grapheme byte; do
            does train "$text" -o run --force --unit "$unit" "${tiny[@]}" --max-steps 1 --quiet
            [ -s run/best.safetensors ]
        done
    done
}
