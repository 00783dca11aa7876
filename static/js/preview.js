// Users can keep typing while a response replaces the table: unsent text is restored in the new field.
const cells = "[data-keep-typed] input[name$=_text]";
const typing = `${cells}, [data-keep-typed] input[type=search]`;
let unsent = null;
// Only one request is sent at a time; otherwise a late response would show rows as they were before a newer request.
// Each response replaces the whole preview, including the form or link that sends the next request. Therefore the new
// form or link is looked up by its id.
let sending = null;
let waiting = [];

document.addEventListener("htmx:confirm", (event) => {
  const { elt, target, triggeringEvent, issueRequest } = event.detail;
  if (!sending || sending === elt || !(target.id === "preview" || ["run", "rehearsing"].includes(elt.id))) return;
  event.preventDefault();
  const fields = elt.matches("form") ? [...new FormData(elt)] : [];
  waiting = waiting.filter((other) => other.elt !== elt);
  waiting.push({ elt, fields, pressed: triggeringEvent?.submitter?.id, send: () => issueRequest(true) });
  elt.closest("tr")?.classList.add("htmx-request");
});
document.addEventListener("htmx:beforeSend", ({ detail }) => {
  if (detail.target.id !== "preview") return;
  sending = detail.elt;
  detail.xhr.addEventListener("loadend", () => setTimeout(sendNext, 2 * htmx.config.defaultSettleDelay));
});
const sendNext = () => {
  sending = null;
  while (waiting.length && !sending) {
    const next = waiting.shift();
    if (next.elt.isConnected) next.send();
    else sendAgain(next);
  }
};
const names = (fields) => fields.map(([name]) => name).join();
const path = (form) => new URL(form.action).pathname;
const sendAgain = ({ elt, fields, pressed }) => {
  const now = document.getElementById(elt.id || pressed)?.closest("form, a");
  if (now?.matches("a")) now.click();
  // Nothing is sent if the row no longer exists, or if its button now does something else.
  if (!now?.matches("form") || path(now) !== path(elt)) return;
  if (names([...new FormData(now)]) !== names(fields)) return;
  for (const [name, value] of fields) if (name !== "csrfmiddlewaretoken") now.elements[name].value = value;
  now.requestSubmit(document.getElementById(pressed));
};
addEventListener("pageshow", () => {
  [sending, waiting] = [null, []]; // leaving the page aborted its requests
});

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  for (const field of detail.elt.elements || []) if (field.matches(cells)) field.defaultValue = field.value;
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  // Drop the response with a count that was requested before a row was sent: it would overwrite newer rows.
  const { elt } = detail.requestConfig;
  if (detail.target.id === "counting" && (sending || !elt.isConnected)) detail.shouldSwap = false;
  if (elt.id === "count-first" && !elt.isConnected) detail.shouldSwap = false; // the window was cancelled
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
  // Setting `.value` fires no change event, so submit on blur, unless the blur is caused by the next swap.
  const submit = () => !unsent && field.value !== field.defaultValue && field.form?.requestSubmit();
  field.addEventListener("blur", submit, { once: true });
});

// The texts that were opened in the rows stay open.
let opened = [];
document.addEventListener("htmx:beforeSwap", () => {
  opened = [...document.querySelectorAll("#preview details[open]")].map((details) => details.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
});

// The row in which a person works, or the first one in view, stays where it is when what is above it changes.
let places = [];
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  places = [];
  const top = document.querySelector("#preview-table thead")?.getBoundingClientRect().bottom;
  const here = document.activeElement?.closest("#preview-table tbody tr");
  if (detail.target.id !== "preview" || !(here || top <= 0)) return;
  const rows = [here, ...document.querySelectorAll("#preview-table tbody tr")];
  places = rows.filter(Boolean).map((row) => [row.id, row.getBoundingClientRect().top]);
  places = places.filter(([id, y]) => id === here?.id || y > 0);
});
document.addEventListener("htmx:afterSwap", () => {
  const [id, y] = places.find(([id]) => document.getElementById(id)) || [];
  if (id) scrollBy(0, document.getElementById(id).getBoundingClientRect().top - y);
  places = [];
});
