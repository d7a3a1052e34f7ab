"""`pullback sample`: the text that a run draws."""

from __future__ import annotations

import itertools
import math

import pytest

import pullback as pb
from pullback.train.run.sample import load_text_model

from ..cli import _cli
from ..cli._cli import QUICK, table
from ._networks_data import SENTENCE, text

folder, pullback = _cli.folder, _cli.pullback


@pytest.fixture
def run(pullback):
    """A model that knows the sentence nearly by heart."""
    code, out, _ = pullback(
        "train", text(times=40), "--hidden", 32, "--length", 16, "--epochs", 25, "--learning-rate", 0.02,
    )  # fmt: skip
    assert code == 0
    assert "lstm 32, " in out[1], "the network of a text where none is named"
    assert float(out[3].split("accuracy ")[1].split()[0]) > 80
    return "runs/notes"


def test_it_draws_from_what_was_learned(pullback, run):
    def drawn(*options):
        code, out, err = pullback("sample", run, "--length", 60, *options)
        assert (code, err) == (0, [])
        return "\n".join(out)

    # the sentence has "the " four times, so that the likeliest text may run in a circle
    cold = drawn("--temperature", 0, "--prompt", "and the dog")
    assert cold.startswith("and the dog sat on the ")
    assert len(cold) == 71
    assert drawn() == drawn() != drawn("--seed", 1)
    words = drawn("--temperature", 0.2).replace("\n", " ").split()[:-1]
    assert sum(word in SENTENCE.split() for word in words) > 0.7 * len(words)
    assert drawn("--prompt", "the cat").startswith("the cat")
    assert pullback("sample", f"{run}/model.safetensors", "--length", 0) == (0, [""], [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--prompt", "Xt"], "the prompt has 'X', which the model does not know: it was trained on 16 "),
        (["--temperature", "-1"], "temperature: -1.0 is not a number of at least 0"),
        (["--temperature", "nan"], "temperature: nan is not a number"),
        (["--length", "-3"], "length: -3 is not a whole number of at least 0"),
        (["--seed", "-3"], "seed: -3 is not a whole number of at least 0"),
    ],
)  # fmt: skip
def test_wrong_settings_are_refused(pullback, options, said):
    pullback("train", text(), "--hidden", 4, "--length", 8, "--epochs", 1)
    code, out, err = pullback("sample", "runs/notes", *options)
    assert (code, out, len(err)) == (2, [], 1)
    assert said in err[0]


def test_models_of_other_data_are_refused(pullback):
    pullback("train", table("t.csv"), *QUICK)
    assert "is no model of a text: train one by" in pullback("sample", "runs/t")[2][0]
    assert pullback("sample", "runs/none")[2] == ["pullback: no such run: runs/none"]
    pullback("train", text(), "--hidden", 4, "--length", 8, "--epochs", 1)
    message = "is not a model of a table or of images: `pullback sample` draws text from it"
    assert message in pullback("predict", "runs/notes", "t.csv")[2][0]


def test_metadata_that_do_not_fit_are_refused(pullback, tmp_path):
    pullback("train", text(), "--hidden", 4, "--length", 8, "--epochs", 1)
    found = load_text_model("runs/notes")
    assert (found.length, len(found.vocabulary)) == (8, 16)
    assert len("".join(itertools.islice(found.sample(), 5))) == 5
    model, metadata = pb.train.load("runs/notes/model.safetensors")
    net = pb.train.networks.architecture.Architecture(
        "lstm", {"vocabulary": 16, "hidden": (4,), "dropout": 0.0}, "float32"
    )
    assert math.isfinite(metadata["validation_loss"])
    for change in ({"vocabulary": "abc"}, {"vocabulary": "a" * 16}, {"length": 0}, {"length": "8"}):
        pb.train.save(tmp_path / "m.safetensors", model, {**metadata, **change}, built_by=net)
        with pytest.raises(pb.train.InputError, match="another architecture than its metadata"):
            load_text_model(tmp_path / "m.safetensors")
