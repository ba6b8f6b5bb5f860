"""Teaching an LSTM the sounds of English, before any keyword: every keyword's training can start from it.

A detector of a phrase that nobody recorded learns from speech engines alone, and would learn the engines. The base has
been made to name the phoneme of each frame in thousands of words, recorded and synthesized alike, while it is heard:
so its states tell sounds, not voices, and not whole words, which their first sounds do not give away yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.augment import AugmentSettings, change_voice, cut_window
from training.base import Base
from training.cepstral import CepstralSettings, change_cepstra
from training.corpus import FULL_SCALE
from training.examples import Standard, standard_of, standardised
from training.loop import learn_epoch, one_cycle
from training.network import KeywordLSTM
from training.one_class import LossParts
from training.scenery import Scenery
from training.sounds import SYMBOLS, Utterance, frame_labels
from wakeword.errors import TrainingError
from wakeword.features import FeatureSpec, mfcc

_GROUP = 64  # clips that share a change of voice
_SILENCE = np.zeros(0, dtype=np.float32)


@dataclass(frozen=True)
class PretrainRecipe:
    """units and window of the network; the rest as in ``training.recipes.Recipe``.

    delay           frames that a phoneme's name comes late by, for the network hears no future
    spoken          synthesized clips an epoch; all recorded ones are heard in every one
    silence_weight  of the frames without a sound in the loss, which are many and easy
    augment         without other rhythms, so that sounds stay where their labels say
    """

    units: int = 256
    window_frames: int = 118
    epochs: int = 14
    delay: int = 6
    batch_size: int = 64
    learning_rate: float = 4e-3
    spoken: int = 8000
    silence_weight: float = 0.3
    augment: AugmentSettings = field(default_factory=lambda: AugmentSettings(cepstral=CepstralSettings(rhythm=0.0)))


class PretrainEpoch(NamedTuple):
    """number, mean loss of training, and of validation: mean loss, and the share of frames in sounds named wrong."""

    number: int
    loss: float
    validation_loss: float
    frame_errors: float


class _Labelled(NamedTuple):
    features: np.ndarray  # float32 (N, F, C)
    labels: np.ndarray  # int64 (N, F): a symbol's number for each frame


def pretrain(
    recorded: Sequence[Utterance],
    spoken: Sequence[Utterance],
    validation: Sequence[Utterance],
    noise: np.ndarray,
    recipe: PretrainRecipe,
    seed: int,
    on_epoch: Callable[[PretrainEpoch], None] | None = None,
) -> Base:
    """Train an LSTM to name phonemes; clips longer than the window are left out. The same seed gives the same base.

    noise: int16 (T,). Raises TrainingError when nothing fits, or the loss is no longer finite.
    """
    spec = FeatureSpec(window_frames=recipe.window_frames)
    parts = [[u for u in part if len(u.clip) <= spec.window_samples] for part in (recorded, spoken, validation)]
    if not parts[0] + parts[1] or not parts[2]:
        raise TrainingError("there is no clip to pretrain on that is short enough: add recordings or synthesized words")
    source = _Source(parts[0], parts[1], noise, recipe, spec, seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = KeywordLSTM(spec.n_cepstra, recipe.units)
        taught = nn.ModuleList([network.lstm, nn.Linear(recipe.units, len(SYMBOLS))])
    optimizer = torch.optim.Adam(taught.parameters())
    held_out, history, standard = source.plain(parts[2]), [], None
    with ThreadPoolExecutor(1) as ahead:
        upcoming = ahead.submit(source.epoch, 0)
        for number in range(recipe.epochs):
            examples = upcoming.result()
            if number + 1 < recipe.epochs:
                upcoming = ahead.submit(source.epoch, number + 1)
            if standard is None:
                standard = standard_of(examples.features)
            loss = _learn(taught, optimizer, examples, standard, recipe, number)
            history.append(PretrainEpoch(number, loss, *_judge(taught, held_out, standard, recipe)))
            if on_epoch:
                on_epoch(history[-1])
    assert standard is not None
    arrays = {name: value.detach().numpy().copy() for name, value in network.lstm.state_dict().items()}
    arrays |= {f"names_{name}": value.detach().numpy().copy() for name, value in taught[1].state_dict().items()}
    card = {
        "recipe": asdict(recipe), "seed": seed, "history": [epoch._asdict() for epoch in history],
        "clips": {"recorded": len(parts[0]), "spoken": len(parts[1]), "validation": len(parts[2])},
    }  # fmt: skip
    return Base({"mean": standard[0], "std": standard[1], **arrays}, card)


class _Source:
    """Makes the examples of each epoch from (seed, epoch) alone."""

    def __init__(
        self,
        recorded: list[Utterance],
        spoken: list[Utterance],
        noise: np.ndarray,
        recipe: PretrainRecipe,
        spec: FeatureSpec,
        seed: int,
    ) -> None:
        self.recorded, self.spoken, self.recipe, self.spec, self.seed = recorded, spoken, recipe, spec, seed
        babble = _stacked([u.clip for u in (recorded or spoken)[::3]]).astype(np.int16)
        self._scenery = Scenery(babble, np.arange(len(babble)), noise, recipe.augment)

    def epoch(self, number: int) -> _Labelled:
        rng = np.random.default_rng([self.seed, number])
        most = min(self.recipe.spoken, len(self.spoken))
        heard = self.recorded + [self.spoken[i] for i in rng.choice(len(self.spoken), most, replace=False)]
        heard = [heard[i] for i in rng.permutation(len(heard))]
        groups = [self._group(heard[first : first + _GROUP], rng) for first in range(0, len(heard), _GROUP)]
        features = np.concatenate([features for features, _ in groups])
        features = change_cepstra(features, self.spec, self.recipe.augment.cepstral, rng)
        return _Labelled(features, np.concatenate([labels for _, labels in groups]))

    def plain(self, utterances: Sequence[Utterance]) -> _Labelled:
        """The clips as they are, in the middle of the window."""
        samples = self.spec.window_samples
        offsets = [(len(u.clip) - samples) // 2 for u in utterances]
        placed = list(zip(utterances, offsets, strict=True))
        windows = [cut_window(u.clip / FULL_SCALE, offset, samples, _SILENCE, _SILENCE) for u, offset in placed]
        labels = [self._labels(u, 1.0, offset) for u, offset in placed]
        return _Labelled(mfcc(np.stack(windows), self.spec), np.stack(labels))

    def _group(self, group: Sequence[Utterance], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Change a group's voice, place each clip, add room and noise: (MFCC (B, F, C), labels (B, F))."""
        samples = self.spec.window_samples
        stacked = _stacked([u.clip for u in group]) / FULL_SCALE
        voices = change_voice(torch.from_numpy(stacked), self.recipe.augment, rng).numpy()
        tempo = voices.shape[1] / stacked.shape[1]
        windows = np.empty((len(group), samples), dtype=np.float32)
        labels = np.empty((len(group), self.spec.window_frames), dtype=np.int64)
        for row, utterance in enumerate(group):
            clip = voices[row, : round(len(utterance.clip) * tempo)]
            offset = -int(rng.integers(0, max(1, samples - len(clip) + 1)))
            windows[row] = cut_window(clip, offset, samples, _SILENCE, _SILENCE)
            labels[row] = self._labels(utterance, tempo, offset)
        return mfcc(self._scenery.heard(windows, rng), self.spec), labels

    def _labels(self, utterance: Utterance, tempo: float, offset: int) -> np.ndarray:
        """int64 (F,) of a window that begins ``offset`` samples into the clip, played ``tempo`` times as long."""
        hop, rate = self.spec.hop_length, self.spec.sample_rate
        start, delay = -offset / hop, self.recipe.delay
        return frame_labels(
            utterance.sounds, self.spec.window_frames, rate / hop, tempo=tempo, start=start, delay=delay
        )


