#!/usr/bin/env python3
"""Simulates schedules in pieces, several at a time, and adds up in a log what was done, so that it can be stopped and go on.

A line of the log: campaign, scenario, first, count, runs, failed, seconds of CPU, revision. What a line says was done is not
done again, whatever the revision; a new log starts afresh.
"""

import argparse
import collections
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import threading
import time

# Every order and every loss of the records of these handshakes, in full; the first is the space of GnuTLS's dtls-stress.
SPACES = ["mutual-no-ticket", "13-mutual-no-cookie", "13-no-cookie", "13-psk-no-cookie", "psk-no-cookie", "no-cookie"]
# Their seeds have no end; the first figure is the share of each, of the time that the spaces leave.
RANDOM = {"random": (6, []), "storm": (1, ["--storm"]), "wild": (1, ["--wild"])}
PIECE = {"shuffles": 400_000, "random": 100_000, "storm": 20_000, "wild": 40_000}
Piece = collections.namedtuple("Piece", "campaign scenario first count")


class Log:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.done = collections.defaultdict(set)  # (campaign, scenario): where pieces begin that are done
        self.runs = collections.Counter()
        self.failed = 0
        self.lock = threading.Lock()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            for number, line in enumerate(self.path.read_text().splitlines(), 1):
                self.take(line, number)

    def take(self, line, number):
        fields = line.split()
        if len(fields) != 8 or not all(field.isdigit() for field in fields[2:6]):
            sys.exit(f"soak: {self.path}:{number} cannot be read; remove the line, or the log")
        campaign, scenario = fields[:2]
        first, _, runs, failed = map(int, fields[2:6])
        self.done[campaign, scenario].add(first)
        self.runs[campaign] += runs
        self.failed += failed

    def add(self, piece, runs, failed, seconds, revision):
        line = f"{piece.campaign} {piece.scenario} {piece.first} {piece.count} {runs} {failed} {seconds:.1f} {revision}"
        with self.lock, self.path.open("a") as log:
            log.write(line + "\n")
            self.take(line, 0)


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def spaces(sim, log):
    for scenario in SPACES:
        size = int(output_of(sim, "--scenario", scenario, "--space"))
        for first in range(0, size, PIECE["shuffles"]):
            if first in log.done["shuffles", scenario]:
                continue
            yield Piece("shuffles", scenario, first, min(PIECE["shuffles"], size - first))


def seeds(log):
    """All scenarios together: the seeds of a piece are shared among them."""
    at = {campaign: max(log.done[campaign, "all"], default=-PIECE[campaign]) + PIECE[campaign] for campaign in RANDOM}
    while True:
        for campaign, (share, _) in RANDOM.items():
            for _ in range(share):
                yield Piece(campaign, "all", at[campaign], PIECE[campaign])
                at[campaign] += PIECE[campaign]


def alternate(*generators):
    live = list(generators)
    while live:
        for generator in list(live):
            piece = next(generator, None)
            if piece:
                yield piece
            else:
                live.remove(generator)


def command_of(sim, piece):
    command = [sim, "--first", str(piece.first), "--schedules", str(piece.count)]
    if piece.campaign == "shuffles":
        return command + ["--shuffles", "--scenario", piece.scenario]
    return command + RANDOM[piece.campaign][1]


def run_piece(sim, piece, log, revision):
    began = time.monotonic()
    try:
        result = subprocess.run(command_of(sim, piece), capture_output=True, text=True, timeout=3600, check=False)
        output = result.stdout + result.stderr
    except subprocess.TimeoutExpired:
        output = "no end within an hour"
    found = re.search(r"^(\d+) runs, (\d+) failed", output, re.MULTILINE)
    runs, failed = (int(found[1]), int(found[2])) if found else (0, 1)
    if failed:
        print(f"\n{' '.join(command_of(sim, piece))}\n{output}", flush=True)
    log.add(piece, runs, failed, time.monotonic() - began, revision)
    return runs, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sim", default="build-soak/sim")
    parser.add_argument("--log", default="out/soak.log")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--spaces", action="store_true", help="only the orders and losses, until all are done")
    args = parser.parse_args()
    log = Log(args.log)
    revision = output_of("git", "describe", "--always", "--dirty") if pathlib.Path(".git").exists() else "unknown"
    pieces = spaces(args.sim, log) if args.spaces else alternate(spaces(args.sim, log), seeds(log))
    began = time.monotonic()
    runs = failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        waiting = set()
        piece = next(pieces, None)
        while piece or waiting:
            while piece and len(waiting) < args.jobs:
                waiting.add(pool.submit(run_piece, args.sim, piece, log, revision))
                piece = next(pieces, None) if time.monotonic() - began < args.minutes * 60 else None
            finished, waiting = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
            for result in finished:
                runs += result.result()[0]
                failed += result.result()[1]
            seconds = time.monotonic() - began
            print(f"{seconds / 60:7.1f} min  {runs:>13,} schedules  {runs / seconds:>8,.0f}/s  {failed} failed", flush=True)
    print(f"in all, by {args.log}:")
    for campaign, count in sorted(log.runs.items()):
        print(f"  {campaign:10} {count:>15,}")
    print(f"  {'failed':10} {log.failed:>15,}")
    print(f"{runs - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
