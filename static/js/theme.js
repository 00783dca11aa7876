// Applies the theme chosen in the user menu. Runs before the first paint, so that the page does not flash.
(() => {
  const media = { system: "screen and (prefers-color-scheme: dark)", light: "not all", dark: "screen" };
  const read = () => {
    try { return localStorage.getItem("theme") || "system"; } catch { return "system"; }
  };
  const apply = (theme) => { document.getElementById("dark").media = media[theme] || media.system; };
  apply(read());
  document.documentElement.classList.add("js");

  document.addEventListener("change", ({ target }) => {
    if (target.name !== "theme") return;
    try { localStorage.setItem("theme", target.value); } catch { /* kept for this page only */ }
    apply(target.value);
  });
  document.addEventListener("DOMContentLoaded", () => {
    for (const choice of document.querySelectorAll("input[name=theme]")) choice.checked = choice.value === read();
  });
})();
