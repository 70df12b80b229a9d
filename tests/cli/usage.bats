# Help, and messages on wrong usage.
load helpers

commands=(train sample eval inspect info bench)

@test "without a command: wrong usage, with the help on stderr" {
    misused_naming train
}

@test "--help names every command, on stdout" {
    does --help
    for command in "${commands[@]}"; do
        [[ $output == *"$command"* ]]
    done
    [ -z "$stderr" ]
}

@test "--version is a number, on stdout" {
    does --version
    [[ $output =~ [0-9]+\.[0-9]+\.[0-9]+ ]]
}

@test "help and version that cannot be written are failures" {
    for option in --help --version; do
        run --separate-stderr bash -c '"$RUNE" "$1" >/dev/full' _ "$option"
        [ "$status" -eq 1 ]
        [[ $stderr == *'No space left'* ]]
    done
}

@test "values of options are released: a build with sanitizers finds no leak" {
    does sample --help
    misused_naming top-p sample run --temperature 0.7 --stop x --stop y --top-p 2
    fails_naming nowhere sample nowhere --temperature 0.7 --stop x --prompt y
}

@test "every command has --help, on stdout" {
    for command in "${commands[@]}"; do
        does "$command" --help
        [[ $output == *"$command"* ]]
        [ -z "$stderr" ]
    done
}

# helps_with COMMAND OPTION…: the help of the command has them all.
helps_with()
{
    does "$1" --help
    shift
    for option; do
        echo "$option"
        [[ $output =~ $option([^a-z-]|$) ]]
    done
}

@test "train --help has every option" {
    helps_with train --cell --num-layers --hidden-size --dropout --unit --normalize --min-count \
        --batch-size --seq-length --max-epochs --max-steps --max-minutes --optimizer \
        --learning-rate --schedule --warmup --weight-decay --clip-norm --clip-value --seed \
        --val-fraction --validate-every --save-every --patience --threads --precision \
        --init-from --quiet --force --resume --samples
}

@test "sample --help has every option and its default" {
    helps_with sample --length --temperature --top-k --top-p --min-p --prompt --prompt-file --stop \
        --escapes --interactive --separator --no-prompt --json \
        --lines --seed --count --on-unknown --exact
    [[ $output =~ length.*1000 ]]
    [[ $output =~ temperature.*0\.8 ]]
}

@test "eval, inspect and info --help have every option" {
    helps_with eval --json --window --streams
    helps_with inspect --format --units --quantities
    helps_with info --json
}

@test "a mistyped command: the nearest is suggested" {
    misused_naming train trian text.txt
    misused_naming sample smaple run
}

@test "a command unlike all others: it is named" {
    misused_naming frobnicate frobnicate
    [[ $stderr == *'rune --help lists all'* ]]
}

@test "a command of another program: ours is suggested" {
    misused_naming 'did you mean sample?' generate model
    misused_naming 'did you mean eval?' evaluate model
    misused_naming 'did you mean train?' fit text.txt
    misused_naming 'rune train --resume RUN' resume run
    misused_naming 'did you mean rune --version?' version
}

@test "help, help COMMAND and --help COMMAND print help on stdout" {
    does --help
    wanted=$output
    for form in help -h; do
        run --separate-stderr "$RUNE" "$form"
        [ "$status" -eq 0 ] && [ "$output" = "$wanted" ] && [ -z "$stderr" ]
    done
    for command in "${commands[@]}"; do
        does "$command" --help
        wanted=$output
        for form in help --help; do
            run --separate-stderr "$RUNE" "$form" "$command"
            [ "$status" -eq 0 ] && [ "$output" = "$wanted" ] && [ -z "$stderr" ]
        done
    done
    misused_naming 'did you mean train?' help trian
}

@test "a mistyped option: the nearest is suggested" {
    misused_naming --hidden-size train "$english" --hiden-size 8
    misused_naming --temperature sample run --temprature 1
    misused_naming --window eval run --windw 9
    misused_naming --format inspect run "$english" --fromat npy
}

