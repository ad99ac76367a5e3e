// Asks the browser for a passkey or security key, with the options that a form of the page has, and sends the form with the
// answer (W3C Web Authentication Level 3, sections 5.1 and 5.8). Binary members are base64url in JSON; reading and writing
// them here serves browsers that have no `parseCreationOptionsFromJSON` yet.

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const named = (credentials) => credentials.map((credential) => ({ ...credential, id: bytes(credential.id) }));

function read(options) {
  const read = { ...options, challenge: bytes(options.challenge) };
  if (options.user) read.user = { ...options.user, id: bytes(options.user.id) };
  if (options.excludeCredentials) read.excludeCredentials = named(options.excludeCredentials);
  if (options.allowCredentials) read.allowCredentials = named(options.allowCredentials);
  return read;
}

function written({ id, rawId, type, response }) {
  const members = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) members[name] = text(response[name]);
  }
  if (response.getTransports) members.transports = response.getTransports();
  return JSON.stringify({ id, rawId: text(rawId), type, response: members, clientExtensionResults: {} });
}

for (const form of globalThis.PublicKeyCredential ? document.querySelectorAll("form[data-passkey]") : []) {
  const [failed, button] = [form.querySelector("[role=alert]"), form.querySelector("button")];
  const publicKey = read(JSON.parse(form.dataset.options));
  form.hidden = false;
  form.nextElementSibling.hidden = true;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    failed.hidden = true;
    button.disabled = true;
    try {
      const asked = form.dataset.passkey === "create" ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey });
      form.elements.credential.value = written(await asked);
      form.submit();
    } catch {
      failed.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
}
