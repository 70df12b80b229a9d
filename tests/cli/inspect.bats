# inspect: from a model and a text to files that say what its units do.
load helpers

setup_file()
{
    export MODEL=$BATS_FILE_TMPDIR/model
    "$RUNE" train "$english" -o "$MODEL" "${tiny[@]}" \
        --hidden-size 16 --batch-size 8 --max-steps 300 --quiet
}

tables=(ablation.csv gates.csv neurons.csv reach.csv scores.csv)

# excerpt N: the first N characters of the English text, in excerpt.txt.
excerpt()
{
    head -c "$1" "$english" >excerpt.txt
}

# long_text BYTES FILE: a text that is that long.
long_text()
{
    while cat "$english"; do :; done 2>/dev/null | head -c "$1" >"$2"
}

# holds DIR FILE…: these, in order, are all that is in the directory, hidden files among them.
holds()
{
    local directory=$1
    shift
    echo "found: $(ls -A "$directory")"
    [ "$(LC_ALL=C ls -A "$directory")" = "$(printf '%s\n' "$@" | LC_ALL=C sort)" ]
}

# What was shown of the text on the terminal, without the colours.
plain()
{
    sed 's/\x1b\[[0-9;]*m//g' <<<"$output"
}

# array CONDITION: what is true of out/activations.npy (array: shape and data) and .json (about).
array()
{
    python3 - "$1" <<'EOF'
import ast, json, struct, sys
raw = open('out/activations.npy', 'rb').read()
assert raw[:8] == b'\x93NUMPY\x01\x00'
end = 10 + struct.unpack('<H', raw[8:10])[0]
header = ast.literal_eval(raw[10:end].decode())
rows, columns = header['shape']
assert header['descr'] == '<f2' and not header['fortran_order']
values = struct.unpack('<%de' % (rows * columns), raw[end:])
about = json.load(open('out/activations.json'))
signals = [(s['quantity'], s['layer'], s['unit']) for s in about['signals']]
assert columns == len(signals)
print(header, signals[:9], file=sys.stderr)
sys.exit(not eval(sys.argv[1]))
EOF
}

# in_page ID: the JSON of a part of out/index.html that is not compressed.
in_page()
{
    python3 - "$1" <<'EOF'
import json, re, sys
page = open('out/index.html', encoding='utf-8').read()
part = re.search('<script[^>]*id="%s"[^>]*>(.*?)</script>' % sys.argv[1], page, re.S)
print(json.dumps(json.loads(part.group(1))))
EOF
}

# The rows of out/scores.csv with that label.
scores_of()
{
    grep -c ",\"$1\"," out/scores.csv
}

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

