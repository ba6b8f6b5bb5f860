"""The LSTM of training beside torch's, on one core: learning from a batch, and a step of DROCC's ascent.

Prints CPU milliseconds, the least of several turns, and their ratio; exits with 1 where ours is slower. Memory is kept
as in training, which helps torch's as much.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from training import recurrence
from training.memory import keep_freed_memory
from training.recurrence import LSTM, weights_at_rest

FRAMES, CEPSTRA, TURNS = 98, 32, 9


def learn(layer: Callable[[Tensor], Tensor], x: Tensor, weights: list[Tensor]) -> None:
    torch.autograd.grad(layer(x).sum(), weights)


def ascend(layer: Callable[[Tensor], Tensor], x: Tensor, weights: list[Tensor]) -> None:
    point = x.clone().requires_grad_()
    with weights_at_rest():
        torch.autograd.grad(layer(point).sum(), point)


def by_torch(layer: LSTM, x: Tensor) -> Tensor:
    return super(LSTM, layer).forward(x)[0]


def milliseconds(work: Callable[..., None], *args: object) -> float:
    begun = time.thread_time()
    work(*args)
    return 1000 * (time.thread_time() - begun)


def main() -> int:
    torch.set_num_threads(1)
    keep_freed_memory()
    if recurrence.library() is None:
        print("the loops were not compiled here")
        return 1
    slower = False
    print(f"{'units':>5} {'batch':>5} {'work':>7} {'torch':>9} {'ours':>9} {'ratio':>6}")
    for units in (64, 128, 256):
        for batch in (64, 256):
            layer, x = LSTM(CEPSTRA, units), torch.randn(batch, FRAMES, CEPSTRA)
            weights = list(layer.parameters())
            for work in (learn, ascend):
                # By turns, so that a busy machine is busy for both.
                pairs = [
                    (milliseconds(work, partial(by_torch, layer), x, weights), milliseconds(work, layer, x, weights))
                    for _ in range(TURNS + 1)
                ]
                torch_ms, our_ms = (min(times) for times in zip(*pairs[1:], strict=True))
                slower |= our_ms > torch_ms
                print(
                    f"{units:5} {batch:5} {work.__name__:>7} {torch_ms:6.1f} ms {our_ms:6.1f} ms"
                    f" {torch_ms / our_ms:5.2f}x"
                )
    return int(slower)


if __name__ == "__main__":
    sys.exit(main())
