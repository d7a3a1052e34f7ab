"""The tab in a browser: what a person does, and what that changes on the screen."""

from __future__ import annotations

import re
from functools import partial

import pytest

from .._serving import no_browser

pytestmark = pytest.mark.skipif(bool(no_browser()), reason=no_browser() or "a browser is there")

FRAMES = "document.getElementById('training').getAttribute('data-frames')"
PICTURE = "() => document.getElementById('surface-picture').toDataURL()"


def loss(page):
    return float(page.locator("#loss-train").inner_text())


def frames(page):
    return int(page.locator("#training").get_attribute("data-frames"))


def epoch(page):
    return int(page.locator("#epoch").inner_text().replace(",", ""))


def wait_for(page, condition, argument=None):
    page.wait_for_function(condition, arg=argument, polling=20)


def do(page, *acts):
    """Do something, and wait until the page shows what came of it."""
    for act in acts:
        act()
        page.wait_for_selector("#training[data-settled=true]")


def pixels_of(page, name):
    """What a figure shows: its canvas, and that of the page's script under it."""
    return page.evaluate(
        """async name => {
          const painted = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)))
          await painted()
          await painted()
          const root = Bokeh.documents[0].roots().find(root => root.name === name)
          const view = Bokeh.index.get_by_id(root.id)
          const under = document.getElementById(name.replace("training-", "") + "-picture")
          return view.canvas_view.compose().canvas.toDataURL() + (under?.toDataURL() ?? "")
        }""",
        name,
    )


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def test_play_lowers_the_loss_and_changes_the_pictures(page):
    start = loss(page)
    names = ("training-surface", "training-network", "training-curves", "training-norms")
    before = {name: pixels_of(page, name) for name in names}
    values = page.evaluate(PICTURE)
    button(page, "Play").click()
    wait_for(
        page, "() => Number(document.getElementById('epoch').textContent.replace(',', '')) >= 30"
    )
    do(page, button(page, "Pause").click)
    button(page, "Play").wait_for()
    assert loss(page) < 0.97 * start
    assert page.evaluate(PICTURE) != values
    for name in names:
        assert pixels_of(page, name) != before[name], name
    # it stands still now, and says where
    there = epoch(page)
    page.wait_for_timeout(200)
    assert epoch(page) == there
    said = page.locator("#status").inner_text()
    assert said.startswith(f"paused: epoch {there}, loss {loss(page):.3f} ")
    assert f"At epoch {there}, " in page.locator("#surface-text").inner_text()
    # back to the start
    do(page, button(page, "Reset").click)
    assert (epoch(page), loss(page)) == (0, start)
    assert page.evaluate(PICTURE) == values


def test_the_keyboard_plays_steps_and_resets(page):
    page.locator('[data-action="reset"]').focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.action") == "play"
    page.keyboard.press("Space")
    button(page, "Pause").wait_for()
    wait_for(page, "() => Number(document.getElementById('epoch').textContent) > 2")
    # the focus has stayed
    do(page, lambda: page.keyboard.press("Space"))
    button(page, "Play").wait_for()
    there = epoch(page)
    page.keyboard.press("Tab")
    do(page, lambda: page.keyboard.press("Enter"))
    assert epoch(page) == there + 1


# what changes a control, and where its effect is seen: of the network's start, or after a step of training
def _select(name, value):
    return lambda page: page.locator(f'[data-setting="{name}"]').select_option(value)


def _slide(name, key):
    return lambda page: page.locator(f'[data-setting="{name}"]').press(key)


def _click(selector):
    return lambda page: page.locator(selector).click()


def _check(selector):
    return lambda page: page.locator(selector).check(force=True)


