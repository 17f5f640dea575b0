# shellcheck shell=bash
#: lines and branches of the library that the tests reach, folder by folder, with aims; HTML in out/coverage
need_build
need_test
need <<-'END'
	llvm reads the profiles
END
build build-coverage -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DTERN_COVERAGE=ON
exec tools/coverage.py "$@"
