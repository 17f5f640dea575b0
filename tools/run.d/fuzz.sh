# shellcheck shell=bash
#: fuzzes for MINUTES (default 10) on all cores; findings are left in out/fuzz
minutes=${1:-10}
[[ $minutes =~ ^[1-9][0-9]{0,4}$ ]] || die "fuzz takes a number of minutes"
need_build
need_clang
build build-fuzz -DCMAKE_C_COMPILER=clang -DTERN_FUZZ=ON
shopt -s nullglob
targets=(fuzz/*_fuzz.c)
[ ${#targets[@]} -gt 0 ] || die "there is no fuzz target"
seconds=$((minutes * 60 * JOBS / ${#targets[@]}))
say "${#targets[@]} targets, $seconds s each, $JOBS at a time"
tools/fuzz.sh --seconds "$((seconds > 0 ? seconds : 1))" --jobs "$JOBS"
