"""Teaching an LSTM the sounds of English, before any keyword: every keyword's training can start from it.

A detector of a phrase that nobody recorded learns from speech engines alone, and would learn the engines. The base has
been made to name phonemes in thousands of words, recorded and synthesized alike, so its states tell sounds, not voices.
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

from close_negatives.phonemes import Phonemes
from training.augment import AugmentSettings, change_voice, cut_window
from training.base import Base
from training.cepstral import change_cepstra
from training.clips import active_range
from training.corpus import FULL_SCALE
from training.examples import Standard, standard_of, standardised
from training.loop import learn_epoch, one_cycle
from training.network import KeywordLSTM
from training.one_class import LossParts
from training.scenery import Scenery
from training.sounds import SYMBOLS, best_path, ctc_loss, edit_distance, flat_labels, numbers_of
from wakeword.errors import TrainingError
from wakeword.features import FeatureSpec, mfcc

_GROUP = 64  # clips that share a change of voice
_SILENCE = np.zeros(0, dtype=np.float32)


@dataclass(frozen=True)
class PretrainRecipe:
    """units and window of the network; the rest as in ``training.recipes.Recipe``.

    flat_epochs  epochs at the beginning in which each frame is told its phoneme, a word's sounds spread evenly over it:
                 rough, but from a random start CTC alone says nothing but silence for a dozen epochs
    delay        frames that a phoneme's name may come late by, for the network hears no future
    spoken       synthesized clips an epoch; all recorded ones are heard in every one
    """

    units: int = 256
    window_frames: int = 118
    epochs: int = 18
    flat_epochs: int = 4
    delay: int = 3
    batch_size: int = 64
    learning_rate: float = 4e-3
    spoken: int = 8000
    silence_weight: float = 0.3
    augment: AugmentSettings = field(default_factory=AugmentSettings)


@dataclass(frozen=True)
class Utterance:
    """A clip, int16 (T,), and what is said in it."""

    clip: np.ndarray
    phonemes: Phonemes


class PretrainEpoch(NamedTuple):
    """number, mean loss of training, and of validation: mean CTC loss and phoneme errors per phoneme."""

    number: int
    loss: float
    validation_loss: float
    phoneme_errors: float


class _Labelled(NamedTuple):
    features: np.ndarray  # float32 (N, F, C)
    flat: np.ndarray  # int64 (N, F): a symbol's number for each frame
    words: list[list[int]]  # the numbers said in each clip


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
            history.append(PretrainEpoch(number, loss, *_judge(taught, held_out, standard)))
            if on_epoch:
                on_epoch(history[-1])
    assert standard is not None
    arrays = {name: value.detach().numpy().copy() for name, value in network.lstm.state_dict().items()}
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
        self._scenery = Scenery(babble, noise, recipe.augment)

    def epoch(self, number: int) -> _Labelled:
        rng = np.random.default_rng([self.seed, number])
        most = min(self.recipe.spoken, len(self.spoken))
        heard = self.recorded + [self.spoken[i] for i in rng.choice(len(self.spoken), most, replace=False)]
        heard = [heard[i] for i in rng.permutation(len(heard))]
        groups = [self._group(heard[first : first + _GROUP], rng) for first in range(0, len(heard), _GROUP)]
        features = np.concatenate([features for features, _ in groups])
        features = change_cepstra(features, self.spec, self.recipe.augment.cepstral, rng)
        return _Labelled(
            features, np.concatenate([flat for _, flat in groups]), [numbers_of(u.phonemes) for u in heard]
        )

    def plain(self, utterances: Sequence[Utterance]) -> _Labelled:
        """The clips as they are, in the middle of the window."""
        clips = [u.clip / FULL_SCALE for u in utterances]
        samples = self.spec.window_samples
        windows = [cut_window(clip, (len(clip) - samples) // 2, samples, _SILENCE, _SILENCE) for clip in clips]
        flat = np.zeros((len(clips), self.spec.window_frames), dtype=np.int64)
        return _Labelled(mfcc(np.stack(windows), self.spec), flat, [numbers_of(u.phonemes) for u in utterances])

    def _group(self, group: Sequence[Utterance], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Change a group's voice, place each clip, add room and noise: (MFCC (B, F, C), flat labels (B, F))."""
        samples = self.spec.window_samples
        stacked = _stacked([u.clip for u in group]) / FULL_SCALE
        voices = change_voice(torch.from_numpy(stacked), self.recipe.augment, rng).numpy()
        tempo = voices.shape[1] / stacked.shape[1]
        windows = np.empty((len(group), samples), dtype=np.float32)
        flat = np.zeros((len(group), self.spec.window_frames), dtype=np.int64)
        for row, utterance in enumerate(group):
            clip = voices[row, : round(len(utterance.clip) * tempo)]
            offset = -int(rng.integers(0, max(1, samples - len(clip) + 1)))
            windows[row] = cut_window(clip, offset, samples, _SILENCE, _SILENCE)
            start, end = ((edge - offset) / self.spec.hop_length for edge in active_range(clip))
            flat[row] = flat_labels(
                numbers_of(utterance.phonemes), start, end, self.spec.window_frames, self.recipe.delay
            )
        return mfcc(self._scenery.heard(windows, rng), self.spec), flat


def _learn(
    taught: nn.ModuleList,
    optimizer: torch.optim.Optimizer,
    examples: _Labelled,
    standard: Standard,
    recipe: PretrainRecipe,
    number: int,
) -> float:
    """One pass over an epoch's examples, without a last batch that is not whole; returns the mean loss."""
    x, flat = torch.from_numpy(standardised(examples.features, standard)), torch.from_numpy(examples.flat)
    weight = torch.ones(len(SYMBOLS))
    weight[0] = recipe.silence_weight

    def batch_loss(batch: slice) -> LossParts:
        scores = _scores(taught, x[batch])
        if number < recipe.flat_epochs:
            loss = F.cross_entropy(scores.transpose(1, 2), flat[batch], weight=weight)
        else:
            loss = ctc_loss(scores, examples.words[batch])
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


@torch.no_grad()
def _judge(taught: nn.ModuleList, held_out: _Labelled, standard: Standard) -> tuple[float, float]:
    """(mean CTC loss, edits per phoneme of the best path) on validation."""
    x = torch.from_numpy(standardised(held_out.features, standard))
    scores = torch.cat([_scores(taught, part) for part in x.split(512)])
    paths = zip(scores.argmax(-1).tolist(), held_out.words, strict=True)
    edits = sum(edit_distance(best_path(path), word) for path, word in paths)
    return float(ctc_loss(scores, held_out.words)), edits / sum(len(word) for word in held_out.words)


def _stacked(clips: Sequence[np.ndarray]) -> np.ndarray:
    """Clips of any lengths as one float32 array, silence after the shorter ones."""
    stacked = np.zeros((len(clips), max(map(len, clips))), dtype=np.float32)
    for row, clip in zip(stacked, clips, strict=True):
        row[: len(clip)] = clip
    return stacked
