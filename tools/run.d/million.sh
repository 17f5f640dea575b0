# shellcheck shell=bash
#: a million idle connections in one process (or N; takes the options of tern-bench-million): memory, pauses, who answers
need_build
need_ipsecmb
TARGET=tern-bench-million build build -DCMAKE_BUILD_TYPE=RelWithDebInfo
exec build/bench/tern-bench-million "$@"
