# eval, info and inspect: what other programs read.
load helpers

setup_file()
{
    train_model
}

@test "eval --json: the figures agree with each other and with the text" {
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

@test "eval without a file takes the validation part" {
    does eval "$MODEL" --json
    number_is '$1 > 0.09 * $2 && $1 < 0.11 * $2' "$(json characters)" "$(wc -c <"$english")"
    loss=$(json loss)
    does info "$MODEL" --json
    number_is '($1 - $2) ^ 2 < 0.01' "$loss" "$(json val_loss)"
}

@test "eval does not depend on the threads; streams change it little" {
    does eval "$MODEL" "$english" --json --threads 1
    one=$output loss=$(json loss)
    does eval "$MODEL" "$english" --json --threads 3
    [ "$output" = "$one" ]
    does eval "$MODEL" "$english" --json --streams 4
    number_is '($1 - $2) ^ 2 < 0.001' "$loss" "$(json loss)"
}

@test "eval --window adds the loss with a fresh state" {
    does eval "$MODEL" "$english" --json --window 20
    [ -n "$(json window)" ]
    misused_naming --window eval "$MODEL" "$english" --window 0
}

@test "eval names a character that the model does not know" {
    fails_naming greek.txt eval "$MODEL" "$CORPORA/texts/greek.txt"
}

@test "eval counts the unknown where the model has a symbol for them" {
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

@test "inspect -o writes the page" {
    head -c 2000 "$english" >excerpt.txt
    does inspect "$MODEL" excerpt.txt -o page
    [[ $(head -c 200 page/index.html) == *'<!'[dD][oO]* ]]
}

@test "inspect writes the formats that are asked for" {
    head -c 500 "$english" >excerpt.txt
    does inspect "$MODEL" excerpt.txt -o out --format npy,csv
    [ "$(head -c 6 out/activations.npy | tail -c 5)" = NUMPY ]
    python3 -m json.tool out/activations.json >/dev/null
    [ "$(head -n 1 out/activations.csv | cut -d , -f 1-3)" = position,character,loss ]
    misused_naming bmp inspect "$MODEL" excerpt.txt -o out --format bmp
}

@test "inspect without -o shows the text" {
    printf 'The bridge' >excerpt.txt
    does inspect "$MODEL" excerpt.txt
    # The colours' escapes stand between the characters.
    [[ $(sed 's/\x1b\[[0-9;]*m//g' <<<"$output") == *'The bridge'* ]]
}

@test "inspect names a unit that the model does not have" {
    fails_naming 99 inspect "$MODEL" "$english" -o out --units 99
}
