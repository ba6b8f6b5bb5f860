"""``wakeword doctor``: what is there, what is missing, and how to mend it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict

import click

from wakeword.cli.checks import Finding, examine
from wakeword.cli.devices import quiet_drivers
from wakeword.cli.text import printable

_COLORS = {"ok": "green", "warning": "yellow", "missing": "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object: all findings, and whether it works.")
def doctor(as_json: bool) -> None:
    """Check this installation: Python, packages, microphone, models, speech engines, caches.

    Every line is ok, warning or missing, with what to do about it. Exit code: 0 unless something is broken without
    which nothing works; then 1.
    """
    findings = []
    with quiet_drivers():
        for finding in examine():
            findings.append(finding)
            if not as_json:
                click.echo(_line(finding))
    broken = [finding for finding in findings if finding.essential and finding.status == "missing"]
    if as_json:
        click.echo(json.dumps({"works": not broken, "findings": [asdict(finding) for finding in findings]}, indent=1))
    else:
        counts = Counter(finding.status for finding in findings)
        verdict = f"broken: {', '.join(finding.name for finding in broken)}" if broken else "it works"
        click.echo(f"{counts['ok']} ok, {counts['warning']} to look at, {counts['missing']} missing: {verdict}")
    raise SystemExit(1 if broken else 0)


def _line(finding: Finding) -> str:
    """``ok       model happy     loads, 95 x real time``, and in the next line how to mend it."""
    status = f"{finding.status:8}"
    if sys.stdout is not None and sys.stdout.isatty():
        status = click.style(status, fg=_COLORS[finding.status])
    line = f"{status} {finding.name:15} {printable(finding.detail)}"
    return f"{line}\n{'':24} {printable(finding.mend)}" if finding.mend else line
