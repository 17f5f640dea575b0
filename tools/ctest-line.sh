#!/usr/bin/env bash
# ctest-line.sh DIR [CTEST OPTION]...: CTest in a build tree; shows what failed and ends with "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$1 report=$PWD/$1/ctest.xml log=$1/ctest.log status=0
shift
rm -f "$report"
ctest --test-dir "$dir" "$@" --timeout 300 -j "$(nproc)" --output-on-failure --output-junit "$report" </dev/null >"$log" 2>&1 || status=$?
[ $status -eq 0 ] || tail -n 100 "$log"
tools/junit-line.sh "$report"
exit $status
