# corpora/fetch, with recipes of this test's own beside a copy of it. CORPORA is the folder.

setup()
{
    cd "$BATS_TEST_TMPDIR"
    mkdir -p here/corpora/recipes
    cp "$CORPORA/fetch" here/corpora/
    printf 'a small text\n' >source.txt
}

# A recipe that copies source.txt, for a text of this sha256.
recipe()
{
    cat >here/corpora/recipes/small <<END
title=small source='the test' licence=MIT size=13 sha256=$1
write() { cat '$BATS_TEST_TMPDIR/source.txt'; }
END
}

right() { sha256sum <source.txt | cut -d ' ' -f 1; }

@test "fetch writes the text beside the sources and prints where" {
    recipe "$(right)"
    run here/corpora/fetch small
    [ "$status" -eq 0 ]
    [ "$output" = "$BATS_TEST_TMPDIR/here/runs/corpora/small.txt" ]
    cmp "$output" source.txt
}

@test "fetch writes to the file that is named, from any directory" {
    recipe "$(right)"
    mkdir elsewhere
    cd elsewhere
    run ../here/corpora/fetch small deep/small.txt
    [ "$status" -eq 0 ]
    [ "$output" = deep/small.txt ]
    cmp deep/small.txt ../source.txt
}

@test "fetch leaves a text alone that is there and right" {
    recipe "$(right)"
    cp source.txt there.txt
    rm source.txt
    run here/corpora/fetch small there.txt
    [ "$status" -eq 0 ]
    [ "$output" = there.txt ]
}

@test "fetch replaces a text that is there and wrong" {
    recipe "$(right)"
    echo wrong >there.txt
    here/corpora/fetch small there.txt
    cmp there.txt source.txt
}

@test "fetch refuses another text than the recipe's and leaves nothing behind" {
    recipe "$(printf '%064d' 0)"
    mkdir out
    run here/corpora/fetch small out/small.txt
    [ "$status" -eq 1 ]
    [[ $output == *'not the expected one'*"13 bytes, sha256 $(right)"* ]]
    [ -z "$(ls out)" ]
}

@test "fetch fails when the source does, and leaves nothing behind" {
    recipe "$(right)"
    rm source.txt
    mkdir out
    run here/corpora/fetch small out/small.txt
    [ "$status" -eq 1 ]
    [[ $output == *'could not be had from the test'* ]]
    [ -z "$(ls out)" ]
}

@test "fetch says which package is missing" {
    recipe "$(right)"
    echo "needs='command -v no-such-program' packages=good-package" >>here/corpora/recipes/small
    run here/corpora/fetch small
    [ "$status" -eq 1 ]
    [[ $output == *'no-such-program'*'apt-get install good-package'* ]]
}

@test "fetch names the recipes that there are when it does not know one" {
    recipe "$(right)"
    run here/corpora/fetch smal
    [ "$status" -eq 1 ]
    [[ $output == *'the recipes are: small' ]]
}

@test "fetch without a name is wrong usage; --help lists the recipes" {
    run "$CORPORA/fetch"
    [ "$status" -eq 2 ]
    run "$CORPORA/fetch" --help
    [ "$status" -eq 0 ]
    for recipe in "$CORPORA"/recipes/*; do
        [[ $output == *"${recipe##*/}"* ]]
    done
}

@test "every recipe has what it must name, and a sha256 that is one" {
    for recipe in "$CORPORA"/recipes/*; do
        sha256='' size='' title='' source='' licence=''
        . "$recipe"
        [ -n "$title" ]
        [ -n "$source" ]
        [ -n "$licence" ]
        [[ -z $sha256 || ($sha256 =~ ^[0-9a-f]{64}$ && $size =~ ^[1-9][0-9]*$) ]]
        [ "$(type -t write)" = function ]
        unset -f write
    done
}

@test "the King James Bible is the one that the recipe says" {
    command -v bible >/dev/null || skip 'bible-kjv is not installed'
    "$CORPORA/fetch" kjv kjv.txt
    [ "$(wc -c <kjv.txt)" -eq 4404412 ]
}
