# The lines of README.md that load a model into PyTorch give the loss that eval gives.
load helpers

@test "the lines of README.md that load a model into PyTorch print the loss of eval" {
    for python in python3 /usr/bin/python3 ''; do
        [ -n "$python" ] || skip 'PyTorch is not installed'
        "$python" -c 'import torch' && break
    done
    "$python" -c 'import safetensors' || export PYTHONPATH=$BATS_TEST_DIRNAME/stand_in
    sed -n '/^```python$/,/^```$/p' "$CORPORA/../README.md" | grep -v '^```' >lines.py
    head -c 12000 "$english" >book.txt
    tail -c 300 "$english" >page.txt
    does train book.txt --hidden-size 8 --max-steps 50 --threads 1 --quiet
    does eval runs/book page.txt --json
    wanted=$(json loss)
    run --separate-stderr "$python" lines.py
    echo "$stderr"
    [ "$status" -eq 0 ]
    number_is '($1 - $2) ^ 2 < 1e-10' "$output" "$wanted"
    sed -i '/^inputs\[0\]/d' lines.py # it is this step that makes them the same
    run "$python" lines.py
    number_is '($1 - $2) ^ 2 > 1e-7' "$output" "$wanted"
}
