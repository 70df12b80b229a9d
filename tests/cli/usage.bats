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
}

@test "a mistyped option: the nearest is suggested" {
    misused_naming --hidden-size train "$english" --hiden-size 8
    misused_naming --temperature sample run --temprature 1
    misused_naming --window eval run --windw 9
    misused_naming --format inspect run "$english" --fromat npy
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

@test "commands without their files: wrong usage" {
    misused_naming FILE train
    misused_naming MODEL sample
    misused_naming MODEL eval
    misused_naming MODEL inspect
    misused_naming MODEL info
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
