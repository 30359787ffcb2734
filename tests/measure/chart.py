"""Line charts as SVG, written by hand: no library is needed to draw them or to look at them."""
import math

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 74, 170, 46, 54
COLOURS = ["#1f6fb4", "#c8501e", "#2e8b57", "#8a4fa3", "#b8860b"]
GREY = "#8a8a8a"
FONT = 'font-family="Helvetica, Arial, DejaVu Sans, sans-serif"'


def short(value):
    """1234 as 1.2k, at most three figures."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:.3g}"


def linear_ticks(top):
    step = 10 ** math.floor(math.log10(top))
    for part in (0.2, 0.5, 1):
        if top / (step * part) <= 8:
            step *= part
            break
    return [step * n for n in range(int(math.ceil(top / step)) + 1)]


def log_ticks(low, high):
    return [10.0 ** n for n in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def chart(title, x_name, y_name, series, y_log=False):
    """`series`: (label, points, is_floor); points are pairs of positive numbers. Gives the text.

    The x axis has a logarithmic scale, so that all decades are seen; the y axis a linear one that
    begins with 0, or a logarithmic one."""
    xs = [x for _, points, _ in series for x, _ in points]
    ys = [y for _, points, _ in series for _, y in points]
    x_ticks = log_ticks(min(xs), max(xs))
    x_low, x_high = math.log10(x_ticks[0]), math.log10(x_ticks[-1])
    y_ticks = log_ticks(min(ys), max(ys)) if y_log else linear_ticks(max(ys))
    scale = math.log10 if y_log else (lambda y: y)
    y_low, y_high = scale(y_ticks[0]), scale(y_ticks[-1])

    def at(x, y):
        right = (math.log10(x) - x_low) / max(x_high - x_low, 1e-9)
        up = (scale(y) - y_low) / (y_high - y_low)
        return LEFT + right * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
           text(LEFT, 26, title, 16, "start", "#202020", "bold")]
    for y in y_ticks:
        _, row = at(x_ticks[0], y)
        out.append(f'<line x1="{LEFT}" y1="{row:.1f}" x2="{WIDTH - RIGHT}" y2="{row:.1f}" stroke="#e0e0e0"/>')
        out.append(text(LEFT - 8, row + 4, short(y), 12, "end"))
    for x in x_ticks:
        column, _ = at(x, y_ticks[0])
        out.append(f'<line x1="{column:.1f}" y1="{TOP}" x2="{column:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#f0f0f0"/>')
        out.append(text(column, HEIGHT - BOTTOM + 18, short(x), 12, "middle"))
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, x_name, 13, "middle"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    out.append(f'<g transform="rotate(-90 18 {middle})">{text(18, middle + 4, y_name, 13, "middle")}</g>')
    colours = iter(COLOURS)
    ends = []
    for label, points, is_floor in series:
        colour = GREY if is_floor else next(colours)
        dash = ' stroke-dasharray="6 4"' if is_floor else ""
        places = [at(x, y) for x, y in sorted(points)]
        path = " ".join(f"{column:.1f},{row:.1f}" for column, row in places)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        out += [f'<circle cx="{c:.1f}" cy="{r:.1f}" r="2.6" fill="{colour}"/>' for c, r in places]
        ends.append([places[-1][1], places[-1][0], label, colour])
    out += labels(ends)
    out.append("</svg>")
    return "\n".join(out) + "\n"


def labels(ends):
    """The names of the lines, right of their ends, moved apart where they would meet."""
    ends.sort()
    for above, below in zip(ends, ends[1:]):
        below[0] = max(below[0], above[0] + 16)
    over = max(0, ends[-1][0] - (HEIGHT - BOTTOM))
    return [text(WIDTH - RIGHT + 10, row - over + 4, label, 13, "start", colour) for row, _, label, colour in ends]


def text(x, y, words, size, anchor, colour="#404040", weight="normal"):
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" {FONT} text-anchor="{anchor}" '
            f'font-weight="{weight}" fill="{colour}">{words}</text>')
