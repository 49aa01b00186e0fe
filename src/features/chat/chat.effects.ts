import type { ServerFrame } from '../../generated/aerie/chat/v1/chat';

/** A connection, by a number of this process that is never given twice. */
export type ClientId = number;

/** What a client is told; JSON of it is the frame of WebSocket and SSE. */
export type Told = Omit<ServerFrame, 'users' | 'userIds'> & {
  readonly users?: readonly string[];
  readonly userIds?: readonly string[];
};

/** A message before its room has numbered it. */
export interface Said {
  /** Unique over all processes: by it a message that comes back is known to be one's own. */
  readonly uid: string;
  readonly from: string;
  /** The sender's name as names are compared. */
  readonly canonical: string;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The sender's own id of it. */
  readonly id?: string | undefined;
  /** The sender's account. */
  readonly userId?: string | undefined;
}

export interface Numbered extends Said {
  readonly seq: number;
  readonly deleted?: true | undefined;
}

/** A room as it is at one moment: the latest messages, oldest first, with no hole, up to `seq`. */
export interface RoomState {
  readonly epoch: string;
  readonly seq: number;
  readonly messages: readonly Numbered[];
}

/** From where on a client wants a room's messages. */
export interface Resume {
  readonly afterSeq?: number | undefined;
  readonly epoch?: string | undefined;
}

export interface Present {
  readonly name: string;
  readonly canonical: string;
  readonly room: string;
  readonly userId?: string | undefined;
}

/** Why something was not done. */
export type RefusalCode =
  | 'username_taken'
  | 'already_registered'
  | 'not_registered'
  | 'user_not_found'
  | 'cannot_whisper_self'
  | 'id_reused'
  | 'message_not_found'
  | 'too_many_rooms'
  | 'unavailable';

export type Outcome =
  | { readonly kind: 'said' | 'duplicate'; readonly seq: number; readonly epoch: string; readonly message?: Numbered }
  | { readonly kind: 'refused'; readonly code: RefusalCode };

/** The messages that somebody asked for, and how the room stands. */
export interface Read extends RoomState {
  /** How many of those that were asked for are no longer kept. */
  readonly gone: number;
  readonly reset: boolean;
}

/** Where a room goes on with other numbers: those of its messages that nobody of this process has heard by now. */
export interface Unheard {
  readonly unheard?: readonly Numbered[];
}

/** A whisper on its way to another process: from a client, to a name there. */
export interface Sent {
  readonly client: ClientId;
  readonly life: string;
  readonly to: string;
  readonly told: Told;
  readonly id?: string | undefined;
  /** Its sender and id: it is heard once. */
  readonly once?: string | undefined;
}

/** By what number an answer finds the caller who waits for it. */
export type Ref = number;

/** All that changes the conversation. Those with `room` wait until the room is open. */
export type Command =
  | ({ readonly type: 'register'; readonly client: ClientId } & Present & Resume)
  | { readonly type: 'claimed'; readonly client: ClientId; readonly granted: boolean }
  /** `waited`: for its room to open; meanwhile the client may have wished for another. */
  | ({
      readonly type: 'enter';
      readonly client: ClientId;
      readonly room: string;
      readonly waited?: true;
    } & Resume)
  | ({ readonly type: 'listen'; readonly client: ClientId; readonly room: string } & Resume)
  | ({ readonly type: 'say'; readonly client: ClientId } & Pick<Said, 'uid' | 'text' | 'at' | 'id'>)
  | { readonly type: 'post'; readonly ref: Ref; readonly room: string; readonly said: Said }
  | ({ readonly type: 'read'; readonly ref: Ref; readonly room: string; readonly limit: number } & Resume)
  | {
      readonly type: 'published';
      readonly room: string;
      readonly said: Said;
      readonly by: By;
      readonly outcome: Outcome;
    }
  | { readonly type: 'arrived'; readonly room: string; readonly epoch: string; readonly message: Numbered }
  | { readonly type: 'deleted'; readonly room: string; readonly epoch: string; readonly seq: number }
  | ({ readonly type: 'opened'; readonly room: string; readonly state: RoomState | undefined } & Unheard)
  | ({ readonly type: 'whisper'; readonly client: ClientId; readonly to: string } & Pick<Said, 'text' | 'at' | 'id'>)
  | ({ readonly type: 'sent'; readonly delivered: boolean } & Sent)
  | ({ readonly type: 'whispered' } & Pick<Sent, 'to' | 'told' | 'once'>)
  | { readonly type: 'users'; readonly client: ClientId; readonly after?: string | undefined }
  | { readonly type: 'leave'; readonly client: ClientId }
  | { readonly type: 'elsewhere'; readonly life: string; readonly present: Present }
  | { readonly type: 'gone'; readonly life: string; readonly canonical?: string | undefined };

/** Whoever wants to know what became of a message. */
export type By = { readonly client: ClientId } | { readonly ref: Ref };

/** All that follows from a command; to be done in order, before the next command. */
export type Effect =
  | { readonly type: 'tell'; readonly client: ClientId; readonly told: Told }
  | {
      readonly type: 'replay';
      readonly client: ClientId;
      /** How the room stands. */
      readonly first: Told;
      /** Those that were deleted of what the client may have heard before. */
      readonly deleted: readonly number[];
      readonly messages: readonly Numbered[];
      readonly room: RoomName;
    }
  | { readonly type: 'broadcast'; readonly to: Audience; readonly told: Told }
  | { readonly type: 'claim'; readonly client: ClientId; readonly name: string; readonly canonical: string }
  | { readonly type: 'release'; readonly canonical: string }
  | { readonly type: 'present'; readonly present: Present }
  | { readonly type: 'absent'; readonly canonical: string }
  | { readonly type: 'publish'; readonly room: string; readonly said: Said; readonly by: By }
  /** `create`: somebody is to be in it; who only reads makes no room. */
  | { readonly type: 'open'; readonly room: string; readonly create: boolean }
  | { readonly type: 'closed'; readonly room: string }
  | ({ readonly type: 'send' } & Sent)
  | { readonly type: 'answer'; readonly ref: Ref; readonly answer: Outcome | Read };

export interface RoomName {
  readonly room: string;
  readonly epoch: string;
}

/** Those who hear a broadcast: valid until the next command. */
export interface Audience {
  readonly clients: ReadonlySet<ClientId>;
  readonly except?: ClientId | undefined;
}
