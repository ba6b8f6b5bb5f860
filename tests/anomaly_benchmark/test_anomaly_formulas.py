"""The pieces of the methods on normals alone against the formulas of their papers, by loops or another library."""

from __future__ import annotations

import numpy as np
import torch
from scipy.special import log_softmax
from scipy.stats import multivariate_normal

from anomaly_benchmark.methods.dagmm import RIDGE, energy_of, mixture_of
from anomaly_benchmark.methods.dcn import follow
from anomaly_benchmark.methods.goad import log_right, squared_distances
from anomaly_benchmark.methods.rebm import RowEnergy, StepEnergy
from training.recurrence import LSTM

torch.set_num_threads(1)


def test_the_mixture_of_dagmm_against_scipy() -> None:
    rng = np.random.default_rng(0)
    z, belongs = rng.standard_normal((30, 3)), rng.dirichlet(np.ones(2), 30)
    mixture = mixture_of(torch.from_numpy(z), torch.from_numpy(belongs))
    density = np.zeros(30)
    for k in range(2):
        mass = belongs[:, k].sum()
        mean = sum(b * row for b, row in zip(belongs[:, k], z, strict=True)) / mass
        spread = sum(b * np.outer(row - mean, row - mean) for b, row in zip(belongs[:, k], z, strict=True)) / mass
        density += mass / 30 * multivariate_normal(mean, spread + RIDGE * np.eye(3)).pdf(z)
    np.testing.assert_allclose(energy_of(torch.from_numpy(z), mixture), -np.log(density), rtol=1e-9)


def test_the_centres_of_dcn_are_the_means_of_all_they_ever_had() -> None:
    rng = np.random.default_rng(0)
    centres, members = torch.tensor([[0.0, 0.0], [5.0, 5.0], [9.0, 9.0]]), torch.tensor([2.0, 1.0, 4.0])
    slow, counts = centres.clone(), members.clone()
    for _ in range(3):
        codes = torch.from_numpy(rng.uniform(0, 5, (20, 2)).astype(np.float32))
        nearest = torch.from_numpy(rng.integers(0, 2, 20))
        follow(centres, members, codes, nearest)
        for code, k in zip(codes, nearest, strict=True):  # one step of 1 / c_k an example
            counts[k] += 1
            slow[k] += (code - slow[k]) / counts[k]
    torch.testing.assert_close(centres, slow)
    torch.testing.assert_close(members, counts)


def test_the_scores_of_goad_against_loops() -> None:
    rng = np.random.default_rng(0)
    z, centres = rng.standard_normal((4, 3, 5)), rng.standard_normal((3, 5))
    slow = np.array([[[((z[b, m] - centres[k]) ** 2).sum() for k in range(3)] for m in range(3)] for b in range(4)])
    fast = squared_distances(torch.from_numpy(z), torch.from_numpy(centres))
    np.testing.assert_allclose(fast, slow, atol=1e-9)
    right = [sum(log_softmax(-slow[b, m])[m] for m in range(3)) for b in range(4)]
    np.testing.assert_allclose(log_right(fast), right, atol=1e-9)


def test_reconstruction_is_x_minus_the_slope_of_the_energy() -> None:
    torch.manual_seed(0)
    row = RowEnergy(torch.nn.Sequential(torch.nn.Linear(3, 6), torch.nn.Tanh(), torch.nn.Linear(6, 4)), 3).double()
    x = torch.randn(2, 3, dtype=torch.float64)
    for k in range(3):
        step = 1e-6 * torch.eye(3, dtype=torch.float64)[k]
        slope = (row(x + step) - row(x - step)) / 2e-6
        torch.testing.assert_close(row.reconstruct(x)[:, k], x[:, k] - slope, atol=1e-7, rtol=1e-6)


def test_a_step_of_the_recurrent_energy_sees_the_steps_before_and_no_other() -> None:
    torch.manual_seed(0)
    energy = StepEnergy(LSTM(2, 5), 2).double()
    x = torch.randn(1, 6, 2, dtype=torch.float64)
    changed = x.clone()
    changed[0, 3] += 1.0
    before, after = energy.reconstruct(x), energy.reconstruct(changed)
    torch.testing.assert_close(before[:, :3], after[:, :3])
    assert not torch.allclose(before[:, 4:], after[:, 4:])
    for k in range(2):  # the last step's biases do not depend on it: the slope of the whole energy is its own
        step = torch.zeros_like(x)
        step[0, 5, k] = 1e-6
        slope = (energy(x + step) - energy(x - step)) / 2e-6
        torch.testing.assert_close(before[0, 5, k], x[0, 5, k] - slope[0], atol=1e-7, rtol=1e-6)
