# Sampling.
load helpers

setup_file()
{
    train_model
}

@test "a sample has the requested length and symbols of the text" {
    printf 'abcabcabcabcabcabcabcabcabcabcabcabcabcabc' >abc.txt
    does train abc.txt -o run "${tiny[@]}"
    does sample run --length 77
    [[ $output =~ ^[abc]{77}$ ]]
}

@test "the same seed gives the same text, another seed another" {
    does sample "$MODEL" --length 200 --seed 5
    five=$output
    does sample "$MODEL" --length 200 --seed 5
    [ "$output" = "$five" ]
    does sample "$MODEL" --length 200 --seed 6
    [ "$output" != "$five" ]
}

@test "a longer sample begins as the shorter one" {
    does sample "$MODEL" --length 100 --seed 5
    short=$output
    [ "${#short}" -gt 50 ]
    does sample "$MODEL" --length 200 --seed 5
    [[ $output == "$short"* ]]
}

@test "a run directory stands for its best model" {
    does sample "$MODEL" --length 200 --seed 5
    run_text=$output
    [ "${#run_text}" -gt 100 ]
    does sample "$MODEL/best.safetensors" --length 200 --seed 5
    [ "$output" = "$run_text" ]
}

@test "at temperature 0 the seed does not matter" {
    does sample "$MODEL" --length 100 --temperature 0 --seed 1
    one=$output
    [ -n "$one" ]
    does sample "$MODEL" --length 100 --temperature 0 --seed 2
    [ "$output" = "$one" ]
    does sample "$MODEL" --length 100 --top-k 1 --seed 3
    [ "$output" = "$one" ]
}

@test "invalid temperatures are wrong usage" {
    for value in -1 nan inf hot; do
        misused_naming --temperature sample "$MODEL" --temperature "$value"
    done
}

@test "other numbers out of range are wrong usage" {
    misused_naming --top-p sample "$MODEL" --top-p 1.5
    misused_naming --top-p sample "$MODEL" --top-p -1
    misused_naming --min-p sample "$MODEL" --min-p nan
    misused_naming --top-k sample "$MODEL" --top-k -3
    misused_naming --count sample "$MODEL" --count 0
    misused_naming --length sample "$MODEL" --length -1
}

@test "an extreme temperature still gives text" {
    for value in 1e-30 1e30; do
        does sample "$MODEL" --length 50 --temperature "$value"
        [ -n "$output" ]
    done
}

@test "a character of the prompt that the model does not know is named with its offset" {
    fails_naming 'offset 3' sample "$MODEL" --prompt 'cafés'
    [[ $stderr == *é* || $stderr == *U+00E9* ]]
    [[ $stderr == *--on-unknown* ]]
}

@test "--on-unknown skip and replace accept such a prompt" {
    does sample "$MODEL" --prompt 'cafés' --on-unknown skip --length 20
    does sample "$MODEL" --prompt 'cafés' --on-unknown replace --length 20
    misused_naming --on-unknown sample "$MODEL" --prompt 'cafés' --on-unknown guess
}

@test "a prompt that is not UTF-8 is refused" {
    fails_naming 'offset 2' sample "$MODEL" --prompt $'ab\xff'
    [[ $stderr != *--unit* ]] # which sample does not have
}

@test "--prompt-file does the same as --prompt" {
    printf 'The bridge ' >prompt.txt
    does sample "$MODEL" --prompt 'The bridge ' --length 60 --seed 2
    by_option=$output
    does sample "$MODEL" --prompt-file prompt.txt --length 60 --seed 2
    [ "$output" = "$by_option" ]
    fails_naming missing.txt sample "$MODEL" --prompt-file missing.txt
}

@test "a sample does not depend on --count" {
    does sample "$MODEL" --length 80 --seed 4
    one=$output
    does sample "$MODEL" --length 80 --seed 4 --count 3
    [[ $output == "$one"* ]]
    [ "${#output}" -ge 240 ]
}

@test "--stop ends the text" {
    does sample "$MODEL" --length 5000 --seed 4 --stop e
    [ -n "$output" ]
    [ "${#output}" -lt 5000 ]
}

@test "--lines counts lines; --length limits them" {
    does sample "$MODEL" --lines 3 --seed 4
    [ "$("$RUNE" sample "$MODEL" --lines 3 --seed 4 2>/dev/null | wc -l)" -eq 3 ]
    lines=$output
    [ "${#lines}" -gt 20 ]
    does sample "$MODEL" --lines 3 --seed 4 --length 9
    [ "$output" = "${lines:0:9}" ]
}

