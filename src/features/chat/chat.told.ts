import type { Numbered, Present, RefusalCode, RoomName, Told } from './chat.effects';

const reasons: Readonly<Record<RefusalCode, string>> = {
  username_taken: 'Somebody else has this name',
  already_registered: 'This connection has a name already',
  not_registered: 'Say hello first',
  user_not_found: 'Nobody is here by that name',
  cannot_whisper_self: 'Nobody whispers to themselves',
  id_reused: 'This id was used for another message',
  message_not_found: 'No message that is kept has this number',
  too_many_rooms: 'There are as many rooms as there may be',
  unavailable: 'Try again in a moment',
};

export function refusal(code: RefusalCode, id?: string): Told {
  return { type: 'error', code, message: reasons[code], id };
}

export function messageTold({ seq, from, text, at, id, deleted, userId }: Numbered, { room, epoch }: RoomName): Told {
  const time = new Date(at).toISOString();
  return { type: 'message', room, seq, epoch, from, text, at: time, id, deleted, userId };
}

export function joinedTold({ name, room, userId }: Present): Told {
  return { type: 'joined', name, room, userId };
}

export function deletedTold(room: string, epoch: string, seq: number): Told {
  return { type: 'deleted', room, epoch, seq };
}

export function whisperTold(
  { name: from, userId }: Pick<Present, 'name' | 'userId'>,
  to: string,
  text: string,
  at: number,
): Told {
  return { type: 'whisper', from, to, text, at: new Date(at).toISOString(), userId };
}
