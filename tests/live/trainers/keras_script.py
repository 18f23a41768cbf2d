"""A Keras model on the torch backend, with the CSVLogger that everyone uses, configured in JSON.

KERAS_BACKEND=torch python keras_script.py CONFIG LOG_DIR
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
import keras
from problem import WIDTH, data


class Pause(keras.callbacks.Callback):
    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        time.sleep(0.05)


def main() -> None:
    keras.utils.set_random_seed(0)
    config = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    out = Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    (inputs, targets), (held, expected) = data(512, 1), data(128, 2)
    model = keras.Sequential([keras.Input((WIDTH,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(config["learning_rate"]), "mse")
    model.fit(
        inputs.numpy(), targets.numpy(), validation_data=(held.numpy(), expected.numpy()), verbose=0,
        batch_size=config["batch_size"], epochs=config["epochs"],
        callbacks=[keras.callbacks.CSVLogger(str(out / "training.csv")), Pause()],
    )  # fmt: skip


if __name__ == "__main__":
    main()
