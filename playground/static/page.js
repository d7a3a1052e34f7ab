// The tabs: by mouse, by the arrow keys, and by what stands after # in the page's address.
(() => {
  const tabs = [...document.querySelectorAll('[role="tab"]')]
  const show = (chosen, focus) => {
    for (const tab of tabs) {
      const on = tab === chosen
      tab.setAttribute("aria-selected", String(on))
      tab.tabIndex = on ? 0 : -1
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !on
    }
    history.replaceState(null, "", "#" + chosen.id.slice("tab-".length))
    if (focus) chosen.focus()
  }
  tabs.forEach((tab, k) => {
    tab.addEventListener("click", () => show(tab, false))
    tab.addEventListener("keydown", (event) => {
      const moved = { ArrowRight: k + 1, ArrowLeft: k - 1, Home: 0, End: tabs.length - 1 }[event.key]
      if (moved === undefined) return
      event.preventDefault()
      show(tabs[(moved + tabs.length) % tabs.length], true)
    })
  })
  const named = tabs.find((tab) => tab.id === "tab-" + location.hash.slice(1))
  if (named) show(named, false)
})()