# each changes what the ones before have left, so that no page is loaded in between; the effect of these is seen after a
# step from the same start
IN_A_STEP = {
    "rate": _select("rate", "0.3"),
    "batch": _slide("batch", "End"),
    "optimiser": _select("optimiser", "Adam"),
    "strength": lambda page: (
        _select("regularisation", "l2")(page),
        _select("strength", "0.3")(page),
    ),
    "regularisation": _select("regularisation", "l1"),
    "all data at once": _select("optimiser", "gradient-descent"),
    "line search": _select("search", "exact"),
}
# and the effect of these at the start, where they lead back to
AT_THE_START = {
    "activation": _select("activation", "relu"),
    "data set": _check('[data-setting="dataset"][value="xor"]'),
    "share": _slide("share", "ArrowRight"),
    "noise": _slide("noise", "ArrowRight"),
    "seed": lambda page: (
        page.locator('[data-setting="seed"]').fill("5"),
        page.keyboard.press("Tab"),
    ),
    "regenerate": _click('[data-action="regenerate"]'),
    "feature": _check('[data-feature="x1x2"]'),
    "add a layer": _click('[data-layers="1"]'),
    "remove a layer": _click('[data-layers="-1"]'),
    "add a unit": _click('[data-layer="0"] [data-units="1"]'),
    "remove a unit": _click('[data-layer="1"] [data-units="-1"]'),
    "problem": _select("problem", "regression"),
}


def _seen(page):
    words = ("#epoch", "#loss-train", "#loss-test")
    return page.evaluate(PICTURE), *(page.locator(part).inner_text() for part in words)


def _after_a_step(page):
    do(page, button(page, "Reset").click, button(page, "Step").click)
    assert epoch(page) == 1
    return _seen(page)


@pytest.fixture
def quick_page(page):
    """The page without its landscape, which is drawn anew at each change."""
    box = page.get_by_role("checkbox", name="Loss landscape")
    do(page, box.uncheck)
    yield page
    do(page, box.check)


def test_every_control_has_an_effect(quick_page):
    page, without = quick_page, []
    for controls, seen in ((IN_A_STEP, _after_a_step), (AT_THE_START, _seen)):
        do(page, button(page, "Reset").click)
        before = seen(page)
        for name, act in controls.items():
            do(page, partial(act, page))
            after = seen(page)
            if after == before:
                without.append(name)
            before = after
    assert without == []


def test_every_control_is_in_the_table(page):
    """A control that is added needs a row above."""
    settings = {c.get_attribute("data-setting") for c in page.locator("[data-setting]").all()}
    assert settings == {
        "problem", "optimiser", "search", "rate", "activation", "regularisation", "strength", "dataset", "share",
        "noise", "batch", "seed",
    }  # fmt: skip
    others = page.locator(
        "[data-action], [data-layers], [data-view], [data-feature], #table"
    ).count()
    assert others == 4 + 2 + 3 + 7 + 1


def test_views_change_the_picture_alone(page):
    def changed(act):
        before = pixels_of(page, "training-surface")
        do(page, act)
        return pixels_of(page, "training-surface") != before

    start = loss(page)
    assert changed(page.get_by_label("Show test data").check)
    assert changed(page.get_by_label("Discretise output").check)
    assert changed(page.get_by_label("Discretise output").uncheck)
    assert loss(page) == start


def test_the_landscape_shows_the_path_and_may_be_left_out(page):
    path = "() => Bokeh.documents[0].get_model_by_name('training-path').get_column('x').length"
    assert page.evaluate(path) == 1
    do(page, *3 * [button(page, "Step").click])
    wait_for(page, f"() => ({path})() === 4")
    box = page.get_by_role("checkbox", name="Loss landscape")
    before = pixels_of(page, "training-surface")
    do(page, box.uncheck)
    do(page, button(page, "Step").click)
    assert pixels_of(page, "training-surface") != before
    assert page.evaluate(path) == 4
    do(page, box.check)
    wait_for(page, f"() => ({path})() === 5")


COLOURS = """([unit, above]) => {
  const units = Bokeh.documents[0].get_model_by_name("training-units")
  const { x_range: x, y_range: y } = Bokeh.documents[0].get_model_by_name("training-network")
  const k = units.get_column("name").indexOf(unit)
  const drawn = document.getElementById("network-picture")
  const copy = document.createElement("canvas")
  const left = (units.get_column("x")[k] - x.start) / (x.end - x.start) * drawn.width
  const top = (units.get_column("y")[k] - y.end) / (y.start - y.end) * drawn.height
  const pen = copy.getContext("2d")
  pen.drawImage(drawn, left - above[0], top - above[1], 1, 1, 0, 0, 1, 1)
  return [...pen.getImageData(0, 0, 1, 1).data]
}"""


def test_units_are_seen_as_the_plane_is(page):
    """Right is right and up is up, where the feature is positive and blue; left and below are orange."""
    for unit, right, up in (("x₁", 15, 0), ("x₂", 0, 15)):
        red, _, blue, opaque = page.evaluate(COLOURS, [unit, [-right, up]])
        assert (blue > 150 > red, opaque) == (True, 255)
        red, _, blue, _ = page.evaluate(COLOURS, [unit, [right, -up]])
        assert red > 150 > blue


