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

@test "info tells of the text and of the training" {
    does train "$english" "$CORPORA/texts/czech.txt" -o run "${tiny[@]}" --seed 7 --weight-decay 0.01 \
        --precision bf16 --schedule step
    for file in run run/best.safetensors run/last.safetensors; do
        does info "$file"
        info=$(tr -s ' ' <<<"$output")
        for part in 'text english.txt and 1 more: 18,104 characters, 18,290 bytes' \
            'split 16,293 characters to train on, 1,811 held out: the last 10 % of each file' \
            'fit adam, learning rate 0.01 (step, warm-up of 0 steps), 4 streams of 16 characters' \
            'weight decay 0.01' 'bf16, seed 7' 'version rune 0.1.0' 'uniform 4.3307 nats'; do
            echo "$part"
            [[ $info == *"$part"* ]]
        done
        [[ $info =~ trained\ 5\ steps\ in\ [0-9.]+\ s ]]
    done
    does info run --json
    [ "$(json text)" = "{'name': 'english.txt', 'files': 2, 'bytes': 18290, 'training': 16293, 'held_out': 1811}" ]
    [ "$(json version)" = 0.1.0 ]
    number_is '$1 >= 0 && $1 < 100' "$(json seconds)"
    number_is '$1 < $2 && $2 < $3' "$(json val_loss)" "$(json uniform_loss)" 4.5
    [[ $(json fit) == *"'weight_decay': 0.01,"*"'precision': 'bf16'"*"'seed': 7"* ]]
    does train "$english" -o more --init-from "$MODEL" --max-steps 2
    does info more
    [[ $output == *'from the model model'* ]]
}

@test "the loss of guessing by frequency is that of the held-out part" {
    head -c 12345 "$english" >text.txt
    does train text.txt -o run "${tiny[@]}" --val-fraction 0.25
    does info run --json
    wanted=$(python3 -c 'import collections, math
text = open("text.txt").read()
cut = int(0.75 * len(text) + 1e-6)
counts, total = collections.Counter(text[:cut]), cut + len(set(text))
print(-sum(math.log((counts[c] + 1) / total) for c in text[cut:]) / (len(text) - cut))')
    number_is '($1 - $2) ^ 2 < 1e-12' "$(json unigram_loss)" "$wanted"
    number_is '($1 - log($2)) ^ 2 < 1e-12' "$(json uniform_loss)" "$(json vocab_size)"
}

@test "info leaves out what is not known: a lone model has no log, an older one no text" {
    cp "$MODEL/best.safetensors" lone.safetensors
    does info lone.safetensors
    [[ $output == *'5 steps'$'\n'* && $output == *unigram* ]]
    cut -c 1-9 "$MODEL/log.csv" >cut.csv
    cp -r "$MODEL" cut
    mv cut.csv cut/log.csv # as a power cut may leave it
    does info cut
    [[ $output == *'5 steps'$'\n'* ]]
    python3 "$BATS_TEST_DIRNAME/edit_model.py" lone.safetensors old.safetensors oldest
    does info old.safetensors
    run ! grep -E '^(text|split|fit|unigram|uniform|version)' <<<"$output"
    does info old.safetensors --json
    [[ $output != *unigram* && $output != *'"text"'* && $output == *'"val_loss"'* ]]
    does sample old.safetensors --length 10
}
