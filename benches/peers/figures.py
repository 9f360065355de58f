"""Medians and ratios out of what was measured."""

from statistics import median

PEERS = ("nginx", "haproxy", "envoy")


class Figures:
    """`samples` holds what each round measured: {"row": …, "contestant": …, "round": …, "cpu": …}."""

    def __init__(self, samples):
        self.samples = samples

    def rows(self):
        return list(dict.fromkeys(sample["row"] for sample in self.samples))

    def rounds(self, row, contestant, what="cpu"):
        found = [s for s in self.samples if (s["row"], s["contestant"]) == (row, contestant) and what in s]
        return [s[what] for s in sorted(found, key=lambda s: s["round"])]

    def median(self, row, contestant, what="cpu"):
        values = self.rounds(row, contestant, what)
        return median(values) if values else None

    def ratio(self, row, contestant):
        """What Tollgate needs of what the contestant needs: median of the rounds, least, most."""
        pairs = zip(self.rounds(row, "tollgate"), self.rounds(row, contestant))
        ratios = [ours / theirs for ours, theirs in pairs if theirs]
        return (median(ratios), min(ratios), max(ratios)) if ratios else None

    def best(self, row):
        """The contestant among nginx, HAProxy and Envoy that needs the least."""
        there = [peer for peer in PEERS if self.rounds(row, peer)]
        return min(there, key=lambda peer: self.median(row, peer)) if there else None

    def judged(self, row, contestant):
        """The goal that Tollgate has against it in this row, and by how much it is missed (or not)."""
        goal = row.goals.get(contestant)
        if goal is None and contestant == self.best(row.name):
            goal = row.goals.get("best")
        ratio = self.ratio(row.name, contestant)
        return (goal, ratio[0] - goal) if goal and ratio else None


def verdict(judged):
    if judged is None:
        return ""
    goal, missed_by = judged
    outcome = f"missed by {missed_by:.2f}" if missed_by > 0 else "kept"
    return f"goal {goal:.2f}: {outcome}"