# suggests COMMAND OPTION SUGGESTION: what is said after an unknown option.
suggests()
{
    misused_naming "there is no option ${2%%=*}; $3" "$1" model "$2"
}

@test "an option of another program: ours is suggested" {
    suggests train --lr=1 'did you mean --learning-rate?'
    suggests train --learning_rate 'did you mean --learning-rate?'
    suggests train --rnn_size 'did you mean --hidden-size?'
    suggests train --rnn-size 'did you mean --hidden-size?'
    suggests train -rnn_size 'did you mean --hidden-size?' # char-rnn's options have one dash
    suggests train --n_embd 'did you mean --hidden-size?'
    suggests train --nhid 'did you mean --hidden-size?'
    suggests train --n_layer 'did you mean --num-layers?'
    suggests train --num_layers 'did you mean --num-layers?'
    suggests train --seq_len 'did you mean --seq-length?'
    suggests train --block_size 'did you mean --seq-length?'
    suggests train --batch 'did you mean --batch-size?'
    suggests train --max_iters 'did you mean --max-steps?'
    suggests train --iters 'did you mean --max-steps?'
    suggests train --out_dir 'did you mean --output?'
    suggests train --out 'did you mean --output?'
    suggests train --grad_clip 'did you mean --clip-norm or --clip-value?'
    suggests train --model 'did you mean --cell?'
    suggests train --validation_split 'did you mean --val-fraction?'
    suggests sample --start 'did you mean --prompt?'
    suggests sample --primetext 'did you mean --prompt?'
    suggests sample --max_new_tokens 'did you mean --length?'
    suggests sample --len 'did you mean --length?'
    suggests sample --num_samples 'did you mean --count?'
}

@test "an option that is a word of ours: ours is suggested" {
    suggests train --epochs 'did you mean --max-epochs?'
    suggests train --steps 'did you mean --max-steps?'
    suggests train --layers 'did you mean --num-layers?'
    suggests train --hidden 'did you mean --hidden-size?'
    suggests train --max 'did you mean --max-epochs, --max-steps or --max-minutes?'
    suggests train --clip 'did you mean --clip-norm or --clip-value?'
}

@test "an option that rune does not need: it says why" {
    for option in --gpu --gpuid -gpuid --device=cuda --cuda; do
        suggests train "$option" 'rune runs on the CPU'
    done
    suggests train --data 'a text is named without an option'
    suggests sample --checkpoint 'the model is named without an option'
}

@test "an option that no other resembles: the help is named" {
    suggests train --xyzzy 'rune train --help lists all'
    suggests eval "--$(printf 'x%.0s' {1..500})" 'rune eval --help lists all'
}

@test "a long option with one dash is not read as letters" {
    misused_naming 'no option -temperature; did you mean --temperature?' sample model -temperature 0.5
    misused_naming 'no option -prompt; did you mean --prompt?' sample model -prompt 'It was'
    misused_naming 'no option -hidden_size; did you mean --hidden-size?' train "$english" -hidden_size 8
}

@test "a file whose name begins with a dash: the message says how to name it" {
    : >-x.txt
    : >--prompt.txt
    misused_naming 'if the file is meant, write ./-x.txt' train -x.txt
    misused_naming 'if the file is meant, write ./--prompt.txt' sample --prompt.txt
}

@test "an option without its value: it is named" {
    misused_naming --hidden-size train "$english" --hidden-size
}

@test "abbreviated names are refused; the full name is suggested" {
    misused_naming 'no option --temp; did you mean --temperature?' sample model --temp 1
    misused_naming 'no option --temp; did you mean --temperature?' sample model --temp=1
    misused_naming 'no option --max-m; did you mean --max-minutes?' train "$english" --max-m
    misused_naming 'no option --he; did you mean --help?' sample --he
    misused_naming 'did you mean sample?' sam
}

