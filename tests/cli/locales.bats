# The user's language changes no byte of what is written: German has a comma in numbers, Turkish an i
# of its own.
load helpers

# Compiles the locales for these tests alone.
setup_file()
{
    export LOCPATH=$BATS_FILE_TMPDIR/locales
    mkdir "$LOCPATH"
    for name in de_DE tr_TR; do
        localedef -i $name -f UTF-8 "$LOCPATH/$name.UTF-8" || [ -d "$LOCPATH/$name.UTF-8" ] ||
            skip "locales cannot be made (Debian: locales)"
    done
    # The locales are in force: programs that ask for them write a comma.
    [ "$(LC_ALL=de_DE.UTF-8 bash -c 'printf %.1f 1,5')" = 1,5 ]
}

# All that the commands write, into the directory $1.
write_all()
{
    mkdir "$1" && cd "$1"
    "$RUNE" train "$english" -o run "${tiny[@]}" --learning-rate 0.0125 --dropout 0.25 \
        --weight-decay 1.5e-3 2>train
    "$RUNE" train --resume run --max-steps 9 --quiet
    cut -d , -f 1-2,4-7 run/log.csv >log # without the times
    "$RUNE" info run | sed 's/ in [0-9]*\.[0-9] s$//' >info
    "$RUNE" info run --json | grep -v '"seconds": [0-9]*\.[0-9]*' >info.json
    "$RUNE" eval run "$english" --threads 1 >eval
    "$RUNE" eval run "$english" --threads 1 --json >eval.json
    "$RUNE" sample run --length 200 --seed 1 --temperature 0.75 >sample
    head -c 8000 "$english" >text
    "$RUNE" inspect run text -o pages --format page,svg,csv,npy --passage 7000 --threads 1 >inspect
    rm run/log.csv run/loss.svg train
    cd ..
}

@test "the language changes no byte" {
    LC_ALL=C write_all text
    mv text C
    for name in de_DE.UTF-8 tr_TR.UTF-8; do
        LC_ALL=$name write_all text
        mv text "$name"
        diff -r C "$name"
    done
    [ -s C/run/last.safetensors ] && [ "$(wc -l <C/pages/neurons.csv)" -gt 1 ] && [ -s C/pages/activations.npy ]
    [ -n "$(ls C/pages/*.svg)" ]
}
