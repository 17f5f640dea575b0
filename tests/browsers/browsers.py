#!/usr/bin/env python3
"""Browsers against examples/webrtc: each row of CELLS with each of its browsers, in a network namespace of their own.

The browsers are Debian's, headless. They open test.html from a web server in here, which hands them cells and takes their
results, and passes signalling on to the echo that runs for the cell. Nothing is driven from outside; all waits are bounded.
GStreamer's webrtcbin stands in the same place: gstreamer.py does what the page does. With Janus between it and the echo
(janus.py), it is Janus that the echo meets.

The last line is "N passed, N failed, N skipped".
"""

import argparse
import http.server
import json
import os
import pathlib
import queue
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import janus
from sdp import lie, ufrag

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = {"/test.html": ROOT / "tests/browsers/test.html", "/echo.js": ROOT / "examples/webrtc/echo.js"}
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript"}
ADDRESS = "10.77.0.1"  # of the namespace's own link, that the browsers find candidates on
WEB, ECHO_HTTP, ECHO_UDP, RELAY_UDP = 8100, 8080, 5004, 5005
GCM, CM = "SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_HMAC_SHA1_80"


def cell(name, version, *echo, seconds=40, calls=1, frames=20, echoes=2, lie="", loss=0, srtp=None, role="server",
         error="", ends="failed", janus=False):
    """What to do and what must come of it. echo: its options. lie: whose fingerprint the page changes on its way. error: what
    the echo must say when no connection may come of it; ends: what the browser says then, "" for whatever it says. janus: it
    stands between."""
    return {"name": name, "version": version, "echo": list(echo), "seconds": seconds, "calls": calls, "frames": frames,
            "distinct": frames // 2, "echoes": echoes, "lie": lie, "loss": loss, "srtp": srtp, "role": role, "error": error,
            "ends": ends, "janus": janus}


ACTIVE = ("--setup", "active")
CELLS = (
    cell("both versions offered", "1.3"),
    cell("1.2 forced", "1.2", "--dtls", "1.2"),
    cell("GCM, 1.3", "1.3", "--srtp", GCM, srtp=GCM),
    cell("CM, 1.3", "1.3", "--srtp", CM, srtp=CM),
    cell("CM, 1.2", "1.2", "--dtls", "1.2", "--srtp", CM, srtp=CM),
    cell("GCM, 1.2", "1.2", "--dtls", "1.2", "--srtp", GCM, srtp=GCM),
    cell("setup:active", "1.3", *ACTIVE, role="client"),
    cell("setup:active, 1.2", "1.2", "--dtls", "1.2", *ACTIVE, role="client"),
    cell("20 % loss", "1.3", loss=20, frames=6, seconds=90),
    cell("20 % loss, setup:active", "1.3", *ACTIVE, loss=20, frames=6, seconds=90, role="client"),
    cell("20 % loss, 1.2", "1.2", "--dtls", "1.2", loss=20, frames=6, seconds=90),
    cell("browser shows another certificate", "", lie="offer", error="TERN_ERROR_FINGERPRINT"),
    cell("browser shows another certificate, setup:active", "", *ACTIVE, lie="offer", error="TERN_ERROR_FINGERPRINT"),
    cell("echo shows another certificate", "", lie="answer", error="TERN_ERROR_PEER_ALERT"),
    cell("echo shows another certificate, setup:active", "", *ACTIVE, lie="answer", error="TERN_ERROR_PEER_ALERT"),
    cell("100 peers at once", "1.3", calls=100, frames=0, seconds=120),
)
# Its DTLS is 1.2 with CM alone. No cell in which the echo lies: webrtcbin 1.22 takes any certificate (gstreamer.py compares).
GSTREAMER_CELLS = (
    cell("both versions offered", "1.2", srtp=CM),
    cell("setup:active", "1.2", *ACTIVE, srtp=CM, role="client"),
    cell("20 % loss", "1.2", loss=20, frames=6, echoes=0, srtp=CM),
    cell("20 % loss, setup:active", "1.2", *ACTIVE, loss=20, frames=6, echoes=0, srtp=CM, role="client"),
    cell("webrtcbin shows another certificate", "", lie="offer", error="TERN_ERROR_FINGERPRINT"),
    cell("webrtcbin shows another certificate, setup:active", "", *ACTIVE, lie="offer", error="TERN_ERROR_FINGERPRINT"),
    cell("no version in common", "", "--dtls", "1.3", error="TERN_ERROR_PROTOCOL_VERSION"),
    cell("no version in common, setup:active", "", "--dtls", "1.3", *ACTIVE, error="TERN_ERROR_PEER_ALERT"),
    cell("longer than consent", "1.2", "--silence", "2", frames=60),  # webrtcbin repeats no check of ICE
    cell("10 peers at once", "1.2", calls=10, srtp=CM),
)


