/** Passkeys: asks the browser to make or use one, and sends what it says with the form around the button. */

/** @param {string} text in base64url */
const bytesOf = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));

/** @param {ArrayBuffer | null | undefined} buffer */
const textOf = (buffer) =>
  buffer
    ? btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "")
    : null;

/** What the server wrote, with bytes where the browser wants bytes. @param {any} options */
function readable(options) {
  const key = options.publicKey;
  key.challenge = bytesOf(key.challenge);
  if (key.user) key.user.id = bytesOf(key.user.id);
  for (const known of [...(key.allowCredentials ?? []), ...(key.excludeCredentials ?? [])]) known.id = bytesOf(known.id);
  return options;
}

/** A passkey's answer as the server reads it. @param {any} credential */
function told(credential) {
  const said = credential.response;
  /** @type {Record<string, string | null>} */
  const response = { clientDataJSON: textOf(said.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"])
    if (said[name]) response[name] = textOf(said[name]);
  return {
    id: credential.id,
    rawId: textOf(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("[data-passkey]"));
const written = document.getElementById("passkey-options");
if (form && written && window.PublicKeyCredential) {
  const creating = form.dataset.passkey === "create";
  const trouble = /** @type {HTMLElement} */ (form.querySelector("[data-trouble]"));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
  form.hidden = false;
  button.addEventListener("click", async () => {
    trouble.hidden = true;
    button.disabled = true;
    const options = readable(JSON.parse(written.textContent ?? "")[creating ? "creation_options" : "request_options"]);
    try {
      const credential = await (creating ? navigator.credentials.create(options) : navigator.credentials.get(options));
      /** @type {HTMLInputElement} */ (form.elements.namedItem("credential")).value = JSON.stringify(told(credential));
      form.submit();
    } catch {
      trouble.hidden = false;
      button.disabled = false;
    }
  });
}
