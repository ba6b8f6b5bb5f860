"""What the runtime weighs: CPU time of ``import wakeword`` and peak memory of ``wakeword detect`` on a minute of sound.

    python benchmarks/footprint.py [--repeats 7] [--json]

Medians over fresh processes. Beside them, the same interpreter doing nothing and importing numpy alone, in the same
run. Exits 1 unless the import takes less than 0.3 s of CPU, a Detector's class less than 0.1 s more than
numpy alone, and detecting peaks below 80 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import wave
from pathlib import Path

# Only the standard library here: Linux counts a parent's peak memory as its child's, so this process must stay small.


def run(arguments: list[str]) -> tuple[float, float]:
    """(CPU seconds, peak resident MB) of one fresh process."""
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, *arguments],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status) == 2:
        raise SystemExit(f"{arguments} failed")
    unit = 1e6 if sys.platform == "darwin" else 1e3  # ru_maxrss is bytes there, kilobytes elsewhere
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit


def main() -> int:
    """Print the table; 0 when both bars hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sound = str(Path(folder) / "minute.wav")
        with wave.open(sound, "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            for second in range(60):
                file.writeframes(random.Random(second).randbytes(2 * 16_000))
        jobs = {
            "python alone": ["-c", "pass"],
            "import numpy": ["-c", "import numpy"],
            "import wakeword": ["-c", "import wakeword"],
            "from wakeword import Detector": ["-c", "from wakeword import Detector"],
            "wakeword detect, 60 s file": ["-m", "wakeword", "detect", sound],
        }
        for job in jobs.values():
            run(job)  # so that byte code is compiled and files are in memory
        taken = {name: [run(job) for _ in range(args.repeats)] for name, job in jobs.items()}
    rows = {
        name: {"cpu_s": statistics.median(cpu for cpu, _ in runs), "peak_mb": statistics.median(mb for _, mb in runs)}
        for name, runs in taken.items()
    }
    if args.json:
        print(json.dumps(rows))
    else:
        for name, row in rows.items():
            print(f"{name:29} {row['cpu_s']:.3f} s CPU   {row['peak_mb']:6.1f} MB peak")
    beyond_numpy = rows["from wakeword import Detector"]["cpu_s"] - rows["import numpy"]["cpu_s"]
    holds = (
        rows["import wakeword"]["cpu_s"] < 0.3
        and beyond_numpy < 0.1
        and rows["wakeword detect, 60 s file"]["peak_mb"] < 80
    )
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
