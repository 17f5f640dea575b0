#!/usr/bin/env bash
# The house rules; ./run check. One line a rule, "ok", "FAIL" or "skip", what is wrong below it, and the sum at the end.
# --update-symbols writes tools/symbols.txt anew from what libtern.so exports.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tools/lib.sh
. tools/lib.sh
tree=build-check
RULE_LIMIT_S=400
passed=0 failed=0 skipped=0

rule() { # NAME COMMAND...: the command says nothing and succeeds, or says what is wrong and fails
	local name=$1 output status=0
	shift
	output=$(timeout --kill-after=10 "$RULE_LIMIT_S" "$@" 2>&1 </dev/null) || status=$?
	[ $status -ne 124 ] || output="stopped after $RULE_LIMIT_S s"$'\n'$output
	if [ $status -eq 0 ]; then
		printf 'ok    %s\n' "$name"
		passed=$((passed + 1))
	else
		printf 'FAIL  %s\n' "$name"
		printf '%s\n' "$output" | head -n 60 | sed 's/^/      /'
		failed=$((failed + 1))
	fi
}

skip() { # NAME REASON
	printf 'skip  %s: %s\n' "$1" "$2"
	skipped=$((skipped + 1))
}

sources() { # PATTERN...: tracked and new files, not ignored ones
	git ls-files -co --exclude-standard -- "$@" | while read -r file; do [ ! -f "$file" ] || echo "$file"; done
}

exported() {
	nm -D --defined-only "$tree/libtern.so" | awk '{ print $3 }' | LC_ALL=C sort
}

if ! build $tree -DCMAKE_C_COMPILER=gcc -DTERN_WERROR=ON -DTERN_INTEROP=ON -DCMAKE_EXPORT_COMPILE_COMMANDS=ON; then
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi
if [ "${1:-}" = --update-symbols ]; then
	exported >tools/symbols.txt
	echo "tools/symbols.txt: $(wc -l <tools/symbols.txt) symbols"
	exit 0
fi

mapfile -t all_c < <(sources '*.c' '*.h')
mapfile -t headers < <(sources 'include/tern/*.h')
mapfile -t scripts < <(sources run .ci/run '*.sh')
# clang-tidy and cppcheck go by the compile commands: what the tree builds
mapfile -t built < <(sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' $tree/compile_commands.json | sort -u)

format=$(command -v clang-format-14 || true)
if [ -n "$format" ]; then
	rule "format (clang-format 14)" "$format" --dry-run -Werror "${all_c[@]}"
else
	skip "format (clang-format 14)" "clang-format-14 is not installed; other versions format differently"
fi

printf '%s\0' "${built[@]}" >$tree/files
rule "clang-tidy" tools/tidy.sh $tree "$JOBS"

rule "cppcheck" cppcheck --project=$tree/compile_commands.json -j "$JOBS" --quiet --error-exitcode=1 --inline-suppr \
	--enable=warning,portability,performance --suppressions-list=tools/cppcheck.txt --std=c11
rule "arrows between folders" tools/rules.py arrows
rule "file sizes" tools/rules.py sizes
rule "codecs have unit test and fuzz target" tools/rules.py wire
rule "no marks of unfinished work, ASCII" tools/rules.py marks
rule "requirements of the RFCs" tools/requirements.py
rule "no mutable static object" tools/rules.py state $tree/CMakeFiles/tern_objects.dir/src
rule "exported symbols" diff -u --label tools/symbols.txt tools/symbols.txt --label libtern.so <(exported)
for header in "${headers[@]}"; do
	rule "$header as C99" gcc -std=c99 -pedantic -Wall -Wextra -Werror -fsyntax-only -Iinclude -x c "$header"
	rule "$header as C++" g++ -std=c++11 -pedantic -Wall -Wextra -Werror -fsyntax-only -Iinclude -x c++ "$header"
done
rule "scripts (shellcheck)" shellcheck -x "${scripts[@]}"

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
