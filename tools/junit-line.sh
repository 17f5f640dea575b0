#!/usr/bin/env bash
# junit-line.sh FILE: "N passed, N failed, N skipped" of the report that ctest --output-junit wrote, its last line.
set -euo pipefail
[ -f "$1" ] || { echo "no report"; exit 0; }
attribute() {
	grep -m 1 -oE "(^|[[:space:]])$2=\"[0-9]+\"" "$1" | tr -dc 0-9
}
tests=$(attribute "$1" tests) failed=$(attribute "$1" failures)
skipped=$(($(attribute "$1" disabled) + $(attribute "$1" skipped)))
echo "$((tests - failed - skipped)) passed, $failed failed, $skipped skipped"
