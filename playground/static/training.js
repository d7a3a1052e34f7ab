// The tab in which a network trains. Controls write what they ask into the tags of one model of the server's document;
// the server answers in the tags of another, and sends frames, which are drawn into the figures' sources here.
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

  // when the slower pictures were drawn, and when the sentences were written
  let plotted = 0
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
    drawWeights(take(weights))
    const shownBiases = take(biases)
    const curves = [take(curve), take(curve), take(curve)]
    let next = 4 * (HEADER + rest)
    drawUnits(bytes, next, units, side * side, shownBiases)
    next += units * side * side
    const output = models.output
    output.get_column("image")[0].set(bytes.subarray(next, next + outputSide * outputSide))
    output.change.emit()
    text("epoch", epoch.toLocaleString("en"))
    text("loss-train", words(train))
    text("loss-test", words(test))
    const now = performance.now()
    const still = !state?.playing
    if (still || now - plotted > 150) {
      plotted = now
      drawNorms(norms)
      drawCurves(...curves)
    }
    if (still || now - worded > 500) {
      worded = now
      describe(epoch, train, test, trainScore, testScore, norms)
    }
    form.setAttribute("data-frames", number)
    // once it is on the screen
    requestAnimationFrame(() => {
      models.frame.tags = [drawn = number]
      settle()
    })
  }

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

  const drawWeights = (weights) => {
    const weight = models.lines.get_column("weight")
    const width = models.lines.get_column("width")
    if (weight.length !== weights.length) return // the frame of another structure
    for (let k = 0; k < weights.length; k++) {
      weight[k] = weights[k]
      width[k] = Math.min(0.6 + 3 * Math.abs(weights[k]), 10)
    }
    models.lines.change.emit()
  }

  const drawUnits = (bytes, at, units, size, biases) => {
    const images = models.units.get_column("image")
    const bias = models.units.get_column("bias")
    const first = images.length - units // behind the features
    if (first < 1) return
    for (let k = 0; k < units; k++) {
      images[first + k].set(bytes.subarray(at + k * size, at + (k + 1) * size))
      bias[first + k] = biases[k].toFixed(3)
    }
    models.units.change.emit()
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
  const NAMES = ["frame", "asked", "told", "lines", "units", "output", "losses", "gradients", "epochs", "values"]
  const begin = () => {
    const page = window.Bokeh?.documents[0]
    const found = page && NAMES.map((name) => [name, page.get_model_by_name(`training-${name}`)])
    if (!found || found.some(([, model]) => model === null)) return setTimeout(begin, 20)
    models = Object.fromEntries(found)
    models.told.properties.tags.change.connect(() => show(JSON.parse(models.told.tags[1])))
    models.frame.properties.data.change.connect(draw)
    listen()
    ask("ready")
  }
  begin()
})()
