# Sampling.
load helpers

# A short training, in which lines are learned and the start of the text is not.
short=(--hidden-size 16 --num-layers 1 --batch-size 8 --seq-length 16 --max-steps 400 --threads 1)

# write_lines END: a byte order mark, and lines that begin with ">".
write_lines()
{
    python3 -c 'import random, sys
draw = random.Random(1)
lines = (">" + "".join(draw.choices("abcdefghij", k=draw.randint(3, 9))) for _ in range(4000))
text = "\ufeff" + "".join(line + sys.argv[1] for line in lines)
open("lines.txt", "w", encoding="utf-8", newline="").write(text)' "$1"
}

# MODEL has learned nothing, LINES has learned lines.
setup_file()
{
    train_model
    export LINES=$BATS_FILE_TMPDIR/lines
    cd "$BATS_FILE_TMPDIR"
    write_lines $'\n'
    "$RUNE" train lines.txt -o "$LINES" "${short[@]}" --quiet
}

# metadata KEY FILE: what the header of a model file says.
metadata()
{
    python3 -c 'import json, struct, sys
with open(sys.argv[2], "rb") as file:
    length, = struct.unpack("<Q", file.read(8))
    print(json.loads(file.read(length))["__metadata__"][sys.argv[1]])' "$@"
}

# begin_with PATTERN ARGUMENT…: whether samples of 20 seeds do.
begin_with()
{
    for seed in {1..20}; do
        "$RUNE" sample "${@:2}" --length 5 --seed $seed --threads 1 >sample.txt
        od -c sample.txt
        [[ $(cat sample.txt; echo .) =~ ^$1 ]]
    done
}

# --- how a sample begins --------------------------------------------------------------------------

@test "a sample begins as lines begin, though the start of the text was not learned" {
    begin_with '>[a-j]' "$LINES"
    begin_with '>[a-j]' "$LINES" --prompt ''
    begin_with '>[a-j]' "$LINES" --prompt-file /dev/null
    begin_with '>[a-j]' "$LINES" --exact --temperature 0
    [ "$(metadata text_break "$LINES/best.safetensors")" = 0a ]
    [ "$(metadata text_break "$LINES/last.safetensors")" = 0a ]
}

@test "so do all samples of one call, and those that train shows" {
    does sample "$LINES" --count 30 --lines 1 --seed 1
    [ "$(grep -c '^>' <<<"$output")" -eq 30 ]
    [ "$(grep -c . <<<"$output")" -eq 30 ]
    write_lines $'\n'
    "$RUNE" train lines.txt -o run "${short[@]}" --validate-every 50 --samples 4 2>said
    grep -A 1 '^epoch' said | grep '^  |' | tail -n 4 >first
    cat first
    [ "$(grep -c '^  | >' first)" -eq 4 ]
}

@test "a sample of a text with CR LF begins after both" {
    write_lines $'\r\n'
    "$RUNE" train lines.txt -o run "${short[@]}" --quiet
    [ "$(metadata text_break run/best.safetensors)" = '0d 0a' ]
    begin_with '>[a-j]' run
    "$RUNE" train lines.txt -o run --force --unit grapheme "${short[@]}" --quiet
    [ "$(metadata text_break run/best.safetensors)" = 0d0a ]
    begin_with '>[a-j]' run
}

@test "a sample of a text without lines begins after what separates its parts" {
    write_lines ' '
    "$RUNE" train lines.txt -o run "${short[@]}" --quiet
    [ "$(metadata text_break run/best.safetensors)" = 20 ]
    begin_with '>[a-j]' run
}

@test "a model of many texts begins as they do" {
    for k in {1..400}; do
        printf '#%d\n>a\n>b\n>c\n' "$k" >"$k.txt"
    done
    "$RUNE" train {1..400}.txt -o run "${short[@]/400/900}" --quiet
    [ "$(metadata starts_seen run/best.safetensors)" -ge 5000 ]
    begin_with '#[0-9]' run --temperature 0.5
}

@test "a model of an earlier version begins with lines too" {
    python3 "$BATS_TEST_DIRNAME/edit_model.py" "$LINES/best.safetensors" old.safetensors unopened
    begin_with '>[a-j]' old.safetensors
}

@test "a resumed run, and one from another model, know how their texts begin" {
    write_lines $'\r\n'
    "$RUNE" train lines.txt -o run "${short[@]}" --quiet
    "$RUNE" train --resume run --max-steps 500 --threads 1 --quiet
    [ "$(metadata text_break run/last.safetensors)" = '0d 0a' ]
    sed 's/\r/\r\n\r/' lines.txt >more.txt
    "$RUNE" train more.txt -o other --init-from run --max-steps 5 --threads 1 --quiet
    [ "$(metadata text_break other/last.safetensors)" = '0d 0a 0d 0a' ]
}

# --- what is drawn --------------------------------------------------------------------------------

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

