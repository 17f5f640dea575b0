# shellcheck shell=bash
#: headless Chromium and Firefox, and GStreamer, against that echo, in a network namespace; takes the options of browsers.py
need_build
need_webrtc
need <<-'END'
	chromium                     a browser
	firefox-esr                  a browser
	gstreamer1.0-plugins-base    GStreamer's webrtcbin
	gstreamer1.0-plugins-good    its VP8
	gstreamer1.0-plugins-bad     its DTLS
	gstreamer1.0-nice            its ICE
	gir1.2-gst-plugins-bad-1.0   its calls from Python
	gir1.2-gst-plugins-base-1.0  its SDP from Python
	python3                      hands out what they are to do
	python3-gi                   calls GStreamer
	iproute2                     makes the link in the namespace
END
for target in webrtc-echo tern; do
	TARGET=$target build build -DCMAKE_BUILD_TYPE=RelWithDebInfo -DTERN_WEBRTC=ON
done
as_root python3 tests/browsers/browsers.py --tern build/tern "$@"
