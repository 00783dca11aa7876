// Typing goes on while the table is refreshed by an answer: what was not sent yet is put back where it was typed.
const cells = "[data-sticky-typing] input[name$=_text]";
const typing = `${cells}, [data-sticky-typing] input[type=search]`;
let unsent = null;
// Answers may come in another order than they were asked for, and an older one shows rows as they were before a newer.
let asked = 0;
let shown = 0;

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  detail.requestConfig.number = ++asked;
  for (const field of detail.elt.elements || []) if (field.matches(cells)) field.defaultValue = field.value;
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  // What was counted was asked before a row was sent: it must not stand over the answer to that.
  const { elt, number } = detail.requestConfig;
  const sending = document.querySelector("#preview form.htmx-request");
  if (elt.id === "counting" && (sending || !elt.isConnected)) detail.shouldSwap = false;
  if (detail.shouldSwap && detail.target.id === "preview") {
    if (number < shown) {
      detail.shouldSwap = false;
      htmx.ajax("GET", location.href, { source: "#preview" }); // what both of them changed, and nothing else, shows it
    } else shown = number;
  }
  const field = document.activeElement;
  const typed = detail.shouldSwap && field?.matches(typing) && field.value !== field.defaultValue;
  unsent = typed ? { field, value: field.value } : null;
});
document.addEventListener("htmx:afterSettle", () => {
  const { field: old, value } = unsent || {};
  unsent = null;
  const field = old && document.getElementById(old.id);
  if (!field || field === old) return;
  field.value = value;
  if (!field.matches(cells)) return;
  // A value put in by a script does not count as changed when the field is left; to be replaced is not to be left.
  field.addEventListener("blur", () => !unsent && field.value !== field.defaultValue && field.form?.requestSubmit(), { once: true });
});
