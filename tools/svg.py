"""svg.py: the pictures that tools/bench_svg.py and bench/loss/plot.py draw are made of these."""

from html import escape


def element(name, attributes, content=None):
    """Attributes are written with _ for -. Numbers have one digit behind the point."""
    inside = "".join(f' {key.replace("_", "-")}="{value:.1f}"' if isinstance(value, float) else
                     f' {key.replace("_", "-")}="{value}"' for key, value in attributes.items() if value is not None)
    return f"<{name}{inside}/>" if content is None else f"<{name}{inside}>{content}</{name}>"


def text(x, y, words, **attributes):
    return element("text", {"x": x, "y": y, **attributes}, escape(words))


def rect(x, y, width, height, **attributes):
    return element("rect", {"x": x, "y": y, "width": width, "height": height, **attributes})


def line(x1, y1, x2, y2, **attributes):
    return element("line", {"x1": x1, "x2": x2, "y1": y1, "y2": y2, **attributes})


def title(words):
    """What a reader sees who points at the element that contains it."""
    return element("title", {}, escape(words))


def document(box, parts, **attributes):
    """box: width and height."""
    width, height = box
    size = {"viewBox": f"0 0 {width} {height}", "font_family": "sans-serif", **attributes}
    background = element("rect", {"width": width, "height": height, "fill": "white"})
    content = "\n".join(["", background, *parts, ""])
    return element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size}, content) + "\n"
