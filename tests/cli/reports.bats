# eval and info: what other programs read.
load helpers

setup_file()
{
    train_model
}

@test "eval --json: the numbers agree with each other and with the text" {
    does eval "$MODEL" "$english" --json
    [ "$(json characters)" -eq "$(wc -c <"$english")" ]
    [ "$(json unknown)" -eq 0 ]
    number_is '$1 > 0 && $1 < 10' "$(json loss)"
    number_is '($2 - $1 / log(2)) ^ 2 < 1e-6' "$(json loss)" "$(json bpc)"
    number_is '($2 / exp($1) - 1) ^ 2 < 1e-6' "$(json loss)" "$(json perplexity)"
    number_is '($2 - $1) ^ 2 < 1e-6' "$(json bpc)" "$(json bits_per_byte)"
}

@test "eval: bits per byte are fewer where characters have several" {
    does train "$CORPORA/texts/greek.txt" -o run "${tiny[@]}"
    does eval run "$CORPORA/texts/greek.txt" --json
    characters=$(LC_ALL=C.UTF-8 wc -m <"$CORPORA/texts/greek.txt")
    [ "$(json characters)" -eq "$characters" ]
    number_is '($2 - $1 * $3 / $4) ^ 2 < 1e-6' "$(json bpc)" "$(json bits_per_byte)" \
        "$characters" "$(wc -c <"$CORPORA/texts/greek.txt")"
}

@test "eval: bits per byte are over the bytes of the text as it is in the file" {
    # Composed, e and its accent are one character of two bytes, and not two of three.
    for ((k = 0; k < 200; k++)); do printf 'cafe\u0301 %d\n' "$k"; done >accents.txt
    does train accents.txt -o run "${tiny[@]}" --normalize nfc
    does eval run accents.txt --json
    [ "$(json characters)" -lt "$(LC_ALL=C.UTF-8 wc -m <accents.txt)" ]
    number_is '($2 - $1 * $3 / $4) ^ 2 < 1e-6' "$(json bpc)" "$(json bits_per_byte)" \
        "$(json characters)" "$(wc -c <accents.txt)"
    does eval run accents.txt
    [[ $output == *'bits per byte'* ]]
    # The number of bytes of a part of the text is unknown.
    head -c 1500 "$english" >>accents.txt; head -c 10000 accents.txt >two.txt
    does train "$english" accents.txt -o part "${tiny[@]}" --normalize nfc
    does eval part --json
    [ "$(json bits_per_byte)" = None ]
    does eval part
    [[ $output != *'bits per byte'* ]]
}

@test "eval: bits per byte of a held-out part with unknown symbols are left out" {
    (cat "$english"; printf '\u2202 and then there is more of it') >odd.txt
    does train odd.txt -o run "${tiny[@]}" --min-count 2
    does eval run --json
    [ "$(json unknown)" -ge 1 ]
    [ "$(json bits_per_byte)" = None ]
    does eval run odd.txt --json
    number_is '($2 - $1 * $3 / $4) ^ 2 < 1e-6' "$(json bpc)" "$(json bits_per_byte)" \
        "$(json characters)" "$(wc -c <odd.txt)"
}

@test "eval - reads stdin, and leaves no temporary file" {
    mkdir tmp
    does eval "$MODEL" "$english" --json
    from_file=$output
    run --separate-stderr env TMPDIR=tmp "$RUNE" eval "$MODEL" - --json <"$english"
    [ "$status" -eq 0 ]
    [ "$output" = "$from_file" ]
    [ -z "$(ls -A tmp)" ]
    run --separate-stderr env TMPDIR=tmp "$RUNE" eval "$MODEL" - </dev/null
    [ "$status" -eq 1 ]
    [[ $stderr == *'standard input'* ]]
    [ -z "$(ls -A tmp)" ]
    run --separate-stderr env TMPDIR=nowhere "$RUNE" eval "$MODEL" - <"$english"
    [ "$status" -eq 1 ]
    [[ $stderr == *nowhere* ]]
}

@test "eval --json of a model that is never right: infinite numbers are null" {
    python3 "$BATS_TEST_DIRNAME/edit_model.py" "$MODEL/best.safetensors" sure.safetensors sure
    does eval sure.safetensors "$english" --json
    number_is '$1 > 1000' "$(json loss)"
    [ "$(json perplexity)" = None ]
    does eval sure.safetensors "$english"
    [[ $output == *perplexity* ]]
}

@test "eval without a file takes the validation part" {
    does eval "$MODEL" --json
    number_is '$1 > 0.09 * $2 && $1 < 0.11 * $2' "$(json characters)" "$(wc -c <"$english")"
    loss=$(json loss)
    does info "$MODEL" --json
    number_is '($1 - $2) ^ 2 < 0.01' "$loss" "$(json val_loss)"
}

@test "eval does not depend on the threads, and on the streams by less than 1e-4 nats" {
    does eval "$MODEL" "$english" --json --threads 1
    one=$output loss=$(json loss)
    does eval "$MODEL" "$english" --json --threads 3
    [ "$output" = "$one" ]
    for streams in 2 4 16; do
        does eval "$MODEL" "$english" --json --streams "$streams"
        [ "$(json characters)" -eq "$(wc -c <"$english")" ]
        number_is '($1 - $2) ^ 2 < 1e-8' "$loss" "$(json loss)"
    done
}

@test "eval --window adds the loss from zero states" {
    does eval "$MODEL" "$english" --json --window 20
    [ "$(json window)" -eq 20 ]
    in_many=$(json loss)
    does eval "$MODEL" "$english" --json --window 20 --streams 1
    number_is '($1 - $2) ^ 2 < 1e-10' "$in_many" "$(json loss)"
    does eval "$MODEL" "$english" --per-char --window 20
    letters=$(head -n 7 <<<"$output" | tail -n 6 | cut -d , -f 2 | tr -d '\n"')
    [ "${letters// /}" = TheKe ] # in the order of the text: The Keeper
    misused_naming --window eval "$MODEL" "$english" --window 0
}

@test "eval names a character that the model does not know" {
    fails_naming greek.txt eval "$MODEL" "$CORPORA/texts/greek.txt"
}

@test "eval counts unknown characters if the model has a symbol for them" {
    does train "$english" -o run "${tiny[@]}" --min-count 2
    printf 'a bridge, ∂ and ∂ again' >odd.txt
    does eval run odd.txt --json
    [ "$(json unknown)" -eq 2 ]
    [ "$(json characters)" -eq 23 ]
}

@test "info --json has what the model was made with" {
    does info "$MODEL" --json
    [ "$(json cell)" = lstm ]
    [ "$(json num_layers)" -eq 1 ]
    [ "$(json hidden_size)" -eq 8 ]
    [ "$(json unit)" = codepoint ]
    [ "$(json step)" -le 5 ]
    symbols=$(python3 -c 'import sys; print(len(set(open(sys.argv[1]).read())))' "$english")
    [ "$(json vocab_size)" -eq "$symbols" ]
    # Gates see the symbol, the state and a bias, or PyTorch's two.
    gates=$((4 * 8 * (symbols + 8 + 1))) linear=$((symbols * (8 + 1)))
    [ "$(json parameters)" -eq $((gates + linear)) ] ||
        [ "$(json parameters)" -eq $((gates + linear + 4 * 8)) ]
}
