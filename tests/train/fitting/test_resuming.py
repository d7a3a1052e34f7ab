"""A training that goes on from any of its checkpoints ends with the bits of one that was never interrupted."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import pullback as pb
from pullback.train import loop, replay
from pullback.train.fitting import snapshot

pytest.importorskip("safetensors", reason="checkpoints need safetensors, of the extra 'train'")

M, Opt = pb.models, pb.optim
RNG = np.random.default_rng(7)
X = RNG.normal(size=(23, 3))
Y = np.sin(X[:, :1]) - X[:, 1:2]
BACK, FORTH = np.asarray([0, 1, 2, 3, 4, 5]), np.asarray([1, 2, 3, 4, 5, 0])


def bits(model):
    return [pb.to_numpy(leaf).tobytes() for leaf in pb.tree.leaves(model)]


def same(run, other):
    assert bits(run.model) == bits(other.model)
    assert repr(run.history) == repr(other.history)
    told = [(r.best.epoch, r.steps, r.stopped, r.why) for r in (run, other)]
    assert told[0] == told[1]


class Kept:
    """The checkpoints of a training, one by one: each is copied when it is written."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.path = folder, folder / "c.safetensors"
        self.count = 0
        monkeypatch.setattr(loop, "write", self.write)
        # these files need not outlive the machine
        monkeypatch.setattr("os.fsync", lambda descriptor: None)

    def write(self, path, state, home):
        snapshot.write(path, state, home)
        self.count += 1
        shutil.copy(path, self.folder / f"{self.count}")

    def back_to(self, number):
        shutil.copy(self.folder / f"{number}", self.path)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    return Kept(tmp_path, monkeypatch)


def check(kept, fit, points=None):
    """Each checkpoint, or some of them, is gone on from; their number."""
    whole = fit()
    first = fit(checkpoint=kept.path, every=0)
    same(first, whole)
    assert first.resumed is None
    number = kept.count
    for point in points or range(1, number + 1):
        kept.back_to(point)
        on = fit(checkpoint=kept.path, resume=True)
        same(on, whole)
        assert on.resumed is not None
        assert on.eager == whole.eager
    return number


def mlp(dtype="float64", home=None, **settings):
    model = M.MLP([3, 5, 1], activation="tanh", dtype=dtype, **settings)
    return model if home is None else pb.tree.map(lambda p: home.asarray(pb.to_numpy(p)), model)


@pytest.mark.parametrize("batches", ["shuffled", "once", "drawn"])
def test_after_every_step_with_every_way_of_batches(kept, batches):
    def fit(**more):
        return pb.train.fit(
            mlp(), M.squared_error, (X, Y), (X[:9], Y[:9]), Opt.AdamW(0.05), batches=batches,
            batch_size=8, epochs=3, l1=1e-3, seed=3, compile=False, **more,
        )  # fmt: skip

    # 3 steps in each of 3 epochs; after its last step an epoch is measured, and kept again
    assert check(kept, fit) == 12


@pytest.mark.parametrize("compiled", [False, True])
def test_the_sum_of_the_steps_losses_goes_on(kept, monkeypatch, compiled):
    monkeypatch.setattr("pullback.train.replay._WORTH", 1)

    def fit(**more):
        return pb.train.fit(
            mlp(), M.squared_error, (X, Y), None, Opt.Adam(0.05), training_loss="steps", batch_size=8, epochs=3,
            seed=3, compile=compiled, **more,
        )  # fmt: skip

    assert check(kept, fit) == 12


