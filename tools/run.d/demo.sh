# shellcheck shell=bash
#: builds, then shows a handshake through a lossy link; takes the options of `tern demo`
need_build
build build -DCMAKE_BUILD_TYPE=RelWithDebInfo
exec build/tern demo "$@"
