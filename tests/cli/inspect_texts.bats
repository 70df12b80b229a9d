# inspect: texts of every kind and length.
load inspect

@test "- reads stdin, and leaves no temporary file" {
    excerpt 500
    mkdir tmp
    does inspect "$MODEL" excerpt.txt -o file --format csv
    for to in -o ''; do
        run --separate-stderr env TMPDIR=tmp "$RUNE" inspect "$MODEL" - ${to:+-o stdin --format csv} \
            <excerpt.txt
        [ "$status" -eq 0 ]
        [ -z "$(ls -A tmp)" ]
    done
    diff -r file stdin
    run --separate-stderr "$RUNE" inspect "$MODEL" - -o none </dev/null
    [ "$status" -eq 1 ]
    [[ $stderr == *'standard input'* ]]
    [ ! -e none ]
}

@test "texts of a character, of two, and too short for a discovery" {
    for length in 1 2 100 199; do
        excerpt $length
        does inspect "$MODEL" excerpt.txt -o out --format page,npy,csv,png,svg,pdf
        array "rows == $length"
        [ "$(tail -n 1 out/activations.csv | cut -d , -f 1)" -eq $((length - 1)) ]
        [ "$(wc -l <out/neurons.csv)" -eq 1 ]
        does inspect "$MODEL" excerpt.txt
    done
}

@test "for a text longer than what is inspected, arrays hold all and the page the start" {
    long_text 252000 long.txt
    awk 'BEGIN { print "mine"; for (t = 0; t < 252000; t++) print t % 7 }' >long.labels
    does inspect "$SMALL" long.txt -o out --format page,npy,csv --units 0:1 --quantities h \
        --ablate none --passage 249900 --labels long.labels
    [[ $stderr == 'note: the first 250,000 of 252,000 characters'* ]]
    array 'rows == 252000 and len(about["characters"]) == len(about["losses"]) == rows'
    [ "$(tail -n 1 out/activations.csv | cut -d , -f 1)" -eq 251999 ]
    output=$(in_page about)
    [ "$(json length) of $(json characters)" = '250000 of 252000' ]
    # What is behind the start is read as if all were.
    head -c 250000 long.txt >start.txt
    mv out whole
    does inspect "$SMALL" start.txt -o out --format csv --units 0:1 --quantities h \
        --ablate none --passage 249900
    [ "$stderr_lines" != note* ]
    python3 - <<'EOF'
import csv
a, b = (list(csv.reader(open(d + '/activations.csv', newline='')))[1:] for d in ('out', 'whole'))
assert len(a) == 250000 and all(x[:2] == y[:2] for x, y in zip(a, b))
assert all(abs(float(x[3]) - float(y[3])) < 1e-3 for x, y in zip(a, b))
EOF
}

@test "a passage must be in the inspected part" {
    long_text 250100 long.txt
    run --separate-stderr "$RUNE" inspect "$SMALL" long.txt -o out --passage 250000
    [ "$status" -eq 1 ]
    [[ ${stderr_lines[-1]} == *--passage*250000* ]]
    [ ! -e out ]
}

@test "memory does not grow with the text" {
    ! grep -q __asan_init "$RUNE" || skip 'the address sanitizer keeps what is freed'
    for size in 300000 1300000; do
        long_text "$size" "$size.txt"
        python3 - "$RUNE" inspect "$SMALL" "$size.txt" -o out --format npy --units 0:1,0:2 --threads 1 \
            --quantities h,c,i,f,g,o --ablate none --passage 249900 >"$size.peak" <<'EOF'
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
EOF
    done
    # A trace of these signals takes 100 bytes a character; of ids 64 MB are held in memory.
    number_is '($2 - $1) * 1024 <= 5 * 1000000' "$(cat 300000.peak)" "$(cat 1300000.peak)"
}

@test "characters that the model does not know are named, left out or replaced" {
    printf 'hello \xc3\xa9!\n' >odd.txt
    fails_naming "'é'" inspect "$MODEL" odd.txt -o out
    [[ $stderr == *--on-unknown* ]]
    [ ! -e out ]
    does inspect "$MODEL" odd.txt -o out --format npy --on-unknown skip
    array '"".join(about["characters"]) == "hello !\n"'
    does inspect "$MODEL" odd.txt -o out --format npy --on-unknown replace
    array '"".join(about["characters"]) == "hello e!\n"'
}

