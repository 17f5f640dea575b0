"""Janus between a caller and the echo: its video call plugin answers the one, makes an offer of its own to the other, and
passes media on, so that it has an association of DTLS with each."""

import json
import urllib.request
import uuid

URL = "http://127.0.0.1:8088/janus"


def command(root, folder):
    """What starts the Janus whose package was unpacked in root, with no more plugins than it needs."""
    for kind, name in (("plugins", "videocall"), ("transports", "http"), ("events", ""), ("loggers", "")):
        (folder / kind).mkdir()
        for library in root.glob(f"usr/lib/*/janus/{kind}/libjanus_{name}.so*"):
            (folder / kind / f"libjanus_{name}.so").symlink_to(library.resolve())
            break
    folders = "".join(f'{kind}_folder = "{folder / kind}"\n' for kind in ("plugins", "transports", "events", "loggers"))
    (folder / "janus.jcfg").write_text(f"general: {{\n{folders}}}\n")
    (folder / "janus.transport.http.jcfg").write_text('general: {\nhttp = true\nport = 8088\nip = "127.0.0.1"\n}\n')
    return [str(root / "usr/bin/janus"), "--disable-colors", "--configs-folder", str(folder)]


def post(path, message):
    body = json.dumps({**message, "transaction": uuid.uuid4().hex}).encode()
    with urllib.request.urlopen(f"{URL}{path}", data=body, timeout=10) as answer:
        reply = json.load(answer)
    if reply["janus"] == "error":
        raise RuntimeError(f"Janus: {reply['error']['reason']}")
    return reply


class User:
    """Of the video call plugin."""

    def __init__(self):
        self.name = uuid.uuid4().hex
        self.session = f"/{post('', {'janus': 'create'})['data']['id']}"
        attached = post(self.session, {"janus": "attach", "plugin": "janus.plugin.videocall"})
        self.handle = f"{self.session}/{attached['data']['id']}"
        self.ask("register", username=self.name)
        self.wait("registered")

    def ask(self, request, jsep=None, **more):
        message = {"janus": "message", "body": {"request": request, **more}}
        post(self.handle, {**message, "jsep": jsep} if jsep else message)

    def wait(self, name):
        """The session description that comes with an event."""
        for _ in range(20):
            with urllib.request.urlopen(f"{URL}{self.session}?maxev=1", timeout=10) as answer:
                event = json.load(answer)
            data = event.get("plugindata", {}).get("data", {})
            if "error" in data:
                raise RuntimeError(f"Janus: {data['error']}")
            if data.get("result", {}).get("event") == name:
                return event.get("jsep", {}).get("sdp")
        raise RuntimeError(f"Janus: no {name}")


def call(offer, callee):
    """The answer to an offer; callee(offer) answers that of Janus."""
    one, other = User(), User()
    one.ask("call", jsep={"type": "offer", "sdp": offer}, username=other.name)
    other.ask("accept", jsep={"type": "answer", "sdp": callee(other.wait("incomingcall"))})
    return one.wait("accepted")
