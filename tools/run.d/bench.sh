# shellcheck shell=bash
#: CPU time of handshakes and records, beside OpenSSL's and wolfSSL's; takes the options of the suite
need_build
need_ipsecmb
build build -DCMAKE_BUILD_TYPE=RelWithDebInfo
cmake --build build --target tern-bench-suite -j "$JOBS"
# The figures go to a file for programs as well, and into a picture.
json=out/bench.json previous=''
for argument in "$@"; do
	case $argument in
	--alone | --help | -h) exec build/bench/tern-bench-suite "$@" ;;
	--json=*) json=${argument#--json=} ;;
	esac
	[ "$previous" != --json ] || json=$argument
	previous=$argument
done
mkdir -p out
build/bench/tern-bench-suite --json "$json" "$@"
if command -v python3 >/dev/null; then
	python3 tools/bench_svg.py "$json" "${json%.json}.svg"
else
	echo "run: no python3, so there is no picture of $json"
fi
