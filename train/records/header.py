"""What a model's file says of itself: the header of a .safetensors file alone, without its tensors."""

from __future__ import annotations

import json
import os
from typing import Any

from ..errors import InputError
from ..files import open_file

_KEY = "pullback"
# the longest header that safetensors itself reads
_LARGEST = 100_000_000


def read_header(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The architecture and the metadata of a model that `save` wrote; its tensors are not read.

    Raises
    ------
    InputError
        If the file is missing, truncated, or not from pullback.
    """
    try:
        with open_file(path) as file:
            size = int.from_bytes(file.read(8), "little")
            if not 2 <= size <= min(_LARGEST, os.fstat(file.fileno()).st_size - 8):
                raise ValueError("size")
            header = json.loads(file.read(size))
        content = json.loads(header["__metadata__"][_KEY])
        return dict(content["architecture"]), dict(content["metadata"])
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except InputError:
        raise
    # of bytes that anybody may have written
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise InputError(f"{path} is no model of `pullback train`, or is damaged") from None
