"""What a whole run asks of CuPy: kernels to compile on a fresh machine, waits of the host, and copies to the device.

It runs on the stand-in for CuPy, its compiled steps on the emulator. No time is measured: a kernel of CuPy's own takes
NVRTC 0.07 to 1.8 s at its first use, a module 0.05 to 0.4 s, and a wait in a step ends what makes a GPU fast.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import pullback as pb
from pullback.backend.cuda import kernels

from ...cuda.emulator import MISSING
from ...standin import observed
from ...standin.programs import running

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING or "g++ is here")

EPOCHS = 3
# While a step is recorded, each of its operations is computed once by the array library.
RECORDING = (
    "autograd/compile/",
    "backend/cuda/backend.py:relu",
    "backend/generic/namespace.py:arange_like",
)


class Log:
    """What was counted at the end of each epoch."""

    def __init__(self, found, programs):
        self.found, self.programs = found, programs
        self.rows = []

    def __call__(self, run, settings):
        found = self.found
        counts = {"waits": found.waits, "uploads": found.uploads, "kernels": found.kernels}
        now = {name: sum(counter.values()) for name, counter in counts.items()}
        self.rows.append({**now, "launches": found.launches, "graphs": self.programs.launches})

    def of_epoch(self, epoch):
        """The differences that an epoch and its measuring made."""
        before, after = self.rows[epoch - 1 : epoch + 1]
        return {name: after[name] - before[name] for name in after}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """`pullback train digits` for a few epochs."""
    folder = tmp_path_factory.mktemp("runs")
    # metrics and the model are written once a second, which reads the model
    with pytest.MonkeyPatch.context() as patch, running("cupy", "auto") as programs:
        patch.setattr(pb.train.run.run, "_SECONDS_BETWEEN_WRITES", 1e9)
        settings = pb.train.Settings(data="digits", epochs=EPOCHS, backend="cupy")
        with observed.observe() as found:
            log = Log(found, programs)
            result = pb.train.train(
                settings, runs=folder, say=lambda line: None, progress=log, every=1e9
            )
    return SimpleNamespace(found=found, log=log, result=result, programs=programs)


def test_the_steps_are_compiled_and_learn(digits):
    assert digits.result.fit.eager == ""
    assert digits.result.fit.steps == EPOCHS * 34
    assert digits.result.test_score > 0.9


def test_no_kernel_of_cupy_is_compiled_beside_recording(digits):
    own = {
        name: sorted(places)
        for name, places in digits.found.callers.items()
        if not all(place.startswith(RECORDING) for place in places)
    }
    # the optimiser's step count, which is cast where it is made
    assert own == {"copy(float32[0]) -> int64[0]": ["optim/first_order/update.py:zero_count"]}


def test_the_modules_are_those_of_one_dtype_that_are_used(digits):
    groups = [kernels.module("float32", group) for group in kernels.GROUPS]
    made = [groups.index(source) for source in digits.found.modules]
    # the third group serves the recording of a step alone
    assert sorted(made) == [0, 2]


def test_an_epoch_waits_at_its_end_alone(digits):
    # the tally twice; of each of two parts the loss, the outputs and the labels
    assert digits.log.of_epoch(EPOCHS)["waits"] == 2 + 2 * 3


def test_an_epoch_copies_the_order_of_its_rows_and_nothing_else_to_the_device(digits):
    assert digits.log.of_epoch(EPOCHS)["uploads"] == 1


def test_the_launches_of_an_epoch(digits):
    found = digits.log.of_epoch(EPOCHS)
    assert found["kernels"] == 0
    assert found["graphs"] == 34
    # the rows of two arrays; of each part two biases, the losses and their mean
    assert found["launches"] == 2 + 2 * 4


def test_no_step_waits_or_copies():
    """Counted between the steps themselves, once both shapes of batches have their programs."""
    rows: list[tuple[int, int]] = []
    with running("cupy", "auto"), pb.backend.use("cupy") as home, observed.observe() as found:
        data = pb.train.load_dataset("digits")
        x = home.asarray(data.x[:300].astype("float32") / 16)
        y = home.asarray(data.y[:300])

        class Watch:
            def on_step(self, run):
                rows.append((sum(found.waits.values()), sum(found.uploads.values())))

        pb.train.fit(
            pb.models.MLP([64, 8, 10], seed=0),
            pb.models.cross_entropy,
            (x, y),
            (x, y),
            pb.optim.Adam(1e-3),
            epochs=6,
            callbacks=[Watch()],
        )
    steps = 10
    assert len(rows) == 6 * steps
    for epoch in range(2, 6):
        own = rows[epoch * steps : (epoch + 1) * steps]
        assert len(set(own)) == 1, f"a step of epoch {epoch + 1} waits or copies"
