# shellcheck shell=bash
#: headless Chromium and Firefox against that echo, in a network namespace; takes the options of browsers.py
need_build
need_webrtc
need <<-'END'
	chromium    a browser
	firefox-esr a browser
	python3     hands out what they are to do
	iproute2    makes the link in the namespace
END
for target in webrtc-echo tern; do
	TARGET=$target build build -DCMAKE_BUILD_TYPE=RelWithDebInfo -DTERN_WEBRTC=ON
done
as_root python3 tests/browsers/browsers.py --tern build/tern "$@"
