# Text from files, file names and models cannot control the terminal.
load helpers

# Models of a text full of control characters: BYTES, CODEPOINTS and GRAPHEMES.
setup_file()
{
    cd "$BATS_FILE_TMPDIR"
    python3 - <<'END'
import random
draw = random.Random(1)
codes = ['\x1b]0;title\x07', '\x1b[2J', '\x9b2J', '\x7f', '\0', '\r', '\r\n', '\t', '\n', '\u061c', '\u200e',
         '\u2028', '\u202e', '\u2066']
words = ['word ', 'e\u0301', '\u0915\u094d\u200d\u0937', '\U0001F469\u200D\U0001F467']
text = ''.join(draw.choice(codes + words) for _ in range(3000))
open('codes.txt', 'w', encoding='utf-8', newline='').write(text)
parts = [c.encode() for c in codes + words] + [b'\xff', b'\x9b2J', b'\xe2\x80', b'\xed\xa0\x80']
open('bytes.txt', 'wb').write(b''.join(draw.choice(parts) for _ in range(3000)))
END
    for model in BYTES CODEPOINTS GRAPHEMES; do
        unit=${model,,} text=codes.txt
        [ $model = BYTES ] && text=bytes.txt
        "$RUNE" train $text -o $model --unit "${unit%s}" "${tiny[@]}" --hidden-size 32 \
            --max-steps 60 --samples 5 2>$model.stderr
        export $model=$BATS_FILE_TMPDIR/$model
    done
}

# on_terminal ARGUMENT…: what rune prints on a terminal, on stdout.
on_terminal()
{
    python3 -c 'import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' "$RUNE" "$@" </dev/null
}

# Whether stdin is UTF-8 without control characters but tabs and CR LF; with "colours", the program's own
# codes are allowed too.
is_tame()
{
    python3 -c 'import re, sys
text = sys.stdin.buffer.read().decode("utf-8")
if "colours" in sys.argv:
    text = re.sub("\x1b\\[[0-9;]*m|\r\x1b\\[K", "", text)
wild = re.findall("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\r(?!\r*\n)", text)
print(len(text), "characters, of which obeyed", wild[:20])
sys.exit(not text or bool(wild))' "$@"
}

# text N: the first N characters of that text, in text.txt.
text()
{
    python3 -c 'import sys
print(open(sys.argv[1], newline="", encoding="utf-8").read()[:int(sys.argv[2])], end="")' \
        "$BATS_FILE_TMPDIR/codes.txt" "$1" >text.txt
}

# --- samples --------------------------------------------------------------------------------------

@test "a sample on a terminal has no control characters, with any unit" {
    for model in "$BYTES" "$CODEPOINTS" "$GRAPHEMES"; do
        on_terminal sample "$model" --length 2000 --seed 1 --count 3 >seen
        is_tame <seen
        grep -qF '\x1B' seen
        grep -qF 'U+202E' seen
    done
    grep -qF 'word ' seen
    grep -qF '👩‍👧' seen # joined
}

@test "in pipes and files the bytes are the model's" {
    for model in "$BYTES" "$CODEPOINTS" "$GRAPHEMES"; do
        "$RUNE" sample "$model" --length 2000 --seed 1 | cat >piped
        "$RUNE" sample "$model" --length 2000 --seed 1 >written
        cmp piped written
        grep -q $'\e' piped
        grep -q $'\u202e' piped
        run ! grep -qF '\x1B' piped
    done
    "$RUNE" sample "$BYTES" --length 2000 --seed 1 >piped
    run ! iconv -f UTF-8 -t UTF-8 piped
}

@test "a prompt is escaped too, byte by byte where it is not UTF-8" {
    printf '%s' 'xé👩‍👧क्‍ष' >whole
    printf 'a\xff\xe2\x80' >broken
    cat whole broken whole broken >bytes.txt
    "$RUNE" train bytes.txt -o model --unit byte "${tiny[@]}" --quiet
    on_terminal sample model --prompt-file whole --length 0 --seed 1 >seen
    printf '\r\n' | cat whole - | cmp - seen
    on_terminal sample model --prompt-file broken --length 0 --seed 1 >seen
    [ "$(cat seen)" = $'a\\xFF\\xE2\\x80\r' ]
    "$RUNE" sample model --prompt-file broken --length 0 --seed 1 | cmp broken
    on_terminal sample "$CODEPOINTS" --prompt $'\e]0;title\a\u202e\u009b' --length 0 --seed 1 >seen
    [ "$(cat seen)" = $'\\x1B]0;title\\x07U+202EU+009B\r' ]
}