OPTIMISERS = {
    "sgd": Opt.SGD(0.1),
    "momentum": Opt.SGD(0.1, momentum=0.9, nesterov=True),
    "nesterov": Opt.Nesterov(0.1),
    "lion": Opt.Lion(0.01),
    "adam": Opt.Adam(0.05),
    "adamw": Opt.AdamW(Opt.WarmUp(Opt.CosineDecay(0.05, 9), 3)),
    "nadam": Opt.NAdam(0.05),
    "amsgrad": Opt.AMSGrad(0.05),
    "adagrad": Opt.Adagrad(0.05),
    "rmsprop": Opt.RMSprop(0.05),
    "adadelta": Opt.Adadelta(1.0),
    "clipped": Opt.Clipped(Opt.Adam(0.05), norm=0.1),
    "accumulated": Opt.Accumulated(Opt.Adam(0.05), every=2),
    "averaged": Opt.Averaged(Opt.SGD(0.1), decay=0.9),
    "finite": Opt.Finite(Opt.SGD(0.1)),
    "proximal": Opt.Proximal(Opt.SGD(0.1), Opt.proximal.L1(0.01)),
    "scaling": Opt.LossScaling(Opt.SGD(0.1)),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser(kept, name):
    def fit(**more):
        return pb.train.fit(
            mlp(), M.squared_error, (X, Y), (X, Y), OPTIMISERS[name], batch_size=8, epochs=2,
            compile=False, **more,
        )  # fmt: skip

    check(kept, fit, [1, 2, 3, 5])


class Normed(M.Module):
    """A model with running statistics, a key and an integer among its leaves, and keys that its layers draw from."""

    first: M.Linear
    norm: M.BatchNorm
    drop: M.Dropout
    last: M.Linear

    def __call__(self, x):
        return self.last(M.relu(self.norm(self.first(x))))

    def training(self, x, *, key=None):
        y, norm = self.norm.training(self.first(x))
        y, _ = self.drop.training(M.relu(y), key=key)
        return self.last(y), type(self)(self.first, norm, self.drop, self.last)


def normed():
    return Normed(
        M.Linear.init(3, 4, seed=0),
        M.BatchNorm.init(4),
        M.Dropout(0.5),
        M.Linear.init(4, 1, seed=1),
    )


def net(kind, **settings):
    return pb.train.Architecture(kind, settings, "float32").build(0)


def images(n=11):
    return RNG.normal(size=(n, 1, 4, 4)).astype("float32"), np.arange(n) % 2


def tokens(n=11):
    t = RNG.integers(0, 5, (n, 7))
    return t[:, :-1], t[:, 1:]


def nodes():
    along = M.normalised_adjacency(np.stack([BACK, FORTH]), 6, dtype="float32")
    x = RNG.normal(size=(6, 3)).astype("float32")
    return (x, along), np.arange(6) % 2


ADAM = Opt.AdamW(0.02, weight_decay=0.1, mask="matrices")
NETWORKS = {
    "mlp": (lambda: mlp("float32"), (X.astype("float32"), Y.astype("float32")), M.squared_error, {}),
    "float64": (mlp, (X, Y), M.squared_error, {}),
    "float16": (lambda: mlp("float32"), (X.astype("float32"), Y.astype("float32")), M.squared_error,
                {"precision": "float16"}),
    "normed": (normed, (X.astype("float32"), Y.astype("float32")), M.squared_error, {}),
    "cnn": (lambda: net("cnn", image=(1, 4, 4), hidden=(3,), outputs=2, activation="relu", dropout=0.25),
            images(), M.cross_entropy, {}),
    "lstm": (lambda: net("lstm", vocabulary=5, hidden=(4,), dropout=0.1), tokens(), M.cross_entropy, {}),
    "transformer": (lambda: net("transformer", vocabulary=5, hidden=(4,), length=6, dropout=0.1), tokens(),
                    M.cross_entropy, {}),
    "gcn": (lambda: net("gcn", features=3, hidden=(4,), outputs=2, activation="relu", dropout=0.5), nodes(),
            M.cross_entropy, {"batch_size": None}),
}  # fmt: skip


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network(kept, monkeypatch, name, compiled):
    """A step that is replayed rounds otherwise than the call that records it, which is made again."""
    model, data, loss, settings = NETWORKS[name]
    monkeypatch.setattr(replay, "_WORTH", 0)
    if settings.get("precision") and not compiled:
        pytest.skip("a precision is of compiled steps")

    def fit(**more):
        return pb.train.fit(
            model(), loss, data, data, ADAM, epochs=3, compile=compiled,
            **{"batch_size": 4, **settings}, **more,
        )  # fmt: skip

    # before and after the programs of both sizes of batches are recorded
    points = [1, 2, 3] if settings.get("batch_size", 4) is None else [1, 2, 6]
    check(kept, fit, points if compiled else points[1:])


@pytest.mark.parametrize("where", ["there", "host"])
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_on_every_library(lib, kept, monkeypatch, where, compiled):
    """The model on a device, the data there too or on the host."""
    monkeypatch.setattr(replay, "_WORTH", 0)
    home = pb.backend.backend_of(lib.asarray(0.0))
    data = tuple(lib.asarray(a) if where == "there" else a for a in (X, Y))

    def fit(**more):
        return pb.train.fit(
            mlp(home=home), M.squared_error, data, data, ADAM, epochs=2, batch_size=8,
            batches="drawn", compile=compiled, **more,
        )  # fmt: skip

    check(kept, fit, [1, 4, 5])


@pytest.mark.usefixtures("on_numpy")
def test_a_model_of_columns_first(kept, monkeypatch):
    """Weights whose rows are not together in memory: products with them round in their own way."""
    monkeypatch.setattr(replay, "_WORTH", 0)
    x = RNG.normal(size=(40, 65))

    def fit(**more):
        model = M.MLP([65, 33, 1], activation="tanh", dtype="float64", seed=1)
        model = pb.tree.map(lambda p: np.asfortranarray(p), model)
        return pb.train.fit(
            model, M.squared_error, (x, x[:, :1]), (x, x[:, :1]), Opt.SGD(0.01, momentum=0.9),
            epochs=3, batch_size=16, compile=False, **more,
        )  # fmt: skip

    check(kept, fit, [1, 2, 5])


def test_a_loss_of_the_model_and_a_score(kept):
    """A batch may be any tree; scores are kept with the history."""
    data = {"in": X, "out": (Y,)}

    def loss(model, batch):
        return M.squared_error(model(batch["in"]), batch["out"][0])

    def fit(**more):
        return pb.train.fit(
            mlp(), loss, data, data, ADAM, loss_of="model", epochs=2, batch_size=8, compile=False,
            score=lambda model, batch: float(np.mean(batch["in"])), **more,
        )  # fmt: skip

    check(kept, fit, [2, 5])


@pytest.mark.usefixtures("on_numpy")
def test_a_run_that_diverges_does_so_again(kept):
    """In the middle of an epoch: its steps end at the same one, and what was measured is the same."""
    x = np.linspace(-1, 1, 450)[:, None]

    def loss(outputs, y):
        return M.squared_error(outputs, 20 * y) + pb.xp.exp(pb.xp.sum(outputs**2) / 2)

    def fit(**more):
        return pb.train.fit(
            mlp_of_one(), loss, (x, x), (x, x), Opt.SGD(1e-2), epochs=2, batch_size=2, compile=False,
            **more,
        )  # fmt: skip

    whole = fit()
    assert whole.why == "the loss became inf at step 140 (epoch 1)"
    number = check(kept, fit, [1, 99, 100, 140, 199])
    # the look at the loss after step 200 ended the epoch
    assert number == 200
    kept.back_to(number)
    written = kept.count
    again = fit(checkpoint=kept.path, resume=True, every=0)
    assert (again.stopped, again.why, again.steps) == (whole.stopped, whole.why, whole.steps)
    # nothing is left to do, or to write
    assert kept.count == written


def test_patience_that_ends_the_last_epoch_does_so_again(kept):
    """It is asked before the number of epochs, when a run goes on as when it makes them."""

    def fit(**more):
        return pb.train.fit(
            mlp(), M.squared_error, (X, Y), (X, -Y), Opt.SGD(0.1), batch_size=8, compile=False,
            **{"epochs": 2, "patience": 2, **more},
        )  # fmt: skip

    assert fit().why == "no better validation loss for 2 epochs"
    check(kept, fit)
    kept.back_to(kept.count)
    # with more patience there are no epochs left, and with more epochs no patience
    told = [
        fit(checkpoint=kept.path, resume=True, **more).stopped
        for more in ({"patience": 9}, {"epochs": 9})
    ]
    assert told == ["epochs", "patience"]


def mlp_of_one():
    return M.MLP([1, 1], dtype="float64", seed=3)


class Recording:
    """`Forward` where the call that records a program rounds otherwise than those that replay it, by much."""

    compiled = True

    def __init__(self, compiled):
        self.met = {}

    def __call__(self, model, x):
        number = self.met[x.shape] = self.met.get(x.shape, 0) + 1
        return model(x) * (1 + 1e-3 / min(number, 3))


@pytest.mark.parametrize("rows", [23, 9])
def test_measuring_goes_on_with_the_programs_that_it_had(kept, monkeypatch, rows):
    """Kernels that measure were recorded before the first step: a training that goes on records them before it, too."""
    monkeypatch.setattr(loop, "Forward", Recording)

    def fit(**more):
        return pb.train.fit(
            mlp(), M.squared_error, (X, Y), (X[:rows], Y[:rows]), Opt.SGD(0.1), batch_size=8, epochs=3,
            compile=False, **more,
        )  # fmt: skip

    check(kept, fit)


# ── settings ──────────────────────────────────────────────────────────────────────────────────


def small(path, **more):
    return pb.train.fit(
        **{
            "model": mlp(), "loss": M.squared_error, "train": (X, Y), "validation": (X, Y), "opt": Opt.Adam(0.1),
            "epochs": 2, "checkpoint": path, **more,
        }
    )  # fmt: skip


def test_without_a_checkpoint_it_begins_anew(tmp_path):
    path = tmp_path / "c.safetensors"
    run = small(path, resume=True)
    assert run.resumed is None
    again = small(path, resume=True)
    assert (again.resumed, again.why) == (2, "all 2 epochs done")
    same(again, run)
    # without `resume` it is written anew
    assert small(path).resumed is None


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"opt": Opt.Adam(0.2)}, "the optimiser was 'Adam.lr=0.1"),
        ({"opt": Opt.SGD(0.2)}, "the optimiser was"),
        ({"l1": 0.5}, "the optimiser was"),
        ({"loss": M.absolute_error}, "the loss was 'squared_error', and is 'absolute_error'"),
        ({"model": M.MLP([3, 6, 1], dtype="float64")},
         "layers.0.W was of shape .3, 5. and float64, and is of shape .3, 6."),
        ({"model": mlp("float32")}, "float32"),
        ({"model": M.MLP([3, 5, 1], activation="relu", dtype="float64")},
         "the network .its class, and fields .* was 'MLP"),
        ({"model": M.MLP([3, 5, 5, 1], dtype="float64")}, "it lacks model:layers.2.W, model:layers.2.b"),
        ({"train": (X, Y + 1)}, "the training data's digest"),
        ({"validation": (X[1:], Y[1:])}, "the validation data's digest"),
        ({"batch_size": 8}, "batch_size was '32', and is '8'"),
        ({"batches": "drawn"}, "batches was 'shuffled', and is 'drawn'"),
        ({"seed": 5}, "seed was '0', and is '5'"),
        ({"compile": False}, "compile was 'True', and is 'False'"),
    ],
)  # fmt: skip
def test_another_training_is_refused(tmp_path, more, says):
    path = tmp_path / "c.safetensors"
    small(path)
    with pytest.raises(pb.train.InputError, match=f"is of another training: .*{says}") as error:
        small(path, resume=True, **more)
    assert "\n" not in str(error.value)
    assert "start anew" in str(error.value)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"checkpoint": None, "resume": True}, "resume=True needs the path"),
        ({"every": -1}, "every=-1; it is a number of seconds"),
        ({"checkpoint": "no/such/folder/c.safetensors"}, "there is no folder"),
        ({"epochs": 1, "resume": True}, "may be raised, not lowered"),
    ],
)
def test_settings_that_cannot_be(tmp_path, more, says):
    path = tmp_path / "c.safetensors"
    small(path)
    with pytest.raises(ValueError, match=says):
        small(path, **more)


