"""debug_nans and draw: what a person sees who is looking."""

import re
import threading

import numpy as np
import pytest

import pullback as pb

from ._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp


def sqrt_sum(x):
    return xp.sum(xp.sqrt(x) * 2)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the divisions inside rules
class TestDebugNans:
    def test_backward_names_the_operation_and_the_line(self):
        with pb.debug_nans(), pytest.raises(FloatingPointError) as caught:
            pb.grad(sqrt_sum)(np.asarray([0.0, 1.0]))
        assert re.search(r"derivative of sqrt .*test_debug\.py:\d+ in sqrt_sum", str(caught.value))

    def test_forward(self):
        with pb.debug_nans(), pytest.raises(FloatingPointError, match=r"log .*test_debug\.py:\d+"):
            pb.grad(lambda x: xp.sum(xp.log(x)))(np.asarray([-1.0]))

    def test_untraced(self):
        with pb.debug_nans(), pytest.raises(FloatingPointError, match="divide"):
            xp.asarray([1.0]) / xp.asarray([0.0])

    def test_an_operation_is_not_blamed_for_its_input(self):
        with pb.debug_nans():
            assert np.isnan(pb.to_numpy(xp.asarray(np.asarray([np.nan])) * 2.0))

    def test_off_afterwards_and_nested(self):
        with pb.debug_nans():
            with pb.debug_nans():
                pass
            with pytest.raises(FloatingPointError):
                pb.grad(sqrt_sum)(np.asarray([0.0]))
        assert np.isinf(pb.grad(sqrt_sum)(np.asarray([0.0])))[0]

    def test_right_gradients_while_on(self):
        with pb.debug_nans():
            pb.check_grads(lambda x: xp.sum(xp.exp(x) * x), (np.asarray([0.5, 1.0]),), order=2)

    def test_left_by_an_exception_in_a_thread(self):
        def work():
            with pytest.raises(ZeroDivisionError), pb.debug_nans():
                1 / 0  # noqa: B018 - raised on purpose

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert np.isinf(pb.grad(sqrt_sum)(np.asarray([0.0])))[0]


class TestDraw:
    def test_edges_follow_the_computation(self):
        text = pb.draw(lambda x, y: xp.concat([x, xp.where(x > 0, y, x)]), np.ones(2), np.ones(2))
        edges = re.findall(r"v(\d+) --> v(\d+)", text)
        assert sorted(edges) == [("0", "2"), ("0", "3"), ("1", "2"), ("2", "3")]
        assert '"concat<br/>(4,) float64"' in text

    def test_dot_and_file(self, tmp_path):
        file = tmp_path / "graph.dot"
        text = pb.draw(lambda x: xp.sum(x * x), np.ones(3), language="dot", file=file)
        assert text.startswith("digraph {")
        assert file.read_text().strip() == text
        assert list(tmp_path.iterdir()) == [file]

    def test_signals_are_norms_of_cotangents(self):
        text = pb.draw(lambda x: xp.sum(3 * x), np.ones(4), signals=True)
        assert '"0<br/>(4,) float64<br/>signal 6"' in text

    def test_model_leaves_are_named(self):
        model = pb.models.MLP([3, 4, 2], seed=0)
        text = pb.draw(lambda m: xp.sum(m(np.ones((5, 3), np.float32))), model)
        assert "0.layers.1.b<br/>(2,) float32" in text

    def test_checkpoint_is_one_node(self):
        text = pb.draw(lambda x: pb.checkpoint(xp.sin)(x) * 2, np.ones(2))
        assert "checkpoint(sin)" in text

    def test_unknown_language(self):
        with pytest.raises(ValueError, match="mermaid, dot"):
            pb.draw(lambda x: x, np.ones(2), language="svg")