@test "CR LF ends a line on a terminal; CR alone is shown" {
    on_terminal sample "$CODEPOINTS" --prompt $'w\r\no\tr\rd\r' --length 0 --seed 1 >seen
    [ "$(tr '\n' '|' <seen)" = $'w\r\r|o\tr\\rd\\r\r|' ]
}

@test "a sample on a terminal ends with its line, and in a pipe as it is" {
    for prompt in w $'w\n' $'w\r\n'; do
        on_terminal sample "$CODEPOINTS" --prompt "$prompt" --length 0 --seed 1 >seen
        [ "$(wc -l <seen)" -eq 1 ]
        "$RUNE" sample "$CODEPOINTS" --prompt "$prompt" --length 0 --seed 1 >piped
        printf '%s' "$prompt" | cmp - piped
    done
    on_terminal sample "$CODEPOINTS" --length 0 --seed 1 >seen
    [ ! -s seen ]
}

@test "JSON on a terminal has no control characters and is JSON" {
    for model in "$BYTES" "$CODEPOINTS" "$GRAPHEMES"; do
        on_terminal sample "$model" --length 2000 --seed 1 --json >seen
        "$RUNE" sample "$model" --length 2000 --seed 1 >piped
        is_tame <seen
        python3 - <<'END'
import json
sample = json.load(open('seen', encoding='utf-8'))
piped = open('piped', 'rb').read()
assert sample['text'].encode() == piped or bytes.fromhex(sample['text_hex']) == piped
END
    done
}

@test "the sample that train shows has no control characters" {
    for model in BYTES CODEPOINTS GRAPHEMES; do
        [ "$(grep -c '^  | ' "$BATS_FILE_TMPDIR/$model.stderr")" -gt 5 ]
        is_tame <"$BATS_FILE_TMPDIR/$model.stderr"
        grep -qF '\x1B' "$BATS_FILE_TMPDIR/$model.stderr"
    done
    on_terminal train "$BATS_FILE_TMPDIR/codes.txt" -o run "${tiny[@]}" --max-steps 60 >seen
    is_tame colours <seen
}

# --- results --------------------------------------------------------------------------------------

@test "info, eval --per-char and inspect on a terminal show a model's symbols" {
    for model in "$CODEPOINTS" "$GRAPHEMES"; do
        on_terminal info "$model" >seen
        is_tame <seen
        on_terminal eval "$model" "$BATS_FILE_TMPDIR/codes.txt" --per-char --threads 1 >seen
        is_tame <seen
        grep -qF ',"U+202E",' seen
        on_terminal inspect "$model" "$BATS_FILE_TMPDIR/codes.txt" --threads 1 >seen
        is_tame colours <seen
        grep -qF '\x1B' seen
    done
    "$RUNE" eval "$CODEPOINTS" "$BATS_FILE_TMPDIR/codes.txt" --per-char --threads 1 2>/dev/null | grep -q $'"\u202e"'
}

# --- messages -------------------------------------------------------------------------------------

name=$'a\e]0;title\a\n\u202e\u009b31m\xff'
shown='a\x1B]0;title\x07\x0AU+202EU+009B31m\xFF'

# says STATUS ARGUMENT…: rune exits with STATUS and one line on stderr that shows the escaped name.
says()
{
    local expected=$1 status=0
    shift
    "$RUNE" "$@" >printed 2>said || status=$?
    cat -v said
    [ "$status" -eq "$expected" ] && [ ! -s printed ] && [ "$(wc -l <said)" -eq 1 ] &&
        is_tame <said && grep -qF "$shown" said
}

@test "messages escape arguments" {
    says 2 "$name"
    says 2 sample "--$name"
    says 2 sample "-$name"
    says 2 sample "$CODEPOINTS" "$name"
    says 2 sample "$CODEPOINTS" --length "$name"
    says 2 sample "$CODEPOINTS" --on-unknown "$name"
    says 2 sample "$CODEPOINTS" --clamp "$name"
    says 2 inspect "$CODEPOINTS" text --units "$name"
    says 2 inspect "$CODEPOINTS" text --passage "$name"
    says 2 inspect "$CODEPOINTS" text --label "$name"
    says 1 inspect "$CODEPOINTS" "$english" --quantities "$name" --on-unknown skip
}

@test "messages escape file names" {
    mkdir "$name"
    for command in info sample eval train; do
        says 1 $command "$name.txt"
    done
    says 1 train "$english" -o "$name" --init-from "$name" --max-steps 1
    echo 'no model' >"$name.safetensors"
    says 1 info "$name.safetensors"
    printf 'ab\xff' >"$name.txt"
    says 1 eval "$CODEPOINTS" "$name.txt"
    says 1 inspect "$CODEPOINTS" "$name.txt"
    says 1 sample "$CODEPOINTS" --prompt-file "$name.txt"
}

