"""Order statistics and averages: `median`, `percentile`, `quantile`, `cov`, `ptp` and their kin."""

from __future__ import annotations

__all__: list[str] = []
