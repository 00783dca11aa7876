// Keeps the numbers and Run Transfer of the single page from being used for other users than those in the fields.

const outcome = () => document.getElementById("outcome");

// While something is typed that is not the chosen user, or is counted, the numbers are dimmed and nothing can be run.
const hold = () => {
  const isTyping = [...document.querySelectorAll("user-picker")].some((picker) => picker.isOpen);
  const isCounting = document.querySelector("#recounting.htmx-request") !== null;
  const run = document.getElementById("run");
  outcome().toggleAttribute("data-blocked", run !== null && (isTyping || isCounting));
  if (run && !run.form.matches(".htmx-request")) run.disabled = isTyping || isCounting;
};
for (const event of ["picker-typed", "htmx:beforeSend", "htmx:afterSettle", "htmx:afterRequest"]) {
  document.addEventListener(event, hold);
}

// If the users could not be counted, the numbers of the former users must not stay.
const again = document.createElement("button");
again.textContent = "Try again";
again.addEventListener("click", () => recount());
const recount = () => {
  document.getElementById("pair").dispatchEvent(new CustomEvent("pair-changed"));
  document.querySelector("user-picker[data-role=source] input").focus(); // the button disappears
};
document.addEventListener("request-failed", ({ target, detail }) => {
  if (target.id !== "pair") return;
  const notice = document.createElement("p");
  notice.className = "notice error row between";
  notice.append(`Not counted. ${detail.sentence}`, again);
  outcome().replaceChildren(notice);
});
addEventListener("online", () => again.isConnected && recount());
