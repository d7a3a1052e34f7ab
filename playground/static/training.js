// The tab in which a network trains. Controls write what they ask into the tags of one model of the server's document;
// the server answers in the tags of another, and sends frames. What changes with each of them (weights, units, output)
// is drawn here into canvases of the page, under Bokeh's figures, which hold what stands still and show what is below
// the mouse; the curves and norms of the figures follow a few times a second.
(() => {
  const form = document.getElementById("training")
  const HEADER = 13 // numbers at the beginning of a frame: playground/training/frame.py
  const text = (id, value) => {
    const element = document.getElementById(id)
    if (element.textContent !== value) element.textContent = value
  }
  const count = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`
  let models // by their names, once they are there
  let state // what the server said last

  // ── what is asked ───────────────────────────────────────────────────────────────────────────
  let asked = 0
  let drawn = 0
  const ask = (name, value = null) => {
    models.asked.tags = [++asked, name, value]
    settle()
  }

  const changeLayers = (change) => {
    const hidden = [...state.settings.hidden]
    if (change > 0) hidden.push(hidden.at(-1) ?? 4)
    else hidden.pop()
    ask("hidden", hidden)
  }

  const changeUnits = (layer, change) => {
    const hidden = [...state.settings.hidden]
    hidden[layer] += change
    ask("hidden", hidden)
  }

  const bring = async (file) => {
    if (!file) return
    if (file.size > 2_000_000) return complain(`${file.name} is too large: the playground takes at most 2 MB`)
    try {
      const content = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer())
      ask("table", [file.name, content])
    } catch {
      complain(`${file.name} is not text in UTF-8: save the table as CSV in UTF-8`)
    }
  }

  const complain = (message) => text("training-error", message)

  const listen = () => {
    form.addEventListener("click", (event) => {
      const button = event.target.closest("button")
      if (!button) return
      const { action, layers, units } = button.dataset
      if (action === "play") ask(state.playing ? "pause" : "play")
      else if (action === "regenerate") ask("seed", (state.settings.seed + 1) % 2147483647)
      else if (action) ask(action)
      else if (layers) changeLayers(Number(layers))
      else if (units) changeUnits(Number(button.closest("[data-layer]").dataset.layer), Number(units))
    })
    form.addEventListener("change", (event) => {
      const control = event.target
      const { setting, feature, view } = control.dataset
      if (feature) ask("features", chosenFeatures())
      else if (view === "two-colours") drawOutput()
      else if (view) ask(view, control.checked)
      else if (control.id === "table") bring(control.files[0]).then(() => { control.value = "" })
      else if (control.type === "range") ask(setting, Number(control.value) * Number(control.dataset.scale))
      else if (control.type === "number") ask(setting, Number(control.value))
      else if (setting) ask(setting, control.value)
    })
    form.addEventListener("input", (event) => {
      if (event.target.type === "range") label(event.target)
    })
  }

  const chosenFeatures = () =>
    [...form.querySelectorAll("[data-feature]:checked")].map((box) => box.dataset.feature)

  const label = (slider) => {
    slider.closest("label").querySelector(".value").textContent = slider.value + slider.dataset.unit
  }

  // ── what is told ────────────────────────────────────────────────────────────────────────────
  const show = (told) => {
    const ended = state?.playing && !told.playing
    state = told
    form.inert = false // until now there was nobody to ask
    const { settings } = told
    for (const control of form.querySelectorAll("[data-setting]")) {
      const value = settings[control.dataset.setting]
      if (control.type === "radio") control.checked = control.value === value
      else if (control.type === "range") {
        control.value = Math.round(value / Number(control.dataset.scale))
        label(control)
      } else if (control.tagName === "SELECT") {
        // 0.10 and 0.1 are one number
        const same = [...control.options].find((o) => o.value === String(value) || (o.value !== "" && Number(o.value) === value))
        if (same) control.value = same.value
      } else control.value = value
    }
    for (const box of form.querySelectorAll("[data-feature]")) {
      box.checked = settings.features.includes(box.dataset.feature)
      // a network needs one
      box.disabled = box.checked && settings.features.length === 1
    }
    showLayers(settings.hidden)
    const set = (name, off) => { form.querySelector(`[data-setting="${name}"]`).disabled = off }
    set("search", !told.fullBatch)
    set("batch", told.fullBatch)
    set("rate", told.fullBatch && settings.search !== "constant")
    set("strength", settings.regularisation === "none")
    set("noise", settings.dataset === "own")
    document.getElementById("own-data").hidden = !told.own
    const play = form.querySelector('[data-action="play"]')
    play.textContent = told.playing ? "Pause" : "Play"
    text("epoch-unit", told.fullBatch ? "step" : "epoch")
    text("label-low", told.labels[0])
    text("label-high", told.labels[1])
    complain(told.error || told.ended)
    if (told.said) text("status", told.said)
    // the last frame may have been drawn in part, as those are that others follow
    if (ended) draw()
    settle()
  }

  // Whether the page shows all that was asked for, which its tests wait for.
  const settle = () => {
    const settled = state !== undefined && state.answered === asked && drawn >= state.frame
    form.setAttribute("data-settled", String(settled))
  }

  const showLayers = (hidden) => {
    text("layer-count", String(hidden.length))
    form.querySelector('[data-layers="1"]').disabled = hidden.length === 6
    form.querySelector('[data-layers="-1"]').disabled = hidden.length === 0
    for (const cell of form.querySelectorAll("[data-layer]")) {
      const units = hidden[Number(cell.dataset.layer)]
      cell.hidden = units === undefined
      if (cell.hidden) continue
      cell.querySelector("output").textContent = count(units, "unit")
      cell.querySelector('[data-units="1"]').disabled = units === 8
      cell.querySelector('[data-units="-1"]').disabled = units === 1
    }
  }

  // ── what is drawn ───────────────────────────────────────────────────────────────────────────
  const replace = (column, values) => {
    column.length = 0
    for (const value of values) column.push(value)
  }

  // when the slower pictures were drawn, the numbers were written, and the sentences
  let plotted = 0
  let turn = false
  let counted = 0
  let worded = 0
  const draw = () => {
    const column = models.frame.get_column("bytes")
    if (column.length === 0) return
    // Bokeh's own arrays have another constructor, which `subarray` would call
    const bytes = new Uint8Array(column.buffer, column.byteOffset, column.length)
    const at = bytes.byteOffset
    const header = new Float32Array(bytes.buffer.slice(at, at + 4 * HEADER))
    const [number, epoch, train, test, trainScore, testScore, layers, weights, biases, curve, units, side, outputSide] = header
    const rest = layers + weights + biases + 3 * curve
    const numbers = new Float32Array(bytes.buffer.slice(at + 4 * HEADER, at + 4 * (HEADER + rest)))
    let from = 0
    const take = (n) => numbers.subarray(from, (from += n))
    const norms = take(layers)
    const shownWeights = take(weights)
    const shownBiases = take(biases)
    const curves = [take(curve), take(curve), take(curve)]
    const next = 4 * (HEADER + rest)
    fill(shownWeights, shownBiases, bytes, next, units, side * side)
    drawNetwork()
    shown = { side: outputSide, bytes: bytes.subarray(next + units * side * side) }
    drawOutput()
    const now = performance.now()
    const still = !state?.playing
    if (still || now - counted > 100) {
      counted = now
      text("epoch", grouped.format(epoch))
      text("loss-train", words(train))
      text("loss-test", words(test))
    }
    if (still || now - plotted > 150) {
      // one of the two at a time, so that no frame waits long
      plotted = now
      turn = !turn
      if (still || turn) drawNorms(norms)
      if (still || !turn) drawCurves(...curves)
    }
    if (still || now - worded > 1000) {
      worded = now
      describe(epoch, train, test, trainScore, testScore, norms)
    }
    form.setAttribute("data-frames", number)
    // once it is on the screen
    requestAnimationFrame(() => {
      drawn = number
      // every second is enough for a server that may be four ahead, and an answer costs as much as a drawing
      if (still || number % 2 === 0) models.frame.tags = [number]
      settle()
    })
  }

  const grouped = new Intl.NumberFormat("en")
  const words = (value) => (Number.isFinite(value) ? value.toFixed(3) : "not finite")

  const describe = (epoch, train, test, trainScore, testScore, norms) => {
    const percent = (share) => `${(100 * share).toFixed(1)} %`
    const unit = state?.fullBatch ? "step" : "epoch"
    const score = state?.settings.problem === "regression"
      ? `R² is ${words(trainScore)} on the training points and ${words(testScore)} on the test points`
      : `${percent(trainScore)} of the training points and ${percent(testScore)} of the test points are classified correctly`
    text("surface-text", `At ${unit} ${epoch}, ${score}; the loss is ${words(train)} and ${words(test)}.`)
    text("norms-text", `From the first layer to the last: ${[...norms].map((n) => (Number.isFinite(n) ? n.toPrecision(2) : "not finite")).join(", ")}.`)
  }

  const drawNorms = (norms) => {
    replace(models.gradients.get_column("norm"), [...norms].map((n) => Math.max(n, 1e-9)))
    models.gradients.change.emit()
  }

  // Put the numbers of a frame where the figure below the mouse, and what is drawn, take them from.
  const fill = (weights, biases, bytes, at, units, size) => {
    const weight = models.lines.get_column("weight")
    const images = models.units.get_column("image")
    const bias = models.units.get_column("bias")
    const first = images.length - units // behind the features
    if (weight.length !== weights.length || first < 1) return // the frame of another structure
    for (let k = 0; k < weights.length; k++) weight[k] = weights[k]
    for (let k = 0; k < units; k++) {
      images[first + k].set(bytes.subarray(at + k * size, at + (k + 1) * size))
      bias[first + k] = biases[k].toFixed(3)
    }
  }

  // A figure's frame, in pixels of the page; null until it is laid out.
  const frameOf = (figure) => {
    const box = window.Bokeh.index.get_by_id(figure.id)?.frame?.bbox
    return box && box.width > 0 ? box : null
  }

  // A canvas that lies in a box, with so many pixels for each of the screen's; the box is in pixels of the page.
  const placed = (id, left, top, width, height) => {
    const canvas = document.getElementById(id)
    const place = [left, top, width, height].join()
    if (canvas.dataset.place !== place) {
      canvas.dataset.place = place
      Object.assign(canvas.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` })
    }
    return canvas
  }

  const sized = (canvas, width, height) => {
    if (canvas.width !== width) canvas.width = width
    if (canvas.height !== height) canvas.height = height
    return canvas.getContext("2d")
  }

  // Colours of bytes as pixels, of the 255 between −1 and 1.
  const pixels = (colours) => Uint32Array.from(colours, (colour) => {
    const [r, g, b] = [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16))
    return new Uint32Array(new Uint8Array([r, g, b, 255]).buffer)[0]
  })
  let colours // of the bytes
  let twoColours

  // Of weights from strongly negative to strongly positive.
  const WEIGHTS = ["#c25f00", "#e0a566", "#c9ced6", "#66a3cc", "#005f96"]
  const UNIT = 36 // pixels a side: UNIT_PIXELS in playground/training/drawing.py
  const strip = document.createElement("canvas") // the pictures of all units, one below the other
  let picture // its pixels

  const drawNetwork = () => {
    const figure = models.network
    const box = frameOf(figure)
    const images = models.units.get_column("image")
    if (!box || images.length === 0) return
    const ratio = window.devicePixelRatio || 1
    const canvas = placed("network-picture", box.left, box.top, box.width, box.height)
    const pen = sized(canvas, Math.round(box.width * ratio), Math.round(box.height * ratio))
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    pen.clearRect(0, 0, box.width, box.height)
    const { x_range: x, y_range: y } = figure
    const across = (value) => (value - x.start) / (x.end - x.start) * box.width
    const down = (value) => (value - y.end) / (y.start - y.end) * box.height
    const [xs, ys, weight] = ["xs", "ys", "weight"].map((name) => models.lines.get_column(name))
    pen.globalAlpha = 0.85
    pen.lineCap = "round"
    for (let k = 0; k < weight.length; k++) {
      const w = weight[k]
      const [left, right] = [across(xs[k][0]), across(xs[k].at(-1))]
      const [from, to] = [down(ys[k][0]), down(ys[k].at(-1))]
      const third = (right - left) / 3
      pen.strokeStyle = WEIGHTS[Math.max(0, Math.min(4, Math.floor((w + 1.5) * 5 / 3)))] ?? WEIGHTS[2]
      pen.lineWidth = Math.min(0.6 + 3 * Math.abs(w), 10) || 0.6
      pen.beginPath()
      pen.moveTo(left, from)
      pen.bezierCurveTo(left + third, from, right - third, to, right, to)
      pen.stroke()
    }
    pen.globalAlpha = 1
    const side = Math.sqrt(images[0].length)
    const strokes = sized(strip, side, side * images.length)
    if (picture?.width !== side || picture.height !== strip.height) picture = strokes.createImageData(side, strip.height)
    const pixel = new Uint32Array(picture.data.buffer)
    images.forEach((image, k) => paint(image, pixel, side, k * side * side, colours))
    strokes.putImageData(picture, 0, 0)
    const [atX, atY] = ["x", "y"].map((name) => models.units.get_column(name))
    for (let k = 0; k < images.length; k++) {
      const [left, top] = [across(atX[k]) - UNIT / 2, down(atY[k]) - UNIT / 2]
      pen.drawImage(strip, 0, k * side, side, side, left, top, UNIT, UNIT)
    }
  }

  // Bytes whose first row is the lowest, as pixels whose first row is the highest.
  const paint = (image, pixel, side, at, colours) => {
    for (let row = 0; row < side; row++) {
      const to = at + (side - 1 - row) * side
      for (let k = 0; k < side; k++) pixel[to + k] = colours[image[row * side + k]]
    }
  }

  let shown // the output of the last frame
  const drawOutput = () => {
    const box = frameOf(models.surface)
    if (!box || !shown) return
    const { side, bytes } = shown
    const pen = sized(placed("surface-picture", box.left, box.top, box.width, box.height), side, side)
    const picture = pen.createImageData(side, side)
    const two = form.querySelector('[data-view="two-colours"]').checked
    paint(bytes, new Uint32Array(picture.data.buffer), side, 0, two ? twoColours : colours)
    pen.putImageData(picture, 0, 0)
  }

  const drawCurves = (epochs, train, test) => {
    replace(models.losses.get_column("epoch"), epochs)
    replace(models.losses.get_column("train"), train)
    replace(models.losses.get_column("test"), test)
    let most = 0
    for (const value of [...train, ...test]) if (Number.isFinite(value)) most = Math.max(most, value)
    const last = epochs.at(-1) || 1
    models.epochs.setv({ start: 0, end: last }, { sync: false })
    models.values.setv({ start: 0, end: 1.05 * most || 1 }, { sync: false })
    models.losses.change.emit()
  }

  // ── the beginning ───────────────────────────────────────────────────────────────────────────
  const NAMES = ["frame", "asked", "told", "network", "surface", "lines", "units", "losses", "gradients", "epochs", "values"]
  const begin = () => {
    const page = window.Bokeh?.documents[0]
    const found = page && NAMES.map((name) => [name, page.get_model_by_name(`training-${name}`)])
    if (!found || found.some(([, model]) => model === null)) return setTimeout(begin, 20)
    models = Object.fromEntries(found)
    models.told.properties.tags.change.connect(() => show(JSON.parse(models.told.tags[1])))
    models.frame.properties.data.change.connect(draw)
    colours = pixels(models.surface.tags[0])
    twoColours = colours.map((_, k) => colours.at(k < 127 ? 0 : -1))
    for (const [figure, redraw] of [[models.network, drawNetwork], [models.surface, drawOutput]])
      for (const side of ["inner_width", "inner_height", "outer_width", "outer_height"])
        figure.properties[side].change.connect(redraw)
    listen()
    ask("ready")
  }
  begin()
})()
