"""The one table: rows of a value, what it is compared with, their ratio and a target."""

import statistics


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def number(value):
    if value is None:
        return "-"
    if value >= 1e6:
        return f"{value / 1e6:.2f} M"
    if value >= 10000:
        return f"{value / 1e3:.1f} k"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


class Row:
    """`at_most` or `at_least` is the target for the ratio, or for the value when there is no limit."""

    def __init__(self, what, unit, value, limit=None, at_most=None, at_least=None, peers=None):
        self.what, self.unit = what, unit
        self.value, self.limit = value, limit
        self.at_most, self.at_least = at_most, at_least
        self.peers = peers or {}
        self.slack = 1

    def ratio(self, value):
        return value / self.limit if value is not None and self.limit else None

    def judged(self):
        return self.ratio(self.value) if self.limit else self.value

    def verdict(self):
        if self.at_most is None and self.at_least is None:
            return ""
        if self.judged() is None:
            return "not measured"
        met = self.judged() <= self.at_most * self.slack if self.at_most is not None \
            else self.judged() * self.slack >= self.at_least
        return "met" if met else "MISSED"

    def target(self):
        if self.at_most is not None:
            return f"<= {self.at_most:g}" + (" x" if self.limit else "")
        if self.at_least is not None:
            return f">= {self.at_least:g}" + (" x" if self.limit else "")
        return ""

    def cells(self, peers):
        ratio = self.ratio(self.value)
        cells = [self.what, self.unit, number(self.limit), number(self.value),
                 f"{ratio:.2f}" if ratio is not None else "-"]
        cells += [f"{self.ratio(self.peers[peer]):.2f}"
                  if self.ratio(self.peers.get(peer)) is not None else "-" for peer in peers]
        return cells + [self.target(), self.verdict()]

    def document(self):
        return {"what": self.what, "unit": self.unit, "limit": self.limit, "thox": self.value,
                "ratio": self.ratio(self.value), "peers": self.peers, "at_most": self.at_most,
                "at_least": self.at_least, "verdict": self.verdict()}


def format_table(rows, peers):
    lines = [["what", "unit", "limit", "thox", "ratio", *peers, "target", ""]]
    lines += [row.cells(peers) for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    texts = []
    for line in lines:
        cells = [cell.ljust(width) if i < 2 else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(line, widths))]
        texts.append("  ".join(cells).rstrip())
    texts.insert(1, "-" * max(len(text) for text in texts))
    return "\n".join(texts)
