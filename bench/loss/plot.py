#!/usr/bin/env python3
"""plot.py IN.json... OUT.svg: draws what tern-bench-loss --json wrote, the 99th percentile over the loss.

Of several files a row is taken from the first that has it."""

import json
import math
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import svg  # pylint: disable=wrong-import-position

PANELS = [("defaults", "each with its defaults"), ("same", "first timer 1 s and cookie for all")]
COLORS = {"Tern": "#0b6e4f", "OpenSSL": "#b03a2e", "GnuTLS": "#7d5fb2", "wolfSSL": "#c77800"}
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, GAP = 1000, 470, 70, 60, 90, 90
PLOT_W = (WIDTH - LEFT - GAP - 20) / 2
PLOT_H = HEIGHT - TOP - BOTTOM
LEAST_MS, MOST_MS = 100, 300000
DASH = "6 4"


def read(paths):
    rows = {}
    for path in paths:
        with open(path, encoding="utf-8") as f:
            for cell in json.load(f)["cells"]:
                key = (cell["table"], cell["row"])
                rows.setdefault(key, {"from": path, "cells": []})
                if rows[key]["from"] == path:
                    rows[key]["cells"].append((cell["loss"], cell["p99_ms"]))
    return rows


def height(ms):
    ms = MOST_MS if ms < 0 else ms
    return TOP + PLOT_H * (1 - math.log(ms / LEAST_MS) / math.log(MOST_MS / LEAST_MS))


def grid(left):
    yield svg.rect(left, TOP, PLOT_W, PLOT_H, fill="none", stroke="#999")
    for ms, name in ((100, "0.1 s"), (300, "0.3 s"), (1000, "1 s"), (3000, "3 s"), (10000, "10 s"), (30000, "30 s"),
                     (100000, "100 s"), (MOST_MS, "never")):
        y = height(ms)
        yield svg.line(left, y, left + PLOT_W, y, stroke="#ddd")
        yield svg.text(left - 6, y + 4, name, text_anchor="end")
    for loss in (0, 5, 10, 20, 30):
        yield svg.text(left + PLOT_W * loss / 30, TOP + PLOT_H + 18, f"{loss} %", text_anchor="middle")
    yield svg.text(left + PLOT_W / 2, TOP + PLOT_H + 38, "datagrams lost, each way", text_anchor="middle")


def panel(left, table, title, rows):
    yield svg.text(left + PLOT_W / 2, TOP - 14, title, text_anchor="middle", font_weight="bold")
    yield from grid(left)
    for (name, row), found in rows.items():
        if name != table:
            continue
        color = next(c for stack, c in COLORS.items() if stack in row)
        dash = DASH if row.startswith("1.3") else None
        points = [(left + PLOT_W * loss / 30, height(ms)) for loss, ms in found["cells"]]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield svg.element("polyline", {"points": joined, "fill": "none", "stroke": color, "stroke_width": 2.2,
                                       "stroke_dasharray": dash}, svg.title(row))
        for x, y in points:
            yield svg.element("circle", {"cx": x, "cy": y, "r": 3, "fill": color}, svg.title(row))


def legend():
    x = LEFT
    y = HEIGHT - 18
    for stack, color in COLORS.items():
        yield svg.line(x, y - 4, x + 30, y - 4, stroke=color, stroke_width=2.2)
        yield svg.text(x + 36, y, stack)
        x += 120
    for words, dash in (("DTLS 1.2", None), ("DTLS 1.3", DASH)):
        yield svg.line(x, y - 4, x + 30, y - 4, stroke="#333", stroke_width=2.2, stroke_dasharray=dash)
        yield svg.text(x + 36, y, words)
        x += 120


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    rows = read(sys.argv[1:-1])
    parts = [svg.text(WIDTH / 2, 24, "99th percentile of the handshake time, 100 ms round trip", text_anchor="middle",
                      font_size=16, font_weight="bold")]
    for i, (table, title) in enumerate(PANELS):
        parts += panel(LEFT + i * (PLOT_W + GAP), table, title, rows)
    parts += legend()
    with open(sys.argv[-1], "w", encoding="utf-8") as f:
        f.write(svg.document((WIDTH, HEIGHT), parts, font_size=13, fill="#222"))


if __name__ == "__main__":
    main()
