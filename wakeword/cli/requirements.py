"""What this package says it needs, from its own metadata, held against what is installed."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata

#: As this project writes them: name, extras of it (whose own packages have their own lines), versions, marker.
_LINE = re.compile(
    r"^\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*\(?(?P<versions>[^;()]*)\)?\s*(?:;(?P<marker>.*))?$"
)
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_PLATFORM = re.compile(r"""sys_platform\s*(==|!=)\s*["']([^"']+)["']""")


@dataclass(frozen=True)
class Requirement:
    """A package that is needed: its name, the version clauses (">=1.2" and the like), the extra ("" = always)."""

    name: str
    clauses: tuple[str, ...]
    extra: str = ""

    def problem(self) -> str:
        """ "" where it is met; else "NAME is not installed" or "NAME is 1.0, not >=2.0"."""
        try:
            installed = metadata.version(self.name)
        except metadata.PackageNotFoundError:
            return f"{self.name} is not installed"
        if all(_holds(installed, clause) for clause in self.clauses):
            return ""
        return f"{self.name} is {installed}, not {','.join(self.clauses)}"


def requirements(distribution: str = "wakeword") -> list[Requirement] | None:
    """Those for this platform; None where the distribution is not installed, but run from its folder."""
    try:
        lines = metadata.requires(distribution)
    except metadata.PackageNotFoundError:
        return None
    # An extra that takes in another one names the package itself.
    return [one for one in parse(lines or []) if one.name != distribution]


def parse(lines: Iterable[str], platform: str = sys.platform) -> list[Requirement]:
    """The requirements of such lines that hold on ``platform``; a line of another form raises ValueError."""
    found = []
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            raise ValueError(f"no requirement: {line!r}")
        marker = match["marker"] or ""
        fits = all((name == platform) == (sign == "==") for sign, name in _PLATFORM.findall(marker))
        if fits:
            extra = _EXTRA.search(marker)
            clauses = tuple(clause.strip() for clause in match["versions"].split(",") if clause.strip())
            found.append(Requirement(match["name"], clauses, extra[1] if extra else ""))
    return found


def _holds(installed: str, clause: str) -> bool:
    """>= and == by their numbers; what else a clause may say is not judged."""
    match = re.match(r"^(>=|==)\s*([0-9.]+)$", clause)
    if match is None:
        return True
    have, want = _numbers(installed), _numbers(match[2])
    length = max(len(have), len(want))
    have, want = have + [0] * (length - len(have)), want + [0] * (length - len(want))
    return have >= want if match[1] == ">=" else have == want


def _numbers(version: str) -> list[int]:
    release = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    return [int(part) for part in release[0].split(".")] if release else []
