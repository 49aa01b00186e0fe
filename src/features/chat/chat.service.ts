import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ulid } from 'ulid';
import { z } from 'zod';
import type {
  ChatMessage,
  DeleteMessageRequest,
  ListChatUsersRequest,
  ListChatUsersResponse,
  ListMessagesRequest,
  ListMessagesResponse,
  ListMutesRequest,
  ListMutesResponse,
  ListReportsRequest,
  ListReportsResponse,
  Mute,
  MuteUserRequest,
  PostMessageRequest,
  Report,
  ReportMessageRequest,
  UnmuteUserRequest,
  UnmuteUserResponse,
} from '../../generated/aerie/chat/v1/chat';
import { currentCaller, principalOf } from '../../shared/auth/caller';
import { toTime } from '../../shared/clock/time';
import { type Answer, answer } from '../../shared/contract/answer';
import type { CallMeta } from '../../shared/contract/contract';
import { PageTokens, rowNumber } from '../../shared/contract/page-token';
import { idempotencyKeyReused } from '../../shared/idempotency/idempotency.errors';
import type { ChatApi } from './chat.api';
import type { Numbered, RoomName } from './chat.effects';
import type { MuteRow, ReportRow } from './chat.entity';
import { chatMuted, chatRefused, isIdReused, usernameRequired } from './chat.errors';
import { ChatExchange } from './chat.exchange';
import { lobby, messageId, name as nameField } from './chat.fields';
import { ChatHub } from './chat.hub';
import { isSubject, subjectOfUser, subjectsOf } from './chat.mutes';
import { type ChatName, chatName, chatNameOf } from './chat.names';
import { ChatRepository } from './chat.repository';
import { ChatSpeakers } from './chat.speakers';

const subject = z.string().refine(isSubject);
const defaultLimit = 50;
// A report keeps so many messages before the one that it is about, and as many after it.
const reportedSide = 10;

/** The calls of chat: for those who are not connected, and for moderators. */
@Injectable()
export class ChatService implements ChatApi {
  private readonly userTokens;
  private readonly muteTokens;
  private readonly reportTokens;

  constructor(
    private readonly hub: ChatHub,
    private readonly speakers: ChatSpeakers,
    private readonly repository: ChatRepository,
    private readonly exchange: ChatExchange,
    pageTokens: PageTokens,
  ) {
    this.userTokens = pageTokens.of('chat-users', z.tuple([nameField]));
    this.muteTokens = pageTokens.of('chat-mutes', z.tuple([subject]));
    this.reportTokens = pageTokens.of('chat-reports', rowNumber);
  }

  /** By name. @throws AppError page_token_invalid */
  async listChatUsers({ room, pageSize = 20, pageToken }: ListChatUsersRequest): Promise<ListChatUsersResponse> {
    await this.speakers.admit();
    const filter = [room ?? null];
    const [after] = this.userTokens.decode(filter, pageToken) ?? [];
    const found = this.hub.registry.people.page(after, pageSize + 1, room);
    const { page, nextPageToken } = this.userTokens.cut(filter, found, pageSize, ({ name }) => [name]);
    const users = page.map(({ name, room: where, userId }) => ({ name, room: where, ...accountOf(userId) }));
    return { users, nextPageToken };
  }

  /**
   * Says something once for each id, or for each Idempotency-Key where there is no id.
   * @throws AppError username_taken, muted, slow_down, id_reused, idempotency_key_reused, too_many_rooms, unavailable
   */
  async postMessage(request: PostMessageRequest, { idempotencyKey }: CallMeta = {}): Promise<Answer<ChatMessage>> {
    const { name, room = lobby, text, id = asId(idempotencyKey) } = request;
    const speaker = await this.speakers.of(name);
    const mute = this.hub.mutes.of(speaker);
    if (mute) throw chatMuted(toTime(mute.mutedUntil), mute.reason, mute.mutedUntil - this.hub.now());
    const { name: from, canonical, userId } = speaker;
    const said = { uid: this.hub.newUid(), from, canonical, userId, text, at: this.hub.now(), id };
    const { kind, seq, epoch, message } = await this.hub.post(room, said).catch((error: unknown) => {
      throw isIdReused(error) && request.id === undefined ? idempotencyKeyReused() : error;
    });
    const told = toMessage(message ?? { ...said, seq }, { room, epoch });
    return answer(told, kind === 'duplicate' ? { replayed: 'answer' } : {});
  }

  /** After a number, or else the latest ones; oldest first. @throws AppError too_many_rooms, unavailable */
  async listMessages(request: ListMessagesRequest): Promise<ListMessagesResponse> {
    await this.speakers.admit();
    const { room = lobby, afterSeq, epoch: known, limit = defaultLimit } = request;
    const { messages, epoch, seq, gone, reset } = await this.hub.read(room, limit, { afterSeq, epoch: known });
    const told = messages.map((message) => toMessage(message, { room, epoch }));
    return { messages: told, room, epoch, latestSeq: seq, gone, reset };
  }

  /** @throws AppError message_not_found, unavailable */
  async deleteMessage({ room = lobby, seq, epoch }: DeleteMessageRequest): Promise<ChatMessage> {
    const found = await this.find(room, seq, epoch);
    if (!found.message.deleted) await this.exchange.bury(room, found.epoch, seq);
    this.hub.logger.info({ by: actor(), room, message_seq: seq }, 'chat_message_deleted');
    return toMessage({ ...found.message, text: '', deleted: true }, { room, epoch: found.epoch });
  }

