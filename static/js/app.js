// Small manners that every page shares. Pages work without it.

// Menus close when the person goes elsewhere or presses Escape.
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

// A form that sends itself when a choice in it changes, e.g. rows per page.
document.addEventListener("change", ({ target }) => {
  const form = target.closest("form[data-autosubmit]");
  if (form) form.requestSubmit();
});

// The confirmation window: opens when it arrives, and cannot be closed while its answer is on the way.
let opener = null; // has the focus again when the window is closed; while it was dead it lost it
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const dialog = document.querySelector("#window dialog:not([open])");
  if (!dialog) return;
  opener = detail.requestConfig.elt.querySelector("[aria-haspopup=dialog]") || detail.requestConfig.elt;
  dialog.showModal();
});
const answering = (dialog) => dialog.querySelector("form.htmx-request") !== null;
document.addEventListener("cancel", (event) => {
  if (event.target.matches("dialog") && answering(event.target)) event.preventDefault();
}, true);
document.addEventListener("keydown", (event) => {
  const dialog = event.key === "Escape" && document.querySelector("dialog[open]");
  if (dialog && answering(dialog)) event.preventDefault();
});
document.addEventListener("close", ({ target }) => {
  if (!target.matches("#window dialog")) return;
  target.remove();
  (opener.isConnected ? opener : document.getElementById(opener.id))?.focus(); // it may have been refreshed
}, true);
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-close]");
  if (button) button.closest("dialog").close();
});

// What a swapped part has to say is said by the one status region.
const announce = (words) => {
  const said = document.createElement("span");
  said.className = "visually-hidden";
  said.textContent = words;
  document.getElementById("status").replaceChildren(said);
};
document.addEventListener("announce", ({ detail }) => announce(detail));
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  const part = document.getElementById(detail.target.id) || detail.target;
  const words = part.matches("[data-announce]") ? part : part.querySelector("[data-announce]");
  if (words) announce(words.dataset.announce);
});

// Trouble on the way to the server is said in words, in the window when one is open.
const sentences = {
  403: "You may not do this any more. Nothing was changed. Load the page again to see what you may do.",
  404: "This is not there any more. Nothing was changed. Load the page again.",
  413: "The file is too large. Nothing was changed. Remove the columns and rows you do not need, then upload it again.",
  429: "Too many requests in a short time. Nothing was changed. Wait a minute, then try again.",
  503: "The server is reconnecting to its database. Nothing was lost. Try again in a few seconds.",
};
const say = (sentence) => {
  const place = document.querySelector("dialog[open] [data-trouble]") || document.getElementById("status");
  const notice = document.createElement("div");
  notice.className = "notice error";
  notice.append(document.createElement("span"), sentence);
  place.replaceChildren(notice);
};
// The person signed in again in another tab, so the tokens of this page are old: with new ones it can be sent once more.
const renewTokens = (token) => {
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
  say("This page was opened before you last signed in, so this was not sent. Nothing was changed, and what you typed is still here. Send it once more.");
};
document.addEventListener("htmx:responseError", ({ detail }) => {
  const token = detail.xhr.getResponseHeader("CSRF-Token");
  if (token) renewTokens(token);
  else say(sentences[detail.xhr.status] || "The server could not finish this. Nothing was lost. Try again, or load the page again.");
});
document.addEventListener("htmx:sendError", () => say("The server could not be reached. Nothing was lost. Check the connection, then try again."));
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const place = document.getElementById("status");
  if (detail.xhr.status < 400 && place.querySelector(".error")) place.replaceChildren();
});
