# What texts may be given as, and how they are read: directories, lists, encodings, line ends.
load helpers

setup_file()
{
    train_model
}

# The words of an epic with CRLF and a byte order mark, as editors on Windows write it.
windows_text()
{
    printf '\xef\xbb\xbf'
    sed 's/$/\r/' "$english"
}

# A tree of sources with what lies around in one.
make_tree()
{
    mkdir -p tree/src/deep tree/.git tree/runs/old
    head -c 3000 "$english" >tree/src/b.c
    head -c 2000 "$english" >tree/src-old.c
    tail -c 2500 "$english" >tree/src/deep/a.c
    : >tree/src/__init__.py
    echo secret >tree/.git/config
    head -c 500 /dev/zero >tree/picture.raw
    printf 'caf\xe9' >tree/latin.txt
    ln -s .. tree/src/loop
    : >tree/runs/old/last.safetensors
    echo 1,2 >tree/runs/old/log.csv
}

@test "empty files among several are left out, with one note" {
    : >a.txt
    : >b.txt
    does train a.txt "$english" b.txt -o run "${tiny[@]}"
    [ "$(grep -c '^note: 1 file is read; left out: 2 empty files (such as a.txt)$' <<<"$stderr")" -eq 1 ]
    does train "$english" -o alone "${tiny[@]}"
    cmp run/best.safetensors alone/best.safetensors
    does eval "$MODEL" b.txt "$english" --json
    [[ $stderr == 'note: 1 file is read; left out: 1 empty file (b.txt)' ]]
    both=$output
    does eval "$MODEL" "$english" --json
    [ "$both" = "$output" ]
    fails_naming 'all 2 files are empty, such as a.txt' train a.txt b.txt -o none "${tiny[@]}"
    fails_naming 'a.txt: is empty' eval "$MODEL" a.txt
}

@test "a directory is read in the byte order of its paths, and the note says what is left out" {
    make_tree
    does train tree -o run "${tiny[@]}"
    [[ $stderr == 'note: 3 files are read; left out: 1 empty file (tree/src/__init__.py), 1 hidden (tree/.git), '\
'1 binary file (tree/picture.raw), 1 in another encoding (tree/latin.txt), 1 symbolic link (tree/src/loop), '\
'1 directory of a run (tree/runs/old)'$'\n'* ]]
    does train tree/src-old.c tree/src/b.c tree/src/deep/a.c -o named "${tiny[@]}"
    cmp run/best.safetensors named/best.safetensors
    does eval "$MODEL" tree --json
    from_tree=$output
    does eval "$MODEL" tree/src-old.c tree/src/b.c tree/src/deep/a.c --json
    [ "$from_tree" = "$output" ]
    mkdir nothing
    fails_naming 'nothing: has no text to read' train nothing -o none "${tiny[@]}"
    [ ! -e none ]
    fails_naming 'is a directory' inspect "$MODEL" tree
}

@test "the directory's own name is the run's, and . is text" {
    mkdir -p some-1.5/runs
    cp "$english" some-1.5/a.txt
    does train some-1.5/ "${tiny[@]}" --quiet
    [ -s runs/some-1.5/best.safetensors ]
    cd some-1.5
    does train . "${tiny[@]}" --quiet
    [ -s runs/text/best.safetensors ]
    does train . "${tiny[@]}" --force # its own run is no text
    [[ $stderr == *'1 directory of a run (./runs/text)'* ]]
}

@test "a run of a directory goes on with the files that it had, and names one that changed" {
    make_tree
    does train tree -o run "${tiny[@]}"
    echo 'more of it' >tree/new.c
    does train --resume run --max-steps 7
    echo 'more of it' >>tree/src/b.c
    fails_naming tree/src/b.c train --resume run --max-steps 9
    [[ $stderr == *'has changed since the run began'* || $stderr == *'not as it was'* ]]
    rm tree/src/b.c
    fails_naming tree/src/b.c train --resume run --max-steps 9
}

