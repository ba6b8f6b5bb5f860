"""One pass over a set of examples: what every gradient method shares, whatever its loss."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

from training.memory import keep_freed_memory
from training.one_class import LossParts

BatchLoss = Callable[[slice], LossParts]


def learn_epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: list[slice],
    batch_loss: BatchLoss,
    learning_rate: Callable[[float], float],
    clip_gradient: float = 0.0,
) -> tuple[float, float]:
    """One optimiser step a batch; returns the means of (total loss, adversarial loss) over the batches.

    ``batch_loss`` gives the loss of one of ``batches``; ``learning_rate`` the rate at a fraction of the epoch, 0 to 1;
    ``clip_gradient`` the largest norm of the gradient, 0 = not clipped.
    """
    keep_freed_memory()
    totals = np.zeros(2)
    for index, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(index / len(batches))
        parts = batch_loss(batch)
        optimizer.zero_grad()
        parts.total.backward()
        if clip_gradient:
            clip_grad_norm_(network.parameters(), clip_gradient)
        optimizer.step()
        totals += (parts.total.item(), parts.adversarial.item())
    return float(totals[0]) / len(batches), float(totals[1]) / len(batches)


def in_batches(examples: int, batch_size: int) -> list[slice]:
    """Consecutive slices of ``batch_size`` examples; the remainder joins the last, so that no batch is tiny."""
    count = max(1, examples // batch_size)
    return [slice(k * batch_size, examples if k == count - 1 else (k + 1) * batch_size) for k in range(count)]


def one_cycle(peak: float, done: float) -> float:
    """One cycle (Smith and Topin, 2019): up to the peak rate in a quarter of the run, then down to almost nothing.

    done: the share of the run that is over, 0 to 1.
    """
    warm = 0.25
    if done < warm:
        return peak * (0.04 + 0.96 * (1 - math.cos(math.pi * done / warm)) / 2)
    return peak * max(1e-4, (1 + math.cos(math.pi * (done - warm) / (1 - warm))) / 2)
