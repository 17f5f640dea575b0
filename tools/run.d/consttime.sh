# shellcheck shell=bash
#: no branch and no address depends on a secret: whole handshakes under valgrind's memcheck
need_build
need_test
TARGET=consttime_test build build-consttime -DTERN_WERROR=ON -DTERN_CONSTTIME=ON
exec tools/ctest-line.sh build-consttime -R secret/consttime_test
