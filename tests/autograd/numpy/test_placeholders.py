"""What stands on `Array` until NumPy's names are used: every way of asking gives the real thing, in a new process."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.numpy import methods
from pullback.autograd.numpy.placeholders import NAMES, Placeholder, load

from ..._fresh import processes

# Each is asked for first in its process.
FIRST_USES = {
    "method": "assert float(x.sum()) == 3.0",
    "method of the class": "assert float(pb.Array.sum(x)) == 3.0",
    "docstring": "assert pb.Array.sum.__doc__.startswith('The sum')",
    "signature": "import inspect; assert list(inspect.signature(pb.Array.sum).parameters)[:2] == ['self', 'axis']",
    "hasattr": "assert hasattr(x, 'mean') and hasattr(pb.Array, 'mean') and not hasattr(x, 'meen')",
    "advice": "try: x.tobytes\nexcept AttributeError as e: assert 'pb.to_numpy(x)' in str(e)\nelse: assert 0",
    "dir": "assert {'sum', 'T', 'real', '__round__', '__array_ufunc__'} <= set(dir(pb.Array))",
    "attribute": "assert x.T.shape == (2,)",
    "set attribute": "z = pb.xp.asarray([1j]); z.real = 5.0; assert complex(z[0]) == 5 + 1j",
    "set what cannot be": "try: x.nbytes = 3\nexcept AttributeError: pass\nelse: assert 0",
    "delete": "try: del x.T\nexcept AttributeError: pass\nelse: assert 0",
    "in": "assert 2.0 in x and 3.0 not in x",
    "round": "assert round(x[1]) == 2",
    "floor": "import math; assert math.floor(x[1]) == 2 and math.ceil(x[0]) == 1 and math.trunc(x[0]) == 1",
    "divmod": "assert float(divmod(x, 2)[1][0]) == 1.0",
    "rdivmod": "assert float(divmod(5.0, x)[1][1]) == 1.0",
    "ufunc": "assert type(np.sin(x)) is pb.Array",
    "array of NumPy's on the left": "assert type(np.ones(2) * x) is pb.Array",
    "function": "assert type(np.median(x)) is pb.Array",
    "traced": "assert float(pb.grad(lambda x: x.mean())(x)[0]) == 0.5",
    "compiled method": "f = pb.compile(lambda x: x.sum()); assert float(f(x)) == 3.0 == float(f(x))",
    "compiled ufunc": "f = pb.compile(lambda x: np.add.reduce(x)); assert float(f(x)) == 3.0 == float(f(x))",
    "compiled function": "f = pb.compile(lambda x: np.median(x)); assert float(f(x)) == 1.5 == float(f(x))",
    "pickled method": "import pickle; assert pickle.loads(pickle.dumps(pb.Array.sum)) is pb.Array.sum",
    "pickled function": "import pickle; f = pb.numpy.median; assert pickle.loads(pickle.dumps(f)) is f",
    "unpickled": "import pickle, subprocess, sys\n"
    "a = pickle.dumps(pb.numpy.median)\n"
    "code = f'import pickle; assert pickle.loads({a!r}).__name__ == \"median\"'\n"
    "subprocess.run([sys.executable, '-c', code], check=True)",
    "star": "n = {}; exec('from pullback.numpy import *', n); assert n['median'] is pb.numpy.median",
    "linalg": "from pullback.numpy import linalg; assert linalg.norm is pb.numpy.linalg.norm",
    "linalg by its name": "import pullback.numpy.linalg as la; assert la is pb.numpy.linalg and la.norm",
    "modules": "import sys, pullback.numpy; assert pb.numpy is sys.modules['pullback.numpy'] is pullback.numpy",
    "dir of the module": "assert 'median' in dir(pb.numpy) and 'norm' in dir(pb.numpy.linalg)",
    "help": "import pydoc; assert 'median' in pydoc.render_doc(pb.numpy)",
    "doc": "assert pb.numpy.__doc__.startswith('`pullback.numpy`')",
    "no name": "try: pb.numpy.medan\nexcept AttributeError as e: assert 'medan' in str(e)\nelse: assert 0",
    "reload": "import importlib; assert importlib.reload(pb.numpy.random) is pb.numpy.random",
    "threads": """
import threading
b, got = threading.Barrier(8), []
def one(f):
    b.wait()
    got.append(f())
fs = [lambda: np.sin(x), lambda: x.sum(), lambda: pb.numpy.median(x), lambda: pb.numpy.linalg.norm(x)] * 2
ts = [threading.Thread(target=one, args=(f,)) for f in fs]
[t.start() for t in ts]; [t.join(60) for t in ts]
assert len(got) == 8, got
""",
}  # fmt: skip


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """What runs a program where nothing of pullback has been used, and gives its error."""
    start = "import numpy as np, pullback as pb\nx = pb.xp.asarray([1.0, 2.0])"
    with processes(start, tmp_path_factory.mktemp("fresh")) as run:
        yield run


@pytest.mark.parametrize("program", FIRST_USES.values(), ids=FIRST_USES)
def test_first_use(fresh, program):
    assert fresh(program) == ""


def test_each_program_is_the_first_of_its_process(fresh):
    """The placeholders stand again after a program that replaced them; errors come through."""
    from_class = "assert type(vars(pb.Array)['sum']).__name__ {} 'Placeholder'"
    assert fresh("x.sum(); " + from_class.format("!=")) == ""
    assert fresh(from_class.format("==")) == ""
    assert "ZeroDivisionError" in fresh("1 / 0")


def test_there_is_one_for_each_name_and_none_after_loading():
    load()
    assert len(set(NAMES)) == len(NAMES)
    put = methods.METHODS | methods.SPECIAL | methods.ATTRIBUTES | methods.INSTEAD
    assert set(NAMES) == {*put, "__array_function__", "__array_ufunc__"}
    public = {n for n in dir(np.ndarray) if not n.startswith("_")}
    assert public <= {*NAMES, *vars(pb.Array)}
    assert not [n for n, member in vars(pb.Array).items() if type(member) is Placeholder]
