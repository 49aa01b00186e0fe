import { z } from 'zod';
import { accept, violations } from '../../shared/contract/dto';
import type { AppError } from '../../shared/errors/app-error';
import { malformedJson, validationFailed } from '../../shared/errors/common.errors';
import { toAppError } from '../../shared/errors/to-app-error';
import { parseJson } from '../../shared/http/json';
import type { ChatClient } from './chat.client';
import { clientFrame, messageId, type Spoken } from './chat.fields';

/** Hands a frame that has come to the client, in its turn; whatever is wrong with it is told to that client alone. */
export function receive(client: ChatClient, frame: () => unknown): void {
  if (!client.admit(() => idOf(frame))) return;
  try {
    const spoken = checked(frame());
    client.inTurn(() => client.handle(spoken));
  } catch (error) {
    const { code, message } = toAppError(error);
    client.inTurn(() => client.refuse(code, message, undefined, idOf(frame)));
  }
}

/** The id of a frame that is refused, so that its sender knows which one; undefined where it has none that can be told. */
function idOf(frame: () => unknown): string | undefined {
  try {
    const { id } = z.object({ id: messageId }).parse(frame());
    return id;
  } catch {
    return undefined;
  }
}

/** A frame of WebSocket. @throws AppError malformed_json, validation_failed */
export function jsonFrame(bytes: Buffer): unknown {
  try {
    return parseJson(bytes);
  } catch (error) {
    throw inFrame(toAppError(error));
  }
}

/** @throws AppError validation_failed naming every field that was refused */
function checked(frame: unknown): Spoken {
  const result = accept<Spoken>(clientFrame, frame);
  if (result.success) return result.data;
  throw inFrame(validationFailed(violations(result.issues)));
}

/** The words of calls are about bodies. */
function inFrame(error: AppError): AppError {
  const message = error.message.replace(/^The body/, 'The frame').replace(/^body:/, 'frame:');
  return error.code === 'malformed_json' ? malformedJson(message) : Object.assign(error, { message });
}
