"""The points that a path went through, in bounded memory."""

from __future__ import annotations

import numpy as np


class Trail:
    """At most so many points of a path, evenly spaced over its steps, its first and its latest among them.

    When it is full every other point goes, and from then on only every other step is kept: memory does not grow,
    however long one plays.

    Parameters
    ----------
    most : int
        Points that are kept, at least 4.

    Examples
    --------
    >>> import numpy as np
    >>> trail = Trail(most=4)
    >>> for step in range(10):
    ...     trail.add(np.asarray([float(step), 0.0]))
    >>> trail.path()[:, 0]
    array([0., 4., 8., 9.])
    """

    def __init__(self, most: int = 400) -> None:
        if most < 4:
            raise ValueError(f"Trail: most={most}: it has to be at least 4")
        self._most = most
        self.clear()

    def clear(self) -> None:
        """Forget all points."""
        self._points: list[np.ndarray] = []
        self._latest: np.ndarray | None = None
        self._every, self._count = 1, 0

    def add(self, vector: np.ndarray) -> None:
        """Take the point of one more step, as a vector (P,)."""
        if self._count % self._every == 0:
            if len(self._points) == self._most - 1:
                self._points = self._points[::2]
                self._every *= 2
            if self._count % self._every == 0:
                self._points.append(np.array(vector))
        self._latest = np.array(vector)
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def path(self) -> np.ndarray:
        """The points (K, P) that are kept, K ≤ most.

        Raises
        ------
        ValueError
            If there is none.
        """
        if self._latest is None:
            raise ValueError("Trail.path: no point was added")
        last_kept = (self._count - 1) % self._every == 0
        return np.stack(self._points if last_kept else [*self._points, self._latest])

    def steps(self) -> np.ndarray:
        """The number of the step of each point that is kept, from 0."""
        kept = np.arange(len(self._points)) * self._every
        last_kept = (self._count - 1) % self._every == 0
        return kept if last_kept else np.append(kept, self._count - 1)
