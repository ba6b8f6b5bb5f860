"""Make PyPI's torchaudio importable beside a CPU build of torch.

PyPI's Linux wheel of torchaudio carries compiled libraries that link CUDA. Beside a torch without CUDA
they fail to load, and the import fails with them. torchaudio's own loader skips the libraries when the
files are absent, and everything this project uses (MFCC, resampling, masking, noise mixing) is written in
Python on top of torch. So: where torch is a CPU build and torchaudio does not import, set the libraries
aside (renamed, not deleted). An ordinary torch is left untouched.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Check the import; mend it only in the one case described above. Returns the exit code."""
    if _imports():
        return 0
    if subprocess.call([sys.executable, "-c", "import sys, torch; sys.exit(torch.version.cuda is not None)"]):
        print(
            "torchaudio does not import, and torch is not a CPU build: reinstall both together.",
            file=sys.stderr,
        )
        return 1
    package = importlib.util.find_spec("torchaudio")
    if package is None or package.origin is None:
        print("torchaudio is not installed: pip install 'wakeword[train]'", file=sys.stderr)
        return 1
    for library in sorted((Path(package.origin).parent / "lib").glob("*.so")):
        library.rename(library.with_suffix(".so.needs-cuda"))
        print(f"torch is a CPU build: set aside {library.name}, which links CUDA")
    return 0 if _imports() else 1


def _imports() -> bool:
    """Whether a fresh interpreter can import torchaudio."""
    return subprocess.call([sys.executable, "-c", "import torchaudio"], stderr=subprocess.DEVNULL) == 0


if __name__ == "__main__":
    sys.exit(main())