@test "--files-from reads names from a file or stdin, as lines or separated by NULs" {
    make_tree
    does train tree/src-old.c tree/src/b.c -o named "${tiny[@]}"
    printf 'tree/src-old.c\ntree/src/__init__.py\r\n\ntree\ntree/src/b.c' >list
    does train --files-from list -o lines "${tiny[@]}"
    [[ $stderr == 'note: 2 files are read; left out: 1 empty file (tree/src/__init__.py), '\
'1 directory of the list (tree)'$'\n'* ]]
    cmp lines/best.safetensors named/best.safetensors
    printf 'tree/src-old.c\0tree/src/b.c\0' | "$RUNE" train --files-from - -o nuls "${tiny[@]}" --quiet
    cmp nuls/best.safetensors named/best.safetensors
    does train tree/src-old.c --files-from <(echo tree/src/b.c) -o both "${tiny[@]}" --quiet
    cmp both/best.safetensors named/best.safetensors
    does train --files-from list "${tiny[@]}" --quiet
    [ -s runs/list/best.safetensors ]
    does eval "$MODEL" --files-from list --json
    listed=$output
    does eval "$MODEL" tree/src-old.c tree/src/b.c --json
    [ "$listed" = "$output" ]
    echo missing.c >wrong
    fails_naming 'missing.c: No such file or directory; it is named in wrong' train --files-from wrong
    fails_naming nowhere train --files-from nowhere
    misused_naming --files-from train --resume named --files-from list
}

@test "CRLF and byte order marks are kept, and the note names the options that remove them" {
    windows_text >windows.txt
    does train windows.txt -o kept "${tiny[@]}"
    [[ $stderr == *'carriage returns (CR), which are kept as symbols; --newlines lf'* ]]
    [[ $stderr == *'byte order mark (U+FEFF), which is kept as a symbol; --strip-bom'* ]]
    does train windows.txt -o clean "${tiny[@]}" --newlines lf --strip-bom
    [[ $stderr != *note* ]]
    does train "$english" -o plain "${tiny[@]}"
    cmp <("$RUNE" sample clean --length 200 --seed 1 --exact) <("$RUNE" sample plain --length 200 --seed 1 --exact)
}

@test "a model remembers --newlines and --strip-bom: eval, inspect and prompts treat their texts alike" {
    windows_text >windows.txt
    does train windows.txt -o clean "${tiny[@]}" --newlines lf --strip-bom
    does eval clean windows.txt --json
    crlf=$(json loss) characters=$(json characters)
    does eval clean "$english" --json
    [ "$crlf" = "$(json loss)" ]
    [ "$characters" -eq "$(json characters)" ]
    does inspect clean windows.txt -o crlf --format csv --ablate none
    does inspect clean "$english" -o lf --format csv --ablate none
    cmp crlf/activations.csv lf/activations.csv
    printf 'One\r\ntwo\r\n' >prompt.txt
    does sample clean --prompt-file prompt.txt --length 0
    [ "$output" = $'One\ntwo' ]
    does eval clean --json # the held-out part of windows.txt
    [ "$(json bits_per_byte)" = None ]
    does train --resume clean --max-steps 7
    does info clean
    [[ $output == *'line ends: lf, without byte order mark'* ]]
    does info clean --json
    [ "$(json newlines) $(json strip_bom)" = 'lf True' ]
    misused_naming --newlines train windows.txt --init-from clean --newlines lf
    misused_naming --strip-bom train windows.txt --init-from clean --strip-bom
    # a file of an older version has neither
    python3 "$BATS_TEST_DIRNAME/edit_model.py" clean/best.safetensors old.safetensors untreated
    does sample old.safetensors --prompt $'a\n' --length 0
    fails_naming "'\\r' (U+000D)" eval old.safetensors windows.txt
}

@test "a text in another encoding: the message says which, and the command makes it UTF-8" {
    sed 's/e/é/g' "$english" | iconv -f UTF-8 -t WINDOWS-1252 >book.txt
    fails_naming 'such as Windows-1252' train book.txt -o run "${tiny[@]}"
    [[ $stderr =~ (iconv -f WINDOWS-1252 -t UTF-8 book.txt > book-utf8.txt) ]]
    eval "${BASH_REMATCH[1]}"
    mkdir narrow wide # models tell the name of their text
    cp book-utf8.txt narrow/book.txt
    does train narrow/book.txt -o utf8 "${tiny[@]}"
    does train book.txt --encoding WINDOWS-1252 -o read "${tiny[@]}"
    cmp utf8/best.safetensors read/best.safetensors
    gzip -k book-utf8.txt
    fails_naming 'gzip data' train book-utf8.txt.gz -o run "${tiny[@]}"
    [[ $stderr == *'zcat book-utf8.txt.gz > book-utf8.txt' ]]
    iconv -f UTF-8 -t UTF-16 book-utf8.txt >wide.txt
    fails_naming '--encoding UTF-16,' train wide.txt -o run "${tiny[@]}"
    cp wide.txt wide/book.txt
    does train wide/book.txt --encoding UTF-16 -o run16 "${tiny[@]}"
    cmp utf8/best.safetensors run16/best.safetensors
    # eval and inspect read a FILE as they are told, and the run's text as it was in training
    does eval utf8 book-utf8.txt --json
    whole=$output
    does eval utf8 wide.txt --encoding UTF-16 --json
    [ "$whole" = "$output" ]
    does eval run16 --json
    held_out=$output
    does eval utf8 --json
    [ "$held_out" = "$output" ]
    does inspect utf8 book-utf8.txt -o a --format csv --ablate none
    does inspect utf8 wide.txt --encoding UTF-16 -o b --format csv --ablate none
    cmp a/activations.csv b/activations.csv
    does train --resume run16 --max-steps 7
}

