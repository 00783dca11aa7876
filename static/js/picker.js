// Turns a text field with "Find" and radio buttons into an ARIA 1.2 combobox that searches on the server.
import Combobox from "../vendor/combobox-nav-3.0.2/index.js";

const WAIT = 160; // milliseconds without a keystroke before a search is sent
const LATE = 400; // milliseconds without a response before “Searching…” is shown
const UNAVAILABLE = "The list could not be loaded. Check the connection, then type again.";
const REFUSED = {
  403: "You can no longer search here, or this page is out of date. Reload it.",
  429: "Too many searches in a short time. Wait a minute, then type again.",
};

class UserPicker extends HTMLElement {
  connectedCallback() {
    if (this.combobox) return;
    this.input = this.querySelector("input[type=text]");
    this.list = this.querySelector("[role=listbox]");
    this.popup = this.querySelector(".options");
    this.details = this.querySelector(".chosen [data-details]");
    this.inactive = this.querySelector(".chosen [data-inactive]");
    this.missed = this.querySelector("[data-miss]");
    this.input.removeAttribute("name");
    this.querySelector(".found")?.remove();
    this.value = Object.assign(document.createElement("input"), { type: "hidden", name: this.dataset.role });
    this.append(this.value);
    this.choose(this.dataset.chosen || "", this.dataset.text || "");
    this.combobox = new Combobox(this.input, this.list, {
      firstOptionSelectionMode: "none",
      tabInsertsSuggestions: false,
    });
    this.input.addEventListener("input", (event) => event.isComposing || this.searchSoon());
    this.input.addEventListener("compositionstart", () => this.cancelSearch()); // it would replace the list meanwhile
    this.input.addEventListener("compositionend", () => this.searchSoon());
    this.input.addEventListener("focus", () => this.input.select());
    this.input.addEventListener("click", () => this.popup.hidden && this.search());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => this.leave());
    this.popup.addEventListener("mousedown", (event) => event.preventDefault()); // keeps the focus in the field
    this.list.addEventListener("combobox-commit", ({ target }) => this.commit(target));
  }

  disconnectedCallback() {
    this.cancelSearch();
  }

  choose(id, text) {
    this.value.value = id;
    this.text = text;
    this.input.value = text;
  }

  key(event) {
    if (event.key === "Escape" && !this.popup.hidden) {
      this.close();
      this.restore();
      this.say("");
    } else if (event.key === "ArrowDown" && this.popup.hidden) {
      event.preventDefault();
      this.search();
    } else if (event.key === "Enter" && !this.list.querySelector("[aria-selected=true]")) {
      event.preventDefault(); // nothing is chosen yet, so there is nothing to submit
      this.settle();
    }
  }

  cancelSearch() {
    clearTimeout(this.timer);
    this.request?.abort();
  }

  searchSoon() {
    this.say("");
    this.dispatchEvent(new CustomEvent("picker-typed", { bubbles: true }));
    this.cancelSearch(); // the response to an older search must not replace the list
    this.timer = setTimeout(() => this.search(), WAIT);
  }

  async search() {
    this.cancelSearch();
    this.request = new AbortController();
    const typed = this.typed;
    this.found = null; // what was typed for the list that is shown
    const late = setTimeout(() => (this.settling ? this.say("Searching…") : this.note("Searching…")), LATE);
    const query = new URLSearchParams({ role: this.dataset.role, q: typed });
    if (this.closest("form").elements.inactive.checked) query.set("inactive", "on");
    try {
      // A POST, so that names do not end up in access logs; the CSRF token is the one htmx sends.
      const headers = {
        ...JSON.parse(document.body.getAttribute("hx-headers")),
        "HX-Request": "true",
        "HX-Current-URL": location.href,
      };
      const signal = this.request.signal;
      const answer = await fetch(this.dataset.url, { method: "POST", body: query, headers, signal });
      if (answer.headers.get("HX-Redirect")) location.href = answer.headers.get("HX-Redirect");
      else {
        this.show(answer.ok ? await answer.text() : "", REFUSED[answer.status] || UNAVAILABLE);
        if (answer.ok) this.found = typed;
      }
    } catch (error) {
      if (error.name !== "AbortError") this.show("", UNAVAILABLE);
    } finally {
      clearTimeout(late);
    }
  }

  show(html, error) {
    const page = new DOMParser().parseFromString(html, "text/html");
    const note = page.querySelector("[data-note]")?.textContent.trim() || error;
    this.list.replaceChildren(...page.querySelectorAll("[role=option]"));
    this.list.hidden = !this.list.children.length;
    this.note(note);
  }

  note(words) {
    this.popup.querySelector("p").textContent = words;
    if (this.settling) return; // what was chosen is announced, not the list
    this.announce(words);
    if (document.activeElement === this.input) this.open();
  }

  open() {
    if (this.popup.hidden) this.combobox.start();
    else this.combobox.resetSelection();
    this.popup.hidden = false;
  }

  close() {
    this.cancelSearch();
    if (!this.popup.hidden) this.combobox.stop();
    this.popup.hidden = true;
  }

  leave() {
    if (!document.hasFocus()) return; // the focus went to another window and will come back
    this.close();
    this.settle();
  }

  // What is in the field, unless it is the chosen user.
  get typed() {
    return this.input.value === this.text ? "" : this.input.value.trim();
  }

  // Whether the field shows something else than the chosen user.
  get isOpen() {
    return this.input.value !== this.text;
  }

  // Chooses the user whose ID, user name or email was typed, or the only one found. Otherwise says that nobody was.
  async settle() {
    if (!this.isOpen) return;
    const typed = this.typed;
    if (!typed) return this.value.value ? this.clear() : this.restore();
    this.cancelSearch();
    this.settling = true;
    if (this.found !== typed) await this.search();
    this.settling = false;
    if (typed !== this.typed || !this.isConnected) return; // something else was typed meanwhile
    const exact = this.found === typed && this.list.querySelector("[data-exact]");
    if (exact) this.commit(exact);
    else this.miss(typed);
  }

  miss(typed) {
    const left = document.activeElement !== this.input;
    const isFound = this.list.querySelector("[data-value]");
    const found = isFound && `Several users match “${typed}”. Choose one from the list.`;
    const why = found || this.popup.querySelector("p").textContent.trim();
    if (this.value.value && left) this.restore();
    this.say(`Nobody was chosen. ${this.isOpen ? why : `${this.text} stays.`}`);
    if (!left) this.open();
  }

  say(words) {
    this.missed.textContent = words;
    if (words && this.isOpen) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
    if (words) this.announce(words);
  }

  announce(words) {
    this.dispatchEvent(new CustomEvent("announce", { bubbles: true, detail: words }));
  }

  restore() {
    this.input.value = this.text;
    this.dispatchEvent(new CustomEvent("picker-typed", { bubbles: true }));
  }

  clear() {
    this.changed("", "");
    this.announce(`${this.dataset.label}: nobody is chosen.`);
  }

  commit(option) {
    if (option.dataset.showInactive) return this.searchInactive();
    const { value, text, details } = option.dataset;
    const inactive = option.hasAttribute("data-inactive");
    this.close();
    this.changed(value, text, details, inactive);
    if (document.activeElement === this.input) this.input.select(); // the next key starts a new search
    this.announce(`${text}, ${details}${inactive ? ", inactive" : ""}: chosen as ${this.dataset.label}.`);
  }

  searchInactive() {
    this.closest("form").elements.inactive.checked = true;
    this.search();
  }

  changed(id, text, details = "", inactive = false) {
    this.choose(id, text);
    this.say("");
    this.details.textContent = details;
    this.inactive.hidden = !inactive;
    this.dispatchEvent(new CustomEvent("pair-changed", { bubbles: true }));
  }
}

customElements.define("user-picker", UserPicker);

document.addEventListener("change", ({ target }) => {
  if (target.name === "inactive") target.dispatchEvent(new CustomEvent("pair-changed", { bubbles: true }));
});
