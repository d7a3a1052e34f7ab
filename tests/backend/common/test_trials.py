"""Which way is the fastest: trials on a clock of their own, and what is kept of them."""

from __future__ import annotations

import json
import random
import threading

import pytest

from pullback.backend.common import trials


class Clock:
    """A machine on which ways take the seconds that they are said to take."""

    def __init__(self) -> None:
        self.wall = self.own = 0.0
        self.runs: list[str] = []
        self.share = 1.0  # of the processor that this thread has

    def way(self, name: str, *seconds: float):
        """A way that takes these seconds in turn."""

        def run() -> None:
            taken = seconds[self.runs.count(name) % len(seconds)]
            self.runs.append(name)
            self.wall += taken
            self.own += taken * self.share

        return run


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A clock, nothing known, and a folder of its own."""
    found = Clock()

    def wall() -> float:
        found.wall += 1e-7  # so that waiting ends
        return found.wall

    monkeypatch.setattr(trials, "clock", wall)
    monkeypatch.setattr(trials, "processor_clock", lambda: found.own)
    monkeypatch.setattr(trials, "_known", {})
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path / "cache"))
    return found


def ask(machine: Clock, question: str = "q", preferred: str = "a", **seconds: float) -> str:
    ways = {name: machine.way(name, taken) for name, taken in seconds.items()}
    return trials.fastest("test", {"of": question}, preferred, lambda: ways)


def now_and_then(seconds: float) -> list[float]:
    """What a way takes that has its cores in one run of three."""
    rng = random.Random(0)
    return [seconds, seconds, *(rng.choice((seconds, 4e-3, 4e-3)) for _ in range(997))]


def forget(monkeypatch) -> None:
    """Be another process."""
    monkeypatch.setattr(trials, "_known", {})


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [
        ({"a": 1.0, "b": 0.95}, "a"),  # too little to change
        ({"a": 1.0, "b": 0.89}, "b"),
        ({"a": 1.0, "b": 1.5}, "a"),
        ({"a": 1.0, "b": 0.8, "c": 0.75}, "b"),  # c is well below a, not below b
        ({"a": 1.0, "b": 0.8, "c": 0.7}, "c"),
        ({"a": 1.0, "b": 0.95, "c": 0.89}, "c"),
    ],
)
def test_the_preferred_way_stays_unless_another_is_well_below(machine, seconds, wanted):
    assert trials.choose(seconds, "a") == wanted
    assert ask(machine, **{name: taken * 1e-3 for name, taken in seconds.items()}) == wanted


def test_ways_take_turns_and_their_number_is_bounded(machine):
    ask(machine, a=1.5e-3, b=2.5e-3)
    assert (
        "".join(machine.runs[:10]) == "aabb" + "aaaabb"
    )  # warm calls, then two to warm up and two
    assert machine.runs.count("a") == 2 + 4 * trials.MOST_ROUNDS
    machine.runs.clear()
    ask(machine, "long", a=10.0, b=8.0)
    assert machine.runs.count("a") == machine.runs.count("b") == 2 + 2 * trials.FEWEST_ROUNDS


def test_a_way_that_cannot_win_is_not_run_on(machine):
    assert ask(machine, a=0.02, b=1.0) == "a"
    assert machine.runs.count("b") == 2
    # the preferred one is, since others are compared with it
    assert ask(machine, "again", "b", a=0.02, b=1.0) == "a"


def test_an_answer_is_given_once_and_kept(machine, monkeypatch):
    assert ask(machine, a=1e-3, b=5e-4) == "b"
    count = len(machine.runs)
    assert ask(machine, a=1e-3, b=9e-4) == "b"
    forget(monkeypatch)
    assert ask(machine, a=1e-4, b=9e-4) == "b"  # from the file, whatever they take now
    assert len(machine.runs) == count
    assert ask(machine, "another", a=1e-4, b=9e-4) == "a"
    assert len(list(trials.folder().iterdir())) == 2


def test_what_is_kept_is_told_without_a_trial(machine, monkeypatch):
    assert trials.kept("test", {"of": "q"}, "a") is None
    ask(machine, a=1e-3, b=5e-4)
    count = len(machine.runs)
    assert trials.kept("test", {"of": "q"}, "a") == "b"
    forget(monkeypatch)
    assert trials.kept("test", {"of": "q"}, "a") == "b"
    assert trials.kept("test", {"of": "another"}, "a") is None
    assert trials.kept("test", {"of": "q"}, "b") is None  # another way has to be beaten there
    assert len(machine.runs) == count


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"question": 1}',
        b'{"question": "Q", "chosen": "z", "seconds": {"a": 1.0}, "disturbed": []}',
        b'{"question": "Q", "chosen": "a", "seconds": {"a": "x"}, "disturbed": []}',
        b'{"question": "Q", "chosen": "a", "seconds": [1], "disturbed": []}',
        b'{"question": "Q", "chosen": ["a"], "seconds": {"a": 1.0}, "disturbed": []}',
        b'{"question": "Q", "chosen": "a", "seconds": {"a": 0.0, "b": 1.0}, "disturbed": []}',
        b'{"question": "Q", "chosen": "a", "seconds": {"a": NaN}, "disturbed": []}',
    ],
)  # fmt: skip
def test_a_damaged_file_costs_a_trial_and_is_replaced(machine, monkeypatch, content):
    ask(machine, a=1e-3, b=5e-4)
    (path,) = trials.folder().glob("*.json")
    text = json.loads(path.read_text())["question"]
    path.write_bytes(content.replace(b'"Q"', json.dumps(text).encode()))
    forget(monkeypatch)
    assert ask(machine, a=5e-4, b=1e-3) == "a"
    assert json.loads(path.read_text())["chosen"] == "a"


def test_an_answer_to_another_question_under_the_same_name_is_not_taken(machine, monkeypatch):
    ask(machine, a=1e-3, b=5e-4)
    (path,) = trials.folder().glob("*.json")
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"question": "another"}))
    forget(monkeypatch)
    assert ask(machine, a=5e-4, b=1e-3) == "a"


def test_a_folder_that_cannot_be_made_costs_a_trial_in_each_process(machine, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path / "file" / "below"))
    assert ask(machine, a=1e-3, b=5e-4) == "b"
    assert ask(machine, a=5e-4, b=1e-3) == "b"
    forget(monkeypatch)
    assert ask(machine, a=5e-4, b=1e-3) == "a"
    assert len(trials.answers()) == 1


def test_who_writes_first_is_followed(machine, monkeypatch):
    """Two ranks ask at once: the second has timed something else, and takes the first one's answer."""

    def during_the_trial() -> None:
        machine.way("a", 1e-3)()
        if machine.runs.count("a") == 3:
            known, monkeypatch_known = dict(trials._known), trials._known
            trials._known.clear()
            path, text = wanted
            trials._write(path, text, trials.Answer("a", {"a": 1e-3, "b": 2e-3}))
            monkeypatch_known.update(known)

    key = {"subject": "test", "processor": trials.processor(), "preferred": "a", "of": "q"}
    text = json.dumps(key, sort_keys=True)
    digest = trials.hashlib.sha256(text.encode()).hexdigest()[:24]
    wanted = (trials.folder() / f"{digest}.json", text)
    ways = {"a": during_the_trial, "b": machine.way("b", 1e-4)}
    assert trials.fastest("test", {"of": "q"}, "a", lambda: ways) == "a"


