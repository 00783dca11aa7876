// Typing goes on while the table is refreshed by an answer: what was not sent yet is put back where it was typed.
const cells = "[data-sticky-typing] input[name$=_text]";
const typing = `${cells}, [data-sticky-typing] input[type=search]`;
let unsent = null;

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  for (const field of detail.elt.elements || []) if (field.matches(cells)) field.defaultValue = field.value;
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  // What was asked before a row was sent is older than the answer that is shown by now, or on its way.
  const asked = detail.requestConfig.elt;
  const sending = document.querySelector("#preview .htmx-request:not(#counting)");
  if (asked.id === "counting" && (sending || !asked.isConnected)) detail.shouldSwap = false;
  const field = document.activeElement;
  const typed = field?.matches(typing) && field.value !== field.defaultValue;
  unsent = typed ? { id: field.id, value: field.value } : null;
});
document.addEventListener("htmx:afterSettle", () => {
  const field = unsent && document.getElementById(unsent.id);
  if (!field) return;
  const { value } = unsent;
  unsent = null;
  field.value = value;
  if (!field.matches(cells)) return;
  // A value put in by a script does not count as changed when the field is left.
  field.addEventListener("blur", () => field.value !== field.defaultValue && field.form?.requestSubmit(), { once: true });
});