def test_another_version_is_warned_of(tmp_path, monkeypatch):
    path = tmp_path / "c.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr(np, "__version__", "1.0")
        small(path)
    with pytest.warns(RuntimeWarning, match=r"written by NumPy 1\.0, now .*by rounding"):
        assert small(path, epochs=3, resume=True).steps == 3
    # which wrote it again
    assert small(path, epochs=3, resume=True).resumed == 3


def test_a_disk_that_is_full_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    path = tmp_path / "c.safetensors"
    whole = small(None, epochs=3, batch_size=8)
    small(path, epochs=2, batch_size=8)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(pb.train.WriteError, match="No space left"):
        small(path, epochs=3, batch_size=8, resume=True)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["c.safetensors"]
    same(small(path, epochs=3, batch_size=8, resume=True), whole)


def test_a_state_that_changes_its_structure_is_refused(tmp_path):
    class Growing:
        def init(self, params):
            return ()

        def step(self, params, grads, state, *, lr=None):
            return params, (np.asarray(1.0),)

    with pytest.raises(ValueError, match="the structure of the optimiser's state is another"):
        small(tmp_path / "c.safetensors", opt=Growing())


def test_another_score_is_another_training_but_earlier_versions_wrote_none(tmp_path, monkeypatch):
    def score(outputs, y):
        return 0.5

    def fit(**more):
        return pb.train.fit(
            mlp(), M.squared_error, (X, Y), (X, Y), Opt.SGD(0.1), epochs=2, compile=False,
            checkpoint=tmp_path / "c.safetensors", **more,
        )  # fmt: skip

    fit()
    with pytest.raises(pb.train.InputError, match="the score was 'none', and is '"):
        fit(score=score, resume=True)
    about = dict(snapshot.read(tmp_path / "c.safetensors").about)
    assert about.pop("the score") == "none"
    monkeypatch.setattr(loop, "description", lambda *a, **k: about)
    fit()
    monkeypatch.undo()
    assert fit(score=score, resume=True).resumed is not None


def test_two_trainings_do_not_write_into_one_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr("pullback.train.files._PATIENCE", 0.0)

    def fit(name, **more):
        return pb.train.fit(
            mlp(), M.squared_error, (X, Y), (X, Y), Opt.SGD(0.1), epochs=1, compile=False,
            checkpoint=tmp_path / name, **more,
        )  # fmt: skip

    def within(run):
        fit("other.safetensors")
        for resume in (True, False):
            with pytest.raises(pb.train.WriteError, match="another training writes its checkpoint"):
                fit("c.safetensors", resume=resume)

    assert fit("c.safetensors", callbacks=[within]).stopped == "epochs"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.safetensors", "other.safetensors"]