@test "the tables can be read, and their numbers are in their ranges" {
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

@test "--format of what is no format is wrong usage, and nothing is written" {
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
    for threads in 1 2 3; do
        does inspect "$MODEL" "$english" -o "$threads" --format page,npy --threads "$threads" \
            --passage 16000 --label 'after a space=(?<= ).'
    done
    [ "$(wc -l <1/neurons.csv)" -gt 1 ]
    diff -r 1 2
    diff -r 1 3
}

@test "the page is at most 30 MB and says how many units it holds; arrays hold all" {
    # Words in no order, which do not compress as a text does that is there several times.
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

@test "lists with nothing in them, or between two commas, are errors" {
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

@test "without -o the text is shown, in the passage that is asked for" {
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

@test "colours are for terminals, and for who asks for them" {
    excerpt 300
    does inspect "$MODEL" excerpt.txt
    [ "$output" = 'no unit was found to go with anything that is known of this text' ]
    CLICOLOR_FORCE=1 does inspect "$MODEL" excerpt.txt
    [[ $output == *$'\x1b['* ]]
    CLICOLOR_FORCE=1 NO_COLOR=1 does inspect "$MODEL" excerpt.txt
    [[ $output != *$'\x1b['* ]]
}

@test "what the user might not expect is noted" {
    { excerpt 300 && cat excerpt.txt && printf '§§'; } >odd.txt
    does inspect "$MODEL" odd.txt --on-unknown skip
    [[ ${stderr_lines[0]} == 'note: characters that the model does not know: 2, left out' ]]
    [[ ${stderr_lines[1]} == 'note: in so short a text little'* ]]
    head -c 12000 "$english" >long.txt
    does inspect "$MODEL" long.txt
    [ -z "$stderr" ]
}

@test "a passage beyond the end, of no length, or that is none is an error" {
    excerpt 300
    for passage in 300:1 5000:10 99999999999999999999999:4; do
        fails_naming --passage inspect "$MODEL" excerpt.txt -o out --passage "$passage"
    done
    for passage in 10:0 -5:10 10:-1 x 5:x 5: :5 5:10:20 ''; do
        misused_naming --passage inspect "$MODEL" excerpt.txt -o out --passage "$passage"
    done
    [ ! -e out ]
}

# --- labels ---------------------------------------------------------------------------------------

@test "--label: what matches is looked for, and found" {
    does inspect "$MODEL" "$english" -o out --format csv --passage 16000 \
        --label 'after a space=(?<= ).' --label 'never told=\bthe\b'
    [ "$(scores_of 'after a space')" -ge 1 ]
    [[ $(head -n 1 out/ablation.csv) == *',"after a space","never told"' ]]
}

@test "a label of the user's is answered, found or not" {
    does inspect "$MODEL" "$english" --label 'after a space=(?<= ).' --label 'the letter e=e'
    [[ $output == *'at “after a space”'* ]]
    [[ $output == *'no unit was found to go with “the letter e” beyond chance'* ]]
    excerpt 300
    does inspect "$MODEL" excerpt.txt --label 'the letter e=e'
    [[ $output == *'no unit was found to go with “the letter e”: the text is too short' ]]
}

@test "--label of what cannot be is an error that says why" {
    excerpt 1000
    fails_naming "'nothing'" inspect "$MODEL" excerpt.txt -o out --label 'nothing=qqq'
    fails_naming "'broken'" inspect "$MODEL" excerpt.txt -o out --label 'broken=('
    [[ $stderr == *parenthesis* ]]
    misused_naming '"the"' inspect "$MODEL" excerpt.txt -o out --label the
    misused_naming '"=the"' inspect "$MODEL" excerpt.txt -o out --label =the
    fails_naming "'twice'" inspect "$MODEL" excerpt.txt -o out --label twice=the --label twice=e
    fails_naming "'vowel'" inspect "$MODEL" excerpt.txt -o out --label vowel=e
    [ -z "$(ls -A out)" ]
}

# labels.csv for excerpt.txt, made from a CSV that inspect wrote: "after a space".
make_labels()
{
    does inspect "$MODEL" excerpt.txt -o made --format csv --units 0:0 --ablate none
    python3 - <<'EOF'
import csv
rows = list(csv.reader(open('made/activations.csv', newline='')))[1:]
out = csv.writer(open('labels.csv', 'w', newline=''))
out.writerow(['position', 'character', 'after a space'])
for before, row in zip([['', '', '']] + rows, rows):
    out.writerow([row[0], row[1], int(before[1] == ' ')])
EOF
}

@test "--labels: a column made from a CSV that inspect wrote is found as its regex is" {
    cp "$english" excerpt.txt
    make_labels
    does inspect "$MODEL" excerpt.txt -o out --format csv --passage 16000 --labels labels.csv
    by_file=$(cat out/neurons.csv out/scores.csv out/ablation.csv)
    [ "$(scores_of 'after a space')" -ge 1 ]
    does inspect "$MODEL" excerpt.txt -o out --format csv --passage 16000 \
        --label 'after a space=(?s)(?<= ).'
    [ "$(cat out/neurons.csv out/scores.csv out/ablation.csv)" = "$by_file" ]
}

@test "--labels: signals of the model itself are found again" {
    excerpt 3000
    does inspect "$MODEL" excerpt.txt -o made --format csv --units 0:7 --ablate none
    does inspect "$MODEL" excerpt.txt -o out --format csv --labels made/activations.csv --ablate none
    grep -q '^[0-9]*,0,7,"h","h 0:7","r",1,' out/neurons.csv
    grep -q '^[0-9]*,0,7,"c","c 0:7","r",1,' out/scores.csv
}

@test "--labels of what does not fit is an error that names file and line" {
    excerpt 1000
    make_labels
    lines=$(wc -l <labels.csv) # more than characters: there are line ends among them
    head -n 100 labels.csv >short.csv
    (cat labels.csv; echo '1000,x,1') >long.csv
    sed '10s/[01].$/much\r/' labels.csv >words.csv
    sed '1s/position/vowel/' labels.csv >taken.csv
    : >empty.csv
    fails_naming 'short.csv: line 101' inspect "$MODEL" excerpt.txt -o out --labels short.csv
    fails_naming "long.csv: line $((lines + 1))" inspect "$MODEL" excerpt.txt -o out --labels long.csv
    fails_naming 'words.csv: line 10' inspect "$MODEL" excerpt.txt -o out --labels words.csv
    [[ $stderr == *much* ]]
    fails_naming vowel inspect "$MODEL" excerpt.txt -o out --labels taken.csv
    fails_naming empty.csv inspect "$MODEL" excerpt.txt -o out --labels empty.csv
    fails_naming missing.csv inspect "$MODEL" excerpt.txt -o out --labels missing.csv
    [ -z "$(ls -A out)" ]
}

@test "names of models, texts and labels are no markup, and no fields of tables" {
    name='</script><script>alert(1)<!--" onload>& ]]>{{7*7}}${x}'
    mkdir "${name/\//}" # no name holds a slash
    cp -r "$MODEL" "${name/\//}/model"
    head -c 4000 "$english" >"${name/\//}.txt"
    python3 - "$name" "${name/\//}.txt" <<'EOF'
import csv, sys
text = open(sys.argv[2]).read()
rows = csv.writer(open('labels.csv', 'w', newline=''))
rows.writerow([sys.argv[1] + '\u2028', '=1+1,"2"'])
rows.writerows((int(i % 60 < 30), int(c.isupper())) for i, c in enumerate(text))
EOF
    does inspect "${name/\//}/model" "${name/\//}.txt" -o out --labels labels.csv --label "$name=[aeiou]" \
        --format page,csv,npy,svg,pdf --ablate all
    head -c 4000 "$english" >plain.txt
    sed '1s/.*/one,two/' labels.csv >plain.csv
    does inspect "$MODEL" plain.txt -o plain --labels plain.csv --label 'three=[aeiou]' --ablate all
    for mark in '<' '</script' '<!--' '-->'; do
        [ "$(grep -oF -e "$mark" out/index.html | wc -l)" -eq "$(grep -oF -e "$mark" plain/index.html | wc -l)" ]
    done
    run ! grep -qF $'\u2028' out/index.html
    [[ $(in_page about | python3 -c 'import json, sys; print(json.load(sys.stdin)["text"])') == "${name/\//}.txt" ]]
    python3 - "$name" <<'EOF'
import csv, sys, xml.dom.minidom
rows = list(csv.reader(open('out/ablation.csv', newline='')))
assert rows[0][-3:] == [sys.argv[1], sys.argv[1] + '\u2028', '=1+1,"2"'], rows[0]
assert len({len(row) for row in rows}) == 1
for name in 'neurons', 'scores':
    assert len({len(row) for row in csv.reader(open('out/%s.csv' % name, newline=''))}) == 1
svg = xml.dom.minidom.parse('out/activations.svg')
assert not svg.getElementsByTagName('script')
EOF
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

@test "what a killed run left half written is gone with the next one" {
    excerpt 300
    mkdir out
    touch out/index.html.rune-tmp-12-0123456789abcdef out/mine.csv.Ab12cD
    does inspect "$MODEL" excerpt.txt -o out --ablate none
    [ -z "$(ls out | grep rune-tmp)" ]
    [ -e out/mine.csv.Ab12cD ]
}

@test "a signal leaves nothing half written" {
    long_text 100000 long.txt
    "$RUNE" inspect "$MODEL" long.txt -o out --format csv --ablate none \
        --quantities h,c,i,f,g,o 3>&- >/dev/null 2>&1 &
    pid=$!
    for ((i = 0; i < 600; i++)); do
        ! compgen -G 'out/activations.csv.*' >/dev/null || break
        sleep 0.02
    done
    kill -TERM "$pid"
    wait "$pid" || status=$?
    [ "$status" -eq $((128 + 15)) ]
    ! compgen -G 'out/*.csv.*'
}

# --- ablation -------------------------------------------------------------------------------------

@test "--ablate: none, the 32 best, or all" {
    excerpt 300
    does train "$english" -o run "${tiny[@]}" --hidden-size 20 --num-layers 2 --max-steps 1
    does inspect run excerpt.txt -o out --ablate best
    [ "$(wc -l <out/ablation.csv)" -eq 33 ]
    does inspect run excerpt.txt -o out --ablate all
    [ "$(wc -l <out/ablation.csv)" -eq 41 ]
    [ "$(tail -n +2 out/ablation.csv | cut -d , -f 1,2 | sort -u | wc -l)" -eq 40 ]
    does inspect run excerpt.txt -o out --ablate all --units 0:1
    [ "$(wc -l <out/ablation.csv)" -eq 41 ]
    does inspect run excerpt.txt -o none --ablate none
    [ ! -e none/ablation.csv ]
    misused_naming --ablate inspect run excerpt.txt -o out --ablate some
}

@test "--hold: a unit is held at zero or at its mean, which the loss tells apart" {
    excerpt 300
    does inspect "$MODEL" excerpt.txt -o zero --format csv --units 0:3 --ablate best
    does inspect "$MODEL" excerpt.txt -o same --format csv --units 0:3 --ablate best --hold zero
    does inspect "$MODEL" excerpt.txt -o mean --format csv --units 0:3 --ablate best --hold mean
    [ "$(wc -l <zero/ablation.csv)" -eq 2 ]
    cmp zero/ablation.csv same/ablation.csv
    run ! cmp zero/ablation.csv mean/ablation.csv
    misused_naming --hold inspect "$MODEL" excerpt.txt --hold up
}

@test "--exact: units are held still in float32, which bf16 comes near to" {
    excerpt 300
    does inspect "$MODEL" excerpt.txt -o near --format csv --units 0:3,0:5
    does inspect "$MODEL" excerpt.txt -o exact --format csv --units 0:3,0:5 --exact
    RUNE_ISA=baseline does inspect "$MODEL" excerpt.txt -o plain --format csv --units 0:3,0:5
    python3 - <<'EOF'
import csv
near, exact, plain = ([float(row['change']) for row in csv.DictReader(open(d + '/ablation.csv'))]
                      for d in ('near', 'exact', 'plain'))
assert len(exact) == 2 and any(exact)
for n, e, p in zip(near, exact, plain):
    assert abs(n - e) < 1e-3 and abs(p - e) < 1e-5, (n, e, p)
EOF
}

# --- texts ----------------------------------------------------------------------------------------

@test "- reads stdin, and leaves nothing behind" {
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
    [[ $stderr == *stdin* ]]
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

@test "of a text that is longer than what is inspected, arrays hold all and the page the start" {
    long_text 252000 long.txt
    awk 'BEGIN { print "mine"; for (t = 0; t < 252000; t++) print t % 7 }' >long.labels
    does inspect "$MODEL" long.txt -o out --format page,npy,csv --units 0:1 --quantities h \
        --ablate none --passage 249900 --labels long.labels
    [[ $stderr == 'note: the first 250,000 of 252,000 characters'* ]]
    array 'rows == 252000 and len(about["characters"]) == len(about["losses"]) == rows'
    [ "$(tail -n 1 out/activations.csv | cut -d , -f 1)" -eq 251999 ]
    output=$(in_page about)
    [ "$(json length) of $(json characters)" = '250000 of 252000' ]
    # What is behind the start is read as if all were.
    head -c 250000 long.txt >start.txt
    mv out whole
    does inspect "$MODEL" start.txt -o out --format csv --units 0:1 --quantities h \
        --ablate none --passage 249900
    [ "$stderr_lines" != note* ]
    python3 - <<'EOF'
import csv
a, b = (list(csv.reader(open(d + '/activations.csv', newline='')))[1:] for d in ('out', 'whole'))
assert len(a) == 250000 and all(x[:2] == y[:2] for x, y in zip(a, b))
assert all(abs(float(x[3]) - float(y[3])) < 1e-3 for x, y in zip(a, b))
EOF
}

@test "a passage lies in what is inspected" {
    long_text 250100 long.txt
    run --separate-stderr "$RUNE" inspect "$MODEL" long.txt -o out --passage 250000
    [ "$status" -eq 1 ]
    [[ ${stderr_lines[-1]} == *--passage*250000* ]]
    [ ! -e out ]
}

@test "memory does not grow with the text" {
    ! grep -q __asan_init "$RUNE" || skip 'the address sanitizer keeps what is freed'
    for size in 1500000 3000000; do
        long_text "$size" "$size.txt"
        python3 - "$RUNE" inspect "$MODEL" "$size.txt" -o out --format npy --units 0:1,0:2 \
            --quantities h,c,i,f,g,o --ablate none --passage 249900 >"$size.peak" <<'EOF'
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
EOF
    done
    # A trace of these signals takes 100 bytes a character; of ids 64 MB are held in memory.
    number_is '($2 - $1) * 1024 <= 5 * 1500000' "$(cat 1500000.peak)" "$(cat 3000000.peak)"
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

# --- what goes wrong ------------------------------------------------------------------------------

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

# full_disk KB ARGUMENT…: rune where no file may be larger.
full_disk()
{
    run --separate-stderr bash -c 'trap "" XFSZ; ulimit -f "$1"; "$RUNE" "${@:2}"' _ "$@"
    echo "status $status, stderr: $stderr"
}

@test "a full disk is told, and leaves neither half a file nor a temporary one" {
    excerpt 3000
    for format in page npy csv png svg pdf; do
        full_disk 16 inspect "$MODEL" excerpt.txt -o "$format" --format "$format" --ablate none
        [ "$status" -eq 1 ]
        [[ ${stderr_lines[-1]} == "rune inspect: $format/"*' cannot be '* ]]
        holds "$format" gates.csv neurons.csv reach.csv scores.csv
    done
}

@test "where the disk is full, the files of last time stay as they were" {
    excerpt 1000
    does inspect "$MODEL" excerpt.txt -o out --format csv,page
    sum=$(cksum out/index.html out/activations.csv)
    excerpt 3000
    full_disk 16 inspect "$MODEL" excerpt.txt -o out --format csv,page
    [ "$status" -eq 1 ]
    [ "$(cksum out/index.html out/activations.csv)" = "$sum" ]
    holds out activations.csv index.html "${tables[@]}"
}

@test "a full disk where a long trace is kept is told" {
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

@test "a full stdout is told" {
    excerpt 300
    run --separate-stderr bash -c '"$RUNE" inspect "$MODEL" excerpt.txt >/dev/full'
    [ "$status" -eq 1 ]
    [[ $stderr == *'No space left'* ]]
}

@test "a file or a model that is not there is named" {
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
    misused_naming FILE inspect "$MODEL"
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