@test "--lines is refused for a model without line ends" {
    printf 'abcabcabcabcabcabcabcabcabcabcabcabcabcabc' >abc.txt
    does train abc.txt -o run "${tiny[@]}"
    run --separate-stderr timeout 100 "$RUNE" sample run --lines 1
    [ "$status" -eq 1 ]
    [[ $stderr == *--lines* ]]
    does sample run --lines 1 --length 5
    [ "${#output}" -eq 5 ]
}

@test "--exact uses float32 weights; without it they are used where int8 would differ, with a note" {
    does train "$english" -o run "${tiny[@]}" --hidden-size 32 --max-steps 300
    does sample run --length 300 --seed 1
    [ -z "$stderr" ] # 8 bits do here, where the machine has them
    python3 "$BATS_TEST_DIRNAME/edit_model.py" run/best.safetensors coarse.safetensors coarse
    does sample coarse.safetensors --length 300 --seed 1 --exact
    exact=$output
    [ -z "$stderr" ]
    does sample coarse.safetensors --length 300 --seed 1
    [ "$output" = "$exact" ]
    if "$RUNE" bench --work sample --precision quick --seconds 0.01 --hidden-size 8 --batch-size 1 \
        --threads 1 | grep -q int8; then
        [[ ${stderr_lines[0]} == note:*'8 bits'*float32 ]]
        [ "${#stderr_lines[@]}" -eq 1 ]
    fi
    RUNE_ISA=baseline does sample coarse.safetensors --length 300 --seed 1
    [ -z "$stderr" ]
}

@test "--clamp imposes a value: an extreme one determines the text" {
    does sample "$MODEL" --length 60 --seed 1 --clamp 0:3=1000
    high=$output
    [ "${#high}" -eq 60 ]
    [ "${high//"${high:0:1}"/}" = "" ]
    does sample "$MODEL" --length 60 --seed 1 --clamp 0:3=-1000
    [ "${output//"${output:0:1}"/}" = "" ]
    [ "${output:0:1}" != "${high:0:1}" ]
}

@test "--clamp may be repeated, or take a list" {
    does sample "$MODEL" --length 100 --seed 1
    free=$output
    does sample "$MODEL" --length 100 --seed 1 --clamp 0:3=2.5,0:5=-1e0
    held=$output
    [ "$held" != "$free" ]
    does sample "$MODEL" --length 100 --seed 1 --clamp 0:3=2.5 --clamp 0:5=-1
    [ "$output" = "$held" ]
    does sample "$MODEL" --length 100 --seed 1 --clamp 0:3=2.5
    [ "$output" != "$held" ]
}

@test "a malformed --clamp is wrong usage" {
    for value in '' 3 0:3 0:3= 0:3=much :3=1 0:=1 -1:3=1 0:-3=1 0:3=1, 0:3=1x 99999999999:3=1; do
        misused_naming --clamp sample "$MODEL" --clamp "$value"
        [[ $stderr == *layer:unit=value* ]]
    done
    for value in 0:3=nan 0:3=inf 0:3=1e60; do
        misused_naming 'not finite' sample "$MODEL" --clamp "$value"
        [[ $stderr == *--clamp* ]]
    done
}

@test "--clamp of a missing unit names the range of units" {
    fails_naming 'no unit 1:3' sample "$MODEL" --clamp 0:3=1,1:3=1
    fails_naming 'units 0 to 7' sample "$MODEL" --clamp 0:8=1
    [[ $stderr == *--clamp* ]]
}

@test "a closed pipe with SIGPIPE ignored is not an error" {
    run --separate-stderr bash -c 'trap "" PIPE; "$RUNE" sample "$MODEL" --length 200000 --seed 1 | head -c 10'
    [ "${#output}" -eq 10 ]
    [ -z "$stderr" ]
}

@test "a closed pipe is not an error" {
    [ "$("$RUNE" sample "$MODEL" --length 200000 --seed 1 2>err | head -c 10 | wc -c)" -eq 10 ]
    [ ! -s err ]
}

@test "a full disk is an error" {
    run --separate-stderr bash -c '"$RUNE" sample "$MODEL" --length 100 >/dev/full'
    [ "$status" -eq 1 ]
    [[ $stderr == *'No space left'* ]]
}

@test "samples of clusters and of code points are UTF-8" {
    for unit in codepoint grapheme; do
        does train "$CORPORA/texts/emoji.txt" -o run --force --unit "$unit" "${tiny[@]}"
        "$RUNE" sample run --length 300 >sample.txt
        [ -s sample.txt ]
        iconv -f UTF-8 -t UTF-8 sample.txt | cmp - sample.txt
    done
}
