"""Tests of `train/settings/checks.py`: each value by itself; pairs are in tests/train/cli/test_settings.py."""

import pytest

from pullback.train import InputError, Settings

WRONG = {
    "data": ("", 3, "\udc80"),
    "target": (None,),
    "task": ("clustering",),
    "model": ("forest",),
    "optimizer": ("lbfgs", "sgdd", None),
    "hidden": ([8], (0,), (1.5,), (10**9,)),
    "activation": ("step",),
    "learning_rate": (0, -1.0, float("nan"), float("inf"), True, "1", 10**400),
    "l1": (-1e-9,),
    "l2": (float("inf"),),
    "clip": (-1.0,),
    "momentum": (1.0,),
    "beta1": (-0.1,),
    "dropout": (1.0,),
    "batch_size": (0, 2.0, True),
    "batches": ("sorted",),
    "epochs": (0, 1.5),
    "patience": (-1,),
    "seed": (-1, None),
    "backend": ("torch",),
    "dtype": ("float16",),
    "precision": ("int8",),
    "compile": (1, "yes"),
    "schedule": ("linear",),
    "warmup": (-1, 1.5),
    "class_weight": ("heavy",),
    "missing": ("ignore",),
    "dates": ("year-first",),
    "decimal": (";",),
    "categorical": ("a", (3,)),
    "columns": ((("a", "colour"),), "a"),
    "memory": ("much", "-1GB"),
    "name": ("a/b", ".hidden", "a\nb"),
}


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in WRONG.items() for value in values]
)
def test_a_value_that_cannot_be_is_refused_by_its_name(key, value):
    given = {"optimizer": "sgd"} if key == "momentum" else {}
    with pytest.raises(InputError, match=f"^{key}: ") as info:
        Settings(**{**given, key: value})
    assert "\n" not in str(info.value)
