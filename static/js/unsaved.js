// Rows of the preview whose last change did not reach the server. Such a row is marked where it stands, keeps what was
// typed, is sent again when the connection is back, and keeps Run Transfer and Rehearse from starting: the server would
// run what it holds. The rows are kept for the tab, so they survive a reload and a new sign-in.
const KEY = `unsaved ${location.pathname}`;
const SIGNED_OUT = "You were signed out before this was saved.";
const AGAIN = 10_000; // milliseconds until a request is sent again that a busy server refused
// ID of the row -> { values: text by input, button: ID of the button to press if nothing was typed, sentence }
const unsaved = new Map(Object.entries(JSON.parse(sessionStorage.getItem(KEY) || "{}")));
const rowOf = (form) => form.closest?.("#preview tbody tr");

const keep = () => {
  if (unsaved.size) sessionStorage.setItem(KEY, JSON.stringify(Object.fromEntries(unsaved)));
  else sessionStorage.removeItem(KEY);
  mark();
};
const add = (form, sentence) => {
  const typed = [...form.elements].filter((field) => field.matches("input[id$='-" + rowOf(form).id.slice(4) + "']"));
  const values = Object.fromEntries(typed.map((field) => [field.id, field.value]));
  unsaved.set(rowOf(form).id, { values, button: form.querySelector("button[id]")?.id, sentence });
  keep();
};
const numbers = () => [...unsaved.keys()].map((id) => id.slice(4)).join(", ");

const mark = () => {
  for (const old of document.querySelectorAll(".not-saved")) old.remove();
  for (const [id, { values, sentence }] of unsaved) {
    const row = document.getElementById(id);
    if (!row) continue;
    for (const [input, text] of Object.entries(values)) {
      const field = document.getElementById(input);
      if (field) field.value = text;
    }
    const note = document.createElement("div");
    note.className = "not-saved";
    note.append("Not saved. ", sentence, " ");
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Try again" });
    button.className = "compact";
    button.dataset.again = id;
    button.setAttribute("aria-label", `Try again to save row ${id.slice(4)}`);
    note.append(button);
    row.querySelector("[id^=status-]").prepend(note);
  }
  const run = document.getElementById("run");
  for (const button of [run, document.getElementById("rehearse")]) {
    button?.toggleAttribute("data-blocked", unsaved.size > 0);
  }
  if (!unsaved.size || !run) return;
  const why = document.createElement("p");
  why.className = "not-saved";
  const strong = Object.assign(document.createElement("strong"), { textContent: "Cannot run yet: " });
  why.append(strong, unsaved.size > 1 ? `Rows ${numbers()} are not saved.` : `Row ${numbers()} is not saved.`);
  const discard = Object.assign(document.createElement("button"), { type: "button", textContent: "Discard changes" });
  discard.className = "compact";
  discard.dataset.discard = "";
  why.append(" ", discard);
  run.closest(".run").querySelector("div").append(why);
};
const sendAgain = (id) => {
  const { values, button } = unsaved.get(id) || {};
  const form = document.getElementById(`form-${id.slice(4)}`);
  if (Object.keys(values || {}).length) form?.requestSubmit();
  else document.getElementById(button)?.click();
};
const sendAllAgain = () => [...unsaved.keys()].forEach(sendAgain);

document.addEventListener("request-failed", ({ target, detail }) => {
  if (!rowOf(target)) return;
  add(target, detail.sentence);
  rowOf(target).scrollIntoView({ block: "nearest" }); // it may stand behind the bar with Run Transfer
  if ([429, 503].includes(detail.status)) setTimeout(sendAllAgain, AGAIN);
});
document.addEventListener("htmx:beforeOnLoad", ({ detail }) => {
  const signIn = detail.xhr.getResponseHeader("HX-Redirect")?.startsWith("/sign-in");
  if (signIn && rowOf(detail.elt)) add(detail.elt, SIGNED_OUT);
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const row = detail.xhr.status < 400 && rowOf(detail.requestConfig.elt);
  if (row && unsaved.delete(row.id)) keep();
});
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.target.id === "preview") mark();
});
document.addEventListener("htmx:confirm", (event) => {
  if (!["run", "rehearsing"].includes(event.detail.elt.id) || !unsaved.size) return;
  event.preventDefault();
  document.querySelector("[data-again]")?.focus();
});
document.addEventListener("click", ({ target }) => {
  const id = target.dataset?.again;
  if (id) sendAgain(id);
  if (target.dataset?.discard === undefined) return;
  unsaved.clear(); // such as a row that was cleared with its group, and cannot be sent again
  keep();
  location.reload();
});
// Otherwise the next swap would put the text that was sent first over what is being typed now.
document.addEventListener("input", ({ target }) => {
  const entry = unsaved.get(rowOf(target)?.id);
  if (entry && target.id in entry.values) entry.values[target.id] = target.value;
});
addEventListener("online", sendAllAgain);
addEventListener("beforeunload", (event) => {
  if (unsaved.size) event.preventDefault();
});
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mark);
else mark();