@pytest.mark.parametrize("what", ["share", "spread"])
def test_what_other_programs_disturb_changes_nothing(machine, monkeypatch, what):
    ways = {"a": machine.way("a", 1e-3), "b": machine.way("b", 5e-4), "c": machine.way("c", 1e-4)}
    if what == "share":
        machine.share = 0.5
    else:
        ways["a"] = machine.way("a", *now_and_then(1e-3))
    assert trials.fastest("test", {}, "a", lambda: ways) == "a"
    forget(monkeypatch)
    machine.share = 1.0
    assert trials.fastest("test", {}, "a", lambda: ways) == "a"  # for good
    ((_, _, answer),) = trials.answers()
    assert "a" in answer.disturbed
    assert "1 of them disturbed" in trials.describe()


def test_a_way_that_was_disturbed_is_not_chosen(machine):
    seconds = {"a": 1e-3, "b": 1e-4, "c": 8e-4}
    assert trials.choose(seconds, "a", ["b"]) == "c"
    assert trials.choose(seconds, "a", ["a"]) == "a"
    ways = {name: machine.way(name, taken) for name, taken in seconds.items()}
    ways["b"] = machine.way("b", *now_and_then(1e-4))
    assert trials.fastest("test", {}, "a", lambda: ways) == "c"


