import type { Numbered, RefusalCode, RoomName, Told } from './chat.effects';

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

export function messageTold({ seq, from, text, at, id, deleted }: Numbered, { room, epoch }: RoomName): Told {
  return { type: 'message', room, seq, epoch, from, text, at: new Date(at).toISOString(), id, deleted };
}

export function deletedTold(room: string, epoch: string, seq: number): Told {
  return { type: 'deleted', room, epoch, seq };
}

export function whisperTold(from: string, to: string, text: string, at: number): Told {
  return { type: 'whisper', from, to, text, at: new Date(at).toISOString() };
}