@test "a value for a flag, or a missing value: the option is named" {
    misused_naming '--quiet takes no value' train "$english" --quiet=yes
    misused_naming '--help takes no value' train --help=all
    misused_naming '--length: its value, N, is missing' sample model --length
    misused_naming '--length: its value, N, is missing' sample model -n
    misused_naming '--output' train "$english" -qo
}

@test "options may stand anywhere, long or short, before a --" {
    "$RUNE" train "$english" -o model "${tiny[@]}" --quiet
    does sample model --length 20 --seed 1
    wanted=$output
    for options in '--length=20 --seed=1 model' '-n 20 model --seed 1' '-n20 --seed 1 -- model' \
        '--seed 1 model -n20 --' '-n 5 --length 20 --seed=1 model'; do
        # shellcheck disable=SC2086
        does sample $options
        [ "$output" = "$wanted" ]
        # shellcheck disable=SC2086
        POSIXLY_CORRECT=1 does sample $options
        [ "$output" = "$wanted" ]
    done
    does sample model --prompt '' --length 20 --seed 1
    [ "$output" = "$wanted" ]
    does sample model --prompt= --length 20 --seed 1
    [ "$output" = "$wanted" ]
    does train -qo run "$english" "${tiny[@]}"
    [ -z "$stderr" ] && [ -d run ]
    fails_naming '--help: No such file' sample -- --help
    misused_naming 'one argument too many' sample -- model -n
    misused_naming 'no option -x' sample model -x
}

@test "help is wrapped at 80 columns, in groups, with the defaults" {
    for command in "${commands[@]}"; do
        does "$command" --help
        [ "$(wc -L <<<"$output")" -lt 80 ]
        [[ ${lines[0]} == "Usage: rune $command "* ]]
        [[ ${lines[-1]} =~ ^'  -h, --help   '.*'Print this and exit'$ ]]
    done
    does train --help
    grep -qx 'Training:' <<<"$output"
    grep -qE '^      --seq-length=N +Timesteps of' <<<"$output"
    [[ $(tr -s ' \n' ' ' <<<"$output") == *'with adam: AdamW) (default: 0)'* ]]
}

@test "a value that is not a number: the option is named" {
    misused_naming --hidden-size train "$english" --hidden-size large
    misused_naming --hidden-size train "$english" --hidden-size 8x
    misused_naming --learning-rate train "$english" --learning-rate ''
}

@test "a word that stands for 0 is taken, others are wrong usage" {
    does train "$english" -o run "${tiny[@]}" --samples none
    for value in non -1 1.5 nonee; do
        misused_naming 'is not none or a whole number' train "$english" -o no --samples $value
    done
}

@test "a value that is not one of the choices: it is named" {
    misused_naming lstn train "$english" --cell lstn
    misused_naming word train "$english" --unit word
    misused_naming adamm train "$english" --optimizer adamm
}

@test "commands without their files: wrong usage, with an example" {
    misused_naming 'a FILE is needed, as in: rune train book.txt' train
    for command in sample eval inspect info; do
        misused_naming "a MODEL is needed, as in: rune $command runs/book" "$command"
    done
}

@test "inspect --label: a malformed one is named, also after a valid one" {
    for label in '' name =regex; do
        misused_naming "\"$label\" is not a label" inspect model "$english" --label a=b --label "$label"
    done
}

@test "inspect draws the --quantities, also of the best units" {
    "$RUNE" train "$english" -o model "${tiny[@]}" --quiet
    does inspect model "$english" -o first --format csv --ablate none
    CLICOLOR_FORCE=1 does inspect model "$english" --labels first/activations.csv --quantities f --ablate none
    [[ $output == *'(r = 1.00)'* ]] # a state goes with itself
    [[ $output == *'f 0:'?'  range'* ]]
    [[ $output != *'h 0:'?'  range'* ]]
    [[ $output != *'c 0:'?'  range'* ]]
}
