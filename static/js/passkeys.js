// Connects the passkey forms of a page to allauth's script, which opens the browser's passkey dialog.
const ids = {
  credential: "passkey-credential",
  login: "passkey-start",
  authenticate: "passkey-start",
  add: "passkey-start",
  passwordless: "passkey-alone",
  data: "passkey-data",
};
for (const form of document.querySelectorAll("form[data-passkey]")) {
  window.allauth.webauthn.forms[`${form.dataset.passkey}Form`]({ ids });
}

// Runs if the browser's dialog was closed, or had no passkey for this site.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const notice = document.createElement("div");
  notice.className = "notice error";
  notice.append(document.createElement("span"), "No passkey was used. Try again, or choose another way.");
  document.getElementById("status").replaceChildren(notice);
});
