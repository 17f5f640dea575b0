# shellcheck shell=bash
#: every test: gcc, clang, sanitizers, unit, end to end, foreign peers, a short fuzz
need_build
need_test

# CTest's own report has the numbers; a run that wrote none counts as a failure.
ctest_in() { # DIR SECONDS [OPTION OF CTEST]...
	local dir=$1 limit=$2 report=$PWD/$1/ctest.xml status=0 log=$1/ctest.log
	shift 2
	rm -f "$report"
	timeout --kill-after=10 "$limit" ctest --test-dir "$dir" --timeout 300 -j "$JOBS" --output-on-failure \
		--output-junit "$report" "$@" </dev/null >"$log" 2>&1 || status=$?
	[ $status -eq 0 ] || tail -n 100 "$log"
	add_line "tests in $dir" $status "$(tools/junit-line.sh "$report")"
}

say "gcc, every warning an error"
step 900 "build with gcc" tools/build-tree.sh build -DCMAKE_BUILD_TYPE=RelWithDebInfo -DTERN_WERROR=ON -DTERN_INTEROP=ON
ctest_in build 600

say "gcc with AddressSanitizer and UndefinedBehaviorSanitizer"
step 900 "build with sanitizers" tools/build-tree.sh build-asan -DTERN_WERROR=ON -DTERN_SANITIZE=ON
ctest_in build-asan 900

say "the same with records by libcrypto alone: unit tests"
step 900 "build without intel-ipsec-mb" tools/build-tree.sh build-libcrypto -DTERN_WERROR=ON -DTERN_SANITIZE=ON -DTERN_WITH_IPSECMB=OFF
ctest_in build-libcrypto 600 -R ^unit/

say "threads under ThreadSanitizer, secrets under memcheck"
TARGET=thread_test step 300 "build with ThreadSanitizer" tools/build-tree.sh build-tsan -DTERN_WERROR=ON -DTERN_THREAD_SANITIZE=ON
step 120 "threads" build-tsan/unit/thread_test
TARGET=consttime_test step 300 "build for memcheck" tools/build-tree.sh build-consttime -DTERN_WERROR=ON -DTERN_CONSTTIME=ON
step_counted 120 "secrets" tools/ctest-line.sh build-consttime -R secret/consttime_test

say "clang, everything, every warning an error"
step 900 "build with clang" tools/build-tree.sh build-fuzz -DCMAKE_C_COMPILER=clang -DTERN_WERROR=ON -DTERN_FUZZ=ON -DTERN_INTEROP=ON
if ls bench/*.c >/dev/null 2>&1; then
	step 300 "build of the bench with clang" cmake --build build-fuzz --target tern-bench-suite tern-bench-loss
fi

say "fuzz targets, a few seconds each"
step_counted 600 "fuzz" tools/fuzz.sh --seconds 5

if [ -x build-asan/tern ]; then
	say "foreign peers"
	step_counted 900 "interop" python3 tests/interop/interop.py --tern build-asan/tern
	step_counted 180 "tutorial" python3 tests/interop/tutorial.py --tern build/tern
fi

say "requirements of the RFCs: done, and tested"
step_counted 60 "requirements" python3 tools/requirements.py
say "mutants (./run mutants tries them; here: that each still applies)"
step_counted 60 "mutants" tools/mutants.py --check

say "total"
totals
