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
      this.input.value = this.text;
    } else if (event.key === "ArrowDown" && this.popup.hidden) {
      event.preventDefault();
      this.search();
    } else if (event.key === "Enter" && !this.list.querySelector("[aria-selected=true]")) {
      event.preventDefault(); // nothing is chosen yet, so there is nothing to submit
    }
  }

  cancelSearch() {
    clearTimeout(this.timer);
    this.request?.abort();
  }

  searchSoon() {
    this.cancelSearch(); // the response to an older search must not replace the list
    this.timer = setTimeout(() => this.search(), WAIT);
  }

  async search() {
    this.cancelSearch();
    this.request = new AbortController();
    const typed = this.input.value === this.text ? "" : this.input.value;
    const late = setTimeout(() => this.note("Searching…"), LATE);
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
      else this.show(answer.ok ? await answer.text() : "", REFUSED[answer.status] || UNAVAILABLE);
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
    this.dispatchEvent(new CustomEvent("announce", { bubbles: true, detail: words }));
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
    this.close();
    if (this.input.value.trim() === "" && this.value.value) this.changed("", "");
    else this.input.value = this.text;
  }

  commit(option) {
    if (option.dataset.showInactive) return this.searchInactive();
    this.close();
    this.changed(option.dataset.value, option.dataset.text, option.dataset.meta);
    this.input.select(); // the next key starts a new search
  }

  searchInactive() {
    this.closest("form").elements.inactive.checked = true;
    this.search();
  }

  changed(id, text, meta = "") {
    this.choose(id, text);
    this.querySelector("[data-meta]").textContent = meta;
    this.dispatchEvent(new CustomEvent("pair-changed", { bubbles: true }));
  }
}

customElements.define("user-picker", UserPicker);

document.addEventListener("change", ({ target }) => {
  if (target.name === "inactive") target.dispatchEvent(new CustomEvent("pair-changed", { bubbles: true }));
});
