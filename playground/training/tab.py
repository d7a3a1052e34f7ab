"""The tab: what the page requests, what the server reports, and the frames that it sends, one network for each page.

Three models carry all of it. The page writes what is asked into the tags of `asked` (a number, a name, a value), the
server writes what is chosen into those of `told`, and what is to be drawn into the one column of `frame`. The page
gives the number of every second frame back once it is drawn, and the server runs ahead by `AHEAD` frames and no
further: a page that is slow, or hidden, makes training slower, and nothing piles up.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource

from ...train import InputError
from ..landscape.view import LandscapeView
from .data import Data, decoded, read_table
from .drawing import Figures, dressed, figures, palette, show_data, show_structure
from .frame import encoded
from .network import Training
from .settings import OWN, Settings

AHEAD = 4
"""Frames that may be under way."""

_TICK_MILLISECONDS = 16
# of each tick, so that two pages share the server
_SECONDS_OF_TRAINING = 0.012
_SECONDS_BETWEEN_WORDS = 10.0
_SECONDS_BETWEEN_MAPS, _MOST_SECONDS_BETWEEN_MAPS = 0.75, 4.0
_LANDSCAPE_POINTS = 41
_MOST_NAME = 60


class Tab:
    """One page's network, and its conversation with the page.

    Parameters
    ----------
    document : bokeh.document.Document
    own : Data, optional
        The user's own data set.
    """

    def __init__(self, document: Any, own: Data | None = None) -> None:
        self.document = document
        chosen = Settings() if own is None else Settings().changed("dataset", OWN, own)
        self.training = Training(chosen, own)
        self.figures: Figures = figures()
        self.landscape = LandscapeView(size=300, points=_LANDSCAPE_POINTS)
        dressed(self.landscape.figure).update(frame_width=400, title=None)
        self.landscape.note.width = 520
        self._mapped = True
        self._map_at = 0.0
        empty = np.zeros(0, np.uint8)
        self.frame = ColumnDataSource({"bytes": empty}, name="training-frame")
        self.asked = ColumnDataSource(name="training-asked")
        self.told = ColumnDataSource(name="training-told")
        self.playing = False
        self.error = self._said = ""
        self._sent = self._drawn = self._count = self._answered = 0
        self._ticking: Any = None
        self._spoken = 0.0
        self._name_models()
        self._show_all()
        self.asked.on_change("tags", self._heard)
        self.frame.on_change("tags", self._acknowledged)
        document.on_session_destroyed(lambda _: self._pause())

    @property
    def roots(self) -> dict[str, Any]:
        """The figures by the names with which the page places them."""
        f = self.figures
        return {
            "training-network": f.network,
            "training-surface": f.surface,
            "training-curves": f.curves,
            "training-norms": f.norms,
            "training-landscape": self.landscape.layout,
        }

    def _name_models(self) -> None:
        """The page's script finds models by their names; a figure's tags make those part of the document."""
        f = self.figures
        for name in ("lines", "units", "train", "test", "losses", "gradients"):
            getattr(f, name).name = f"training-{name}"
        f.curves.x_range.name, f.curves.y_range.name = "training-epochs", "training-values"
        self.landscape.path.name = "training-path"
        f.network.tags = [self.frame, self.asked, self.told]
        f.surface.tags = [palette()]

    # ── what the page asks ────────────────────────────────────────────────────────────────────

    def _heard(self, _attr: str, _old: Any, new: Any) -> None:
        self.error = ""
        try:
            number, name, value = new
            self._answered = int(number)
            self.ask(str(name), value)
        except InputError as error:
            self.error = str(error)
        except (TypeError, ValueError, OverflowError):
            # by who speaks to the server in the page's place
            self.error = "nothing that the page asks has this form"
        # before the frame, whose words depend on what is chosen
        self._tell()
        if self._due:
            self._send()
            if not self.playing:
                self._map()

    def ask(self, name: str, value: Any = None) -> None:
        """Do what a control asks for.

        Parameters
        ----------
        name : str
            "play", "pause", "step", "reset", "ready", "table", "test", "landscape", or a field of
            `Settings`.
        value : object

        Raises
        ------
        InputError
            For what cannot be done.
        """
        actions = {
            "ready": self._ready,
            "play": self._play,
            "pause": self._pause_and_say,
            "step": self._step,
            "reset": self._reset,
        }
        if name in actions:
            actions[name]()
        elif name == "test":
            self.figures.shown.visible = bool(value)
        elif name == "landscape":
            self._mapped = bool(value)
            self.landscape.layout.visible = self._mapped
            self._map()
        elif name == "table":
            self._bring(value)
        else:
            self.training.change(name, value)
            self._said = f"{name}: {value}" if not isinstance(value, list) else name
            self._show_all()

    def _ready(self) -> None:
        """The page is there, perhaps again."""
        self._sent = self._drawn = 0
        self._due = True

    def _play(self) -> None:
        if self.training.ended:
            raise InputError(self.training.ended)
        if not self.playing:
            self.playing = True
            self._spoken = time.monotonic()
            self._said = "playing"
            self._ticking = self.document.add_periodic_callback(self._tick, _TICK_MILLISECONDS)

    def _pause(self) -> None:
        if self.playing:
            self.playing = False
            if self._ticking is not None:
                self.document.remove_periodic_callback(self._ticking)
                self._ticking = None

    def _pause_and_say(self) -> None:
        self._pause()
        self._said = f"paused: {self.words()}"
        self._due = True

    def _step(self) -> None:
        self._pause()
        if self.training.ended:
            raise InputError(self.training.ended)
        self.training.advance()
        self._said = self.words()
        self._due = True

    def _reset(self) -> None:
        self._pause()
        self.training.reset()
        self._said = f"reset: {self.words()}"
        self._due = True

    def _bring(self, table: Any) -> None:
        name, text = (str(part) for part in table)
        name = name[:_MOST_NAME] or "the file"
        # half of a pair of surrogates is told as what is no text
        content = text.encode("utf-8", "surrogatepass")
        self.training.bring(read_table(decoded(content, name), name))
        self._said = f"{name} is loaded"
        self._show_all()

    # ── what the page is sent ─────────────────────────────────────────────────────────────────

    def _tick(self) -> None:
        """A part of an epoch, and the frame of where that led."""
        if not self.playing or self._sent - self._drawn >= AHEAD:
            return
        self.training.advance(_SECONDS_OF_TRAINING)
        self._send()
        if self.training.ended:
            self._pause()
            self._said = self.training.ended
            self._tell()
        elif time.monotonic() - self._spoken > _SECONDS_BETWEEN_WORDS:
            self._spoken = time.monotonic()
            self._said = self.words()
            self._tell()
        if not self.playing or time.monotonic() > self._map_at:
            self._map()

    def _acknowledged(self, _attr: str, _old: Any, new: Any) -> None:
        self._drawn = max(self._drawn, int(new[0]))

    def _send(self) -> None:
        self._due = False
        self._sent += 1
        self.frame.data = {"bytes": encoded(self.training, self._sent)}

    def _show_all(self) -> None:
        """Points and structure may be others."""
        show_data(self.figures, self.training.train, self.training.test)
        show_structure(self.figures, self.training)
        by_steps = self.training.settings.full_batch
        self.figures.curves.xaxis.axis_label = "step" if by_steps else "epoch"
        self._due = True

    def _map(self) -> None:
        """Draw the loss around the path. While it plays, this takes a twentieth of the time, and no more."""
        if not self._mapped or self.training.ended.startswith("the loss is no longer finite"):
            return
        begun = time.monotonic()
        training = self.training
        self.landscape.show(
            training.programs.objective,
            training.path.values,
            *training.training_arrays,
            like=training.params,
            steps=training.path.epochs,
            losses=[train for train, _ in training.losses.values],
        )
        now = time.monotonic()
        # the first of a network is compiled
        wait = min(19 * (now - begun), _MOST_SECONDS_BETWEEN_MAPS)
        self._map_at = now + max(wait, _SECONDS_BETWEEN_MAPS)

    def words(self) -> str:
        """How the network does, in words."""
        found, training = self.training.measured, self.training
        unit = "step" if training.settings.full_batch else "epoch"
        return f"{unit} {training.epoch}, loss {found.train:.3f} on training data, {found.test:.3f} on test data"

    def _tell(self) -> None:
        self._count += 1
        settings = self.training.settings
        state = {
            "settings": asdict(settings),
            "fullBatch": settings.full_batch,
            "playing": self.playing,
            "own": self.training.own is not None,
            "error": self.error,
            "ended": self.training.ended,
            "said": self._said,
            "labels": self.training.train.labels,
            # when all is on the screen that was asked for
            "answered": self._answered,
            "frame": self._sent + self._due,
        }
        self.told.tags = [self._count, json.dumps(state)]
        self._said = ""


def tab(document: Any, own: Data | None = None) -> dict[str, Any]:
    """The tab's figures by name, with a network behind them that lives as long as the page.

    Parameters
    ----------
    document : bokeh.document.Document
    own : Data, optional
        A data set of the user's own.
    """
    return Tab(document, own).roots
