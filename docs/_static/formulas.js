// The thin spaces that TeX sets about the names of functions, as in v cos x, and that KaTeX leaves out of MathML.
document.addEventListener("DOMContentLoaded", () => {
  const spaced = (element) =>
    element && (element.localName !== "mo" || [")", "]", "|", "‖"].includes(element.textContent));
  for (const applied of document.querySelectorAll("math mo")) {
    if (applied.textContent !== "\u2061") continue;
    const name = applied.previousElementSibling;
    const argument = applied.nextElementSibling;
    if (argument && argument.localName !== "mo" && argument.localName !== "mspace") applied.setAttribute("rspace", "0.1667em");
    if (!name || !spaced(name.previousElementSibling) || name.previousElementSibling.localName === "mspace") continue;
    const space = document.createElementNS("http://www.w3.org/1998/Math/MathML", "mspace");
    space.setAttribute("width", "0.1667em");
    name.before(space);
  }
});
