# What the program says about itself, and to those who mistype.
load helpers

commands=(train sample eval inspect info bench)

@test "without a command: wrong usage, and stderr says how" {
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

@test "values of options are given back: in a build with sanitizers no leak is told" {
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
        --init-from --quiet --force --resume
}

@test "sample --help has every option and its default" {
    helps_with sample --length --temperature --top-k --top-p --min-p --prompt --prompt-file --stop \
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

@test "a command that is like no other: it is named" {
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

@test "a value that is not a number: the option is named" {
    misused_naming --hidden-size train "$english" --hidden-size large
    misused_naming --hidden-size train "$english" --hidden-size 8x
    misused_naming --learning-rate train "$english" --learning-rate ''
}

@test "a value that is none of the choices: it is named" {
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

@test "inspect --label: what is no NAME=REGEX is named, also behind one that is" {
    for label in '' name =regex; do
        misused_naming "\"$label\" is no label" inspect model "$english" --label a=b --label "$label"
    done
}

@test "inspect draws what --quantities names, of the best units too" {
    "$RUNE" train "$english" -o model "${tiny[@]}" --quiet
    does inspect model "$english" -o first --format csv --ablate none
    CLICOLOR_FORCE=1 does inspect model "$english" --labels first/activations.csv --quantities f --ablate none
    [[ $output == *'(r = 1.00)'* ]] # a state goes with itself
    [[ $output == *'f 0:'?'  range'* ]]
    [[ $output != *'h 0:'?'  range'* ]]
    [[ $output != *'c 0:'?'  range'* ]]
}