def janus_cell(name, *echo, **more):
    """Its DTLS is 1.2. The caller's connection is another one: it may stay, or Janus be quicker to end both. Janus opens no
    data channel, and the echo none."""
    return cell(name, "1.2", *echo, janus=True, echoes=0, ends="", **more)


# No cell in which the echo lies: Janus finds out when the handshake is over, and drops the connection without a word.
JANUS_CELLS = (
    janus_cell("both versions offered", srtp=GCM),
    janus_cell("CM", "--srtp", CM, srtp=CM),
    janus_cell("setup:active", *ACTIVE, role="client"),
    janus_cell("20 % loss", loss=20, frames=6),
    janus_cell("20 % loss, setup:active", *ACTIVE, loss=20, frames=6, role="client"),
    janus_cell("Janus shows another certificate", lie="offer", error="TERN_ERROR_FINGERPRINT"),
    janus_cell("Janus shows another certificate, setup:active", *ACTIVE, lie="offer", error="TERN_ERROR_FINGERPRINT"),
)


class Programs:
    """Processes of ours, each in a group of its own."""

    def __init__(self, logs):
        self.logs, self.running = logs, []

    def start(self, name, command, **kwargs):
        with open(self.logs / f"{name}.log", "ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                       **kwargs)
        self.running.append(process)
        return process

    def stop(self, process):
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, how)
                process.wait(10)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        process.wait(10)
        self.running.remove(process)

    def stop_all(self):
        for process in list(self.running):
            self.stop(process)


def ask_echo(path, body=None):
    """The kind of what it answers, and that."""
    with urllib.request.urlopen(f"http://127.0.0.1:{ECHO_HTTP}{path}", data=body, timeout=10) as answer:
        return answer.headers["Content-Type"], answer.read()


class Handler(http.server.BaseHTTPRequestHandler):
    """Pages, cells and results; /offer/ID and /peer/ID/NAME go to the echo, while it serves the cell of that ID."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # the browser is gone

    def pass_on(self, ask, *arguments):
        try:
            self.reply(200, *ask(*arguments))
        except (OSError, RuntimeError) as error:
            self.reply(502, "text/plain", str(error).encode())

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path in PAGES:
            self.reply(200, TYPES[PAGES[path].suffix], PAGES[path].read_bytes())
        elif path == "/next":
            self.reply(200, "application/json", json.dumps(self.server.next_cell(self.path.partition("?")[2])).encode())
        elif path.startswith(f"/peer/{self.server.current}/"):
            self.pass_on(ask_echo, "/peer/" + (self.server.callee or path.rpartition("/")[2]))
        else:
            self.reply(404, "text/plain", b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == f"/offer/{self.server.current}":
            if self.server.cell["janus"]:
                self.pass_on(self.server.call_through_janus, body)
            else:
                self.pass_on(ask_echo, "/offer", body)
        elif self.path == "/result":
            self.server.results.put(json.loads(body))
            self.reply(200, "text/plain", b"")
        else:
            self.reply(404, "text/plain", b"")


class Web(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self):
        super().__init__(("127.0.0.1", WEB), Handler)
        self.cells, self.results, self.current = {}, queue.Queue(), 0
        self.cell, self.callee = None, ""  # the current one; how the echo calls the peer that Janus is
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def expect(self, browser):
        """The cells are this one's from now on; what an earlier one asks for, it gets no more."""
        self.cells = {browser: queue.Queue()}

    def give(self, c, number):
        self.cell, self.callee = c, ""
        next(iter(self.cells.values())).put({**c, "id": number, "lie": "" if c["janus"] else c["lie"]})

    def call_through_janus(self, offer):
        def callee(sdp):
            _, answer = ask_echo("/offer", (lie(sdp) if self.cell["lie"] == "offer" else sdp).encode())
            self.callee = ufrag(answer.decode())
            return answer.decode()
        return "application/sdp", janus.call(offer.decode(), callee).encode()

    def next_cell(self, browser):
        """{} for a browser that is not expected any more."""
        while browser in self.cells:
            try:
                return self.cells[browser].get(timeout=1)
            except (queue.Empty, KeyError):
                continue
        return {}


