"""Tests of `playground/training/data.py`: the data sets by name, and tables as people have them."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.playground.training.data import (
    CLASSIFICATION,
    EXTENT,
    KINDS,
    MOST_ROWS,
    REGRESSION,
    decoded,
    draw,
    read_table,
    split,
)
from pullback.train import InputError


@pytest.mark.parametrize("name", KINDS)
def test_a_data_set_lies_in_the_square_and_is_balanced(name):
    data = draw(name, noise=0.0)
    assert data.X.shape == (500, 2)
    assert np.abs(data.X).max() <= EXTENT
    if data.problem == CLASSIFICATION:
        assert set(np.unique(data.y)) == {0.0, 1.0}
        assert abs(data.y.mean() - 0.5) < 0.1
    else:
        assert -1 <= data.y.min() < -0.5
        assert 0.5 < data.y.max() <= 1


@pytest.mark.parametrize("name", KINDS)
def test_the_seed_and_the_noise_decide(name):
    one, again, other = draw(name, noise=0.3), draw(name, noise=0.3), draw(name, noise=0.3, seed=1)
    assert np.array_equal(one.X, again.X)
    assert not np.array_equal(one.X, other.X)
    quiet = draw(name)
    assert not (np.array_equal(one.X, quiet.X) and np.array_equal(one.y, quiet.y))


def test_noise_moves_points_over_the_border_of_the_circle():
    inside = np.hypot(*draw("circle").X.T) < 3
    assert np.array_equal(inside, draw("circle").y == 1)
    noisy = draw("circle", noise=0.5)
    assert not np.array_equal(np.hypot(*noisy.X.T) < 3, noisy.y == 1)


@pytest.mark.parametrize(("share", "first"), [(0.5, 250), (0.1, 50), (0.9, 450)])
def test_a_split_takes_each_point_once(share, first):
    data = draw("spiral", noise=0.1)
    train, test = split(data, share, seed=3)
    assert len(train.y) == first
    rows = np.concatenate([train.X, test.X])
    assert np.array_equal(np.sort(rows.sum(1)), np.sort(data.X.sum(1)))
    assert not np.array_equal(train.X, split(data, share, seed=4)[0].X)


def test_two_points_are_split_in_one_and_one():
    train, test = split(draw("xor", points=2), 0.9)
    assert len(train.y) == len(test.y) == 1


TABLES = {
    "names": "left,right,kind\n1,2,yes\n3,4,no\n",
    "no names": "1,2,yes\n3,4,no\n",
    "semicolons": "left;right;kind\n1;2;yes\n3;4;no\n",
    "tabs and empty lines": "1\t2\tyes\n\n3\t4\tno\n\n",
    "quotes": '"left","right","kind"\n"1","2","yes"\n"3","4","no"\n',
    "Windows": "1,2,yes\r\n3,4,no\r\n",
    "an empty line first": "\nleft;right;kind\n1;2;yes\n3;4;no\n",
    "an old Macintosh": "1,2,yes\r3,4,no\r",
    "empty cells in empty lines": "1,2,yes\n  \n,,\n3,4,no\n \n",
    "huge numbers": "-1e308,-1e308,yes\n1e308,1.5e308,no\n",
    "tiny numbers": "0,0,yes\n5e-324,1e-300,no\n",
}


@pytest.mark.parametrize("text", TABLES.values(), ids=TABLES)
def test_a_table_of_two_classes(text):
    data = read_table(text)
    assert (data.problem, data.labels, data.y.tolist()) == (CLASSIFICATION, ("no", "yes"), [1, 0])
    assert np.allclose(data.X, [[-5.1, -5.1], [5.1, 5.1]])


def test_numbers_that_are_equal_are_one_label_however_they_are_written():
    data = read_table("1,2,1\n3,4,0\n5,6,1.0\n7,8,0.00\n")
    assert (data.problem, data.labels, data.y.tolist()) == (
        CLASSIFICATION,
        ("0", "1"),
        [1, 0, 1, 0],
    )


def test_targets_may_be_as_far_apart_as_numbers_are():
    data = read_table("1,2,1.5e308\n3,4,-1.5e308\n5,6,0\n")
    assert np.allclose(data.y, [1, -1, 0])


def test_a_name_is_shown_in_part():
    data = read_table(f"{'a' * 1000},b,c\n1,2,{'d' * 1000}\n3,4,e\n")
    assert len(data.columns[0]) == len(data.labels[0]) == 40


def test_classes_that_are_numbers_are_in_their_order():
    data = read_table("0,0,10\n1,1,9\n")
    assert (data.labels, data.y.tolist()) == (("9", "10"), [1, 0])


def test_a_table_of_numbers_is_a_regression():
    data = read_table("a,b,price\n0,5,10\n1,5,20\n2,5,30\n")
    assert (data.problem, data.columns, data.labels) == (REGRESSION, ("a", "b"), ("10", "30"))
    assert data.y.tolist() == [-1, 0, 1]
    # a column that does not vary
    assert data.X[:, 1].tolist() == [0, 0, 0]


BAD = {
    "": "the file is empty",
    "a,b,c\n": "0 rows of data",
    "1,2,x\n": "1 row of data",
    "1,2\n3,4\n": "row 1: 2 columns, where two numbers and a label are needed",
    "1 2 x\n3 4 y\n": "row 1: 1 column, where two numbers and a label are needed, separated by comma",
    # no line of names, though its first cell is no number
    ",2,x\n3,4,y\n5,6,x\n": "row 1: x₁ is '', not a number",
    "1,2,x\n\n3,4,\n": "row 3: the label is missing",
    "a;b;c\n1,5;2;x\n3;4;y\n": "row 2: a is '1,5', not a number: write a point for the comma",
    "1,2,x\n3,?,y\n": "row 2: x₂ is '?', not a number",
    "a,b,c\n1,2,x\n3,nan,y\n": "row 3: b is 'nan', not a number",
    "1,2,x\n3,4,x\n": "all labels are 'x'",
    "1,2,x\n3,4,y\n5,6,z\n": "3 classes",
    "nan,2,x\n3,4,y\n": "row 1: x₁ is 'nan', not a number",
    "=1+1,2,x\n3,4,y\n": "row 1: x₁ is '=1+1', not a number",
    "1,2,1\n3,4,1.0\n": "all labels are '1'",
    f"1,2,{'x' * 200_000}\n3,4,y\n": "row 1: field larger than",
    "1,2,x\n" * (MOST_ROWS + 2): "5,002 rows: the playground takes at most 5,000",
}


@pytest.mark.parametrize(("text", "said"), BAD.items(), ids=[said[:20] for said in BAD.values()])
def test_a_bad_table_is_told_in_one_line(text, said):
    with pytest.raises(InputError) as error:
        read_table(text)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\xff\xfe1,2", "UTF-8"), (b"1" * 2_000_001, "more than 2,000,000 bytes")],
    ids=["not text", "long"],
)
def test_a_file_that_is_no_text_or_too_long_is_told(content, said):
    with pytest.raises(InputError, match=said):
        decoded(content, "a.csv")


def test_a_mark_of_byte_order_is_no_part_of_the_text():
    assert decoded(b"\xef\xbb\xbf1,2,x") == "1,2,x"