@test "messages escape labels" {
    text 300
    printf 'a\n%s\n' "${name/$'\n'/}" >labels.csv
    shown='a\x1B]0;title\x07U+202EU+009B31m\xFF'
    says 1 inspect "$CODEPOINTS" text.txt --labels labels.csv
    shown='x\x1B('
    says 1 inspect "$CODEPOINTS" text.txt --label $'y=x\e('
    for name in $'"\e]0;title\a"' $'"\u009b31m"' $'"a\nb"'; do
        printf '%s\n0\n' "$name" >labels.csv
        fails_naming 'not printable' inspect "$CODEPOINTS" text.txt --labels labels.csv
    done
}

@test "names of new and of older files of inspect are on one line each" {
    text 200
    "$RUNE" inspect "$CODEPOINTS" text.txt -o "$name" --format svg --ablate none >printed 2>said
    is_tame <printed
    is_tame <said
    grep -qxF "$shown/activations.svg" said
    touch -d '1 hour ago' "$name"/*
    "$RUNE" inspect "$CODEPOINTS" text.txt -o "$name" --format npy --ablate none >printed 2>said
    is_tame <said
    [ "$(grep -cF 'earlier inspection' said)" -eq 1 ]
    grep -qF "$shown/activations.svg" said
}

@test "a message is not truncated within a character" {
    for start in x xy xyz; do
        run --separate-stderr "$RUNE" info "$start$(printf '中%.0s' {1..600})"
        [ "$status" -eq 1 ]
        [ "${#stderr}" -gt 300 ]
        is_tame <<<"$stderr"
        run ! grep -F '\x' <<<"$stderr"
    done
}

# --- commands to copy -----------------------------------------------------------------------------

# Whether a shell can run what train printed for a text of this name.
can_be_copied()
{
    printf '%q\n' "$1"
    "$RUNE" train "${tiny[@]}" --val-fraction 0.5 "${@:2}" -- "$1" 2>said
    is_tame <said
    sed -n '/^Now try:/,$p' said | tail -n +2 | sed 's/ -o / --ablate none --threads 1 -o /' >commands
    cat commands
    [ "$(grep -c ' sample \| inspect ' commands)" -eq 2 ]
    sh -e ./commands >/dev/null 2>&1
}

@test "suggested commands can be copied into a shell, with any names" {
    for name in plain $'it\'s $(x)`y`"z"\\' '~' '*' '-x' 'café' '%s%d\n' $'a\e]0;title\a\nb' $'end\n' \
        $'a\u202eb' '!a;b&c|d<e>f'; do
        head -c 2500 "$english" >"./$name"
        can_be_copied "$name"
    done
    [ -d runs/-x/inspect ]
    [ "$(ls -d runs/*/inspect | grep -c inspect)" -eq 11 ]
    can_be_copied plain -o -n
    [ -d ./-n/inspect ]
    can_be_copied plain -o $'not\xffUTF-8 \e'
    [ -d $'not\xffUTF-8 \e/inspect' ]
    can_be_copied plain -o plain2 --max-minutes 0.001 --max-steps 1000000
    grep -q resume commands
    grep -qx "  $RUNE sample plain2" said # no quotes where none are needed
}

@test "suggested commands name the program as the shell finds it from there" {
    cp "$english" text.txt
    mkdir -p 'my tools' inside/deeper
    ln -s "$RUNE" 'my tools/rune'
    suggests()
    {
        "$@" train text.txt -o run "${tiny[@]}" --force 2>said
        tail -n 2 said
        [ "$(tail -n 2 said | head -n 1)" = "  $named sample run" ]
    }
    named="'my tools/rune'" suggests 'my tools/rune'
    named="'$PWD/my tools/rune'" suggests "$PWD/my tools/rune"
    PATH=$PWD/my\ tools:$PATH named=rune suggests rune
    PATH=$PWD/my\ tools:$PATH named=rune suggests 'my tools/rune'
    PATH=inside:$PWD/my\ tools:$PATH named=rune suggests "$RUNE"
    printf '#!/bin/sh' >inside/rune # another program of that name
    chmod +x inside/rune
    PATH=$PWD/inside:$PWD/my\ tools:$PATH named=$RUNE suggests "$RUNE"
    cd 'my tools'
    cp ../text.txt .
    named=./rune suggests ./rune
}

@test "where nothing was held out, no command is suggested that would look at the training text" {
    head -c 2500 "$english" >text.txt
    "$RUNE" train text.txt -o run "${tiny[@]}" 2>said
    grep -q 'sample run' said
    run ! grep -q inspect said
}
