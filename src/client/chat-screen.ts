import { clearScreenDown, cursorTo, type Interface, moveCursor } from 'node:readline';
import type { ServerFrame } from '../generated/aerie/chat/v1/chat';
import type { ChatShow } from './chat-conversation';
import { lineOf, printable, printableFrame } from './chat-words';
import type { Session } from './command-line';

const prompt = '> ';

/** What is told goes above the line that is being typed, where somebody types; else one line after another. */
export class ChatScreen implements ChatShow {
  constructor(
    private readonly session: Pick<Session, 'print' | 'say'>,
    /** The line that is being typed; undefined where standard input or output is no terminal. */
    private typing: Interface | undefined,
    private readonly json = false,
  ) {
    typing?.setPrompt(prompt);
    typing?.prompt();
    typing?.once('close', () => {
      this.clear();
      // A prompt would read on, and keep the process.
      this.typing = undefined;
    });
  }

  show(frame: ServerFrame): void {
    const clean = printableFrame(frame);
    const line = lineOf(clean);
    this.above(() => {
      if (line !== undefined && frame.type === 'error' && !this.json) this.session.say(line);
      else this.session.print(clean, line === undefined ? [] : [line]);
    });
  }

  note(words: string): void {
    this.above(() => this.session.say(`-- ${printable(words)}`));
  }

  help(words: readonly string[]): void {
    this.above(() => {
      for (const line of words) this.session.say(line);
    });
  }

  /** A line was typed: the terminal has shown it, and will show it again once it was said. */
  typed(line: string): void {
    if (!this.typing) return;
    const rows = Math.ceil((prompt.length + line.length + 1) / (process.stdout.columns || 80));
    this.clear(rows);
    this.typing.prompt();
  }

  private above(print: () => void): void {
    if (!this.typing) {
      print();
      return;
    }
    this.clear(this.typing.getCursorPos().rows);
    print();
    this.typing.prompt(true);
  }

  private clear(rowsAbove = 0): void {
    moveCursor(process.stdout, 0, -rowsAbove);
    cursorTo(process.stdout, 0);
    clearScreenDown(process.stdout);
  }
}
