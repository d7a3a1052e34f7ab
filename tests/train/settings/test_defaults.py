"""Settings by network: what each has, what it has not, and which one data ask for."""

from __future__ import annotations

import pytest

from pullback.train import InputError, Settings, config_text, read_config
from pullback.train.settings.config import merged


@pytest.mark.parametrize(
    ("given", "model", "hidden"),
    [
        ({}, "mlp", (128,)),
        ({"data": "a.md"}, "lstm", (128,)),
        ({"data": "a.txt", "model": "auto"}, "lstm", (128,)),
        ({"data": "a.py", "model": "transformer"}, "transformer", (128, 128)),
        ({"data": "n.csv", "edges": "e.csv"}, "gcn", (32,)),
        ({"data": "x-idx3-ubyte", "model": "cnn", "hidden": ()}, "cnn", ()),
    ],
)
def test_the_network_is_that_of_the_data(given, model, hidden):
    found = Settings(**given)
    assert (found.model, found.hidden) == (model, hidden)
    assert min(found.epochs, found.learning_rate) > 0
    assert (found.batch_size is None) == (model == "gcn")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model": "rnn"}, r"model: unknown network 'rnn'; choose one of auto, mlp, cnn, lstm"),
        ({"data": "a.txt", "model": "cnn"}, r"cnn takes tables or images, and a.txt is a text: use lstm"),
        ({"model": "lstm"}, r"lstm takes a text, such as notes.txt, and digits is a table or images"),
        ({"data": "a.npz", "model": "transformer"}, r"transformer takes a text"),
        ({"data": "a.csv", "model": "cnn"}, r"cnn takes images: digits, .*; a.csv is a table"),
        ({"data": "wine", "model": "cnn"}, r"cnn takes images: digits, .*; wine is a table"),
        ({"data": "n.csv", "model": "gcn"}, r"gcn needs the edges of the graph: --edges"),
        ({"data": "n.npz", "edges": "e.csv"}, r"gcn takes a table of nodes as .csv, not n.npz"),
        ({"data": "n.csv", "edges": "e.csv", "model": "mlp"}, r"edges: a graph is for --model gcn, not mlp"),
        ({"data": "n.csv", "edges": "e.csv", "task": "regression"}, r"task: gcn tells classes"),
        ({"data": "n.csv", "edges": "e.csv", "batch_size": 3}, r"batch_size: --model gcn has no such setting"),
        ({"data": "n.csv", "edges": "e.csv", "batches": "drawn"}, r"batches: gcn has no batches"),
        ({"data": "a.txt", "target": "x"}, r"target: 'x': a text's characters are predicted"),
        ({"data": "a.txt", "task": "regression"}, r"task: 'regression': a text's characters"),
        ({"data": "a.txt", "activation": "relu"}, r"activation: --model lstm has no such setting"),
        ({"length": 8}, r"length: --model mlp has no such setting"),
        ({"model": "cnn", "dropout": 1.0}, r"dropout: 1.0 is not below 1"),
        ({"data": "a.txt", "length": 0}, r"length: 0 is not a whole number of at least 1"),
    ],
)  # fmt: skip
def test_settings_that_a_network_does_not_have_are_refused(given, said):
    with pytest.raises(InputError, match=said):
        Settings(**given)


def test_settings_of_every_network_survive_their_file(tmp_path):
    for given in ({"data": "a.txt"}, {"data": "n.csv", "edges": "e.csv"}, {"model": "cnn"}):
        settings = Settings(**given)
        path = tmp_path / "run.toml"
        path.write_text(config_text(settings))
        assert Settings(**read_config(path)) == settings


def test_another_network_than_the_files_brings_its_own_settings():
    base = {"model": "mlp", "hidden": (7,), "epochs": 3, "learning_rate": 0.5, "seed": 4}
    assert merged(base, {"model": "cnn"}) == Settings(model="cnn", seed=4)
    assert merged(base, {"model": "mlp"}).hidden == (7,)
    assert merged({"epochs": 3}, {"model": "cnn"}).epochs == 3
