# inspect: labels of the user's, and ablation.
load inspect

# The rows of out/scores.csv with that label.
scores_of()
{
    grep -c ",\"$1\"," out/scores.csv
}

# --- labels ---------------------------------------------------------------------------------------

@test "--label: a unit for the matches is found" {
    does inspect "$MODEL" "$english" -o out --format csv --passage 16000 \
        --label 'after a space=(?<= ).' --label 'never told=\bthe\b'
    [ "$(scores_of 'after a space')" -ge 1 ]
    [[ $(head -n 1 out/ablation.csv) == *',"after a space","never told"' ]]
}

@test "a label of the user's gets a sentence, whether a unit is found or not" {
    does inspect "$MODEL" "$english" --label 'after a space=(?<= ).' --label 'the letter e=e'
    [[ $output == *'at “after a space”'* ]]
    [[ $output == *'no unit was found to go with “the letter e” beyond chance'* ]]
    excerpt 300
    does inspect "$MODEL" excerpt.txt --label 'the letter e=e'
    [[ $output == *'no unit was found to go with “the letter e”: the text is too short' ]]
}

@test "an invalid --label is an error that says why" {
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

@test "--labels: signals of the model itself are found" {
    excerpt 3000
    does inspect "$MODEL" excerpt.txt -o made --format csv --units 0:7 --ablate none
    does inspect "$MODEL" excerpt.txt -o out --format csv --labels made/activations.csv --ablate none
    grep -q '^[0-9]*,0,7,"h","h 0:7","r",1,' out/neurons.csv
    grep -q '^[0-9]*,0,7,"c","c 0:7","r",1,' out/scores.csv
}

@test "--labels that do not fit are an error that names file and line" {
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

@test "names of models, texts and labels cannot add markup or fields of tables" {
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

@test "--hold: ablated units are clamped to zero or to their mean, with different losses" {
    excerpt 300
    does inspect "$MODEL" excerpt.txt -o zero --format csv --units 0:3 --ablate best
    does inspect "$MODEL" excerpt.txt -o same --format csv --units 0:3 --ablate best --hold zero
    does inspect "$MODEL" excerpt.txt -o mean --format csv --units 0:3 --ablate best --hold mean
    [ "$(wc -l <zero/ablation.csv)" -eq 2 ]
    cmp zero/ablation.csv same/ablation.csv
    run ! cmp zero/ablation.csv mean/ablation.csv
    misused_naming --hold inspect "$MODEL" excerpt.txt --hold up
}

@test "--exact: ablation in float32; bf16 comes close to it" {
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
