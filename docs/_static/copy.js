// A button on each block of code that copies it: of examples with prompts, what one would type.
(() => {
  const typed = (text) => {
    const lines = text.split("\n");
    if (!lines.some((line) => line.startsWith(">>> "))) return text;
    return lines
      .filter((line) => /^(>>>|\.\.\.)( |$)/.test(line))
      .map((line) => line.slice(4))
      .join("\n");
  };
  const copy = async (text) => {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea"); // pages opened from a disk have no clipboard
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };
  document.addEventListener("DOMContentLoaded", () => {
    const blocks = ".highlight-python, .highlight-pycon, .highlight-bash, .highlight-Python, .doctest";
    for (const block of document.querySelectorAll(blocks)) {
      const code = block.querySelector("pre");
      if (!code || code.closest(".sphx-glr-script-out")) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy-code";
      button.textContent = "Copy";
      button.setAttribute("aria-label", "Copy this code");
      button.addEventListener("click", async () => {
        await copy(typed(code.innerText.replace(/\n$/, "")));
        button.textContent = "Copied";
        setTimeout(() => (button.textContent = "Copy"), 1500);
      });
      block.classList.add("has-copy");
      block.append(button);
    }
  });
})();
