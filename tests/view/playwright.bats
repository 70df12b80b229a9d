# How the test in a browser gets what drives the browser. No program here is the real one.
setup()
{
    cd "$BATS_TEST_TMPDIR"
    mkdir bin cache
    program chromium true
    program curl 'echo curl >>asked; exit 1'
    PATH=$PWD/bin:$PATH
}

program()
{
    printf '#!/bin/sh\n%s\n' "$2" >"bin/$1"
    chmod +x "bin/$1"
}

@test "where curl cannot fetch, node does, and the checksum is held against it" {
    program node 'echo node >>asked; for last; do :; done; echo other >"$last"'
    run sh "$PLAYWRIGHT_SH" cache script.js
    [ "$status" -eq 1 ]
    [[ $output == *'archive: FAILED'* ]]
    [ "$(paste -sd ' ' asked)" = 'curl node' ]
}

@test "where neither can fetch, the test is skipped" {
    program node 'exit 1'
    run sh "$PLAYWRIGHT_SH" cache script.js
    [ "$status" -eq 0 ]
    [[ $output == *'1..0 # SKIP playwright-core could not be fetched'* ]]
    [ -z "$(ls -A cache)" ]
}

@test "what is there is not fetched again" {
    program node 'echo "$PLAYWRIGHT" "$@"'
    mkdir "cache/$(sed -n 's/^version=\([0-9.]*\).*/playwright-core-\1/p' "$PLAYWRIGHT_SH")"
    run sh "$PLAYWRIGHT_SH" cache script.js argument
    [ "$status" -eq 0 ]
    [[ $output == cache/playwright-core-*' script.js argument' ]]
    [ ! -e asked ]
}
