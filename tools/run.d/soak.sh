# shellcheck shell=bash
#: simulates for MINUTES (default 60) on all cores, going on where it was stopped; adds up in out/soak.log
minutes=${1:-60}
[[ $minutes =~ ^[1-9][0-9]{0,5}$ ]] || die "soak takes a number of minutes"
need_build
need <<-'END'
	python3 keeps the log
END
build build -DCMAKE_BUILD_TYPE=RelWithDebInfo
exec python3 tools/soak.py --sim build/sim --log out/soak.log --minutes "$minutes" --jobs "$JOBS"
