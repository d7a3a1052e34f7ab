"""Products on stand-ins for cuBLAS and cuBLASLt: order, transposition, epilogues, plans, and which library is used."""

from __future__ import annotations

import ctypes
import inspect

import numpy as np
import pytest

from pullback.backend.common.launches import BLOCK, Address, Matrix, Product
from pullback.backend.cuda import cublas as _cublas
from pullback.backend.cuda import cublaslt as _cublaslt

from ._cublas import WAYS, Library, LtLibrary, _bfloat16, _run

# What libraries and CuPy do, on host memory, from their documented meaning.


@pytest.mark.parametrize("operands", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("code", range(8))
@pytest.mark.parametrize("way", WAYS)
def test_order_and_transposition(way, code, batch, operands):
    """Every combination of transposed A, B, C, with rows longer than the matrices, against NumPy."""
    m, n, k, pad = 3, 5, 4, 2
    rng = np.random.default_rng(0)
    low = "uint16" if operands == "bfloat16" else operands
    dtype = "float64" if operands == "float64" else "float32"
    logical, memory, matrices = [], [], []
    for i, shape in enumerate(((m, k), (k, n), (m, n))):
        turned = bool(code >> i & 1)
        rows, cols = shape[::-1] if turned else shape
        held = np.full((batch, rows, cols + pad), 7, low if i < 2 else dtype)
        if i < 2:
            numbers = rng.normal(size=(batch, rows, cols)).astype("float32")
            held[..., :cols] = (numbers.view("uint32") >> 16) if low == "uint16" else numbers
        seen = held[..., :cols]
        seen = _bfloat16(np.ascontiguousarray(seen)) if i < 2 and low == "uint16" else seen
        logical.append(np.swapaxes(seen, 1, 2) if turned else seen)
        memory.append(held)
        matrices.append(Matrix(Address(BLOCK), cols + pad, turned, held[0].size))
    product = Product(m, n, k, *matrices, dtype, operands, batch=batch)
    _run(WAYS[way](), product, *memory)
    wanted = logical[0].astype("float64") @ logical[1]
    np.testing.assert_allclose(logical[2], wanted, rtol=1e-4, atol=1e-6)
    assert (memory[2][..., -pad:] == 7).all()


def test_a_handle_is_set_up_once():
    library, x = Library(), np.zeros((2, 2), "float32")
    way, square = _cublas.Cublas(library), Matrix(Address(BLOCK), 2)
    bound = _run(way, Product(2, 2, 2, square, square, square, "float32", "float32"), x, x, x + 1)
    bound.launch(3)
    names = [name for name, _ in library.calls]
    assert names == ["cublasCreate_v2", "cublasSetStream_v2", "cublasSetWorkspace_v2"]
    bound.launch(4)  # another stream: the workspace is set anew, after it
    assert [name for name, _ in library.calls][3:] == names[1:]


def test_names_and_values_of_the_bindings():
    """Against nvmath-python's own tables, which are made from the header."""
    lt = pytest.importorskip(
        "nvmath.bindings.cublasLt", reason="nvmath-python is not installed", exc_type=ImportError
    )
    desc, layout = lt.MatmulDescAttribute, lt.MatrixLayoutAttribute
    preference = lt.MatmulPreferenceAttribute
    names = ("DEFAULT", "BIAS", "RELU_BIAS", "RELU_AUX_BIAS", "DRELU_BGRAD")
    assert list(_cublaslt.EPILOGUES.values()) == [lt.Epilogue[name].value for name in names]
    sizes = {"desc": desc, "layout": layout, "pref": preference}
    ask = {"desc": lt.get_matmul_desc_attribute_dtype, "layout": lt.get_matrix_layout_attribute_dtype,
           "pref": lt.get_matmul_preference_attribute_dtype}  # fmt: skip
    for kind, table in LtLibrary.SIZES.items():
        for attribute, size in table.items():
            assert np.dtype(ask[kind](sizes[kind](attribute))).itemsize == size
    used = {_cublaslt.TRANSA: desc.TRANSA, _cublaslt.TRANSB: desc.TRANSB, _cublaslt.EPILOGUE: desc.EPILOGUE,
            _cublaslt.BIAS_POINTER: desc.BIAS_POINTER, _cublaslt.AUX_POINTER: desc.EPILOGUE_AUX_POINTER,
            _cublaslt.AUX_LD: desc.EPILOGUE_AUX_LD}  # fmt: skip
    assert all(ours == theirs.value for ours, theirs in used.items())
    assert layout.BATCH_COUNT == _cublaslt.BATCH_COUNT
    assert layout.STRIDED_BATCH_OFFSET == _cublaslt.BATCH_STRIDE
    assert preference.MAX_WORKSPACE_BYTES == _cublaslt.MAX_WORKSPACE
    least = [preference[f"MIN_ALIGNMENT_{x}_BYTES"].value for x in "ABCD"]
    assert list(_cublaslt.MIN_ALIGNMENT) == least
    assert np.dtype(lt.matmul_heuristic_result_dtype).itemsize == ctypes.sizeof(_cublaslt.Plan)
    for name in (n for n in vars(LtLibrary) if n.startswith(("create", "mat"))):
        stated = getattr(lt, name).__doc__.split(")")[0]
        count = stated.count(",") + 1 if not stated.endswith("(") else 0
        parameters = list(inspect.signature(getattr(LtLibrary, name)).parameters.values())[1:]
        assert count == len(parameters) or parameters[0].kind is inspect.Parameter.VAR_POSITIONAL
