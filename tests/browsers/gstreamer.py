#!/usr/bin/python3
"""GStreamer's webrtcbin in a browser's place: gstreamer.py URL does what test.html does, cell by cell, and tells the same.

Debian's own interpreter, for python3-gi is made for that one. Frames are numbered as in echo.js, but small enough for a
datagram each, and have a key frame among every few, so that those behind a lost one come into sight again.
"""

import hashlib
import json
import re
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, GObject, Gst, GstSdp, GstWebRTC  # noqa: E402

from sdp import lie, ufrag  # noqa: E402

BITS, SIDE = 16, 16
WIDTH, HEIGHT, RATE = BITS * SIDE, 2 * SIDE, 15
SEND = ("webrtcbin name=rtc bundle-policy=max-bundle "
        "appsrc name=pattern is-live=true do-timestamp=true format=time "
        f"caps=video/x-raw,format=GRAY8,width={WIDTH},height={HEIGHT},framerate={RATE}/1 "
        "! videoconvert ! vp8enc deadline=1 keyframe-max-dist=5 ! rtpvp8pay pt=96 "
        "! application/x-rtp,media=video,encoding-name=VP8,payload=96 ! rtc.")
SHOW = "rtpvp8depay ! vp8dec ! videoconvert ! video/x-raw,format=GRAY8 ! appsink name=shown sync=false max-buffers=100"
AES_128_ICM, HMAC_SHA1_80 = 1, 2  # as GstDtlsSrtpCipher and GstDtlsSrtpAuth number them


def frame(number):
    """The number in black and white squares, and below them a shade that changes too."""
    squares = b"".join((b"\xff" if number >> i & 1 else b"\0") * SIDE for i in range(BITS))
    return squares * SIDE + bytes([64 + number % 128]) * (WIDTH * (HEIGHT - SIDE))


