"""Small networks trained in numpy: slow enough to be real, fast enough to train hundreds in a minute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Where examples come from: `inputs` of shape (n, width), `targets` (n, outputs) or class numbers (n,)."""

    name: str
    width: int
    outputs: int
    classes: bool
    """Cross-entropy over `outputs` classes; otherwise mean squared error."""
    teacher: tuple[Array, Array]
    noise: float
    """Regression: standard deviation of the targets' noise. Classes: share of labels drawn at random."""

    def draw(self, rng: np.random.Generator, count: int) -> tuple[Array, Array]:
        """`count` fresh examples."""
        if self.name == "characters":
            return self._text(rng, count)
        inputs = rng.standard_normal((count, self.width)).astype(np.float32)
        clean = np.tanh(inputs @ self.teacher[0]) @ self.teacher[1]
        if not self.classes:
            return inputs, (clean + self.noise * rng.standard_normal(clean.shape)).astype(np.float32)
        labels = clean.argmax(axis=1)
        random = rng.random(count) < self.noise
        return inputs, np.where(random, rng.integers(0, self.outputs, count), labels).astype(np.float32)

    def _text(self, rng: np.random.Generator, count: int) -> tuple[Array, Array]:
        """Next letter after two letters of an invented language; one-hot inputs."""
        letters = rng.integers(0, self.outputs, (count, 2))
        table = self.teacher[0][letters[:, 0] * self.outputs + letters[:, 1]]
        following = (rng.random((count, 1)) < np.cumsum(table, axis=1)).argmax(axis=1)
        inputs = np.zeros((count, self.width), dtype=np.float32)
        for place in range(2):
            inputs[np.arange(count), place * self.outputs + letters[:, place]] = 1.0
        return inputs, following.astype(np.float32)


def task(name: str, rng: np.random.Generator, noise: float, width: int = 20) -> Task:
    """`regression` (to a random network), `clusters` (its argmax, 10 classes) or `characters` (a language model)."""
    if name == "characters":
        table = rng.dirichlet(np.full(16, 0.2), size=256).astype(np.float32)
        return Task(name, 32, 16, True, (table, table), noise)
    outputs = 10 if name == "clusters" else 4
    first = (rng.standard_normal((width, 12)) / np.sqrt(width) * 1.5).astype(np.float32)
    second = (rng.standard_normal((12, outputs)) / np.sqrt(12) * 2.0).astype(np.float32)
    return Task(name, width, outputs, name == "clusters", (first, second), noise)


# Units that cannot die: a rate that is too high then shows as bouncing, as it does in networks with normalisation.
LEAK = np.float32(0.1)


class Network:
    """A multi-layer perceptron with leaky ReLU. Parameters are one flat vector, so that an optimiser is one line."""

    def __init__(self, sizes: list[int], rng: np.random.Generator) -> None:
        self.shapes = list(pairwise(sizes))
        self.parameters = np.concatenate(
            [np.concatenate([rng.standard_normal(a * b) * np.sqrt(2 / a), np.zeros(b)]) for a, b in self.shapes]
        ).astype(np.float32)

    def layers(self, flat: Array) -> Iterator[tuple[Array, Array]]:
        """Views of weight and bias, layer by layer."""
        at = 0
        for rows, columns in self.shapes:
            yield (
                flat[at : at + rows * columns].reshape(rows, columns),
                flat[at + rows * columns : at + (rows + 1) * columns],
            )
            at += (rows + 1) * columns

    def outputs(self, inputs: Array) -> list[Array]:
        """The input of each layer, and the output of the last."""
        values = [inputs]
        pairs = list(self.layers(self.parameters))
        for index, (weight, bias) in enumerate(pairs):
            value = values[-1] @ weight + bias
            values.append(np.maximum(value, LEAK * value) if index < len(pairs) - 1 else value)
        return values

    def gradient(self, values: list[Array], error: Array) -> Array:
        """Of the loss by all parameters, from its gradient by the last output."""
        gradient = np.empty_like(self.parameters)
        pairs = list(self.layers(self.parameters))
        for index, (weight, bias) in reversed(list(enumerate(self.layers(gradient)))):
            weight[:], bias[:] = values[index].T @ error, error.sum(axis=0)
            if index:
                error = (error @ pairs[index][0].T) * np.where(values[index] > 0, np.float32(1), LEAK)
        return gradient


def loss_of(outputs: Array, targets: Array, classes: bool, *, naive: bool = False) -> tuple[float, Array]:
    """The mean loss and its gradient by the outputs. `naive` takes the softmax without its maximum: it overflows."""
    count = len(outputs)
    if not classes:
        error = outputs - targets
        return float(np.mean(error**2)), (2 * error / error.size).astype(np.float32)
    at = (np.arange(count), targets.astype(int))
    powers = np.exp(outputs if naive else outputs - outputs.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    loss = float(np.mean(-np.log(shares[at] + (0 if naive else 1e-30))))
    shares[at] -= 1
    return loss, (shares / count).astype(np.float32)


class Optimiser:
    """`adam`, `sgd` with momentum 0.9, or `plain-sgd` without."""

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.first, self.second = np.zeros(size, dtype=np.float32), np.zeros(size, dtype=np.float32)
        self.count = 0

    def step(self, parameters: Array, gradient: Array, rate: float) -> None:
        """Change `parameters` in place."""
        self.count += 1
        if self.name in ("sgd", "plain-sgd"):
            self.first = (0.9 if self.name == "sgd" else 0.0) * self.first + gradient
            parameters -= rate * self.first
            return
        self.first = 0.9 * self.first + 0.1 * gradient
        self.second = 0.999 * self.second + 0.001 * gradient**2
        first, second = self.first / (1 - 0.9**self.count), self.second / (1 - 0.999**self.count)
        parameters -= rate * first / (np.sqrt(second) + 1e-8)
