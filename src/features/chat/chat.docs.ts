import type { Docs } from '../../shared/contract/call-docs';
import { idempotencyKeyHeader } from '../../shared/contract/request-headers';
import type { ChatApi } from './chat.api';
import {
  chatMessageAnswer,
  DeleteMessageDto,
  ListChatUsersDto,
  ListMessagesDto,
  ListMutesDto,
  ListReportsDto,
  listChatUsersAnswer,
  listMessagesAnswer,
  listMutesAnswer,
  listReportsAnswer,
  MuteUserDto,
  muteAnswer,
  PostMessageDto,
  ReportMessageDto,
  reportAnswer,
  UnmuteUserDto,
  unmuteAnswer,
} from './chat.dto';

const at = '2026-11-27T10:00:00.000Z';
const until = '2026-11-27T10:10:00.000Z';
const epoch = '01KAJ0000000000000000000AA';
const message = { room: 'lobby', seq: 42, epoch, from: 'ada', text: 'well played', at, id: 'm-1' };
const mute = { name: 'eve', reason: 'insults', mutedAt: at, mutedUntil: until, mutedBy: 'internal' };
const report = {
  ...{ id: '01KAJ0000000000000000000AB', room: 'lobby', seq: 42, epoch, reason: 'insult', reporter: 'bob' },
  ...{ createdAt: at, messages: [message] },
};

const idempotencyKey = idempotencyKeyHeader('The id of the message, where it has none; 1-64 characters', 'm-1');

/** Each call as OpenAPI describes it. */
export const chatDocs: Docs<ChatApi> = {
  listChatUsers: {
    summary: 'Who is connected, by name, in one room or in all',
    request: ListChatUsersDto,
    answer: listChatUsersAnswer,
    errors: { 400: ['page_token_invalid'] },
    example: {
      request: { room: 'lobby' },
      answer: { users: [{ name: 'ada', room: 'lobby' }], nextPageToken: '' },
    },
  },
  postMessage: {
    summary: 'Say something without being connected; with an id of its own, or a key, a retry is not said twice',
    request: PostMessageDto,
    headers: { 'Idempotency-Key': idempotencyKey },
    answer: chatMessageAnswer,
    errors: {
      403: ['muted'],
      409: ['username_taken'],
      422: ['id_reused', 'idempotency_key_reused'],
      429: ['slow_down', 'too_many_rooms'],
    },
    example: { request: { name: 'ada', text: 'well played', id: 'm-1' }, answer: message },
  },
  listMessages: {
    summary: 'The recent messages of a room after a number, oldest first, and how many of them are gone',
    request: ListMessagesDto,
    answer: listMessagesAnswer,
    errors: { 429: ['too_many_rooms'] },
    example: {
      request: { room: 'lobby', afterSeq: 41, epoch },
      answer: { messages: [message], room: 'lobby', epoch, latestSeq: 42, gone: 0, reset: false },
    },
  },
  deleteMessage: {
    summary: 'Leave a tombstone in place of a message, and tell everybody in the room; it may be asked again',
    request: DeleteMessageDto,
    answer: chatMessageAnswer,
    errors: { 404: ['message_not_found'], 429: ['too_many_rooms'] },
    example: { request: { seq: 42 }, answer: { ...message, text: '', deleted: true } },
  },
  muteUser: {
    summary: 'Silence a user for some time, in place of any mute there is, everywhere within a second or two',
    request: MuteUserDto,
    answer: muteAnswer,
    errors: { 404: ['user_not_found'] },
    example: { request: { name: 'eve', seconds: 600, reason: 'insults' }, answer: mute },
  },
  unmuteUser: {
    summary: 'End the mutes of a name; without one nothing happens',
    request: UnmuteUserDto,
    answer: unmuteAnswer,
    status: 204,
    example: { request: { name: 'eve' }, answer: {} },
  },
  listMutes: {
    summary: 'The mutes that hold now',
    request: ListMutesDto,
    answer: listMutesAnswer,
    errors: { 400: ['page_token_invalid'] },
    example: { request: {}, answer: { mutes: [mute], nextPageToken: '' } },
  },
  reportMessage: {
    summary: 'Keep the 20 messages around one for review; of one reporter and message there is one report',
    request: ReportMessageDto,
    answer: reportAnswer,
    errors: { 404: ['message_not_found'], 409: ['username_taken'], 429: ['slow_down', 'too_many_rooms'] },
    example: { request: { seq: 42, reason: 'insult', name: 'bob' }, answer: report },
  },
  listReports: {
    summary: 'What was reported, newest first',
    request: ListReportsDto,
    answer: listReportsAnswer,
    errors: { 400: ['page_token_invalid'] },
    example: { request: {}, answer: { reports: [report], nextPageToken: '' } },
  },
};
