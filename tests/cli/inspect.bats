# inspect: from a model and a text to files that say what its units do.
load inspect

# --- files ----------------------------------------------------------------------------------------

@test "-o writes the page and the tables" {
    excerpt 1000
    does inspect "$MODEL" excerpt.txt -o out
    [ "$(sed 's/, and [0-9]* more units*$//' <<<"$output")" = "$(python3 -c 'import csv
first = {}
for row in csv.DictReader(open("out/neurons.csv", newline="")):
    first.setdefault(row["label"], row["description"])
print("\n".join(list(first.values())[:10]))')" ]
    holds out index.html "${tables[@]}"
    [[ $(head -c 200 out/index.html) == *'<!'[dD][oO]* ]]
    [[ $(tail -c 100 out/index.html) == *'</html>'* ]]
    [ "$(head -n 1 out/neurons.csv)" = rank,layer,unit,quantity,label,measure,score,description ]
    [ "$(head -n 1 out/scores.csv)" = \
        rank,layer,unit,quantity,label,measure,score,alone,auc,average_precision,r,r2,mutual_information,p ]
    [ "$(head -n 1 out/gates.csv)" = layer,unit,gate,low,high,mean,time_constant ]
    [ "$(wc -l <out/gates.csv)" -eq $((1 + 16 * 4)) ]
    [ "$(head -n 1 out/reach.csv)" = curve,k,median,low,high ]
    [ "$(wc -l <out/reach.csv)" -eq $((1 + 2 * 100)) ]
    [[ $(head -n 1 out/ablation.csv) == layer,unit,change,* ]]
    [ "$(wc -l <out/ablation.csv)" -eq $((1 + 16)) ]
}

@test "stderr names every file that was written" {
    excerpt 300
    does inspect "$MODEL" excerpt.txt -o out --format page,npy,csv,png,svg,pdf
    [ "$(grep -v ^note: <<<"$stderr" | LC_ALL=C sort)" = "$(LC_ALL=C ls -d out/*)" ]
}

@test "every format alone writes its files and the tables" {
    excerpt 300
    for format in page npy csv png svg pdf; do
        does inspect "$MODEL" excerpt.txt -o "$format" --format "$format" --units 0:2
    done
    holds page index.html "${tables[@]}"
    holds npy activations.json activations.npy "${tables[@]}"
    holds csv activations.csv "${tables[@]}"
    for format in png svg pdf; do
        holds $format {activations,gates,neuron_0_2,reach}.$format "${tables[@]}"
    done
    for file in png/*.png; do [ "$(head -c 4 "$file" | tail -c 3)" = PNG ]; done
    for file in svg/*.svg; do python3 -c 'import sys, xml.dom.minidom as x; x.parse(sys.argv[1])' "$file"; done
    for file in pdf/*.pdf; do [ "$(head -c 5 "$file")" = %PDF- ]; done
}

@test "the tables can be read, and their numbers are in range" {
    does inspect "$MODEL" "$english" -o out --format csv --passage 16000 --label 'after a space=(?<= ).'
    python3 - <<'EOF'
import csv
def read(name):
    return list(csv.DictReader(open('out/' + name, newline='')))
neurons, scores, gates, reach = map(read, ['neurons.csv', 'scores.csv', 'gates.csv', 'reach.csv'])
assert neurons and len(scores) >= len(neurons)
assert [int(row['rank']) for row in neurons] == list(range(1, len(neurons) + 1))
units = [(row['layer'], row['unit']) for row in neurons]
assert len(set(units)) == len(units)
for row in neurons:
    assert row['description'].startswith('layer %s unit %s' % (row['layer'], row['unit']))
    assert any(all(row[key] == score[key] for key in row if key in score and key != 'rank')
               for score in scores)
for row in scores:
    assert row['measure'] in ('auc', 'r', 'mi') and 0 < float(row['p']) < 0.01
    assert abs(float(row['score'])) <= 1 and float(row['alone']) < abs(float(row['score']))
for row in gates:
    assert 0 <= float(row['low']) <= 1 and 0 <= float(row['high']) <= 1
    assert (row['time_constant'] != '') == (row['gate'] == 'f')
for row in reach:
    assert 0 <= float(row['low']) <= float(row['median']) <= float(row['high'])
EOF
}

@test "an unknown --format is wrong usage, and nothing is written" {
    excerpt 300
    misused_naming bmp inspect "$MODEL" excerpt.txt -o out --format bmp
    misused_naming bmp inspect "$MODEL" excerpt.txt -o out --format csv,bmp
    misused_naming format inspect "$MODEL" excerpt.txt -o out --format ''
    misused_naming format inspect "$MODEL" excerpt.txt -o out --format page,
    [ ! -e out ]
}

@test "-o into the same directory once more replaces the files" {
    excerpt 300
    does inspect "$MODEL" excerpt.txt -o out --format page,csv
    sum=$(cat out/* | cksum)
    does inspect "$MODEL" excerpt.txt -o out --format page,csv
    [ "$(cat out/* | cksum)" = "$sum" ]
    excerpt 200
    does inspect "$MODEL" excerpt.txt -o out --format page,csv
    [ "$(tail -n 1 out/activations.csv | cut -d , -f 1)" -eq 199 ]
    holds out activations.csv index.html "${tables[@]}"
}

@test "the number of threads does not change a byte" {
    excerpt 8000
    for threads in 1 2 3; do
        does inspect "$MODEL" excerpt.txt -o "$threads" --format page,npy --threads "$threads" \
            --passage 7500 --label 'after a space=(?<= ).'
    done
    [ "$(wc -l <1/neurons.csv)" -gt 1 ]
    diff -r 1 2
    diff -r 1 3
}

@test "the page is at most 30 MB and says how many units it holds; arrays hold all" {
    # Words in random order, which compress less than a repeated text.
    python3 -c 'import random, sys
random.seed(1)
print(" ".join(random.choices(open(sys.argv[1]).read().split(), k=12000))[:55000], end="")' \
        "$english" >long.txt
    does train "$english" -o run "${tiny[@]}" --hidden-size 104 --max-steps 1
    does inspect run long.txt -o out --format npy,page --quantities h,c,i,f,g,o --ablate none \
        --passage 54900
    array 'rows == 55000 and columns == 6 * 104'
    [ "$(wc -c <out/index.html)" -le 30000000 ]
    kept=$(in_page signals | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')
    [ "$kept" -gt 300 ] && [ "$kept" -lt 624 ]
    [[ $stderr != *note* ]]
    holds out activations.json activations.npy index.html {gates,neurons,reach,scores}.csv
}

@test "files of an earlier run are named, and stay" {
    excerpt 300
    does inspect "$MODEL" excerpt.txt -o out --format svg
    touch -d '1 hour ago' out/*
    echo mine >out/mine.csv
    does inspect "$MODEL" excerpt.txt -o out --format csv --ablate none
    [[ ${stderr_lines[-1]} == *'out/ablation.csv, '*'out/activations.svg' ]]
    [[ ${stderr_lines[-1]} != *neurons.csv* && ${stderr_lines[-1]} != *mine* ]]
    [ -e out/ablation.csv ]
}

@test "unfinished files of a killed run are removed by the next one" {
    excerpt 300
    mkdir out
    touch out/index.html.rune-tmp-12-0123456789abcdef out/mine.csv.Ab12cD
    does inspect "$MODEL" excerpt.txt -o out --ablate none
    [ -z "$(ls out | grep rune-tmp)" ]
    [ -e out/mine.csv.Ab12cD ]
}

@test "a signal leaves no unfinished file" {
    long_text 100000 long.txt
    "$RUNE" inspect "$SMALL" long.txt -o out --format csv --ablate none --threads 1 \
        --quantities h,c,i,f,g,o 3>&- >/dev/null 2>&1 &
    pid=$!
    while kill -0 "$pid" && ! compgen -G 'out/activations.csv.*' >/dev/null; do
        sleep 0.02
    done
    kill -TERM "$pid"
    wait "$pid" || status=$?
    [ "$status" -eq $((128 + 15)) ]
    ! compgen -G 'out/*.csv.*'
}

# --- what is shown --------------------------------------------------------------------------------

@test "--units and --quantities choose; arrays have the units in the order given" {
    excerpt 300
    does inspect "$MODEL" excerpt.txt -o out --format npy,csv --units 0:3,0:11,0:1 --quantities c,h
    array 'signals == [(q, 0, u) for u in (3, 11, 1) for q in "hc"] and rows == 300'
    [ "$(head -n 1 out/activations.csv)" = \
        'position,character,loss,h 0:3,c 0:3,h 0:11,c 0:11,h 0:1,c 0:1' ]
    does inspect "$MODEL" excerpt.txt -o out --format npy --units 0:5 --quantities o,i
    array 'signals == [("i", 0, 5), ("o", 0, 5)] and all(0 < v < 1 for v in values)'
    does inspect "$MODEL" excerpt.txt -o out --format npy
    array 'sorted(signals) == sorted((q, 0, u) for u in range(16) for q in "hc")'
}

@test "npy and csv hold the same values" {
    excerpt 300
    does inspect "$MODEL" excerpt.txt -o out --format npy,csv
    array 'all(abs(float(cell) - value) <= 1e-3 * max(1, abs(value)) for cell, value in zip(
        [cell for row in list(__import__("csv").reader(open("out/activations.csv", newline="")))[1:]
         for cell in row[3:]], values)) and "".join(about["characters"]) == open("excerpt.txt").read()'
}

@test "empty lists and empty items are errors" {
    fails_naming --quantities inspect "$MODEL" "$english" --quantities ''
    fails_naming --quantities inspect "$MODEL" "$english" --quantities h,,c
    misused_naming --units inspect "$MODEL" "$english" --units ''
    misused_naming --units inspect "$MODEL" "$english" --units 1,
    misused_naming --units inspect "$MODEL" "$english" --units 0:1:2
}

@test "units and quantities that the model does not have are named" {
    fails_naming 0:99 inspect "$MODEL" "$english" -o out --units 0:99
    fails_naming 1:0 inspect "$MODEL" "$english" -o out --units 0:1,1:0
    fails_naming '"z"' inspect "$MODEL" "$english" -o out --quantities h,z
    [ ! -e out ]
}

@test "without -o the requested passage is shown" {
    printf 'The bridge' >excerpt.txt
    export CLICOLOR_FORCE=1
    does inspect "$MODEL" excerpt.txt
    [[ $(plain) == *'The bridge'* ]]
    does inspect "$MODEL" excerpt.txt --passage 4:3 --units 0:1 --quantities h
    [ "$(plain | tail -n 1)" = bri ]
    does inspect "$MODEL" excerpt.txt --passage 9 --units 0:1 --quantities h
    [ "$(plain | tail -n 1)" = e ]
    does inspect "$MODEL" excerpt.txt --passage 8:500 --units 0:1 --quantities h
    [ "$(plain | tail -n 1)" = ge ]
}

@test "colours are for terminals, and on request" {
    excerpt 300
    does inspect "$MODEL" excerpt.txt
    [ "$output" = 'no unit was found to go with any known property of this text' ]
    CLICOLOR_FORCE=1 does inspect "$MODEL" excerpt.txt
    [[ $output == *$'\x1b['* ]]
    CLICOLOR_FORCE=1 NO_COLOR=1 does inspect "$MODEL" excerpt.txt
    [[ $output != *$'\x1b['* ]]
}

@test "what the user might not expect is noted" {
    { excerpt 300 && cat excerpt.txt && printf '§§'; } >odd.txt
    does inspect "$MODEL" odd.txt --on-unknown skip
    [[ ${stderr_lines[0]} == 'note: 2 characters that the model does not know were left out' ]]
    [[ ${stderr_lines[1]} == 'note: so short a text shows little'* ]]
    head -c 12000 "$english" >long.txt
    does inspect "$MODEL" long.txt
    [ -z "$stderr" ]
}

@test "a passage beyond the end, of length 0 or malformed is an error" {
    excerpt 300
    for passage in 300:1 5000:10 99999999999999999999999:4; do
        fails_naming --passage inspect "$MODEL" excerpt.txt -o out --passage "$passage"
    done
    for passage in 10:0 -5:10 10:-1 x 5:x 5: :5 5:10:20 ''; do
        misused_naming --passage inspect "$MODEL" excerpt.txt -o out --passage "$passage"
    done
    [ ! -e out ]
}

# --- errors ---------------------------------------------------------------------------------------

@test "a directory that cannot be made, or a file in it that cannot be replaced" {
    excerpt 300
    echo mine >file
    fails_naming file inspect "$MODEL" excerpt.txt -o file
    fails_naming file/out inspect "$MODEL" excerpt.txt -o file/out
    [ "$(cat file)" = mine ]
    mkdir -p out/scores.csv
    run --separate-stderr "$RUNE" inspect "$MODEL" excerpt.txt -o out --format csv
    [ "$status" -eq 1 ]
    [[ ${stderr_lines[-1]} == *out/scores.csv* ]]
    holds out neurons.csv scores.csv
    [ "$(id -u)" -ne 0 ] || skip 'root writes everywhere'
    mkdir closed
    chmod 500 closed
    fails_naming closed inspect "$MODEL" excerpt.txt -o closed
    holds closed
}

# full_disk KB ARGUMENT…: runs rune with a limit on the size of files.
full_disk()
{
    run --separate-stderr bash -c 'trap "" XFSZ; ulimit -f "$1"; "$RUNE" "${@:2}"' _ "$@"
    echo "status $status, stderr: $stderr"
}

@test "a full disk is an error that leaves neither a partial nor a temporary file" {
    excerpt 3000
    for format in page npy csv png svg pdf; do
        full_disk 16 inspect "$MODEL" excerpt.txt -o "$format" --format "$format" --ablate none
        [ "$status" -eq 1 ]
        [[ ${stderr_lines[-1]} == "rune inspect: $format/"*' cannot be '* ]]
        holds "$format" gates.csv neurons.csv reach.csv scores.csv
    done
}

@test "on a full disk, files of an earlier run stay unchanged" {
    excerpt 1000
    does inspect "$MODEL" excerpt.txt -o out --format csv,page
    sum=$(cksum out/index.html out/activations.csv)
    excerpt 3000
    full_disk 16 inspect "$MODEL" excerpt.txt -o out --format csv,page
    [ "$status" -eq 1 ]
    [ "$(cksum out/index.html out/activations.csv)" = "$sum" ]
    holds out activations.csv index.html "${tables[@]}"
}

@test "a full disk for the temporary trace is an error" {
    long_text 200000 long.txt
    does train "$english" -o run "${tiny[@]}" --hidden-size 64 --max-steps 1
    full_disk 1000 inspect run long.txt -o out --ablate none
    [ "$status" -eq 1 ]
    holds out
    mkdir tmp
    TMPDIR=tmp full_disk 1000 inspect run long.txt --ablate none
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    holds tmp
}

@test "a full stdout is an error" {
    excerpt 300
    run --separate-stderr bash -c '"$RUNE" inspect "$MODEL" excerpt.txt >/dev/full'
    [ "$status" -eq 1 ]
    [[ $stderr == *'No space left'* ]]
}

@test "a missing file or model is named" {
    excerpt 300
    fails_naming missing.txt inspect "$MODEL" missing.txt -o out
    fails_naming missing.model inspect missing.model excerpt.txt -o out
    : >empty.txt
    fails_naming empty.txt inspect "$MODEL" empty.txt -o out
    [ ! -e out ]
}

@test "wrong usage" {
    excerpt 300
    misused_naming MODEL inspect
    misused_naming extra inspect "$MODEL" excerpt.txt extra
    misused_naming --threads inspect "$MODEL" excerpt.txt --threads 0
    misused_naming --columns inspect "$MODEL" excerpt.txt --columns 3
    misused_naming --on-unknown inspect "$MODEL" excerpt.txt --on-unknown guess
    misused_naming --units inspect "$MODEL" excerpt.txt --units 1
    misused_naming --format inspect "$MODEL" excerpt.txt --format png
    misused_naming --unitz inspect "$MODEL" excerpt.txt --unitz 0:1
}

@test "--help lists every option" {
    does inspect --help
    for option in -o --output= -f --format= -u --units= -q --quantities= -p --passage= --columns= \
        -l --label= --labels= --ablate= --hold= --exact --on-unknown= --threads= -h --help; do
        [[ $output == *" $option"* ]]
    done
    [ -z "$stderr" ]
}
