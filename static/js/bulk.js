// The upload step: the button opens the file dialog, a dropped file is uploaded, and the wait is announced.
const form = document.querySelector("form[data-upload]");
const input = form?.querySelector("input[type=file]");
const words = form?.querySelector("[data-checking]");
let sendWhenChosen = false;

const countRows = async (file) => {
  if (file.size > 25 * 1024 * 1024 || /\.xls[xm]$/i.test(file.name)) return null;
  const lines = (await file.text()).split(/\r\n|\r|\n/).filter((line) => line.trim());
  return Math.max(lines.length - 1, 0);
};
const send = async () => {
  const rows = await countRows(input.files[0]).catch(() => null);
  const counted = `Checking ${rows?.toLocaleString("en")} row${rows === 1 ? "" : "s"}…`;
  words.textContent = rows === null ? "Checking the file…" : counted;
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
