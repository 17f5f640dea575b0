#!/usr/bin/env python3
"""plot.py IN.json... OUT.svg: draws what tern-bench-loss --json wrote, the 99th percentile over the loss.

Of several files a row is taken from the first that has it."""

import json
import math
import sys

PANELS = [("defaults", "each with its defaults"), ("same", "first timer 1 s and cookie for all")]
COLORS = {"Tern": "#0b6e4f", "OpenSSL": "#b03a2e", "GnuTLS": "#7d5fb2", "wolfSSL": "#c77800"}
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, GAP = 1000, 470, 70, 60, 90, 90
PLOT_W = (WIDTH - LEFT - GAP - 20) / 2
PLOT_H = HEIGHT - TOP - BOTTOM
LEAST_MS, MOST_MS = 100, 300000


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


def text(x, y, words, extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {extra}>{words}</text>'


def grid(left):
    yield f'<rect x="{left}" y="{TOP}" width="{PLOT_W}" height="{PLOT_H}" fill="none" stroke="#999"/>'
    for ms, name in ((100, "0.1 s"), (300, "0.3 s"), (1000, "1 s"), (3000, "3 s"), (10000, "10 s"), (30000, "30 s"),
                     (100000, "100 s"), (MOST_MS, "never")):
        y = height(ms)
        yield f'<line x1="{left}" x2="{left + PLOT_W}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        yield text(left - 6, y + 4, name, 'text-anchor="end"')
    for loss in (0, 5, 10, 20, 30):
        yield text(left + PLOT_W * loss / 30, TOP + PLOT_H + 18, f"{loss} %", 'text-anchor="middle"')
    yield text(left + PLOT_W / 2, TOP + PLOT_H + 38, "datagrams lost, each way", 'text-anchor="middle"')


def panel(left, table, title, rows):
    yield text(left + PLOT_W / 2, TOP - 14, title, 'text-anchor="middle" font-weight="bold"')
    yield from grid(left)
    for (name, row), found in rows.items():
        if name != table:
            continue
        color = next(c for stack, c in COLORS.items() if stack in row)
        dash = 'stroke-dasharray="6 4"' if row.startswith("1.3") else ""
        points = [(left + PLOT_W * loss / 30, height(ms)) for loss, ms in found["cells"]]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline points="{joined}" fill="none" stroke="{color}" stroke-width="2.2" {dash}><title>{row}</title></polyline>'
        for x, y in points:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"><title>{row}</title></circle>'


def legend():
    x = LEFT
    y = HEIGHT - 18
    for stack, color in COLORS.items():
        yield f'<line x1="{x}" x2="{x + 30}" y1="{y - 4}" y2="{y - 4}" stroke="{color}" stroke-width="2.2"/>'
        yield text(x + 36, y, stack)
        x += 120
    for words, dash in (("DTLS 1.2", ""), ("DTLS 1.3", 'stroke-dasharray="6 4"')):
        yield f'<line x1="{x}" x2="{x + 30}" y1="{y - 4}" y2="{y - 4}" stroke="#333" stroke-width="2.2" {dash}/>'
        yield text(x + 36, y, words)
        x += 120


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    rows = read(sys.argv[1:-1])
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
             'font-size="13" fill="#222">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
             text(WIDTH / 2, 24, "99th percentile of the handshake time, 100 ms round trip",
                  'text-anchor="middle" font-size="16" font-weight="bold"')]
    for i, (table, title) in enumerate(PANELS):
        parts += panel(LEFT + i * (PLOT_W + GAP), table, title, rows)
    parts += legend()
    parts.append("</svg>\n")
    with open(sys.argv[-1], "w", encoding="utf-8") as f:
        f.write("\n".join(parts))


if __name__ == "__main__":
    main()