# ---- browsers

def chromium(profile, url):
    return ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--autoplay-policy=no-user-gesture-required",
            "--disable-background-timer-throttling", "--disable-renderer-backgrounding", f"--user-data-dir={profile}", url]


FIREFOX_PREFERENCES = {
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "browser.shell.checkDefaultBrowser": False,
    "browser.aboutwelcome.enabled": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "extensions.update.enabled": False,
    "dom.min_background_timeout_value": 4,
    "dom.timeout.enable_budget_timer_throttling": False,
}


def firefox(profile, url):
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in FIREFOX_PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines) + "\n")
    return ["firefox-esr", "--headless", "--no-remote", "--profile", str(profile), url]


def gstreamer(_profile, url):
    return [str(ROOT / "tests/browsers/gstreamer.py"), url]


BROWSERS = {"chromium": (chromium, CELLS), "firefox": (firefox, CELLS), "gstreamer": (gstreamer, GSTREAMER_CELLS),
            "janus": (gstreamer, JANUS_CELLS)}


def start_browser(web, programs, name, scratch):
    profile = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=scratch))
    environment = {**os.environ, "HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1", "XDG_RUNTIME_DIR": str(profile)}
    command = BROWSERS[name][0](profile, f"http://127.0.0.1:{WEB}/test.html?{profile.name}")
    web.expect(profile.name)
    return programs.start(name, command, env=environment, cwd=profile)


# ---- one cell

