#!/bin/sh
# playwright.sh DIRECTORY SCRIPT ARGUMENT…: runs a script of node with playwright-core, which drives
# a browser; it is fetched once into DIRECTORY, with its checksum, and found by the script in
# $PLAYWRIGHT. Where node, a browser or the network is missing, the test is skipped, in TAP.
set -eu

version=1.60.0 # runs with node 18 and later
sha256=8b1df81ba75e90a41eb5c996350ea7ecc1c915ea643ec55138f91c949c5a25bf
address=https://registry.npmjs.org/playwright-core/-/playwright-core-$version.tgz

skip()
{
    echo "1..0 # SKIP $*"
    echo "the page was not tested in a browser: $*" >&2
    exit 0
}

# Writes the package to a file. curl and node may each know certificates that the other does not
# (NODE_EXTRA_CA_CERTS).
fetch()
{
    curl -sSfLo "$1" "$address" || NODE_USE_ENV_PROXY=1 node -e '
fetch(process.argv[1]).then(async answer => {
    if (!answer.ok)
        throw new Error(answer.statusText)
    fs.writeFileSync(process.argv[2], Buffer.from(await answer.arrayBuffer()))
})' "$address" "$1"
}

directory=$1
script=$2
shift 2
command -v node >/dev/null || skip "node is not there"
BROWSER=$(command -v chromium || command -v google-chrome) ||
    skip "neither chromium nor google-chrome is there"
PLAYWRIGHT=$directory/playwright-core-$version
if [ ! -d "$PLAYWRIGHT" ]; then
    temporary=$(mktemp -d "$directory/playwright.XXXXXX")
    trap 'rm -rf "$temporary"' EXIT
    fetch "$temporary/archive" || skip "playwright-core could not be fetched"
    echo "$sha256  $temporary/archive" | sha256sum -c --quiet || exit 1
    tar -xzf "$temporary/archive" -C "$temporary"
    mv "$temporary/package" "$PLAYWRIGHT"
    rm -rf "$temporary"
    trap - EXIT
fi
export PLAYWRIGHT BROWSER
exec node "$script" "$@"
