import { createInterface, type Interface } from 'node:readline';
import { validationFailed } from '../shared/errors/common.errors';
import { ChatConversation } from './chat-conversation';
import { ChatScreen } from './chat-screen';
import { meaningOf } from './chat-words';
import type { Session } from './command-line';

/** How long a script waits for a server that is gone. */
const scriptPatienceMs = 60_000;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

interface ChatCommandOptions {
  readonly name?: string;
  readonly room: string;
}

/**
 * Talks until standard input ends, or somebody leaves. From a script, 1 when something was refused or left unsaid; a person
 * has seen it.
 */
export async function chat(session: Session, { name: given, room }: ChatCommandOptions): Promise<number> {
  const { client, authorized, json } = session;
  const name = given ?? (authorized ? undefined : await askName());
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const output = isTerminal ? { output: process.stdout } : {};
  const lines = createInterface({ input: process.stdin, ...output, terminal: isTerminal, crlfDelay: Infinity });
  const screen = new ChatScreen(session, isTerminal ? lines : undefined, json);
  const patienceMs = isTerminal ? Number.POSITIVE_INFINITY : scriptPatienceMs;
  const conversation = new ChatConversation((listener) => client.openChat(listener), screen, {
    name,
    room,
    patienceMs,
  });
  const unlisten = onQuit(lines, () => conversation.quit());
  const reading = read(lines, screen, conversation);
  try {
    await conversation.over;
  } finally {
    unlisten();
    lines.close();
    await reading;
    // A pipe that is still open would keep the process.
    if (!isTerminal) process.stdin.destroy();
  }
  return conversation.refused > 0 && !isTerminal ? 1 : 0;
}

/** What the person at the terminal answers; a script is not asked. @throws AppError validation_failed without an answer */
async function askName(): Promise<string> {
  const name = process.stdin.isTTY ? await answerTo('Your name: ') : '';
  if (name === '') throw validationFailed([{ field: '--name', message: 'is required without a token' }]);
  return name;
}

/** Empty after Ctrl-C and Ctrl-D, too. */
function answerTo(question: string): Promise<string> {
  // Where what is told goes into a pipe, the question does not.
  const output = process.stdout.isTTY ? process.stdout : process.stderr;
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  return new Promise((resolve) => {
    lines.once('close', () => resolve(''));
    lines.question(question, (answer) => {
      resolve(answer.trim());
      lines.close();
    });
  });
}

/** Hands over lines as they come, no faster than they are said; the end of them is the end of the conversation. */
async function read(lines: Interface, screen: ChatScreen, conversation: ChatConversation): Promise<void> {
  for await (const line of lines) {
    screen.typed(line);
    const meaning = meaningOf(line);
    if (meaning === undefined) continue;
    if ('words' in meaning) {
      screen.help(meaning.words);
      if (meaning.wrong) conversation.refused += 1;
    } else if (meaning.frame.type === 'exit') break;
    else conversation.say(meaning.frame);
    await conversation.ready;
  }
  conversation.leave();
}

/** Ctrl-C, a signal, or nobody who reads what is printed. The second time the process ends as any other. */
function onQuit(lines: Interface, quit: () => void): () => void {
  lines.once('SIGINT', quit);
  // Also later: it is told again with whatever is printed then.
  process.stdout.on('error', quit);
  for (const signal of signals) process.once(signal, quit);
  return () => {
    for (const signal of signals) process.off(signal, quit);
  };
}
