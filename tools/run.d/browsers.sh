# shellcheck shell=bash
#: headless Chromium and Firefox, GStreamer and Janus against that echo, in a network namespace; takes the options of browsers.py
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
	libconfig9                   for Janus
	libcurl4                     for Janus
	libjansson4                  for Janus
	libmicrohttpd12              for Janus
	libnice10                    for Janus
	libsrtp2-1                   for Janus
	libusrsctp2                  for Janus
END
# Its package starts a service, so it is not installed.
if ! [ -d out/janus ]; then
	rm -rf out/janus.new
	mkdir -p out/janus.new
	(
		cd out/janus.new
		apt download janus || { apt update && apt download janus; }
		dpkg-deb -x janus_*.deb .
	) >out/janus.log 2>&1 || die "Janus does not unpack: out/janus.log"
	mv out/janus.new out/janus
fi
for target in webrtc-echo tern; do
	TARGET=$target build build -DCMAKE_BUILD_TYPE=RelWithDebInfo -DTERN_WEBRTC=ON
done
as_root python3 tests/browsers/browsers.py --tern build/tern "$@"
