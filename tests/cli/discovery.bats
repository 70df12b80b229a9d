# inspect finds known structure: networks are trained on synthetic text.
load helpers

# generate SEED KIND…: a synthetic text of that seed.
generate()
{
    "$GENERATE" --seed "$@" 2>/dev/null
}

# learns KIND…: trains a small network on a synthetic corpus, and inspects another of its kind.
learns()
{
    generate 1 "$@" --count 20000 >corpus.txt
    generate 2 "$@" --count 20000 | head -c 40000 >text.txt
    does train corpus.txt -o run --num-layers 1 --hidden-size 48 --batch-size 16 --seq-length 64 \
        --learning-rate 0.02 --max-steps 1200 --threads 1 --quiet
    does inspect run text.txt -o out --format csv --units 0:0 --ablate none --passage 39000
}

# best_is LABEL…: the first row of neurons.csv is of one of these labels, with a score over 0.9.
best_is()
{
    head -n 4 out/neurons.csv
    python3 - "$@" <<'EOF'
import csv, sys
best = next(csv.DictReader(open('out/neurons.csv', newline='')))
sys.exit(best['label'] not in sys.argv[1:] or abs(float(best['score'])) <= 0.9)
EOF
}

@test "brackets: the best unit follows being inside, or the depth" {
    learns brackets
    best_is 'inside ( )' 'inside [ ]' 'inside { }' 'inside < >' 'bracket depth'
}

@test "quotes: the best unit follows being inside" {
    learns quotes --size 1
    best_is 'inside quotes'
}

@test "lines of one width: the best unit counts characters" {
    learns lines
    best_is 'position in line' 'left in line'
}

@test "indents: the best unit follows the indentation" {
    learns indents
    best_is indentation 'inside the indentation'
}
