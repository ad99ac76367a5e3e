// The pages of the demo's application, made on the server.

export const STYLE = `
:root { color-scheme: light dark; --ground: light-dark(#f3f4f6, #111827); --sheet: light-dark(#fff, #1f2937); --faint: light-dark(#4b5563, #d1d5db); --accent: light-dark(#1d4ed8, #93c5fd) }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
a { color: var(--accent) }
header, main { max-width: 46rem; margin: 0 auto; padding: 1rem }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: baseline }
header p { margin: 0 }
header .who { margin-left: auto }
header form { display: inline }
main { background: var(--sheet); border-radius: 6px; padding: 1rem 2rem 2rem }
h1 { font-size: 1.5rem; line-height: 1.25 }
.faint { color: var(--faint) }
.notice { padding: .75rem 1rem; border-left: 4px solid var(--accent) }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .5rem 1rem .5rem 0; border-top: 1px solid var(--faint); vertical-align: top }
table { margin-top: 1rem }
label { display: block; font-weight: 600 }
textarea, input { display: block; width: 100%; margin: .25rem 0 1rem; padding: .5rem .75rem; font: inherit }
button { min-height: 2.5rem; padding: .25rem 1rem; font: inherit; cursor: pointer }
`;

/** HTML of which nothing that is filled in is a tag. */
class Html {
  constructor(/** @type {string} */ text) {
    this.text = text;
  }
}

/** @param {any} value @returns {string} */
function filled(value) {
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(filled).join("");
  return String(value).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

const html = (/** @type {TemplateStringsArray} */ parts, /** @type {any[]} */ ...values) =>
  new Html(parts.map((part, at) => (at === 0 ? part : filled(values[at - 1]) + part)).join(""));

/**
 * A page, whole.
 *
 * @param {string} title
 * @param {string} who the name of who is signed in
 * @param {Html} content
 */
export function page(title, who, content) {
  const signedIn = html`<nav><a href="/">Documents</a> · <a href="/members">Members</a></nav>
<div class="who">${who} <form method="post" action="/.parapet/sign-out"><button>Sign out</button></form></div>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – Lumen Documents</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header><p><strong>Lumen Documents</strong></p>
${who === "" ? "" : signedIn}
</header>
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`.text;
}

/** @typedef {{ id: string, title: string, text: string, status: string, department: string, owner: string }} Document */

/** All there are, whoever may read them: what is refused is seen by trying. */
export const list = (/** @type {Document[]} */ documents, /** @type {string} */ notice) => html`
${notice === "" ? "" : html`<p class="notice" role="status">${notice}</p>`}
<p>All are listed, so that you see what is refused. This application decides nothing: the gateway does, before a request arrives here.</p>
<table>
<tr><th>Document<th>Status<th>Department<th>Owner<th>Change
${documents.map(({ id, title, status, department, owner }) => html`<tr><td><a href="/documents/${id}">${title}</a><td>${status}<td>${department}<td>${owner}<td><a href="/documents/${id}/edit" aria-label="Edit: ${title}">Edit</a>
`)}</table>`;

/** One of them. */
export const one = (/** @type {Document} */ { id, text, status, department, owner }) => html`
<p class="faint">${status}, of ${department}, owned by ${owner}</p>
<p>${text}</p>
<p><a href="/documents/${id}/edit">Edit</a></p>`;

/** Its form. */
export const edit = (/** @type {Document} */ { id, text }) => html`
<form method="post" action="/documents/${id}/edit">
<label for="text">Text</label>
<textarea id="text" name="text" rows="6" required>${text}</textarea>
<button>Save</button>
</form>`;

/** Who there is, for administrators. */
export const members = (/** @type {{ name: string, email: string, what: string }[]} */ people) => html`
<p>This page opens within 30 seconds of a second factor, and after that asks for another.</p>
<form method="post" action="/members">
<label for="email">Invite somebody</label>
<input id="email" name="email" type="email" placeholder="name@lumen.example" required>
<button>Invite</button>
</form>
<table>
<tr><th>Name<th>Address<th>State
${people.map(({ name, email, what }) => html`<tr><td>${name}<td>${email}<td>${what}
`)}</table>`;

/** What is said in a sentence. */
export const sentence = (/** @type {string} */ text) => html`<p>${text}</p>`;
