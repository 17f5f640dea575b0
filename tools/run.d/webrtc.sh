# shellcheck shell=bash
#: an echo for this machine's browser: WebRTC media and data over Tern; takes the options of webrtc-echo
need_build
need_webrtc
TARGET=webrtc-echo build build -DCMAKE_BUILD_TYPE=RelWithDebInfo -DTERN_WEBRTC=ON
exec build/examples/webrtc/webrtc-echo --page examples/webrtc "$@"