  /**
   * The name is muted, for whoever comes by it without an account, and the account of whoever is connected by it; or, where
   * there is no name, the account alone. @throws AppError user_not_found, validation_failed without both
   */
  async muteUser({ name: wanted, seconds, reason, userId: told }: MuteUserRequest): Promise<Mute> {
    if (wanted === undefined && told === undefined) throw usernameRequired('userId');
    const account = wanted === undefined ? await this.hub.identity.accountNamed(told ?? '') : undefined;
    const { name, canonical } = account ? chatNameOf(account, 0) : (chatName(wanted ?? '') as ChatName);
    const present = account ? undefined : this.hub.registry.people.find(canonical)?.present;
    const userId = told ?? present?.userId;
    const subjects = account ? [subjectOfUser(account.userId)] : subjectsOf({ canonical, userId });
    const mutedAt = this.hub.now();
    const mutedUntil = mutedAt + seconds * 1000;
    const who = { name: present?.name ?? name, canonical, userId: userId ?? '' };
    const mute = { ...who, reason, mutedAt, mutedUntil, mutedBy: actor() };
    // Both: neither without the account nor under another name is it to be evaded.
    await this.repository.mute(subjects.map((subject) => ({ subject, ...mute })));
    await this.hub.mutes.refresh();
    this.hub.logger.info({ by: actor(), seconds, user_id: userId }, 'chat_user_muted');
    return toMute(mute);
  }

  /** All mutes of the name, and all of the accounts that were muted under it. */
  async unmuteUser({ name }: UnmuteUserRequest): Promise<UnmuteUserResponse> {
    await this.repository.unmute((chatName(name) as ChatName).canonical);
    await this.hub.mutes.refresh();
    this.hub.logger.info({ by: actor() }, 'chat_user_unmuted');
    return {};
  }

  /** @throws AppError page_token_invalid */
  async listMutes({ pageSize = 20, pageToken }: ListMutesRequest): Promise<ListMutesResponse> {
    const [after = ''] = this.muteTokens.decode([], pageToken) ?? [];
    const found = await this.repository.listedMutes(after, pageSize + 1);
    const { page, nextPageToken } = this.muteTokens.cut([], found, pageSize, ({ subject }) => [subject]);
    return { mutes: page.map(toMute), nextPageToken };
  }

  /** Again, by the same reporter: what was kept then. @throws AppError message_not_found, slow_down, unavailable */
  async reportMessage(request: ReportMessageRequest): Promise<Report> {
    const { room = lobby, seq, reason, name } = request;
    const { canonical, userId } = await this.speakers.reporter(name);
    const { epoch } = await this.find(room, seq, request.epoch);
    const around = this.hub.registry.room(room)?.around(seq, reportedSide) ?? [];
    const messages = around.map((message) => toMessage(message, { room, epoch }));
    const reporter = userId === undefined ? canonical : subjectOfUser(userId);
    const row = await this.repository.report({
      ...{ id: ulid(), room, epoch, messageSeq: seq, reason, reporter },
      ...{ createdAt: this.hub.now(), messages: JSON.stringify(messages) },
    });
    // What was kept, and what others have said of it, is the moderators' to read: it may be deleted by now.
    return { ...toReport(row), reason, messages: [] };
  }

  /** Newest first. @throws AppError page_token_invalid */
  async listReports({ pageSize = 20, pageToken }: ListReportsRequest): Promise<ListReportsResponse> {
    const [before = Number.MAX_SAFE_INTEGER] = this.reportTokens.decode([], pageToken) ?? [];
    const found = await this.repository.reports(before, pageSize + 1);
    const { page, nextPageToken } = this.reportTokens.cut([], found, pageSize, ({ seq }) => [seq]);
    return { reports: page.map(toReport), nextPageToken };
  }

  /** A message that is kept. @throws AppError message_not_found, unavailable */
  private async find(room: string, seq: number, wanted?: string) {
    const { epoch, messages } = await this.hub.read(room, 1, { afterSeq: seq - 1 });
    const message = messages.find((one) => one.seq === seq);
    if (!message || (wanted !== undefined && wanted !== epoch)) throw chatRefused('message_not_found');
    return { epoch, message };
  }
}

/** Who moderates, for the log. */
function actor(): string {
  return principalOf(currentCaller());
}

function accountOf(userId: string | undefined): { readonly userId?: string } {
  return userId === undefined ? {} : { userId };
}

/** A key is the id of what is said with it, or stands for one where it is longer than an id may be. */
function asId(key: string | undefined): string | undefined {
  return key === undefined || messageId.safeParse(key).success ? key : hash('sha256', key, 'base64url');
}

function toMessage({ seq, from, text, at, id, deleted, userId }: Numbered, { room, epoch }: RoomName): ChatMessage {
  const optional = { ...(id === undefined ? {} : { id }), ...(deleted ? { deleted } : {}) };
  return { room, seq, epoch, from, text, at: toTime(at), ...optional, ...accountOf(userId) };
}

function toMute({ name, userId, reason, mutedAt, mutedUntil, mutedBy }: Omit<MuteRow, 'seq' | 'subject'>): Mute {
  const account = userId === '' ? {} : { userId };
  return { name, ...account, reason, mutedAt: toTime(mutedAt), mutedUntil: toTime(mutedUntil), mutedBy };
}

function toReport({ id, room, epoch, messageSeq, reason, reporter, createdAt, messages }: ReportRow): Report {
  const kept = JSON.parse(messages) as ChatMessage[];
  return { id, room, seq: messageSeq, epoch, reason, reporter, createdAt: toTime(createdAt), messages: kept };
}
