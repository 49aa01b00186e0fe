import { z } from 'zod';
import type {
  DeleteMessageRequest,
  ListChatUsersRequest,
  ListMessagesRequest,
  ListMutesRequest,
  ListReportsRequest,
  MuteUserRequest,
  PostMessageRequest,
  ReportMessageRequest,
  UnmuteUserRequest,
} from '../../generated/aerie/chat/v1/chat';
import { dto } from '../../shared/contract/dto';
import { pageSize, pageToken, text as plain, playerId, timeAnswer, wholeNumber } from '../../shared/contract/schemas';
import { afterSeq, epoch, messageId, name, room, seq, text } from './chat.fields';

export class ListChatUsersDto extends dto<ListChatUsersRequest>(
  z.strictObject({ pageSize, pageToken, room: room.optional() }),
) {}

export class PostMessageDto extends dto<PostMessageRequest>(
  z.strictObject({ name: name.optional(), room: room.optional(), text, id: messageId.optional() }),
) {}

export class ListMessagesDto extends dto<ListMessagesRequest>(
  z.strictObject({
    room: room.optional(),
    afterSeq: afterSeq.optional(),
    epoch: epoch.optional(),
    limit: wholeNumber(1, 100).optional(),
  }),
) {}

export const streamQuery = z.strictObject({
  room: room.optional(),
  afterSeq: afterSeq.optional(),
  epoch: epoch.optional(),
});

/** The query of the event stream. */
export class StreamChatDto extends dto<z.output<typeof streamQuery>>(streamQuery) {}

export class DeleteMessageDto extends dto<DeleteMessageRequest>(
  z.strictObject({ seq, room: room.optional(), epoch: epoch.optional() }),
) {}

export class MuteUserDto extends dto<MuteUserRequest>(
  z.strictObject({
    ...{ name: name.optional(), seconds: wholeNumber(1, 2_592_000), reason: plain(1, 200) },
    userId: playerId.optional(),
  }),
) {}

export class UnmuteUserDto extends dto<UnmuteUserRequest>(z.strictObject({ name })) {}

export class ListMutesDto extends dto<ListMutesRequest>(z.strictObject({ pageSize, pageToken })) {}

export class ReportMessageDto extends dto<ReportMessageRequest>(
  z.strictObject({
    seq,
    room: room.optional(),
    epoch: epoch.optional(),
    reason: plain(1, 200),
    name: name.optional(),
  }),
) {}

export class ListReportsDto extends dto<ListReportsRequest>(z.strictObject({ pageSize, pageToken })) {}

const count = z.number().int();

const accountAnswer = { userId: z.string().optional() };

export const listChatUsersAnswer = z.object({
  users: z.array(z.object({ name: z.string(), room: z.string(), ...accountAnswer })),
  nextPageToken: z.string(),
});

export const chatMessageAnswer = z.object({
  room: z.string(),
  seq: count,
  epoch: z.string(),
  from: z.string(),
  text: z.string(),
  at: timeAnswer,
  id: z.string().optional(),
  deleted: z.boolean().optional(),
  ...accountAnswer,
});

export const listMessagesAnswer = z.object({
  messages: z.array(chatMessageAnswer),
  room: z.string(),
  epoch: z.string(),
  latestSeq: count,
  gone: count,
  reset: z.boolean(),
});

export const muteAnswer = z.object({
  name: z.string(),
  userId: z.string().optional(),
  reason: z.string(),
  mutedAt: timeAnswer,
  mutedUntil: timeAnswer,
  mutedBy: z.string(),
});

export const unmuteAnswer = z.object({});

export const listMutesAnswer = z.object({ mutes: z.array(muteAnswer), nextPageToken: z.string() });

export const reportAnswer = z.object({
  id: z.string(),
  room: z.string(),
  seq: count,
  epoch: z.string(),
  reason: z.string(),
  reporter: z.string(),
  createdAt: timeAnswer,
  messages: z.array(chatMessageAnswer),
});

export const listReportsAnswer = z.object({ reports: z.array(reportAnswer), nextPageToken: z.string() });
