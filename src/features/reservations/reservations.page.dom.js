// What every part of the page does with the document. Text is always text: nothing is read as markup.

export const find = (id) => document.getElementById(id);

/** An element with properties, `data` and `attributes`, and children. */
export function make(tag, properties = {}, ...children) {
  const { data = {}, attributes = {}, ...rest } = properties;
  const node = Object.assign(document.createElement(tag), rest);
  Object.assign(node.dataset, data);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Somebody's words, which may run from right to left and must not turn around what stands beside them. */
export function isolated(text) {
  return make('bdi', { dir: 'auto', textContent: text });
}

/** Changes only what is another text: what stays is not read out again. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A button that waits for an answer keeps the focus, and is not pressed twice. */
export async function whileBusy(button, work) {
  if (button.ariaDisabled === 'true') return;
  button.ariaDisabled = 'true';
  try {
    await work();
  } finally {
    button.ariaDisabled = null;
  }
}

/** Said to those who hear the page, once. */
export function announce(text) {
  const line = make('p', { textContent: text });
  find('live').append(line);
  setTimeout(() => line.remove(), 10_000);
}

/** What the page says until it is dismissed, or something else is to be said. `kind`: `alert` or `notice`. */
export function say(text, kind = 'alert') {
  const box = find('said');
  box.hidden = text === '';
  box.dataset.kind = kind;
  write(find('said-text'), text);
}

// A browser may refuse to store anything: then it is kept for as long as the page is.
const kept = new Map();

/** What outlasts a reload, in this tab alone. */
export const store = {
  get(key) {
    try {
      return JSON.parse(sessionStorage.getItem(key) ?? 'null') ?? undefined;
    } catch {
      return kept.get(key);
    }
  },
  set(key, value) {
    kept.set(key, value);
    try {
      if (value === undefined) sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, JSON.stringify(value));
    } catch {
      find('said').dataset.store = 'none';
    }
  },
};
