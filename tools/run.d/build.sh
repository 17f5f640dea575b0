# shellcheck shell=bash
#: build/tern, build/libtern.a and build/libtern.so
need_build
build build -DCMAKE_BUILD_TYPE=RelWithDebInfo
ls -1 build/tern build/libtern.a build/libtern.so
