// Where one writes: to the room, or to one person.

import { isolated } from './log.js';

const mostCharacters = 512;
const nearLimit = 64;
// Lone surrogates, and what turns the direction of the text around it: the server refuses them.
const unseen = /[\p{Cs}\uFFFD\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF]/gu;
const commands = '/w name text, /join room, /users and /exit';

/**
 * `actions` has what can be asked for: `say(text, to)`, `enter(room)`, `people()`, `leave()`, and `tell(message)` for what is
 * wrong with what was written.
 */
export class Composer {
  #parts;
  #actions;
  #to;
  #room = '';

  /** `parts`: form, text, label, left and end, which ends a whisper. */
  constructor(parts, actions) {
    this.#parts = parts;
    this.#actions = actions;
    const { form, text, end } = parts;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    text.addEventListener('input', () => this.#show());
    form.addEventListener('keydown', (event) => this.#press(event));
    end.addEventListener('click', () => this.whisperTo(undefined));
  }

  set room(room) {
    this.#room = room;
    this.whisperTo(undefined);
  }

  set isOpen(isOpen) {
    for (const each of this.#parts.form.querySelectorAll('textarea, [type=submit]')) each.disabled = !isOpen;
  }

  focus() {
    this.#parts.text.focus();
  }

  /** What is written next goes to this person alone; undefined: to the room. */
  whisperTo(name) {
    this.#to = name;
    const { form, label, end } = this.#parts;
    form.classList.toggle('whispering', name !== undefined);
    label.replaceChildren(
      ...(name === undefined ? ['Message to #', isolated(this.#room)] : ['Whisper to ', isolated(name)]),
    );
    // A button that is hidden must not have the focus.
    if (name === undefined && document.activeElement === end) this.focus();
    end.hidden = name === undefined;
  }

  #press(event) {
    // While an input method composes, Enter chooses among its words.
    if (event.isComposing) return;
    if (event.key === 'Enter' && event.target === this.#parts.text) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === 'Escape' && this.#to !== undefined) {
      event.preventDefault();
      this.whisperTo(undefined);
    }
  }

  #submit() {
    const { text } = this.#parts;
    const written = plain(text.value);
    if (written === '') return;
    const wrong = this.#run(written);
    if (wrong) this.#actions.tell(wrong);
    else text.value = '';
    this.#show();
    this.focus();
  }

  /** Does what was written; answers what is wrong with it, if anything is. */
  #run(written) {
    // Two strokes: a message that begins with one.
    if (!written.startsWith('/') || written.startsWith('//')) return this.#say(written.replace(/^\/\//, '/'), this.#to);
    const [word, rest] = splitWord(written.slice(1));
    const command = { w: () => this.#whisper(rest), join: () => this.#join(rest) }[word];
    if (command) return command();
    if (word === 'users') return this.#actions.people();
    if (word === 'exit') return this.#actions.leave();
    return `There is no /${word}. There are ${commands}; a message that begins with / is written with //.`;
  }

  #whisper(rest) {
    const [to, text] = splitWord(rest);
    if (to === '') return 'Write /w, the name, and the text.';
    if (text === '') return this.whisperTo(to);
    return this.#say(text, to);
  }

  #join(room) {
    return room === '' ? 'Write /join and the name of the room.' : this.#actions.enter(room);
  }

  #say(text, to) {
    const { length } = [...text];
    if (length > mostCharacters) return `A message has ${mostCharacters} characters at most; this one has ${length}.`;
    return this.#actions.say(text, to);
  }

  #show() {
    const { text, left } = this.#parts;
    const remaining = mostCharacters - [...plain(text.value)].length;
    left.textContent = remaining > nearLimit ? '' : remaining < 0 ? `${-remaining} too many` : `${remaining} left`;
    left.classList.toggle('over', remaining < 0);
    text.ariaInvalid = String(remaining < 0);
    // As high as its text, within what the stylesheet allows.
    text.style.height = 'auto';
    text.style.height = `${text.scrollHeight + text.offsetHeight - text.clientHeight}px`;
  }
}

/** The first word, and what follows it. */
function splitWord(text) {
  const end = text.search(/\s/u);
  return end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end).trim()];
}

/** The text as it may be said: line breaks and other control characters become spaces; what is not seen goes. */
function plain(text) {
  return text
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replace(unseen, '')
    .trim();
}
