// Who is here.

import { avatar, isolated, make } from './log.js';

/** The list of people; on a small screen it is a drawer over the conversation. */
export class PeopleList {
  #parts;
  #choose;
  #byName = new Map();

  /** `parts`: panel, list, more, counts and toggle; `choose(name)` is called for a person who was chosen. */
  constructor(parts, choose) {
    this.#parts = parts;
    this.#choose = choose;
    parts.toggle.addEventListener('click', () => this.open(!this.isOpen));
    document.addEventListener('click', ({ target }) => {
      if (this.isOpen && ![parts.panel, parts.toggle].some((part) => part.contains(target))) this.open(false);
    });
    parts.panel.addEventListener('keydown', ({ key }) => key === 'Escape' && this.isOpen && this.open(false, true));
  }

  get isOpen() {
    return this.#parts.toggle.ariaExpanded === 'true';
  }

  open(isOpen, isBack = false) {
    const { panel, toggle, list } = this.#parts;
    toggle.ariaExpanded = String(isOpen);
    panel.classList.toggle('open', isOpen);
    if (isOpen) list.querySelector('button')?.focus();
    else if (isBack) toggle.focus();
  }

  /** Lines that stay are left alone, so that the one that has the focus keeps it. */
  show(names, { self, isAll }) {
    const { list, more, counts } = this.#parts;
    const here = new Set(names);
    for (const [name, line] of this.#byName) {
      if (here.has(name) && line.classList.contains('self') === (name === self)) continue;
      line.remove();
      this.#byName.delete(name);
    }
    names.forEach((name, index) => {
      const line = this.#byName.get(name) ?? this.#line(name, name === self);
      if (list.children[index] !== line) list.insertBefore(line, list.children[index] ?? null);
    });
    more.hidden = isAll;
    for (const count of counts) count.textContent = isAll ? String(names.length) : `${names.length}+`;
  }

  #line(name, isSelf) {
    const parts = [avatar(name), isolated(name)];
    const choose = () => this.#choose(name);
    const button = { type: 'button', className: 'quiet', ariaLabel: `Whisper to ${name}` };
    const line = isSelf
      ? make('li', { className: 'self' }, ...parts, make('span', { className: 'you', textContent: 'you' }))
      : make('li', {}, make('button', { ...button, onclick: choose }, ...parts));
    this.#byName.set(name, line);
    return line;
  }
}
