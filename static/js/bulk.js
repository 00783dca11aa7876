// The upload step: the button opens the file dialog, a dropped file is uploaded, and the wait is announced.
const CHANGED = "The file was changed after you chose it. Choose it again.";
const form = document.querySelector("form[data-upload]");
const input = form?.querySelector("input[type=file]");
const words = form?.querySelector("[data-checking]");
let sendWhenChosen = false;

const countRows = async (file) => {
  if (file.size > 25 * 1024 * 1024 || /\.xls[xm]$/i.test(file.name)) return null;
  const lines = (await file.text()).split(/\r\n|\r|\n/).filter((line) => line.trim());
  return Math.max(lines.length - 1, 0);
};
// Chromium does not read a file that was changed after it was chosen, and would replace the page with one of its own.
const isReadable = (file) => file.slice(0, 1).arrayBuffer().then(() => true, () => false);
const askAgain = () => {
  words.textContent = CHANGED;
  words.className = "error-text";
  form.removeAttribute("aria-busy");
  input.value = "";
  input.focus();
};
const send = async () => {
  form.setAttribute("aria-busy", "true");
  words.className = "";
  const file = input.files[0];
  if (!(await isReadable(file))) return askAgain();
  const rows = await countRows(file).catch(() => null);
  const counted = `Checking ${rows?.toLocaleString("en")} row${rows === 1 ? "" : "s"}…`;
  words.textContent = rows === null ? "Checking the file…" : counted;
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
    form.classList.toggle("dragover", name === "dragover");
    if (name !== "drop" || !event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  });
}
// The Back button may restore this page from the browser's cache, with the form still busy.
window.addEventListener("pageshow", () => {
  form?.removeAttribute("aria-busy");
  if (words) words.textContent = "";
});
