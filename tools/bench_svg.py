#!/usr/bin/env python3
"""bench_svg.py FIGURES.json PICTURE.svg: what tern-bench-suite --json wrote, as bars."""

import json
import sys

import svg

SERIES = [("tern", "Tern", "#1f6f8b"), ("openssl", "libssl", "#c65d3b"), ("wolfssl", "wolfSSL", "#d9a441"),
          ("nss", "NSS", "#7a5ba6"),
          ("floor", "floor: the bare cryptography", "#9aa5b1")]
CHARTS = [("us", "Handshakes, CPU us of one side"), ("ns", "Records, CPU ns"), ("wire ns", "Over loopback, CPU ns")]
LABELS, BARS, BAR, GAP, HEAD = 300, 520, 9, 8, 64
WIDTH = LABELS + BARS + 90


def legend(rows, y):
    x = LABELS
    for key, name, color in SERIES:
        if any(key in row for row in rows):
            yield svg.rect(x, y - 9, 10, 10, fill=color)
            yield svg.text(x + 14, y, name, font_size=11)
            x += 30 + 7 * len(name)


def chart(title, rows, y):
    """The picture's lines, and where it ends."""
    scale = BARS / max(row[key] for row in rows for key, _, _ in SERIES if key in row)
    lines = [svg.text(10, y + 20, title, font_size=15, font_weight="bold"), *legend(rows, y + 42)]
    y += HEAD
    for row in rows:
        top = y
        for key, _, color in SERIES:
            if key not in row:
                continue
            width = max(row[key] * scale, 1)
            lines.append(svg.rect(LABELS, y, width, BAR - 1, fill=color))
            lines.append(svg.text(LABELS + width + 4, y + BAR - 2, f"{row[key]:.1f}", font_size=9))
            y += BAR
        lines.append(svg.text(LABELS - 8, (top + y) / 2 + 4, f"{row['name']}, {row['part']}", font_size=11,
                              text_anchor="end"))
        y += GAP
    return lines, y + 20


def picture(figures):
    lines, y = [], 10
    for unit, title in CHARTS:
        rows = [row for row in figures["rows"] if row["unit"] == unit and "floor" in row]
        if rows:
            more, y = chart(title, rows, y)
            lines += more
    foot = f"tern {figures['tern']}, records by {figures['record_crypto']}; libssl {figures['openssl']}"
    lines.append(svg.text(10, y, foot, font_size=10))
    return svg.document((WIDTH, y + 12), lines, width=WIDTH, height=y + 12)


def main(arguments):
    if len(arguments) != 2:
        sys.exit(__doc__)
    with open(arguments[0], encoding="utf-8") as file:
        figures = json.load(file)
    with open(arguments[1], "w", encoding="utf-8") as file:
        file.write(picture(figures))
    print(f"{arguments[0]} has the figures, {arguments[1]} the picture")


if __name__ == "__main__":
    main(sys.argv[1:])
