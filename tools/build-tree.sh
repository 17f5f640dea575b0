#!/usr/bin/env bash
# build-tree.sh DIR [CMAKE OPTION]...: what ./run test builds its trees with, as a program so that timeout can hold it.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/lib.sh
. tools/lib.sh
build "$@"