def _learn(
    taught: nn.ModuleList,
    optimizer: torch.optim.Optimizer,
    examples: _Labelled,
    standard: Standard,
    recipe: PretrainRecipe,
    number: int,
) -> float:
    """One pass over an epoch's examples, without a last batch that is not whole; returns the mean loss."""
    x, labels = torch.from_numpy(standardised(examples.features, standard)), torch.from_numpy(examples.labels)

    def batch_loss(batch: slice) -> LossParts:
        loss = _loss(_scores(taught, x[batch]), labels[batch], recipe)
        return LossParts(loss, loss, torch.zeros_like(loss))

    def learning_rate(fraction: float) -> float:
        return one_cycle(recipe.learning_rate, (number + fraction) / recipe.epochs)

    size = recipe.batch_size
    batches = [slice(k * size, (k + 1) * size) for k in range(max(1, len(x) // size))]
    loss, _ = learn_epoch(taught, optimizer, batches, batch_loss, learning_rate, clip_gradient=1.0)
    if not np.isfinite(loss):
        raise TrainingError(f"the loss is no longer finite in epoch {number + 1}: pretrain with a lower learning rate")
    return loss


def _scores(taught: nn.ModuleList, x: Tensor) -> Tensor:
    """Standardised frames (B, F, C) -> a score for each symbol at each frame, (B, F, symbols)."""
    lstm, head = taught
    return head(lstm(x))


def _loss(scores: Tensor, labels: Tensor, recipe: PretrainRecipe) -> Tensor:
    """Cross entropy of scores (B, F, symbols) with labels (B, F)."""
    weight = torch.ones(len(SYMBOLS))
    weight[0] = recipe.silence_weight
    return F.cross_entropy(scores.transpose(1, 2), labels, weight=weight)


@torch.no_grad()
def _judge(
    taught: nn.ModuleList, held_out: _Labelled, standard: Standard, recipe: PretrainRecipe
) -> tuple[float, float]:
    """(mean loss, share of the frames in sounds whose name is wrong) on validation."""
    x, labels = torch.from_numpy(standardised(held_out.features, standard)), torch.from_numpy(held_out.labels)
    scores = torch.cat([_scores(taught, part) for part in x.split(512)])
    wrong = scores.argmax(-1) != labels
    return float(_loss(scores, labels, recipe)), float(wrong[labels > 0].float().mean())


def _stacked(clips: Sequence[np.ndarray]) -> np.ndarray:
    """Clips of any lengths as one float32 array, silence after the shorter ones."""
    stacked = np.zeros((len(clips), max(map(len, clips))), dtype=np.float32)
    for row, clip in zip(stacked, clips, strict=True):
        row[: len(clip)] = clip
    return stacked
