"""Bars of CPU time a request, a panel for each row, as SVG."""

from html import escape

COLOURS = {
    "tollgate": "#1b6e53",
    "nginx": "#7a8b99",
    "haproxy": "#8fa3b3",
    "envoy": "#a9b8c4",
    "pingora": "#bcc8d1",
    "relay": "#d6dde2",
    "direct": "#e6eaed",
}
WIDTH, LABEL, BAR, PANEL_GAP = 440, 70, 16, 44
TEXT = 'font-family="sans-serif" font-size="11" fill="#222"'


def draw(figures, rows):
    """Panels in two columns, each with a scale of its own."""
    panels = [(row, bars(figures, row)) for row in rows]
    panels = [(row, found) for row, found in panels if found]
    parts, heights = [], [20, 20]
    for row, found in panels:
        column = heights.index(min(heights))
        parts.append(panel(row.title, found, 20 + column * (WIDTH + 30), heights[column]))
        heights[column] += BAR * len(found) + PANEL_GAP
    width, height = 2 * WIDTH + 70, max(heights)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">\n'
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def bars(figures, row):
    found = [(name, figures.median(row.name, name)) for name in COLOURS]
    return [(name, value) for name, value in found if value is not None]


def panel(title, found, left, top):
    most = max(value for _, value in found)
    parts = [f'<text x="{left}" y="{top + 12}" {TEXT} font-weight="bold">{escape(title)}</text>']
    for number, (name, value) in enumerate(found):
        y = top + 20 + number * BAR
        length = (WIDTH - LABEL - 60) * value / most
        parts.append(f'<text x="{left + LABEL - 6}" y="{y + 11}" {TEXT} text-anchor="end">{name}</text>')
        parts.append(
            f'<rect x="{left + LABEL}" y="{y + 1}" width="{length:.1f}" height="{BAR - 3}" fill="{COLOURS[name]}"/>'
        )
        parts.append(f'<text x="{left + LABEL + length + 5:.1f}" y="{y + 11}" {TEXT}>{value:.1f} µs</text>')
    return "\n".join(parts)
