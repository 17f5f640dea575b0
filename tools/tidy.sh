#!/usr/bin/env bash
# tidy.sh TREE JOBS: clang-tidy on the files that TREE/files names.
set -uo pipefail
xargs -0 -a "$1/files" -n 1 -P "$2" clang-tidy --quiet -p "$1" 2>&1 | sed -E '/^[0-9]+ warnings? generated/d'