@test "an encoding that iconv does not know, or that the text is not in, is named" {
    printf 'abc\x81def' >odd.txt
    misused_naming '--encoding: "NOWHERE-1" is not an encoding' train odd.txt --encoding NOWHERE-1
    misused_naming '--encoding: "NOWHERE-1" is not an encoding' eval "$MODEL" odd.txt --encoding NOWHERE-1
    misused_naming '--encoding: "NOWHERE-1" is not an encoding' inspect "$MODEL" odd.txt --encoding NOWHERE-1
    misused_naming '--encoding' eval "$MODEL" --encoding UTF-16
    for command in "train odd.txt -o run" "eval $MODEL odd.txt" "inspect $MODEL odd.txt"; do
        fails_naming 'odd.txt: byte 0x81 at offset 3 is not WINDOWS-1252' $command --encoding WINDOWS-1252
    done
}

@test "eval --on-unknown leaves out or replaces what the model does not know, and counts it" {
    printf 'Ω%sΩÉ' "$(head -c 500 "$english")" >odd.txt
    fails_naming '--on-unknown skip or replace' eval "$MODEL" odd.txt
    for what in skip replace; do
        does eval "$MODEL" odd.txt --on-unknown "$what" --json
        [ "$(json unknown)" -eq 3 ]
        [ "$(json bits_per_byte)" = None ]
        [[ $what == skip ]] && left=500 || left=503
        [ "$(json characters)" -eq "$left" ]
    done
    misused_naming --on-unknown eval "$MODEL" odd.txt --on-unknown guess
    misused_naming --on-unknown eval "$MODEL" --on-unknown skip
}

@test "train --init-from --on-unknown takes a text with characters that the model does not know" {
    printf 'Ω%sΩ' "$(head -c 5000 "$english")" >odd.txt
    fails_naming '--on-unknown skip or replace' train odd.txt --init-from "$MODEL" -o run
    does train odd.txt --init-from "$MODEL" -o run --max-steps 3 --threads 1 --on-unknown skip
    [[ $stderr == *'note: 2 characters that the model does not know are left out'* ]]
    does train --resume run --max-steps 5
    does train odd.txt --init-from "$MODEL" -o run2 --max-steps 3 --threads 1 --on-unknown replace
    [[ $stderr == *'note: 2 characters that the model does not know are replaced'* ]]
    misused_naming --on-unknown train odd.txt -o none --on-unknown skip
}

@test "messages about stdin say standard input, and never name the file that keeps it" {
    mkdir tmp
    printf 'caf\xe9' >latin
    printf '\x1f\x8b\x08' >packed
    : >empty
    printf 'Ω%s' "$(head -c 50 "$english")" >unknown
    printf a >one
    for text in latin packed empty unknown one; do
        for command in "train - -o run" "train - -o run --init-from $MODEL" "eval $MODEL -" "inspect $MODEL -"; do
            run --separate-stderr env TMPDIR="$PWD/tmp" "$RUNE" $command <$text
            [[ $text == one && $command == inspect* || $text == unknown && $command != *"$MODEL"* ]] || {
                echo "$text $command: $stderr"
                [ "$status" -eq 1 ]
                [[ $stderr == *'standard input'* && $stderr != *tmp* && $stderr != *rune-* && $stderr != *run/* ]]
            }
            rm -rf run
        done
    done
    run --separate-stderr env TMPDIR=nowhere "$RUNE" eval "$MODEL" - <"$english"
    [[ $stderr == 'rune eval: standard input: cannot be kept in nowhere: '* ]]
    fails_naming 'standard input can be read only once' train - - <"$english"
    misused=$(printf x | "$RUNE" train - --files-from - 2>&1) || true
    [[ $misused == *'both a text and the list'* ]]
}

@test "a tree of thousands of files trains and is resumed" {
    mkdir many
    for ((k = 0; k < 3000; k++)); do echo "file $k of many, with a line" >many/$k.txt; done
    (ulimit -n 40; "$RUNE" train many -o run "${tiny[@]}" 2>notes)
    grep '^note: 3000 files are read$' notes
    (ulimit -n 40; "$RUNE" train --resume run --max-steps 7 --quiet)
}