def wait_for(url, program):
    """Until it answers."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            if program.poll() is not None:
                return False
            time.sleep(0.1)
    return False


def start_janus(programs, options):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="janus-", dir=options.scratch))
    return programs.start("janus", janus.command(pathlib.Path(options.janus), folder))


def start_echo(programs, options, c):
    port = RELAY_UDP if c["loss"] else ECHO_UDP
    if c["loss"]:
        programs.start("relay", [*shlex.split(options.tern), "relay", "--listen", f"{ADDRESS}:{RELAY_UDP}", "--to",
                                 f"{ADDRESS}:{ECHO_UDP}", "--loss", str(c["loss"])])
    return programs.start("echo", [*shlex.split(options.echo), "--address", ADDRESS, "--udp", str(ECHO_UDP), "--candidate",
                                   f"{ADDRESS}:{port}", "--http", str(ECHO_HTTP), *c["echo"]])


def faults(c, state, group):
    """What of a call is not as it must be."""
    server = state.get("server") or {}
    if c["error"]:
        wanted = {"error": c["error"], "connected": server.get("connected")}
        if c["ends"] not in ("", state["connection"]):
            yield f"the browser says {state['connection']}"
        if c["lie"] != "answer" and server.get("connected"):
            yield "the echo is connected"
    else:
        wanted = {"version": c["version"], "role": c["role"], "error": ""}
        if c["srtp"]:
            wanted["srtp"] = c["srtp"]
        if group:
            wanted["group"] = group
        if not state["reached"]:
            yield f"{state['connection']}, {state['frames']} frames, {state['distinct']} distinct, {state['echoes']} echoes"
        if state["version"] not in (c["version"], None):
            yield f"the browser says version {state['version']!r}"
        profile = "" if c["janus"] else state["srtp"]
        if c["srtp"] and profile and profile.replace("_CM_128_", "128_CM_") not in (c["srtp"], c["srtp"][5:]):
            yield f"the browser says {profile}"
    for key, value in wanted.items():
        if server.get(key) != value:
            yield f"the echo says {key} {server.get(key)!r}, not {value!r}"


def run_cell(web, programs, options, browser, number, c):
    """None, or what went wrong."""
    mark = list(programs.running)
    web.current = number
    try:
        echo = start_echo(programs, options, c)
        if not wait_for(f"http://127.0.0.1:{ECHO_HTTP}/peer/none", echo):
            return "the echo does not start"
        if c["janus"] and not wait_for(f"{janus.URL}/info", start_janus(programs, options)):
            return "Janus does not start"
        web.give(c, number)
        until = time.monotonic() + c["seconds"] + 60
        while time.monotonic() < until:
            try:
                result = web.results.get(timeout=1)
            except queue.Empty:
                if browser.poll() is not None:
                    return "the browser is gone"
                if echo.poll() is not None:
                    return f"the echo ended with status {echo.returncode}"
                continue
            if result["id"] == number:
                break
        else:
            return "the browser did not answer in time"
        if result.get("error") or len(result["states"]) != c["calls"]:
            return result.get("error") or "calls are missing"
        found = [fault for state in result["states"] for fault in faults(c, state, options.group)]
        if options.verbose:
            print(json.dumps(result["states"][0]))
        return "; ".join(sorted(set(found))) or None
    finally:
        for process in programs.running[:]:
            if process not in mark:
                programs.stop(process)


def run_browser(web, programs, options, name, scratch, counter):
    passed = failed = 0
    cells = [c for c in BROWSERS[name][1] if options.only in c["name"] and (not options.group or c["version"] == "1.3")]
    if not cells:
        return 0, 0
    browser = start_browser(web, programs, name, scratch)
    for c in cells:
        counter[0] += 1
        began = time.monotonic()
        wrong = run_cell(web, programs, options, browser, counter[0], c)
        if c["janus"] and wrong and wrong.startswith("signalling:"): # of a Janus on a busy machine, before any DTLS
            print(f"     {name}: {c['name']}: once more after {wrong}", flush=True)
            counter[0] += 1
            wrong = run_cell(web, programs, options, browser, counter[0], c)
        passed, failed = passed + (wrong is None), failed + (wrong is not None)
        print(f"{'ok  ' if wrong is None else 'FAIL'} {name}: {c['name']} ({time.monotonic() - began:.1f} s)"
              f"{': ' + wrong if wrong else ''}", flush=True)
        if wrong and (browser.poll() is not None or "in time" in wrong):
            if browser in programs.running:
                programs.stop(browser)
            while not web.results.empty():
                web.results.get_nowait()
            browser = start_browser(web, programs, name, scratch)
    programs.stop(browser)
    return passed, failed


def enter_namespace():
    """Runs this again where nothing but loopback and a link to nowhere exists."""
    if os.environ.get("TERN_BROWSERS_INSIDE"):
        for command in ("ip link set lo up", "ip link add tern0 type veth peer name tern1", "ip link set tern0 up",
                        "ip link set tern1 up", f"ip addr add {ADDRESS}/24 dev tern0", "ip route add default via 10.77.0.2"):
            subprocess.run(shlex.split(command), check=True)
        return
    arguments = ["unshare", "--net", sys.executable, *sys.argv]
    if os.geteuid() != 0:
        arguments.insert(1, "--map-root-user")
    os.execvpe("unshare", arguments, {**os.environ, "TERN_BROWSERS_INSIDE": "1"})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--echo", default="build/examples/webrtc/webrtc-echo", help="the program, and what starts it")
    parser.add_argument("--tern", default="build/tern", help="likewise")
    parser.add_argument("--janus", default="out/janus", help="where its package is unpacked")
    parser.add_argument("--browser", action="append", choices=sorted(BROWSERS), help="all, if none is named")
    parser.add_argument("--group", default="", help="cells of DTLS 1.3 alone, which must agree on this group")
    parser.add_argument("--only", default="", help="cells with this in their name")
    parser.add_argument("--logs", default="out/browsers", help="a folder for what the programs say")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    enter_namespace()
    logs = pathlib.Path(options.logs)
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    programs, web, counter = Programs(logs), Web(), [0]
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="tern-browsers-", ignore_cleanup_errors=True) as scratch:
        options.scratch = scratch
        try:
            for name in options.browser or sorted(BROWSERS):
                p, f = run_browser(web, programs, options, name, scratch, counter)
                passed, failed = passed + p, failed + f
        finally:
            programs.stop_all()
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())
