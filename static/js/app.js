// Behaviour that every page shares. Pages also work without this script.

// Keys that an input method uses to compose a word, such as Enter for the word shown, are no commands to the page.
// Safari reports the last of them after the composition, with the key code 229.
addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) event.stopImmediatePropagation();
}, true);

// Menus close on a click outside and on Escape.
document.addEventListener("click", ({ target }) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Forms that submit themselves on change, such as rows per page.
document.addEventListener("change", ({ target }) => {
  const form = target.closest("form[data-autosubmit]");
  if (form) form.requestSubmit();
});

// The confirmation dialog opens when it is swapped in, and cannot be closed while its request is in flight.
let opener = null; // gets the focus back on close: the browser does not restore it to a disabled button
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const dialog = document.querySelector("#window dialog:not([open])");
  if (!dialog) return;
  const { elt } = detail.requestConfig;
  if (!elt.closest("dialog")) opener = elt.querySelector("[aria-haspopup=dialog]") || elt;
  dialog.showModal();
  dialog.scrollTop = 0; // the focus is on Cancel, at the end; the title and the totals have to be seen first
});
const isSubmitting = (dialog) => dialog.querySelector("form.htmx-request") !== null;
document.addEventListener("cancel", (event) => {
  if (event.target.matches("dialog") && isSubmitting(event.target)) event.preventDefault();
}, true);
document.addEventListener("keydown", (event) => {
  const dialog = event.key === "Escape" && document.querySelector("dialog[open]");
  if (dialog && isSubmitting(dialog)) event.preventDefault();
});
document.addEventListener("close", ({ target }) => {
  if (!target.matches("#window dialog")) return;
  target.remove();
  (opener.isConnected ? opener : document.getElementById(opener.id))?.focus(); // a swap may have replaced it
}, true);
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-close]");
  if (button) button.closest("dialog").close();
});

// What was pressed says at once that it waits for a response: a form, or a button or link that htmx sends.
document.addEventListener("submit", (event) => {
  if (!event.defaultPrevented) (event.submitter || event.target).setAttribute("aria-busy", "true");
});
const pressedFor = ({ elt, requestConfig }) => requestConfig.triggeringEvent?.submitter || elt;
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  const pressed = pressedFor(detail);
  if (pressed.matches("a, button, form")) pressed.setAttribute("aria-busy", "true");
});
document.addEventListener("htmx:afterRequest", ({ detail }) => pressedFor(detail).removeAttribute("aria-busy"));
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return; // the browser shows the page as it was left
  for (const pressed of document.querySelectorAll("[aria-busy]")) pressed.removeAttribute("aria-busy");
});

// The page has one status region, which announces the text in data-announce of a swapped part.
const announce = (words) => {
  const message = document.createElement("span");
  message.className = "visually-hidden";
  message.textContent = words;
  document.getElementById("status").replaceChildren(message);
};
document.addEventListener("announce", ({ detail }) => announce(detail));
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  const part = document.getElementById(detail.target.id) || detail.target;
  const words = part.matches("[data-announce]") ? part : part.querySelector("[data-announce]");
  if (words) announce(words.dataset.announce);
});

// Failed requests are reported in words; if a dialog is open, inside it.
const SENTENCES = {
  403: "You no longer have permission to do this. Nothing was changed. Reload the page to see what you can do.",
  404: "The requested item no longer exists. Nothing was changed. Reload the page.",
  413: "The file is too large. Nothing was changed. Remove the columns and rows you do not need, then upload it again.",
  429: "Too many requests in a short time. Nothing was changed. Wait a minute, then try again.",
  503: "The server is reconnecting to its database. Nothing was lost. Try again in a few seconds.",
};
const UNREACHABLE = "The server could not be reached. Nothing was lost. Check the connection, then try again.";
const FAILED = "The server could not complete this. Nothing was lost. Try again, or reload the page.";
const OLD_PAGE =
  "This page was opened before you last signed in, so nothing was sent or changed. " +
  "What you typed is still here. Send it again.";
const showError = (sentence) => {
  const place = document.querySelector("dialog[open] [data-errors]") || document.getElementById("status");
  const notice = document.createElement("div");
  notice.className = "notice error";
  notice.append(document.createElement("span"), sentence);
  place.replaceChildren(notice);
};
// After a sign-in in another tab, the CSRF tokens of this page are out of date. The response contains a new one.
const renewTokens = (token) => {
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
  showError(OLD_PAGE);
};
const fail = (elt, sentence, status) => {
  showError(sentence);
  const detail = { sentence, status };
  elt.dispatchEvent(new CustomEvent("request-failed", { bubbles: true, detail }));
};
document.addEventListener("htmx:responseError", ({ detail }) => {
  const token = detail.xhr.getResponseHeader("CSRF-Token");
  if (token) renewTokens(token);
  else fail(detail.elt, SENTENCES[detail.xhr.status] || FAILED, detail.xhr.status);
});
document.addEventListener("htmx:sendError", ({ detail }) => fail(detail.elt, UNREACHABLE, 0));
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const place = document.getElementById("status");
  if (detail.xhr.status < 400 && place.querySelector(".error")) place.replaceChildren();
});
