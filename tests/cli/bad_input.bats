# Texts that are odd or wrong.
load helpers

@test "a missing file is named" {
    fails_naming missing.txt train missing.txt -o run "${tiny[@]}"
    [ ! -e run ]
    fails_naming missing.txt train missing.txt "${tiny[@]}"
    [ ! -e runs ]
    mkdir there
    fails_naming missing.txt train missing.txt -o there/made/twice "${tiny[@]}"
    [ -d there ] && [ ! -e there/made ]
}

@test "a missing file among several is named" {
    fails_naming missing.txt train "$english" missing.txt -o run "${tiny[@]}"
}

@test "a directory without a text is named" {
    mkdir folder
    fails_naming 'folder: has no text to read' train folder -o run "${tiny[@]}"
}

@test "an empty file is named" {
    : >empty.txt
    fails_naming empty.txt train empty.txt -o run "${tiny[@]}"
}

@test "empty stdin is named" {
    fails_naming 'standard input' train - -o run "${tiny[@]}" </dev/null
}

@test "a text of one character is refused" {
    printf a >one.txt
    fails_naming one.txt train one.txt -o run "${tiny[@]}"
}

@test "a text of one symbol is refused, and the symbol named" {
    printf 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' >same.txt
    fails_naming "'a'" train same.txt -o run "${tiny[@]}"
}

@test "a text shorter than a batch trains, with a note on the smaller batch" {
    printf 'to be or not to be' >short.txt
    does train short.txt -o run --hidden-size 8 --max-steps 2 --threads 1
    [[ $stderr == *batch* ]]
    does sample run --length 10
}

@test "a text of two characters trains" {
    printf ab >two.txt
    does train two.txt -o run --hidden-size 8 --max-steps 2 --threads 1
    does sample run --length 10
    [ "${#output}" -eq 10 ]
}

# keeps TEXT SYMBOLS: a corpus of this printf format has that many symbols.
keeps()
{
    for ((i = 0; i < 50; i++)); do printf "$1"; done >odd.txt
    does train odd.txt -o run --force "${tiny[@]}"
    local notes=$stderr
    does info run --json
    [ "$(json vocab_size)" -eq "$2" ]
    stderr=$notes
}

@test "NUL bytes are kept and noted" {
    keeps 'ab\0c' 4
    [[ $stderr == *NUL* ]]
}

@test "CRLF line ends are kept and noted" {
    keeps 'ab\r\n' 4
    [[ $stderr == *CR* ]]
}

@test "a byte order mark is kept and noted" {
    printf '\xef\xbb\xbfabababababababababababababababababab' >bom.txt
    does train bom.txt -o run "${tiny[@]}"
    [[ $stderr == *'byte order mark'* || $stderr == *BOM* ]]
    does info run --json
    [ "$(json vocab_size)" -eq 3 ]
}

@test "bytes that are not UTF-8: the message names the offset and --unit byte" {
    printf 'abcdefg\xff hijklmnopqrstuvwxyz' >latin.txt
    fails_naming 'offset 7' train latin.txt -o run "${tiny[@]}"
    [[ $stderr == *latin.txt* && $stderr == *'--unit byte'* ]]
    does train latin.txt -o run --unit byte "${tiny[@]}"
    does sample run --length 10
}

@test "overlong and surrogate bytes are not UTF-8" {
    printf 'abc\xc0\xaf abcdefgh' >overlong.txt
    fails_naming 'offset 3' train overlong.txt -o run "${tiny[@]}"
    printf 'abc\xed\xa0\x80 abcdefgh' >surrogate.txt
    fails_naming 'offset 3' train surrogate.txt -o run "${tiny[@]}"
}

@test "a truncated last character: the message names its offset and --unit byte" {
    printf 'abcdefgh\xe2\x82' >cut.txt
    fails_naming 'offset 8' train cut.txt -o run "${tiny[@]}"
    [[ $stderr == *'not whole UTF-8'*'--unit byte'* ]]
    does train cut.txt -o run --unit byte "${tiny[@]}"
}

@test "a line of 10 MB trains" {
    yes 'no line ends here, ' | head -n 530000 | tr -d '\n' >line.txt
    [ "$(wc -c <line.txt)" -gt 10000000 ]
    does train line.txt -o run "${tiny[@]}" --max-steps 2
    [ -s run/best.safetensors ]
}
