# shellcheck disable=SC2154
# bench: what is measured and printed, not how fast it is.
load helpers

# A measurement that takes no time.
quick=(--seconds 0.01 --hidden-size 8 --threads 1)

# Whether a condition in Python on the rows of the list in $output holds.
rows()
{
    echo "$1"
    python3 - "$output" "$1" <<'END'
import json, sys
rows = json.loads(sys.argv[1])
assert eval(sys.argv[2]), rows
END
}

# bench refuses its arguments in one line that names the first of them.
refuses()
{
    misused_naming "$1" bench "$@" && [ "${#stderr_lines[@]}" -eq 1 ]
}

@test "bench --json: keys and values" {
    does bench --json "${quick[@]}"
    rows "all(list(row) == ['work', 'cell', 'num_layers', 'hidden_size', 'batch_size', 'seq_length',
        'vocab_size', 'threads', 'precision', 'engine', 'chars_per_second', 'gflops',
        'weight_bytes', 'gbytes_per_second'] for row in rows)"
    rows "all(isinstance(row[key], int) for row in rows for key in ['num_layers', 'hidden_size',
        'batch_size', 'seq_length', 'vocab_size', 'threads', 'weight_bytes'])"
    rows "all(isinstance(row[key], str) for row in rows for key in ['work', 'precision', 'engine'])"
    rows "all(isinstance(row[key], float) and row[key] > 0 for row in rows for key in
        ['chars_per_second', 'gflops'])"
    rows "[(row['work'], row['batch_size'], row['seq_length']) for row in rows] == [
        ('train', 50, 50), ('eval', 64, 4), ('sample', 1, 1), ('sample', 64, 1)]"
}

@test "bench --json: the numbers agree with each other" {
    does bench --json "${quick[@]}" --num-layers 2 --vocab-size 5 --batch-size 1,3
    # Products with W_hh twice, W_ih of the second layer, and the linear one; and biases.
    used='(3 * 32 * 8 + 2 * 32 + 5 * 8 + 5)'
    near='(lambda a, b: abs(a - b) < 1e-6 * b)'
    rows "all($near(row['gflops'], 1e-9 * (6 if row['work'] == 'train' else 2) * $used *
        row['chars_per_second']) for row in rows)"
    rows "all((row['gbytes_per_second'] is not None) == (row['work'] == 'sample' and
        row['batch_size'] == 1) for row in rows)"
    rows "all($near(row['gbytes_per_second'], 4e-9 * ($used + 32) * row['chars_per_second'])
        for row in rows if row['gbytes_per_second'] is not None)"
    rows "all(row['weight_bytes'] == 4 * ($used + 5 * 32) for row in rows)"
}

@test "bench measures every combination, the last list fastest" {
    does bench --json --seconds 0.01 --work train --num-layers 1,2 --hidden-size 8,4 \
        --batch-size 3,1 --seq-length 2,5 --vocab-size 3,0.007k --threads 1,2
    rows "[tuple(row[key] for key in ['num_layers', 'hidden_size', 'batch_size', 'seq_length',
        'vocab_size', 'threads']) for row in rows] == list(__import__('itertools').product(
        [1, 2], [8, 4], [3, 1], [2, 5], [3, 7], [1, 2]))"
}

@test "bench: timesteps apply only to training" {
    does bench --json "${quick[@]}" --batch-size 2 --seq-length 3,4 --work sample,train,eval
    rows "[(row['work'], row['seq_length']) for row in rows] == [
        ('sample', 1), ('train', 3), ('train', 4), ('eval', 16)]"
}

@test "bench prints a table: a heading, and a row per configuration" {
    does bench --seconds 0.01 --work sample --hidden-size 8,16 --threads 1,2
    [[ ${lines[0]} == work*GB/s ]]
    [ "${#lines[@]}" -eq $((1 + 2 * 2 * 2)) ]
    [ "$(grep -c '^sample ' <<<"$output")" -eq 8 ]
    [ "$(grep -c '^sample .* -$' <<<"$output")" -eq 4 ]
    [ "$(grep -c '^sample .* [0-9.]*[0-9]$' <<<"$output")" -eq 4 ]
}

@test "bench measures the requested engine" {
    RUNE_ISA=baseline does bench --json "${quick[@]}" --work sample --batch-size 1
    rows "[row['engine'] for row in rows] == ['baseline']"
}

@test "bench --precision: rows name the precision that was measured" {
    does bench --json "${quick[@]}" --work sample --precision fp32,bf16,int8 --batch-size 1,2
    rows "[row['precision'] in wanted for row, wanted in zip(rows, 2 * [['fp32'], ['bf16', 'fp32'],
        ['int8', 'fp32']])] == 6 * [True]"
    rows "all(row['precision'] in row['engine'] or row['precision'] == 'fp32' for row in rows)"
    rows "[row['precision'] for row in rows[:3]] == [row['precision'] for row in rows[3:]]"
    rows "all((row['gbytes_per_second'] is not None) == (row['batch_size'] == 1) for row in rows)"
    RUNE_ISA=baseline does bench --json "${quick[@]}" --work eval,sample --precision bf16,int8
    rows "all(row['precision'] == 'fp32' and row['engine'] == 'baseline' for row in rows)"
    does bench --json "${quick[@]}" --work train --precision bf16
    misused_naming int8 bench --precision int8
    misused_naming --work bench --work sample,train --precision fp32,int8
}

@test "bench --help has every option and its default" {
    does bench --help
    for option in work num-layers hidden-size batch-size seq-length vocab-size threads precision \
        seconds json; do
        echo "$option"
        [[ $output == *"--$option"* ]]
    done
    [[ $output == *scripts/bench* ]]
    [[ $output == *128,512* ]]
    [[ $output == *train,eval,sample* ]]
}

@test "bench: invalid values, in a list or alone" {
    for option in num-layers hidden-size batch-size seq-length vocab-size threads; do
        for value in 0 8,0 8,x x,8 "8,,8" "8," "," '' 8.5 1e30 nan; do
            refuses --$option "$value"
        done
    done
    refuses --work train,trian
    refuses --work ''
    refuses --precision fp32,fp33
    refuses --seconds 0
    refuses --seconds 1,2
    refuses --threads "1$(printf ',1%.0s' {1..64})"
    misused_naming more bench more
}

@test "bench: what does not fit into memory is named" {
    fails_naming 'train, 2 layers of 1000000 units' bench --hidden-size 1M --seconds 0.01
    [[ $stderr == *GB* ]]
    fails_naming '1000000 streams' bench --work train --batch-size 1M --seq-length 1M \
        --hidden-size 8 --seconds 0.01 --json
}
