#!/usr/bin/env bash
# fuzz.sh --seconds N [--jobs N]: runs each fuzz target of build-fuzz for N seconds, some at a time. Inputs worth keeping go to
# out/fuzz/NAME, on top of the seeds in fuzz/seeds/NAME; findings to out/fuzz/NAME-findings.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=5 jobs=$(nproc)
while [ $# -gt 1 ]; do
	case $1 in
	--seconds) seconds=$2 ;;
	--jobs) jobs=$2 ;;
	*) echo "fuzz.sh: what is $1?" >&2; exit 2 ;;
	esac
	shift 2
done

one() { # NAME: a report in out/fuzz/NAME.log, 0 when nothing was found
	local name=$1 inputs=(out/fuzz/"$1") options=() status=0
	mkdir -p "out/fuzz/$name" "out/fuzz/$name-findings"
	[ ! -d "out/fuzz/seeds/$name" ] || inputs+=("out/fuzz/seeds/$name")
	[ ! -d "fuzz/seeds/$name" ] || inputs+=("fuzz/seeds/$name")
	[ ! -f fuzz/dtls.dict ] || options+=(-dict=fuzz/dtls.dict)
	timeout --kill-after=10 $((seconds + 60)) "build-fuzz/fuzz/$name" -max_total_time="$seconds" -timeout=10 \
		-rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="out/fuzz/$name-findings/" "${options[@]}" \
		"${inputs[@]}" >"out/fuzz/$name.log" 2>&1 </dev/null || status=$?
	if [ $status -eq 0 ]; then
		printf 'ok    %-28s %10s runs\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "out/fuzz/$name.log")"
	else
		printf 'FAIL  %-28s status %s\n' "$name" $status
		tail -n 30 "out/fuzz/$name.log"
	fi
	return $status
}

mkdir -p out/fuzz/seeds
build-fuzz/sim --write-corpus out/fuzz/seeds
passed=0 failed=0 pids=()
reap() {
	if wait "${pids[0]}"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
	pids=("${pids[@]:1}")
}
for source in fuzz/*_fuzz.c; do
	[ -f "$source" ] || continue
	[ ${#pids[@]} -lt "$jobs" ] || reap
	one "$(basename "$source" .c)" &
	pids+=($!)
done
while [ ${#pids[@]} -gt 0 ]; do reap; done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
