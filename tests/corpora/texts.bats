# The texts in corpora/texts. CORPORA is the folder.

@test "every text is UTF-8 without carriage returns and ends with a newline" {
    for text in "$CORPORA"/texts/*.txt; do
        iconv -f UTF-8 -t UTF-8 "$text" | cmp - "$text"
        if grep -q $'\r' "$text"; then false; fi
        [ -z "$(tail -c 1 "$text")" ]
    done
}

@test "every text is small and named in the README" {
    for text in "$CORPORA"/texts/*.txt; do
        [ "$(wc -c <"$text")" -lt 20000 ]
        grep -q "${text##*/}" "$CORPORA/README.md"
    done
}

@test "the emoji have skin tones, joiners, flags, tags, keycaps and both presentations" {
    for part in $'\U1F3FD' $'\u200D' $'\U1F1E8\U1F1FF' $'\UE007F' $'3\uFE0F\u20E3' $'❤\uFE0E'; do
        grep -qF "$part" "$CORPORA/texts/emoji.txt"
    done
}
