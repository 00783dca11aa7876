// Typing goes on while the table is refreshed by an answer: what was not sent yet is put back where it was typed.
const cells = "[data-sticky-typing] input[name$=_text]";
const typing = `${cells}, [data-sticky-typing] input[type=search]`;
let unsent = null;

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  for (const field of detail.elt.elements || []) if (field.matches(cells)) field.defaultValue = field.value;
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  // What was counted was asked before a row was sent: it must not stand over the answer to that.
  const asked = detail.requestConfig.elt;
  const sending = document.querySelector("#preview form.htmx-request");
  if (asked.id === "counting" && (sending || !asked.isConnected)) detail.shouldSwap = false;
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
