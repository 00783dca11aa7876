// The upload step: one press opens the file window, a file dropped on the field is taken, and the wait has words.
const form = document.querySelector("form[data-upload]");
const input = form?.querySelector("input[type=file]");
const words = form?.querySelector("[data-checking]");
let sendWhenChosen = false;

const rowsOf = async (file) => {
  if (file.size > 25 * 1024 * 1024) return null;
  const lines = (await file.text()).split(/\r\n|\r|\n/).filter((line) => line.trim());
  return Math.max(lines.length - 1, 0);
};
const send = async () => {
  const rows = await rowsOf(input.files[0]).catch(() => null);
  words.textContent = rows === null ? "Checking the file…" : `Checking ${rows.toLocaleString("en")} row${rows === 1 ? "" : "s"}…`;
  form.setAttribute("aria-busy", "true");
  form.submit();
};

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  if (form.getAttribute("aria-busy") !== "true") send();
});
form?.querySelector("button").addEventListener("click", (event) => {
  if (input.files.length) return;
  event.preventDefault();
  sendWhenChosen = true;
  input.click();
});
input?.addEventListener("change", () => {
  if (sendWhenChosen && input.files.length) form.requestSubmit();
  sendWhenChosen = false;
});

for (const name of ["dragover", "dragleave", "drop"]) {
  form?.addEventListener(name, (event) => {
    event.preventDefault();
    form.classList.toggle("over", name === "dragover");
    if (name !== "drop" || !event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  });
}
// Back from the preview, the page may be shown as it was left.
window.addEventListener("pageshow", () => {
  form?.removeAttribute("aria-busy");
  if (words) words.textContent = "";
});
