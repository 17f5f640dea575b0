#!/usr/bin/env bash
# fuzz.sh --seconds N [--jobs N]: runs each fuzz target of build-fuzz for N seconds, some at a time. Inputs worth keeping go to
# out/fuzz/NAME, on top of the seeds in out/fuzz/seeds/NAME (the simulator's) and fuzz/seeds/NAME; findings to
# out/fuzz/NAME-findings. A target's dictionary is fuzz/dict/NAME.dict; one that reads whole datagrams gets them all.
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

dictionary() { # NAME: the file
	local file=fuzz/dict/${1%_fuzz}.dict
	if [ ! -f "$file" ]; then
		file=out/fuzz/$1.dict
		cat fuzz/dict/*.dict >"$file"
	fi
	echo "$file"
}

stat() { # NAME KEY
	sed -n "s/^stat::$2: *//p" "out/fuzz/$1.log"
}

edges() { # NAME: reached so far
	grep -ao 'cov: [0-9]*' "out/fuzz/$1.log" | tail -n 1 | tr -dc 0-9
}

line() { # STATUS NAME: what a target has come to
	local status=$1 name=$2 found
	found=$(find "out/fuzz/$name-findings" -type f | wc -l)
	printf '%-5s %-18s %12s runs %7s edges %6s new inputs %4s findings\n' "$status" "$name" \
		"$(stat "$name" number_of_executed_units)" "$(edges "$name")" "$(stat "$name" new_units_added)" "$found"
}

one() { # NAME: a report in out/fuzz/NAME.log, 0 when nothing was found
	local name=$1 inputs=(out/fuzz/"$1") status=0
	mkdir -p "out/fuzz/$name" "out/fuzz/$name-findings"
	[ ! -d "out/fuzz/seeds/$name" ] || inputs+=("out/fuzz/seeds/$name")
	[ ! -d "fuzz/seeds/$name" ] || inputs+=("fuzz/seeds/$name")
	timeout --kill-after=10 $((seconds + 60)) "build-fuzz/fuzz/$name" -max_total_time="$seconds" -timeout=10 \
		-rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="out/fuzz/$name-findings/" \
		-dict="$(dictionary "$name")" "${inputs[@]}" >"out/fuzz/$name.log" 2>&1 </dev/null || status=$?
	if [ $status -eq 0 ]; then
		line ok "$name"
	else
		line FAIL "$name"
		tail -n 30 "out/fuzz/$name.log"
	fi
	return $status
}

mkdir -p out/fuzz/seeds
build-fuzz/sim --write-corpus out/fuzz/seeds
targets=(fuzz/*_fuzz.c)
passed=0 failed=0 pids=() begun=$SECONDS
reap() {
	if wait "${pids[0]}"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
	pids=("${pids[@]:1}")
	[ "$seconds" -lt 60 ] || printf '      %d of %d targets after %d s\n' $((passed + failed)) ${#targets[@]} $((SECONDS - begun))
}
for source in "${targets[@]}"; do
	[ ${#pids[@]} -lt "$jobs" ] || reap
	one "$(basename "$source" .c)" &
	pids+=($!)
done
while [ ${#pids[@]} -gt 0 ]; do reap; done
find out/fuzz -path '*-findings/*' -type f -newermt "@$(($(date +%s) - (SECONDS - begun) - 1))" | sed 's/^/found: /'
echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
