import type { Told } from './chat.effects';
import type { Spoken } from './chat.fields';
import { roomName } from './chat.names';

// The words of the line protocol for what frames call otherwise.
const lineCodes: Readonly<Record<string, string>> = {
  too_many_rooms: 'room_failed',
  id_reused: 'message_failed',
};

// Whoever has no name yet is told about names, and else that it is none of the name.
const nameCodes = new Set(['username_taken', 'username_invalid', 'slow_down', 'line_too_long', 'invalid_text']);

/** What a client is told, as a line with its end; empty for what TCP does not say. */
export function lineOf(told: Told, registering = false): string {
  const { type, name = '', room = '', from = '', to = '', text = '', code = '' } = told;
  switch (type) {
    case 'prompt':
      return 'Enter username:\n';
    case 'welcome':
      return 'OK\n';
    case 'room':
      // Otherwise it says how the numbers go on, and there are none here.
      return told.reset || told.count !== undefined ? '' : `SYSTEM: you are in ${room}\n`;
    case 'message':
      return told.deleted ? '' : `${from}: ${text}\n`;
    case 'joined':
    case 'left':
      return `SYSTEM: ${name} ${type}\n`;
    case 'users':
      return `USERS: ${(told.users ?? []).join(',')}\n${told.more ? `SYSTEM: more by /users ${told.users?.at(-1)}\n` : ''}`;
    case 'missed':
      return `MISSED ${told.count ?? 0}\n`;
    case 'whisper':
      return told.own ? `WHISPER to ${to}: ${text}\n` : `WHISPER ${from}: ${text}\n`;
    case 'error':
      return registering && !nameCodes.has(code) ? 'ERR register_failed\n' : errorLine(code, told.message ?? '');
    case 'bye':
      return code === 'exit' ? 'Bye\n' : `SYSTEM: ${told.message ?? 'closing'}\nBye\n`;
    default:
      return '';
  }
}

function errorLine(code: string, message: string): string {
  // Whoever is silenced is told until when, and why.
  if (code === 'muted') return `ERR muted ${message}\n`;
  return `ERR ${lineCodes[code] ?? code}\n`;
}

/** What a registered client's line means; a code for a line that means nothing. */
export function commandOf(line: string): Spoken | 'whisper_usage' | 'unknown_command' | 'join_usage' {
  if (!line.startsWith('/')) return { type: 'say', text: line };
  const [word = '', ...words] = line.split(' ');
  const rest = line.slice(word.length).trim();
  switch (word) {
    case '/w': {
      const to = words.find((part) => part !== '') ?? '';
      const text = rest.slice(to.length).trim();
      return to === '' || text === '' ? 'whisper_usage' : { type: 'whisper', to, text };
    }
    case '/users':
      return { type: 'users', after: rest === '' ? undefined : rest };
    case '/join': {
      const room = roomName(rest);
      return room === undefined ? 'join_usage' : { type: 'join', room };
    }
    case '/exit':
      return { type: 'exit' };
    default:
      return 'unknown_command';
  }
}
