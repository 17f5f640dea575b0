# shellcheck shell=bash
#: simulates for MINUTES (default 60) on all cores, going on where it was stopped; adds up in out/soak.log; --spaces, --jobs N
minutes=${1:-60}
[[ $minutes =~ ^[1-9][0-9]{0,5}$ ]] || die "soak takes a number of minutes"
[ $# -eq 0 ] || shift
need_build
need <<-'END'
	python3 keeps the log
END
# Optimized for this machine and across files: half as many schedules again.
TARGET=sim build build-soak -DCMAKE_BUILD_TYPE=Release -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON -DCMAKE_C_FLAGS=-march=native
exec python3 tools/soak.py --sim build-soak/sim --log out/soak.log --minutes "$minutes" --jobs "$JOBS" "$@"