def test_a_way_that_is_slow_because_it_was_disturbed_is_run_on(machine):
    """As two threads are that were given one core at first."""
    slow = [0.1] * 2 + [4e-4] * 1000

    def b() -> None:
        machine.share = 0.5 if machine.runs.count("b") < 2 else 1.0
        run()
        machine.share = 1.0

    run = machine.way("b", *slow)
    assert trials.fastest("test", {}, "a", lambda: {"a": machine.way("a", 1e-3), "b": b}) == "b"


def test_a_disturbance_that_passes_is_waited_for(machine):
    machine.share = 0.5
    ways = {"a": machine.way("a", 1e-2), "b": machine.way("b", 5e-3)}

    def make():
        def b() -> None:
            ways["b"]()
            machine.share = 1.0 if len(machine.runs) > 40 else 0.5

        return {"a": ways["a"], "b": b}

    assert trials.fastest("test", {}, "a", make) == "b"


def test_an_error_of_a_way_leaves_nothing_behind(machine):
    def wrong() -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        trials.fastest("test", {"of": "q"}, "a", lambda: {"a": wrong})
    assert ask(machine, a=1e-3, b=5e-4) == "b"


def test_threads_that_ask_at_once_time_once(machine):
    made = []

    def make():
        made.append(1)
        return {"a": machine.way("a", 1e-3), "b": machine.way("b", 5e-4)}

    found = []
    threads = [
        threading.Thread(target=lambda: found.append(trials.fastest("test", {}, "a", make)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["b"] * 8
    assert made == [1]


def test_described_in_one_line(machine):
    assert trials.describe() == "nothing timed yet"
    ask(machine, a=1e-3, b=5e-4)
    ask(machine, "other", a=1e-3, b=2.5e-4)
    assert trials.describe() == "test by b (2 ×; times its time: a 2.00 to 4.00)"


@pytest.mark.parametrize("question", ["", "[]", '"a"', "{}", "{", 1, None, [1]])
def test_a_damaged_question_is_not_described(machine, question):
    ask(machine, a=1e-3, b=5e-4)
    content = {"question": question, "chosen": "a", "seconds": {"a": 1.0}, "disturbed": []}
    (trials.folder() / "0.json").write_text(json.dumps(content))
    assert trials.describe() == "test by b (1 ×; times its time: a 2.00)"


def test_the_processor_has_a_name():
    assert trials.processor()
    assert trials.processor() == trials.processor.__wrapped__()


@pytest.mark.parametrize("question", ["x", "[]", "{}", "1"])
def test_questions_that_are_none_are_not_listed(machine, question):
    ask(machine, a=1e-3, b=5e-4)
    content = {"question": question, "chosen": "a", "seconds": {"a": 1.0}, "disturbed": []}
    (trials.folder() / "other.json").write_text(json.dumps(content))
    assert len(trials.answers()) == 1


def test_a_folder_that_may_not_be_looked_into(machine, monkeypatch):
    def refused(*_):
        raise PermissionError("not yours")

    ask(machine, a=1e-3, b=5e-4)
    monkeypatch.setattr(trials.Path, "glob", refused)
    assert len(trials.answers()) == 1