@test "models of bytes and of grapheme clusters" {
    head -c 1200 "$CORPORA/texts/emoji.txt" | iconv -c -f UTF-8 -t UTF-8 >emoji.txt
    for unit in byte grapheme codepoint; do
        does train "$CORPORA/texts/emoji.txt" -o $unit --unit $unit "${tiny[@]}"
        does inspect $unit emoji.txt -o out --format page,npy,csv,svg --passage 0:300
        [ "$(in_page about | python3 -c 'import json, sys; print(json.load(sys.stdin)["unit"])')" = $unit ]
        python3 -c 'import xml.dom.minidom as x; x.parse("out/activations.svg")'
        case $unit in
        byte) array "rows == $(wc -c <emoji.txt)" ;;
        codepoint) array 'rows == len(open("emoji.txt").read()) and "".join(about["characters"]) == open("emoji.txt").read()' ;;
        grapheme) array 'rows < len(open("emoji.txt").read()) and "".join(about["characters"]) == open("emoji.txt").read()' ;;
        esac
        does inspect $unit emoji.txt --passage 0:300
        iconv -f UTF-8 -t UTF-8 <<<"$output" >/dev/null
    done
}

@test "without FILE, what the run held out is inspected" {
    does inspect "$MODEL" -o held_out --format csv --ablate none
    [[ ${stderr_lines[0]} == 'note: the 1,650 characters that the run held out are inspected' ]]
    tail -c 1650 "$english" >end.txt
    does inspect "$MODEL" end.txt -o end --format csv --ablate none
    diff -r held_out end
    does inspect "$MODEL/best.safetensors" -o again --format csv --ablate none
    diff -r end again
}

@test "without FILE, the ends of what was held out of each text are inspected" {
    yes ab | head -c 2000000 >lower.txt
    yes XYZ | head -c 1000000 >upper.txt
    does train lower.txt upper.txt -o run "${tiny[@]}" --hidden-size 4 --quiet
    does inspect run -o out --format csv --units 0:1 --quantities h --ablate none
    [[ $stderr == 'note: of the 300,000 characters that the run held out, the last ones of each file are inspected, 250,000 in all'* ]]
    [ "$(grep -c '^[0-9]*,' out/activations.csv)" -eq 250000 ]
    lower=$(cut -d , -f 2 out/activations.csv | grep -c '^"*[ab]"*$')
    upper=$(cut -d , -f 2 out/activations.csv | grep -c '^"*[XYZ]"*$')
    [ "$lower" -eq 111111 ] && [ "$upper" -eq 62500 ] # beside line ends
}

@test "where nothing was held out, the end of the text is inspected, and said to be known" {
    head -c 2500 "$english" >short.txt
    does train short.txt -o run "${tiny[@]}" --quiet
    does inspect run -o out --format csv --ablate none
    [[ ${stderr_lines[0]} == 'note: the run held out nothing:'*'trained on'* ]]
    does inspect run short.txt -o file --format csv --ablate none
    diff -r out file
}

@test "without FILE and without a run the message says what is missing" {
    cp "$MODEL/best.safetensors" .
    cp best.safetensors mine.safetensors
    for command in eval inspect; do
        fails_naming 'it has no last.safetensors, which names the text: give a FILE' \
            $command best.safetensors
        fails_naming 'mine.safetensors: is a model without its run' $command mine.safetensors
    done
    does eval "$MODEL" --json
    wanted=$output
    does eval "$MODEL/best.safetensors" --json
    [ "$output" = "$wanted" ]
}

@test "a failed inspection leaves no directory" {
    excerpt 300
    printf 'name\nx\n' >labels.csv
    fails_naming labels.csv inspect "$MODEL" excerpt.txt --labels labels.csv -o made/twice
    [ ! -e made ]
    mkdir there
    fails_naming labels.csv inspect "$MODEL" excerpt.txt --labels labels.csv -o there
    [ -d there ]
}
