// The theme a person chose in the user menu; loaded before the first paint so that the page does not flash.
(() => {
  const root = document.documentElement;
  const read = () => {
    try { return localStorage.getItem("theme") || "system"; } catch { return "system"; }
  };
  const apply = (theme) => {
    if (theme === "system") root.removeAttribute("data-theme");
    else root.dataset.theme = theme;
  };
  apply(read());
  root.classList.add("js");

  document.addEventListener("change", ({ target }) => {
    if (target.name !== "theme") return;
    try { localStorage.setItem("theme", target.value); } catch { /* kept for this page only */ }
    apply(target.value);
  });
  document.addEventListener("DOMContentLoaded", () => {
    for (const choice of document.querySelectorAll("input[name=theme]")) choice.checked = choice.value === read();
  });
})();
