"""One step of the optimizers, in PyTorch's forms (where epsilon stands matters)."""

import torch


class Adagrad:
    """torch.optim.Adagrad with lr 0.01, accumulator 0, eps 1e-10."""

    name = "adagrad"

    def __init__(self, parameters):
        self.sums = {name: torch.zeros_like(w) for name, w in parameters.items()}

    def step(self, parameters, gradients, rows):
        for name, w in parameters.items():
            g = gradients[name]
            self.sums[name] += g**2
            w -= 0.01 * g / (self.sums[name].sqrt() + 1e-10)


class Adam:
    """torch.optim.Adam with lr 0.001, betas (0.9, 0.999), eps 1e-8.

    Tables that have an entry in `rows` are updated lazily: moments and weights of other rows stay as they are, and the
    bias correction counts all steps.
    """

    name = "adam"

    def __init__(self, parameters):
        self.first = {name: torch.zeros_like(w) for name, w in parameters.items()}
        self.second = {name: torch.zeros_like(w) for name, w in parameters.items()}
        self.steps = 0

    def step(self, parameters, gradients, rows):
        self.steps += 1
        for name, w in parameters.items():
            at = rows.get(name, slice(None))
            g = gradients[name][at]
            self.first[name][at] = 0.9 * self.first[name][at] + 0.1 * g
            self.second[name][at] = 0.999 * self.second[name][at] + 0.001 * g**2
            first = self.first[name][at] / (1 - 0.9**self.steps)
            second = self.second[name][at] / (1 - 0.999**self.steps)
            w[at] -= 0.001 * first / (second.sqrt() + 1e-8)


def check_against_torch():
    """The dense forms above equal torch.optim's, lazy Adam over all rows the dense one."""
    for ours, theirs in [
        (Adagrad, lambda w: torch.optim.Adagrad([w], lr=0.01, initial_accumulator_value=0.0, eps=1e-10)),
        (Adam, lambda w: torch.optim.Adam([w], lr=0.001, betas=(0.9, 0.999), eps=1e-8)),
    ]:
        generator = torch.Generator().manual_seed(1)
        start = torch.randn(5, 3, dtype=torch.float64, generator=generator)
        w, reference = {"w": start.clone()}, start.clone().requires_grad_()
        mine, torchs = ours(w), theirs(reference)
        for step in range(5):
            g = torch.randn(5, 3, dtype=torch.float64, generator=generator)
            mine.step(w, {"w": g}, {"w": torch.arange(5)} if step % 2 else {})
            reference.grad = g
            torchs.step()
        torch.testing.assert_close(w["w"], reference.detach(), rtol=1e-13, atol=1e-13)
