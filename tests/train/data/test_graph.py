"""Graphs from two tables: names, parts and classes of nodes, edges in both directions."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.train import InputError
from pullback.train.data.graph import read_edges, read_graph, read_nodes

NODES = """id,split,size,red,kind
n1,train,1,0.5,a
n2,train,2,0.25,b
n3,val,3,0,a
n4,test,4,1,b
n5,,5,1,
n6,,6,1,a
"""
EDGES = "from,to\nn1,n2\nn2,n1\nn3,n5\nn4,n4\n"


@pytest.fixture
def graph(tmp_path):
    """Write the two tables with changes, and read them."""

    def read(nodes=NODES, edges=EDGES, **settings):
        (tmp_path / "n.csv").write_text(nodes)
        (tmp_path / "e.csv").write_text(edges)
        return read_graph(tmp_path / "n.csv", tmp_path / "e.csv", **settings)

    return read


def test_nodes_are_named_parted_and_labelled(graph):
    found = graph()
    assert (found.name, found.labelled.classes) == ("n", ("a", "b"))
    assert found.rows.tolist() == [0, 1, 2, 3, 5]
    assert found.labelled.y.tolist() == [0, 1, 0, 1, 0]
    assert found.labelled.columns == ("size", "red")
    np.testing.assert_array_equal(found.x[:, 0], [1, 2, 3, 4, 5, 6])
    parts = found.split(0)
    assert [p.tolist() for p in (parts.train, parts.validation, parts.test)] == [[0, 1], [2], [3]]
    with pytest.raises(InputError, match="the column 'split' says which nodes validate"):
        found.folds(2, 0)


def test_edges_go_both_ways_none_twice_none_to_itself(graph):
    assert graph().edges.tolist() == [[0, 1, 2, 4], [1, 0, 4, 2]]


def test_nodes_without_names_are_numbered(tmp_path):
    (tmp_path / "n.csv").write_text("".join(f"{i},{i % 2},{'ab'[i % 2]}\n" for i in range(12)))
    (tmp_path / "e.csv").write_text("0,1\n11,2\n")
    found = read_graph(tmp_path / "n.csv", tmp_path / "e.csv")
    assert found.edges.tolist() == [[0, 1, 2, 11], [1, 0, 11, 2]]
    assert found.given is None
    assert len(found.split(0).train) == 6
    assert len(found.folds(2, 0)) == 2


def test_edges_of_nodes_with_words_for_names_need_no_header(tmp_path):
    (tmp_path / "e.csv").write_text("a,b\nb,c\n")
    assert read_edges(tmp_path / "e.csv", ["a", "b", "c"]).tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]


def test_to_predict_the_class_need_not_be_there(tmp_path):
    (tmp_path / "n.csv").write_text("red,node,size\n1,x,2\n3,y,4\n")
    found = read_nodes(tmp_path / "n.csv", "kind", columns=("size", "red"))
    assert found.x.tolist() == [[2, 1], [4, 3]]
    assert (found.ids, found.labels, found.target) == (["x", "y"], [], "")
    with pytest.raises(InputError, match=r"has no column 'blue'; the model takes blue, red"):
        read_nodes(tmp_path / "n.csv", "kind", columns=("blue", "red"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"edges": "n1,n2\nn1,n9\n"}, r"e.csv, row 2: there is no node 'n9'; the table of nodes has n1, n2"),
        ({"edges": "from,to\n7,n1\n"}, r"e.csv, row 2: there is no node '7'"),
        ({"edges": "a,b,c\nn1,n2,n3\n"}, r"e.csv has 3 columns: a list of edges has two"),
        ({"edges": ""}, r"e.csv is empty"),
        ({"nodes": NODES.replace("n2,", "n1,")}, r"n.csv, row 3: node 'n1' stands in row 2 too"),
        ({"nodes": NODES.replace("n2,train", ",train")}, r"n.csv, row 3: the node has no name"),
        ({"nodes": NODES.replace("val", "later")}, r"n.csv, row 4, column 'split': 'later' is no part"),
        ({"nodes": NODES.replace("val", "")}, r"no node with a class has 'validation' in the column 'split'"),
        ({"nodes": NODES.replace("0.25", "x")}, r"n.csv, row 3, column 'red': 'x' is not a number"),
        ({"nodes": NODES.replace("id,", "id,").replace("size", "node")}, r"two columns of names, 'id' and 'node'"),
        ({"nodes": NODES.replace(",b\n", ",a\n")}, r"the target has one class, 'a'"),
        ({"nodes": "id,kind\nn1,a\nn2,b\n"}, r"n.csv has no column of features"),
        ({"nodes": NODES.replace(",a\n", ",\n").replace(",b\n", ",\n")}, r"no node has a class in the column 'kind'"),
        ({"target": "color"}, r"n.csv has no column 'color'"),
    ],
)  # fmt: skip
def test_what_is_no_graph_is_refused(graph, changes, said):
    with pytest.raises(InputError, match=said):
        graph(**changes)