def number_of(picture, stride):
    middle = stride * (SIDE // 2) + SIDE // 2
    return sum((picture[middle + i * SIDE] > 127) << i for i in range(BITS))


def promised(element, action, *arguments):
    """The reply to an action that takes a promise. It owns what it tells."""
    promise = Gst.Promise.new()
    element.emit(action, *arguments, promise)
    promise.wait()
    reply = promise.get_reply()
    if reply and reply.has_field("error"):
        raise RuntimeError(f"{action}: {reply.to_string()}")
    return reply


class Call:
    def __init__(self, url, cell):
        self.url, self.cell = url, cell
        self.sent, self.frames, self.numbers, self.pings, self.echoes = 0, 0, set(), 0, 0
        self.shown, self.decoder, self.channel = None, None, None
        self.ready, self.gathered = threading.Event(), threading.Event()
        self.pipeline = Gst.parse_launch(SEND)
        self.rtc, self.pattern = self.pipeline.get_by_name("rtc"), self.pipeline.get_by_name("pattern")
        self.rtc.connect("on-negotiation-needed", lambda _: self.ready.set())
        self.rtc.connect("notify::ice-gathering-state", self.gather)
        self.rtc.connect("pad-added", self.show)
        self.pipeline.connect("deep-element-added", self.note)
        self.pipeline.set_state(Gst.State.PLAYING)

    def note(self, _pipeline, _bin, element):
        if GObject.type_name(element) == "GstDtlsDec":
            self.decoder = element

    def gather(self, rtc, _property):
        if rtc.props.ice_gathering_state == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            self.gathered.set()

    def show(self, _rtc, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        show = Gst.parse_bin_from_description(SHOW, True)
        self.pipeline.add(show)
        show.sync_state_with_parent()
        pad.link(show.get_static_pad("sink"))
        self.shown = show.get_by_name("shown")

    def start(self):
        if not self.ready.wait(10):
            raise RuntimeError("webrtcbin sees nothing to negotiate")
        if self.cell["echoes"]:
            self.channel = self.rtc.emit("create-data-channel", "echo", None)
            self.channel.connect("on-message-string", self.hear)
        offered = promised(self.rtc, "create-offer", None)
        offer = offered.get_value("offer")
        promised(self.rtc, "set-local-description", offer)
        if not self.gathered.wait(10):
            raise RuntimeError("webrtcbin does not gather its candidates")
        sdp = self.rtc.props.local_description.sdp.as_text()
        answer = self.signal(lie(sdp) if self.cell["lie"] == "offer" else sdp)
        self.name = ufrag(answer)
        self.fingerprint = re.search(r"a=fingerprint:sha-256 (\S+)", answer)[1]
        _, message = GstSdp.SDPMessage.new_from_text(answer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        promised(self.rtc, "set-remote-description", description)

    def signal(self, sdp):
        try:
            with urllib.request.urlopen(f"{self.url}/offer/{self.cell['id']}", data=sdp.encode(), timeout=30) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"signalling: {error.read().decode()}") from error

    def hear(self, _channel, text):
        self.echoes += text == f"ping {self.pings}"

    def turn(self):
        """A frame out, what came in, and a message when the one before is back."""
        self.sent += 1
        self.pattern.emit("push-buffer", Gst.Buffer.new_wrapped(frame(self.sent)))
        while sample := self.shown and self.shown.emit("try-pull-sample", 0):
            self.look(sample.get_buffer())
        is_open = self.channel and self.channel.props.ready_state == GstWebRTC.WebRTCDataChannelState.OPEN
        if is_open and self.pings == self.echoes:
            self.pings += 1
            self.channel.emit("send-string", f"ping {self.pings}")

    def look(self, buffer):
        _, picture = buffer.map(Gst.MapFlags.READ)
        number = number_of(picture.data, picture.size // HEIGHT)
        buffer.unmap(picture)
        self.frames += 1
        if 0 < number <= self.sent:
            self.numbers.add(number)

    def check_certificate(self):
        """What webrtcbin leaves to its users."""
        der = ssl.PEM_cert_to_DER_cert(self.decoder.props.peer_pem)
        if hashlib.sha256(der).digest() != bytes.fromhex(self.fingerprint.replace(":", "")):
            raise RuntimeError("the echo's certificate has another fingerprint than its answer")

    def state(self):
        cell, connection, profile = self.cell, self.rtc.props.connection_state.value_nick, ""
        if connection == "connected":
            self.check_certificate()
        if self.decoder and self.decoder.props.srtp_cipher == AES_128_ICM and self.decoder.props.srtp_auth == HMAC_SHA1_80:
            profile = "AES_CM_128_HMAC_SHA1_80"
        with urllib.request.urlopen(f"{self.url}/peer/{cell['id']}/{self.name}", timeout=10) as answer:
            server = json.load(answer)
        reached = (connection == "connected" and self.frames >= cell["frames"] and len(self.numbers) >= cell["distinct"] and
                   self.echoes >= cell["echoes"])
        return {"connection": connection, "version": None, "srtp": profile, "frames": self.frames,
                "distinct": len(self.numbers), "echoes": self.echoes, "reached": reached, "server": server}

    def close(self):
        self.pipeline.set_state(Gst.State.NULL)


def is_over(cell, state):
    if cell["error"]:
        return state["server"]["error"] and cell["ends"] in ("", state["connection"])
    return state["reached"]


def run(url, cell, calls):
    until = time.monotonic() + cell["seconds"]
    for _ in range(cell["calls"]):
        calls.append(Call(url, cell))
        calls[-1].start()
    while True:
        for _ in range(RATE // 3):
            for call in calls:
                call.turn()
            time.sleep(1 / RATE)
        states = [call.state() for call in calls]
        if all(is_over(cell, state) for state in states) or time.monotonic() > until:
            return states


def main():
    url, _, page = sys.argv[1].rpartition("/")
    Gst.init(None)
    while True:
        with urllib.request.urlopen(f"{url}/next?{page.partition('?')[2]}") as answer:
            cell = json.load(answer)
        if not cell:
            return
        calls, result = [], {"id": cell["id"], "states": []}
        try:
            result["states"] = run(url, cell, calls)
        except (OSError, RuntimeError, GLib.Error) as error:
            result["error"] = str(error)
        for call in calls:
            call.close()
        with urllib.request.urlopen(f"{url}/result", data=json.dumps(result).encode(), timeout=10):
            pass


if __name__ == "__main__":
    main()
