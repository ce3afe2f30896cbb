"""Draws a Grafana dashboard, as far as this one needs it, from what Prometheus answered to its queries.

usage: picture.py DASHBOARD ANSWERS PICTURE

DASHBOARD is Grafana's JSON, ANSWERS what story.py wrote, PICTURE a PNG. Layout, titles, legends, units,
colours and mappings are the dashboard's own.
"""

import json
import math
import re
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator
from PIL import Image

# Pixels: a column and a line of Grafana's grid, and the space between panels.
COLUMN, LINE, GAP = 68, 30, 8
DPI = 100
PAGE, PANEL, GRID, TEXT, FAINT = "#111217", "#181b1f", "#2a2d33", "#ccccdc", "#8e8ea0"
NAMED = {
    "green": "#73bf69", "red": "#f2495c", "orange": "#ff9830", "yellow": "#fade2a",
    "blue": "#5794f2", "purple": "#b877d9",
}  # fmt: skip
PALETTE = ["#73bf69", "#fade2a", "#5794f2", "#ff9830", "#b877d9", "#f2495c", "#8ab8ff", "#ffa6b0"]
BINARY = ["B", "KiB", "MiB", "GiB", "TiB"]


def color(name):
    return NAMED.get(name, name)


def scaled(value, size, names):
    step = 0
    while abs(value) >= size and step + 1 < len(names):
        value, step = value / size, step + 1
    return f"{value:.3g} {names[step]}".strip()


