"""The tool that runs HIPS autograd's tests: which words of a program it changes."""

from ._tools import load

rewritten = load("hips_suite").rewritten


def test_imports_are_rewritten_and_nothing_else():
    source = (
        "import autograd.numpy as np\n"
        "    import autograd.scipy.signal\n"
        "from autograd import grad, jacobian\n"
        "from autograd.misc.optimizers import adam\n"
        "import autograd\n"
        "x = autograd.scipy.signal.convolve  # import autograd\n"
        "from autograd_extras import y\n"
    )
    assert rewritten(source) == (
        "import pullback.compat.autograd.numpy as np\n"
        "    import pullback.compat.autograd.scipy.signal\n"
        "    from pullback.compat import autograd\n"
        "from pullback.compat.autograd import grad, jacobian\n"
        "from pullback.compat.autograd.misc.optimizers import adam\n"
        "from pullback.compat import autograd\n"
        "x = autograd.scipy.signal.convolve  # import autograd\n"
        "from autograd_extras import y\n"
    )


def test_numbers_in_what_programs_print_are_compared():
    compare = load("hips_examples").difference
    assert compare("a 1.5 b -2.0e+01", "a 1.5 b -2.0e+01") == "2 numbers, apart by 0.0e+00"
    assert compare("1.0", "1.1").startswith("1 numbers, apart by 9.1e-02")
    assert compare("1.0", "none") == "1 numbers against 0"
