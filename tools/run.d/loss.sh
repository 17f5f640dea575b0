# shellcheck shell=bash
#: how long handshakes take when datagrams get lost, beside other libraries; writes out/loss.json and out/loss.svg
need_build
build build -DCMAKE_BUILD_TYPE=RelWithDebInfo
cmake --build build --target tern-bench-loss -j "$JOBS"
mkdir -p out
build/bench/tern-bench-loss --json out/loss.json "$@"
bench/loss/plot.py out/loss.json out/loss.svg
