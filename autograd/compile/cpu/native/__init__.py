"""Operations that a compiled program on the CPU computes by hand-written kernels: convolutions, attention, recurrences.

Of every operation of a program with kernels (`assemble.py`) `table.py` is asked first. Where it has a record that takes
the operation, the program calls a function of that record's making instead of the operation's own. Nothing
changes anywhere else: without numba, for other dtypes and in the kernels of loops (`loops/kernel.py`) the operation is
the call of NumPy that it always was. In a scan whose step is a loop of Python, native operations run as elsewhere.

To add one:

1. Write a file beside `matmul.py`, which is the example. It holds kernels and one `Native(name, takes, make)`:

   - ``takes(op)`` says for which operations it is right. Shapes and dtypes are those of ``op.args`` (a `Value` where
     an array goes), ``op.settings`` and ``op.outputs()``. That every result is an array with elements has been seen to.
   - ``make(op)`` gives ``run(*arrays, *targets)``: the arrays among ``op.inputs()`` in that order, then one buffer for
     each of ``op.outputs()``, or None for a result that nobody reads. Buffers are C-contiguous and
     never share memory with inputs; what lies in them before is anything. Inputs come in C order (copied where they
     do not lie so), or with ``contiguous=False`` as they lie, any strides. Scratch memory is made in `make`: it is
     called once for each runner, and a runner serves one call at a time.
   - Kernels are compiled in `make`, so that what numba refuses is found before the program runs:
     ``kernel.compiled(types...)``.

2. Put it into the list of `table.py`.

Kernels (`jit.py`) are functions under ``@kernel``, and small ones that they call under ``@inlined`` (of
`functions.py`, say: exp, tanh, sigmoid, erf that loops of LLVM vectorise). Shapes are arguments, or those of the
arrays, so that nothing is compiled anew for another shape. numba's results are kept on disk under a checksum of their whole source, that of
the functions they call included. ``sgemm`` and ``dgemm`` of `jit.py` are `cblas_sgemm` and `cblas_dgemm`, with addresses
(``x.ctypes.data + 4 * offset``) for pointers.

Two threads (`threads.py`): ``halves(run, n)`` calls ``run(0, n // 2, 0)`` here and ``run(n // 2, n, 1)`` on a helper
thread, or one after the other where there is no second core, another program has the helper, or threads were turned
off. The numbers are the same in each case, as the halves are always the same two and BLAS is serial in both. The
third argument is the part, 0 or 1, by which each half takes scratch memory of its own. Say ``parallel=False`` where
the whole takes less than 0.1 ms: the helper costs 10 to 20 µs. `alone(run)` is for kernels with products
that are not split.
"""