def duration(value):
    for bound, divisor, name in ((1e-3, 1e-6, "µs"), (1, 1e-3, "ms"), (60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h")):
        if abs(value) < bound:
            return f"{value / divisor:.3g} {name}"
    return f"{value / 86400:.3g} d"


def formatted(value, unit):
    if value == 0:
        return "0" if unit == "short" else {"s": "0 s", "bytes": "0 B", "percentunit": "0 %"}.get(unit, "0")
    match unit:
        case "s":
            return duration(value)
        case "bytes":
            return scaled(value, 1024, BINARY)
        case "percentunit":
            return f"{value * 100:.3g} %"
        case _:
            return scaled(value, 1000, ["", "k", "M", "G"])


def with_unit(value, unit):
    suffix = {"eps": " events/s", "reqps": " req/s"}.get(unit, "")
    return formatted(value, unit) + suffix


def shown_name(panel, legend, labels):
    name = re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend)
    for transformation in panel.get("transformations", ()):
        options = transformation["options"]
        name = re.sub(options["regex"], re.sub(r"\$(\d)", r"\\\1", options["renamePattern"]), name)
    return name or "value"


def lines(panel, answers):
    """Every line of the panel: its name, its times and its values."""
    for target in panel["targets"]:
        for series in answers[target["expr"]]:
            points = [(float(time), float(value)) for time, value in series["values"]]
            points = [(time, math.nan if math.isinf(value) else value) for time, value in points]
            if points:
                yield shown_name(panel, target["legendFormat"], series["metric"]), points


def overrides(panel, name):
    properties = {}
    for override in panel["fieldConfig"]["overrides"]:
        if re.search(override["matcher"]["options"], name):
            properties |= {it["id"]: it["value"] for it in override["properties"]}
    return properties


def threshold(panel, value):
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    reached = [step for step in steps if step["value"] is None or value >= step["value"]]
    return color(reached[-1]["color"])


def mapping(panel, value):
    for mapped in panel["fieldConfig"]["defaults"]["mappings"]:
        if found := mapped["options"].get(f"{value:g}"):
            return found
    return None


class Canvas:
    def __init__(self, panels, begin, end):
        height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
        self.width, self.height = 24 * COLUMN + GAP, height * LINE + GAP
        self.begin, self.end = begin, end
        self.figure = plt.figure(figsize=(self.width / DPI, self.height / DPI), dpi=DPI, facecolor=PAGE)

    def axes(self, x, y, width, height):
        """By pixels from the top left."""
        place = (x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(place, facecolor="none")
        axes.set_xlim(self.begin, self.end)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.tick_params(colors=FAINT, labelsize=7, length=0)
        axes.grid(color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.xaxis.set_major_formatter(FuncFormatter(self.clock))
        minutes = range(1, int(self.end - self.begin) // 60 + 1)
        axes.xaxis.set_major_locator(FixedLocator([self.begin + 60 * minute for minute in minutes]))
        return axes

    def clock(self, time, _):
        return f"{int(time - self.begin) // 60}:{int(time - self.begin) % 60:02}"

    def text(self, x, y, words, **style):
        style = {"color": TEXT, "va": "top", "fontsize": 8} | style
        self.figure.text(x / self.width, 1 - y / self.height, words, **style)

    def box(self, panel):
        place = panel["gridPos"]
        x, y = place["x"] * COLUMN + GAP, place["y"] * LINE + GAP
        width, height = place["w"] * COLUMN - GAP, place["h"] * LINE - GAP
        if panel["type"] != "row":
            corner = (x / self.width, 1 - (y + height) / self.height)
            shape = plt.Rectangle(
                corner, width / self.width, height / self.height,
                transform=self.figure.transFigure, facecolor=PANEL, edgecolor=GRID, linewidth=0.8, zorder=-1,
            )  # fmt: skip
            self.figure.add_artist(shape)
            self.text(x + 8, y + 8, panel["title"], fontsize=8.5, weight="bold")
        return x, y, width, height


def draw_row(canvas, panel, _):
    x, y, _, height = canvas.box(panel)
    canvas.text(x + 2, y + height / 2, panel["title"], fontsize=10.5, weight="bold", va="center")


def draw_stat(canvas, panel, answers):
    x, y, width, height = canvas.box(panel)
    defaults = panel["fieldConfig"]["defaults"]
    found = list(lines(panel, answers))
    if not found:
        words, tint = defaults.get("noValue", "no data"), FAINT
    else:
        name, points = found[0]
        value = points[-1][1]
        mapped = mapping(panel, value)
        words = mapped["text"] if mapped else with_unit(value, defaults["unit"])
        tint = threshold(panel, value)
        if panel["options"]["textMode"] == "name":
            words = name
        if panel["options"]["graphMode"] == "area":
            axes = canvas.axes(x + 1, y + height * 0.62, width - 2, height * 0.38 - 1)
            axes.axis("off")
            times, values = zip(*points)
            axes.fill_between(times, values, color=tint, alpha=0.25, linewidth=0)
            axes.plot(times, values, color=tint, linewidth=0.9)
            axes.set_ylim(0, max(1e-9, *(value for value in values if not math.isnan(value))) * 1.1)
    canvas.text(x + width / 2, y + height * 0.47, words, fontsize=17, color=tint, ha="center", va="center")


def draw_series(canvas, panel, answers):
    x, y, width, height = canvas.box(panel)
    defaults = panel["fieldConfig"]["defaults"]
    custom, unit = defaults["custom"], defaults["unit"]
    found = list(lines(panel, answers))
    styles = [overrides(panel, name) for name, _ in found]
    values = [last(points) for _, points in found]
    units = [style.get("unit", unit) for style in styles]
    entries = [f"{name}  {with_unit(*told)}" for (name, _), *told in zip(found, values, units)]
    legend = Legend(width - 20, entries)
    room = legend.rows * 13 + 26
    right = any(style.get("custom.axisPlacement") == "right" for style in styles)
    axes = canvas.axes(x + 52, y + 32, width - 66 - 30 * right, height - 36 - room)
    other = axes.twinx() if right else None
    free, below = iter(PALETTE * 9), None
    tints = []
    for (name, points), style in zip(found, styles):
        fixed = style.get("color", {}).get("fixedColor")
        tints.append(color(fixed) if fixed else next(free))
        on = other if style.get("custom.axisPlacement") == "right" else axes
        times, values = zip(*points)
        fill = style.get("custom.fillOpacity", custom["fillOpacity"]) / 100
        dashed = (0, (4, 3)) if style.get("custom.lineStyle", {}).get("fill") == "dash" else "solid"
        steps = "steps-post" if custom["lineInterpolation"] == "stepAfter" else "default"
        if custom["stacking"]["mode"] == "normal":
            known = dict(points)
            below = below or {}
            bottom = [below.get(time, 0.0) for time in times]
            values = [base + (0 if math.isnan(value) else value) for base, value in zip(bottom, known.values())]
            below |= dict(zip(times, values))
            on.fill_between(times, bottom, values, color=tints[-1], alpha=fill, linewidth=0)
        elif fill:
            step = "post" if steps != "default" else None
            on.fill_between(times, values, color=tints[-1], alpha=fill, linewidth=0, step=step)
        on.plot(times, values, color=tints[-1], linewidth=1, linestyle=dashed, drawstyle=steps)
    finish(axes, unit)
    if other:
        finish(other, "short")
        other.grid(False)
        for spine in other.spines.values():
            spine.set_visible(False)
        other.tick_params(colors=FAINT, labelsize=7, length=0)
    legend.draw(canvas, x + 10, y + height - room + 18, tints)


def last(points):
    return next((value for _, value in reversed(points) if not math.isnan(value)), 0.0)


def finish(axes, unit):
    axes.set_ylim(bottom=0)
    if axes.get_ylim()[1] < 1e-6 or (axes.dataLim.y1 <= 0 and not math.isinf(axes.dataLim.y1)):
        axes.set_ylim(0, 1)
    top, scale = axes.get_ylim()[1], 1
    while unit == "bytes" and top / scale >= 1024:
        scale *= 1024
    ticks = [tick * scale for tick in MaxNLocator(5).tick_values(0, top / scale)]
    axes.yaxis.set_major_locator(FixedLocator([tick for tick in ticks if 0 <= tick <= top]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: formatted(value, unit)))


class Legend:
    """Below a panel: as many entries a row as there is room for, and three rows at the most."""

    CHARACTER, ROWS_MAX = 5.4, 3

    def __init__(self, width, entries):
        self.entries, self.places = entries, []
        row, x = 0, 0.0
        for entry in entries:
            wide = 28 + self.CHARACTER * len(entry)
            if x and x + wide > width:
                row, x = row + 1, 0.0
            self.places.append((row, x))
            x += wide
        self.rows = min(self.ROWS_MAX, row + 1)

    def draw(self, canvas, x, y, tints):
        for (row, offset), entry, tint in zip(self.places, self.entries, tints):
            if row < self.ROWS_MAX:
                canvas.text(x + offset, y + row * 13, "━", color=tint, fontsize=7)
                canvas.text(x + offset + 13, y + row * 13, entry, color=FAINT, fontsize=6.8)


def draw_states(canvas, panel, answers):
    x, y, width, height = canvas.box(panel)
    found = sorted(lines(panel, answers))
    axes = canvas.axes(x + 130, y + 34, width - 144, height - 80)
    axes.grid(False)
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_yticks(range(len(found)), [name for name, _ in found], color=TEXT)
    for place, (_, points) in enumerate(found):
        for (time, value), (after, _) in zip(points, points[1:]):
            tint = color(mapping(panel, value)["color"])
            axes.barh(place, after - time, left=time, height=0.7, color=tint, linewidth=0)
    options = panel["fieldConfig"]["defaults"]["mappings"][0]["options"].values()
    for index, state in enumerate(options):
        at = x + 10 + index * 90
        canvas.text(at, y + height - 22, "■", color=color(state["color"]), fontsize=8)
        canvas.text(at + 13, y + height - 22, state["text"], color=FAINT, fontsize=7)


DRAWERS = {"row": draw_row, "stat": draw_stat, "timeseries": draw_series, "state-timeline": draw_states}


def main(dashboard, answers, picture):
    with open(dashboard, encoding="utf-8") as file:
        panels = json.load(file)["panels"]
    with open(answers, encoding="utf-8") as file:
        answers = json.load(file)
    times = [float(time) for found in answers.values() for series in found for time, _ in series["values"]]
    plt.rcParams["font.family"] = "DejaVu Sans"
    canvas = Canvas(panels, min(times), max(times))
    for panel in panels:
        DRAWERS[panel["type"]](canvas, panel, answers)
    canvas.figure.savefig(picture, dpi=DPI, facecolor=PAGE)
    # A palette is enough for it, and a quarter of the bytes.
    Image.open(picture).convert("RGB").quantize(128).save(picture, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
