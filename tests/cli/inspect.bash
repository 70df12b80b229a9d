# shellcheck disable=SC2034,SC2154
# For the tests of inspect: a model, texts, and what was written.
load helpers

setup_file()
{
    export MODEL=$BATS_FILE_TMPDIR/model
    "$RUNE" train "$english" -o "$MODEL" "${tiny[@]}" \
        --hidden-size 16 --batch-size 8 --max-steps 300 --quiet
    # For long texts.
    export SMALL=$BATS_FILE_TMPDIR/small
    "$RUNE" train "$english" -o "$SMALL" "${tiny[@]}" --hidden-size 4 --quiet
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

# holds DIR FILE…: the directory contains exactly these files, hidden ones included, in this order.
holds()
{
    local directory=$1
    shift
    echo "found: $(ls -A "$directory")"
    [ "$(LC_ALL=C ls -A "$directory")" = "$(printf '%s\n' "$@" | LC_ALL=C sort)" ]
}

# The text shown on the terminal, without colours.
plain()
{
    sed 's/\x1b\[[0-9;]*m//g' <<<"$output"
}

# array CONDITION: what is true of out/activations.npy (its rows and columns, and values) and .json
# (about).
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
assert len(raw) == end + 2 * rows * columns
values = 'values' in sys.argv[1] and struct.unpack('<%de' % (rows * columns), raw[end:])
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
