// Typing goes on while the table is refreshed by an answer: what was not sent yet is put back where it was typed.
const cells = "[data-sticky-typing] input[name$=_text]";
const typing = `${cells}, [data-sticky-typing] input[type=search]`;
let unsent = null;
// One request after the other: answers that overtook each other would show rows as they were. Each answer replaces the
// whole preview, with the form or link that the next came from; that one is found again, and sent then.
let inHand = null;
let waiting = [];

document.addEventListener("htmx:confirm", (event) => {
  const { elt, target, triggeringEvent, issueRequest } = event.detail;
  if (!inHand || inHand === elt || !(target.id === "preview" || elt.id === "run")) return;
  event.preventDefault();
  const fields = elt.matches("form") ? [...new FormData(elt)] : [];
  waiting = waiting.filter((other) => other.elt !== elt);
  waiting.push({ elt, fields, pressed: triggeringEvent?.submitter?.id, send: () => issueRequest(true) });
  elt.closest("tr")?.classList.add("htmx-request");
});
document.addEventListener("htmx:beforeSend", ({ detail }) => {
  if (detail.target.id !== "preview") return;
  inHand = detail.elt;
  detail.xhr.addEventListener("loadend", () => setTimeout(sendNext, 2 * htmx.config.defaultSettleDelay));
});
const sendNext = () => {
  inHand = null;
  while (waiting.length && !inHand) {
    const next = waiting.shift();
    if (next.elt.isConnected) next.send();
    else sendAgain(next);
  }
};
const names = (fields) => fields.map(([name]) => name).join();
const sendAgain = ({ elt, fields, pressed }) => {
  const now = document.getElementById(elt.id || pressed)?.closest("form, a");
  if (now?.matches("a")) now.click();
  // Not where the row has gone, or where its button does something else now.
  if (!now?.matches("form") || names([...new FormData(now)]) !== names(fields)) return;
  for (const [name, value] of fields) if (name !== "csrfmiddlewaretoken") now.elements[name].value = value;
  now.requestSubmit(document.getElementById(pressed));
};
addEventListener("pageshow", () => {
  [inHand, waiting] = [null, []]; // what was under way when the page was left is not any more
});

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  for (const field of detail.elt.elements || []) if (field.matches(cells)) field.defaultValue = field.value;
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  // What was counted was asked before a row was sent: it must not stand over the answer to that.
  const { elt } = detail.requestConfig;
  if (detail.target.id === "counting" && (inHand || !elt.isConnected)) detail.shouldSwap = false;
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