@test "--lines are whole ones; that of a prompt is the first" {
    for seed in 1 2 3; do
        "$RUNE" sample "$LINES" --lines 3 --seed $seed >sample.txt
        [ "$(grep -cE '^>[a-j]+$' sample.txt)" -eq 3 ]
        [ "$(wc -l <sample.txt)" -eq 3 ]
        "$RUNE" sample "$LINES" --lines 3 --seed $seed --prompt '>a' >sample.txt
        [ "$(wc -l <sample.txt)" -eq 3 ]
        [[ $(head -n 1 sample.txt) =~ ^\>a[a-j]*$ ]]
        "$RUNE" sample "$LINES" --lines 3 --seed $seed --prompt $'>a\n' >sample.txt
        [ "$(wc -l <sample.txt)" -eq 4 ]
    done
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

# --- output ---------------------------------------------------------------------------------------

# joined SEPARATOR: whether sample.txt has the texts of json.txt with this between them.
joined()
{
    python3 -c 'import json, sys
texts = [json.loads(line)["text"] for line in open("json.txt", encoding="utf-8")]
sys.exit(open("sample.txt", encoding="utf-8").read() != sys.argv[1].join(texts))' "$1"
}

@test "samples are separated by an empty line, or by what --separator says" {
    three=("$MODEL" --length 30 --seed 1 --count 3)
    "$RUNE" sample "${three[@]}" --json >json.txt
    "$RUNE" sample "${three[@]}" | head -c -1 >sample.txt
    joined $'\n\n'
    for separator in '' '<>' '\n'; do
        "$RUNE" sample "${three[@]}" --separator "$separator" >sample.txt
        joined "$separator"
    done
    "$RUNE" sample "${three[@]}" --separator '\n---\x41\n' --escapes >sample.txt
    joined $'\n---A\n'
    "$RUNE" sample "${three[@]}" --separator '\x00' --escapes >sample.txt
    [ "$(tr -dc '\0' <sample.txt | wc -c)" -eq 2 ]
    "$RUNE" sample "$MODEL" --length 30 --seed 1 --separator '<>' >sample.txt
    [ "$(wc -m <sample.txt)" -eq 30 ]
}

@test "--no-prompt hides the prompt" {
    does sample "$MODEL" --prompt 'The bridge ' --length 60 --seed 2 --count 2
    whole=$output
    does sample "$MODEL" --prompt 'The bridge ' --length 60 --seed 2 --count 2 --no-prompt
    [ "$output" = "${whole//The bridge /}" ]
    [ "$output" != "$whole" ]
    does sample "$MODEL" --prompt 'The bridge ' --length 60 --seed 2 --no-prompt
    [[ $whole == "The bridge $output"* ]]
}

@test "--json prints an object for each sample" {
    three=("$MODEL" --length 60 --seed 7 --count 3 --prompt 'The ')
    "$RUNE" sample "${three[@]}" --json >json.txt
    "$RUNE" sample "${three[@]}" --separator '|' >plain.txt
    python3 - <<'END'
import json
samples = [json.loads(line) for line in open('json.txt')]
assert '|'.join(s['prompt'] + s['text'] for s in samples) == open('plain.txt').read()
assert [s['sample'] for s in samples] == [0, 1, 2]
assert all(s['prompt'] == 'The ' and s['seed'] == 7 and s['characters'] == 60 for s in samples)
assert all(list(s) == ['prompt', 'text', 'sample', 'seed', 'characters', 'log_probability'] for s in samples)
END
    does sample "$MODEL" --length 50 --prompt 'The ' --json --no-prompt
    [[ $output == '{"text":'* ]]
    [ -z "$stderr" ] # the seed is in the object
    text=$(json text)
    does sample "$MODEL" --length 50 --prompt 'The ' --seed "$(json seed)" --no-prompt
    [ "$output" = "$text" ]
}

@test "log_probability is that of the text under the model, whatever the temperature" {
    does sample "$LINES" --length 80 --seed 3 --prompt '>ab' --json --exact --temperature 2 --top-k 5
    python3 -c 'import json, sys
sample = json.loads(sys.argv[1])
open("whole.txt", "w").write(sample["prompt"] + sample["text"])' "$output"
    by_sample=$(json log_probability)
    does eval "$LINES" whole.txt --per-char
    by_eval=$(python3 -c 'import csv, sys
rows = list(csv.DictReader(sys.stdin))
print(-sum(float(row["loss"]) for row in rows[3:]))' <<<"$output")
    number_is '($1 - $2) ^ 2 < 1e-4 && $1 < -80' "$by_sample" "$by_eval"
}

@test "a sample that is not UTF-8 is valid JSON and has its bytes" {
    python3 -c 'import random, sys
sys.stdout.buffer.write(random.Random(1).randbytes(5000))' >bytes.txt
    "$RUNE" train bytes.txt -o run --unit byte "${tiny[@]}" --quiet
    "$RUNE" sample run --length 500 --seed 1 --prompt $'a\xffb' --json >json.txt
    "$RUNE" sample run --length 500 --seed 1 --prompt $'a\xffb' >plain.txt
    python3 - <<'END'
import json
line = open('json.txt', 'rb').read().decode('utf-8')
sample = json.loads(line)
plain = open('plain.txt', 'rb').read()
assert bytes.fromhex(sample['prompt_hex'] + sample['text_hex']) == plain
assert sample['prompt'] == 'a\ufffdb' and '\ufffd' in sample['text']
assert not [c for c in line[:-1] if ord(c) < 32 or 127 <= ord(c) < 160]
END
    does sample "$MODEL" --length 50 --json
    [[ $output != *_hex* ]]
}

@test "--escapes reads escapes in prompts and stops" {
    does sample "$MODEL" --prompt 'a\n\x62\u0063\U00000064' --escapes --length 0
    [ "$output" = $'a\nbcd' ]
    does sample "$LINES" --prompt '>\n>' --escapes --length 0 --json
    [ "$(json prompt)" = $'>\n>' ]
    "$RUNE" sample "$LINES" --seed 1 --stop '\n' --escapes >sample.txt
    [ "$(wc -l <sample.txt)" -eq 1 ]
    fails_naming 'offset 1' sample "$MODEL" --prompt 'a\nb'
    for wrong in 'a\' 'a\q' 'a\x4' 'a\xgg' 'a\u123' '\ud800' '\U00110000' '\N'; do
        misused_naming 'is not an escape' sample "$MODEL" --escapes --prompt "$wrong"
        [[ $stderr == *--prompt* ]]
        misused_naming --stop sample "$MODEL" --escapes --stop "$wrong"
        misused_naming --separator sample "$MODEL" --escapes --separator "$wrong"
    done
}

@test "options that contradict each other are wrong usage" {
    misused_naming --prompt-file sample "$MODEL" --prompt a --prompt-file b
    misused_naming --separator sample "$MODEL" --json --separator a
    misused_naming --interactive sample "$MODEL" --interactive --json
    misused_naming --interactive sample "$MODEL" --interactive --count 2
    misused_naming --interactive sample "$MODEL" --interactive --prompt-file -
}

# --- conversations --------------------------------------------------------------------------------

# converse ARGUMENT…: a conversation in which stdin is typed.
converse()
{
    run --separate-stderr "$RUNE" sample "$@" --interactive --threads 1
    echo "status $status, stderr: $stderr"
    [ "$status" -eq 0 ]
}

@test "--interactive goes on from each line, with those before in mind" {
    does sample "$LINES" --prompt '>ab' --lines 1 --seed 1 --exact --no-prompt
    one=$output
    converse "$LINES" --lines 1 --seed 1 --exact <<<'>ab'
    [ "$output" = "$one" ]
    converse "$LINES" --lines 1 --temperature 0 --exact <<<'>ab'
    one=$output
    does sample "$LINES" --prompt ">ab$one"$'\n>cd' --lines 1 --temperature 0 --exact --no-prompt
    next=$output
    converse "$LINES" --lines 1 --temperature 0 --exact <<<$'>ab\n>cd'
    [ "$output" = "$one"$'\n'"$next" ]
}

@test "in a conversation an empty line goes on, and another one begins anew" {
    does sample "$LINES" --length 60 --seed 1
    whole=$output
    converse "$LINES" --length 30 --seed 1 <<<$'\n'
    [ "$(tr -d '\n' <<<"$output")" = "$(tr -d '\n' <<<"$whole")" ]
    does sample "$LINES" --prompt $'>abcd\n>cd' --length 3 --temperature 0 --no-prompt
    new=$output
    converse "$LINES" --length 0 --temperature 0 <<<$'>abcd\n>cd'
    [ -z "$output" ]
    converse "$LINES" --prompt '>abcd' --length 0 --temperature 0 <<<$'\n'
    [ "$output" = '>abcd' ]
    converse "$LINES" --length 3 --temperature 0 --prompt-file <(printf '>abcd\n>cd') </dev/null
    [ "${lines[1]}" = ">cd$new" ]
}

@test "a line that cannot be read is told, and the next one is asked for" {
    converse "$LINES" --lines 1 --seed 1 --escapes <<<$'>Ä\n>\\q\n>\\x61'
    [ "${#lines[@]}" -eq 1 ]
    [ "${#stderr_lines[@]}" -eq 2 ]
    [[ ${stderr_lines[0]} == *Ä*--on-unknown* ]]
    [[ ${stderr_lines[1]} == *'is not an escape'* ]]
}

@test "in a conversation Ctrl-C ends the text, and not the program" {
    timeout 100 python3 "$BATS_TEST_DIRNAME/conversation.py" "$RUNE" "$LINES"
}

@test "samples of clusters and of code points are UTF-8" {
    for unit in codepoint grapheme; do
        does train "$CORPORA/texts/emoji.txt" -o run --force --unit "$unit" "${tiny[@]}"
        "$RUNE" sample run --length 300 >sample.txt
        [ -s sample.txt ]
        iconv -f UTF-8 -t UTF-8 sample.txt | cmp - sample.txt
    done
}
