# Files go from one processor to another: RUNE is this machine's program, THERE how another's is run.
# They compute with other instructions, so that the last bits of numbers may differ.
load ../cli/helpers

there()
{
    # shellcheck disable=SC2086
    $THERE "$@"
}

setup_file()
{
    export RUNE_ISA=baseline RUN=$BATS_FILE_TMPDIR/run
    "$RUNE" train "$english" -o "$RUN" "${tiny[@]}" --num-layers 2 --dropout 0.25 --min-count 2 --quiet
    cp -r "$RUN" "$RUN.there"
    there train --resume "$RUN.there" --max-steps 12 --quiet
    cp -r "$RUN" "$RUN.here"
    "$RUNE" train --resume "$RUN.here" --max-steps 12 --quiet
}

# compare FILE FILE: the same tensors at the same offsets, numbers as near as float32 has them, counters
# and what is said of the text and the plan the same.
compare()
{
    python3 - "$@" <<'END'
import json, struct, sys

def load(path):
    with open(path, 'rb') as file:
        header = json.loads(file.read(struct.unpack('<Q', file.read(8))[0]))
        return header.pop('__metadata__'), header, file.read()

(a_text, a_header, a), (b_text, b_header, b) = map(load, sys.argv[1:])
assert a_header == b_header, 'the headers differ'
for name, entry in a_header.items():
    start, end = entry['data_offsets']
    kind = {'F32': 'f', 'U64': 'Q'}[entry['dtype']]
    form = f"<{(end - start) // struct.calcsize('<' + kind)}{kind}"
    for x, y in zip(struct.unpack(form, a[start:end]), struct.unpack(form, b[start:end])):
        assert x == y or kind == 'f' and abs(x - y) < 1e-4 * max(1, abs(x)), f'{name}: {x}, {y}'
assert a_text.keys() == b_text.keys(), 'they say other things'
for key in a_text:
    if key.startswith(('vocab', 'unit', 'plan.', 'train.corpus_hash', 'train.log_rows', 'train.char')):
        assert a_text[key] == b_text[key], f'{key}: {a_text[key]}, {b_text[key]}'
END
}

@test "a model is read" {
    cmp <("$RUNE" info "$RUN") <(there info "$RUN")
}

@test "its losses are the same" {
    does eval "$RUN" "$english" --json
    local here
    here=$(json loss)
    output=$(there eval "$RUN" "$english" --json)
    number_is '($1 - $2) ^ 2 < 1e-12' "$here" "$(json loss)"
}

@test "it writes the same text" {
    cmp <("$RUNE" sample "$RUN" --length 300 --seed 1 --exact) \
        <(there sample "$RUN" --length 300 --seed 1 --exact)
}

@test "a run goes on there as here, and can be read here again" {
    compare "$RUN.here/last.safetensors" "$RUN.there/last.safetensors"
    cmp <(cut -d , -f 1-2 "$RUN.here/log.csv") <(cut -d , -f 1-2 "$RUN.there/log.csv")
    "$RUNE" train --resume "$RUN.there" --max-steps 14 --quiet
}

@test "a run that begins there is as one that begins here" {
    there train "$english" -o new "${tiny[@]}" --num-layers 2 --dropout 0.25 --min-count 2 --quiet
    # the seed is the run's own
    compare "$RUN/last.safetensors" new/last.safetensors
}

@test "arrays and the page are written the same" {
    head -c 3000 "$english" >text
    "$RUNE" inspect "$RUN" text -o here --format page,npy --ablate none >/dev/null
    there inspect "$RUN" text -o there --format page,npy --ablate none >/dev/null
    cmp <(head -c 128 here/activations.npy) <(head -c 128 there/activations.npy)
    python3 - <<'END'
import struct
here, there = (open(f'{name}/activations.npy', 'rb').read()[128:] for name in ('here', 'there'))
form = f'<{len(here) // 2}e'
assert all(abs(x - y) < 2e-3 for x, y in zip(struct.unpack(form, here), struct.unpack(form, there)))
END
    for block in ids ranks; do
        cmp <(grep -a "id=\"$block\"" here/index.html) <(grep -a "id=\"$block\"" there/index.html)
    done
}
