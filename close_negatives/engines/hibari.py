"""hibari from the package hibari-tts: a small network, taught by one voice of Kokoro (Apache-2.0).

One woman ships with the package; she reads American and British spellings-to-sound. Four more voices speak where the
user has fetched them with hibari's own command; this adapter never fetches one.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from close_negatives.engines.base import Engine, Request, Speech, Voice
from close_negatives.engines.symbols import KOKORO_GB, KOKORO_US, write

_LICENCE = "Apache-2.0"


class Hibari(Engine):
    """Voices are named ``speaker-accent``; a seed picks the noise of breath and hiss."""

    name = "hibari"
    install_hint = "pip install hibari-tts"
    packages = ("hibari", "onnxruntime")
    distributions = ("hibari-tts", "onnxruntime", "numpy")
    heeds = frozenset({"rate", "pitch", "seed"})

    def voices(self) -> list[Voice]:
        self.require()
        return list(_voices())

    def _speak(self, request: Request) -> Speech:
        speaker, _, accent = request.voice.name.partition("-")
        network, british = _network(speaker), accent == "GB"
        if request.phonemes:
            symbols = write(request.phonemes, KOKORO_GB if british else KOKORO_US)
        else:
            symbols = " ".join(network.split_sentences(request.text) and _reader(british)(request.text).split())
        if symbols and symbols[-1] not in ".,?!":
            symbols += "."  # without an end the network trails off into a second, half-said word
        ids = np.asarray([network.ids(symbols)], np.int64)
        # The steps of Hibari.from_ids with one between them: the pitch curve is the network's last output, in Hz.
        outputs = network.sess.run(None, {"ids": ids, "speed": np.asarray([request.rate], np.float32)})
        *spectra, pitch_hz = (output[0] for output in outputs)
        from hibari import dsp

        rng = np.random.default_rng(request.seed)
        return dsp.synth(*spectra, pitch_hz * np.float32(request.pitch), rng), dsp.SR


@lru_cache(maxsize=1)
def _voices() -> tuple[Voice, ...]:
    from hibari.voices import VOICES, cache_dir

    found = []
    for speaker, facts in VOICES.items():
        if facts.get("bundled"):
            accents = ["US", "GB"]
        elif (Path(cache_dir()) / facts["file"]).exists():
            accents = ["GB" if facts["british"] else "US"]
        else:
            continue
        found += [Voice("hibari", f"{speaker}-{accent}", f"en-{accent}", _LICENCE, natural=True) for accent in accents]
    return tuple(found)


@lru_cache(maxsize=8)
def _network(speaker: str) -> Any:
    from hibari import Hibari as Network

    return Network(voice=speaker, threads=1)  # one thread: sums over several can come out in another order


@lru_cache(maxsize=2)
def _reader(british: bool) -> Any:
    from hibari.g2p import G2P

    return G2P(british=british)