def test_layers_and_units_have_their_limits(quick_page):
    page = quick_page
    count = page.locator("#layer-count")
    add, remove = page.get_by_label("Add a layer"), page.get_by_label("Remove a layer")
    for k in range(3, 7):
        do(page, add.click)
        assert count.inner_text() == str(k)
    assert add.is_disabled()
    for k in range(5, -1, -1):
        do(page, remove.click)
        assert count.inner_text() == str(k)
    assert remove.is_disabled()
    do(page, add.click)
    first = page.locator('[data-layer="0"]')
    assert first.locator("output").inner_text() == "4 units"
    for _ in range(4):
        do(page, first.locator('[data-units="1"]').click)
    assert first.locator('[data-units="1"]').is_disabled()
    assert first.locator("output").inner_text() == "8 units"
    # one feature stays
    do(page, page.locator('[data-feature="x1"]').uncheck)
    assert page.locator('[data-feature="x2"]').is_disabled()


def test_a_table_of_ones_own_is_used_and_a_bad_one_is_told(page, tmp_path):
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    bad.write_text("1,2\n3,4\n")
    rows = [
        f"{a},{b},{'in' if a * a + b * b < 9 else 'out'}"
        for a in range(-5, 6)
        for b in range(-5, 6)
    ]
    good.write_text("\n".join(["east,north,place", *rows]))
    said = page.get_by_role("alert")
    page.locator("#table").set_input_files(bad)
    wait_for(page, "() => document.getElementById('training-error').textContent.includes('row 1')")
    assert said.inner_text().startswith(
        "bad.csv, row 1: 2 columns, where two numbers and a label are needed"
    )
    do(page, lambda: page.locator("#table").set_input_files(good))
    wait_for(page, "() => document.getElementById('training-error').textContent === ''")
    assert page.locator('[data-setting="dataset"][value="own"]').is_checked()
    assert page.locator("#label-low").inner_text() == "in"
    start = loss(page)
    button(page, "Play").click()
    wait_for(
        page,
        "start => Number(document.getElementById('loss-train').textContent) < start - 0.02",
        start,
    )
    bad.write_bytes(b"\xff\xfe\x00")
    page.locator("#table").set_input_files(bad)
    wait_for(page, "() => document.getElementById('training-error').textContent.includes('UTF-8')")


def test_two_pages_train_their_own_networks(page, open_page):
    one, two = page, open_page("#expression")
    # which its address chooses
    assert two.get_by_role("tabpanel").get_attribute("id") == "panel-expression"
    two.locator("#tab-training").click()
    do(two, lambda: two.locator('[data-setting="activation"]').select_option("relu"))
    button(one, "Play").click()
    wait_for(one, "() => Number(document.getElementById('epoch').textContent) > 3")
    assert epoch(two) == 0
    assert two.locator('[data-action="play"]').inner_text() == "Play"
    button(two, "Play").click()
    wait_for(two, "() => Number(document.getElementById('epoch').textContent) > 3")
    assert one.locator('[data-setting="activation"]').input_value() == "tanh"
    assert frames(one) > 3


def test_a_long_play_has_the_same_models_and_sends_little_back(page):
    """A short form of tools/playground_soak.py, which measures memory."""
    sent = []
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on(
        "Network.webSocketFrameSent", lambda event: sent.append(event["response"]["payloadData"])
    )
    models = "() => Bokeh.documents[0]._all_models.size"
    count = page.evaluate(models)
    elements = "() => document.querySelectorAll('*').length"
    there = page.evaluate(elements)
    button(page, "Play").click()
    first = frames(page)
    wait_for(page, f"n => Number({FRAMES}) > n", first + 60)
    assert page.evaluate(models) == count
    assert page.evaluate(elements) == there
    # an answer to every second frame, and nothing of what was drawn
    kinds = set(re.findall(r'"attr":"(\w+)"', "".join(sent)))
    assert "tags" in kinds
    # and the size of what is laid out, where the numbers beside a picture take more room
    assert kinds <= {"tags", "outer_width", "outer_height", "inner_width", "inner_height"}
    assert len("".join(sent)) / 60 < 1000
