// Who is here.

import { accountBadge, avatar, isolated, make } from './log.js';

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

  /** `users`: names with their accounts. Lines that stay are left alone, so that the one that has the focus keeps it. */
  show(users, { self, isAll }) {
    const { list, more, counts } = this.#parts;
    const here = new Map(users.map(({ name, userId }) => [name, userId]));
    for (const [name, line] of this.#byName) {
      const isSame = here.get(name) === line.dataset.user;
      if (isSame && line.classList.contains('self') === (name === self)) continue;
      line.remove();
      this.#byName.delete(name);
    }
    users.forEach((user, index) => {
      const line = this.#byName.get(user.name) ?? this.#line(user, user.name === self);
      if (list.children[index] !== line) list.insertBefore(line, list.children[index] ?? null);
    });
    more.hidden = isAll;
    for (const count of counts) count.textContent = isAll ? String(users.length) : `${users.length}+`;
  }

  #line({ name, userId }, isSelf) {
    const data = { user: userId };
    const signs = userId ? [accountBadge()] : [];
    if (isSelf) signs.push(make('span', { className: 'you', textContent: 'you' }));
    // With spaces between, for those who hear it.
    const who = make('span', { className: 'who' }, isolated(name), ...signs.flatMap((sign) => [' ', sign]));
    const parts = [avatar(name), who];
    const choose = () => this.#choose(name);
    const button = { type: 'button', className: 'quiet', ariaLabel: `Whisper to ${name}${userId ? ', account' : ''}` };
    const line = isSelf
      ? make('li', { className: 'self', data }, ...parts)
      : make('li', { data }, make('button', { ...button, onclick: choose }, ...parts));
    this.#byName.set(name, line);
    return line;
  }
}
