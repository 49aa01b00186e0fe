import type { ClientFrame, ServerFrame } from '../generated/aerie/chat/v1/chat';
import { AppError } from '../shared/errors/app-error';
import type { Kind } from '../shared/errors/kinds';

const passing = ['slow_down', 'unavailable'];
const fatalByes = ['token_invalid', 'username_taken'];
const passingKinds: readonly Kind[] = ['unavailable', 'deadline', 'internal', 'throttled'];
const kindOf: Readonly<Record<string, Kind>> = {
  username_taken: 'already_exists',
  token_invalid: 'unauthenticated',
  unavailable: 'unavailable',
  slow_down: 'throttled',
  too_many_rooms: 'throttled',
};

/** Whether a frame says that this was done. Nobody else knows an id before its message was said. */
export function isAnswer(frame: ServerFrame, { type, id }: ClientFrame): boolean {
  switch (type) {
    case 'say':
      return (frame.type === 'message' || frame.type === 'said') && frame.id === id;
    case 'whisper':
      return ((frame.type === 'whisper' && frame.own === true) || frame.type === 'said') && frame.id === id;
    case 'join':
      return frame.type === 'room' && !frame.reset && frame.count === undefined;
    default:
      return frame.type === type;
  }
}

/** Whether the same may be asked again in a moment. */
export function passes({ code = '' }: Pick<ServerFrame, 'code'>): boolean {
  return passing.includes(code);
}

/** What the server said against the client, for whoever started it. */
export function refusalOf({ code = '', message = '' }: ServerFrame): AppError {
  return new AppError(kindOf[code] ?? 'invalid', code, message);
}

/** Why it is no use to connect again; undefined when it is. */
export function fatalOf(bye: ServerFrame | undefined, error: AppError | undefined): AppError | undefined {
  if (bye && fatalByes.includes(bye.code ?? '')) return refusalOf(bye);
  return error && !passingKinds.includes(error.kind) ? error : undefined;
}
