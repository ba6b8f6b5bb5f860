"""What the detector hears, as a picture: per frame the span of the waveform and a column of its spectrum."""

from __future__ import annotations

import struct

import numpy as np

from wakeword.features import FeatureStream, dct_matrix
from wakeword.model import WakeWordModel

#: first frame, frames, mel bands, cepstra; the arrays follow: int16 low and high, uint8 mel, uint8 cepstra.
HEADER = struct.Struct("<IHBB")
#: Natural log of a mel band's power that is drawn black and the one that is drawn brightest.
_DARKEST, _BRIGHTEST = -11.5, 5.0
#: Cepstra are drawn as the network gets them, standardised; so many standard deviations are the end of the scale.
_DEVIATIONS = 3.0


class Strip:
    """Blocks of 16 kHz sound -> messages that a page draws, of the frames they complete.

    The spectrum is not another analysis of the sound: it is the detector's own cepstra with their cosine
    transform undone, so what is not to be seen in it the network cannot hear either.
    """

    def __init__(self, model: WakeWordModel) -> None:
        self.spec = model.spec
        self._mean = np.mean([network.mean for network in model.networks], axis=0)
        self._std = np.mean([network.std for network in model.networks], axis=0)
        self._to_mel = dct_matrix(self.spec.n_mels, self.spec.n_cepstra).T.astype(np.float32)
        self._features = FeatureStream(self.spec)
        self._rest = np.zeros(0, np.float32)
        self._frame = 0

    def push(self, block: np.ndarray) -> list[bytes]:
        """float32 (T,) in [-1, 1] -> the message about the frames it completes, or none."""
        cepstra = self._features.push(block)
        heard = np.concatenate((self._rest, block))
        frames, hop = len(cepstra), self.spec.hop_length
        self._rest = heard[frames * hop :]
        if not frames:
            return []
        hops = heard[: frames * hop].reshape(frames, hop)
        span = np.concatenate((hops.min(axis=1), hops.max(axis=1)))
        mel = (cepstra @ self._to_mel - _DARKEST) / (_BRIGHTEST - _DARKEST)
        standard = (cepstra - self._mean) / (2.0 * _DEVIATIONS * self._std) + 0.5
        header = HEADER.pack(self._frame, frames, mel.shape[1], standard.shape[1])
        self._frame += frames
        return [header + (span * 32767.0).astype("<i2").tobytes() + _as_bytes(mel) + _as_bytes(standard)]


def _as_bytes(values: np.ndarray) -> bytes:
    """Values of 0 to 1, and what lies outside cut off, as one byte each."""
    return np.rint(np.clip(values, 0.0, 1.0) * 255.0).astype(np.uint8).tobytes()
