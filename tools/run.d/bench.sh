# shellcheck shell=bash
#: CPU time of handshakes and records, beside OpenSSL's and wolfSSL's; takes the options of the suite
need_build
need_ipsecmb
build build -DCMAKE_BUILD_TYPE=RelWithDebInfo
cmake --build build --target tern-bench-suite -j "$JOBS"
exec build/bench/tern-bench-suite "$@"
