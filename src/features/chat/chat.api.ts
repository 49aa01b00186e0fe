import type { ChatService } from '../../generated/aerie/chat/v1/chat';
import type { Contract, WithMeta } from '../../shared/contract/contract';

/** The calls of chat, for other features, other processes and the client library. */
export abstract class ChatApi {
  abstract listChatUsers: ChatService['listChatUsers'];
  abstract postMessage: WithMeta<ChatService['postMessage']>;
  abstract listMessages: ChatService['listMessages'];
  abstract deleteMessage: ChatService['deleteMessage'];
  abstract muteUser: ChatService['muteUser'];
  abstract unmuteUser: ChatService['unmuteUser'];
  abstract listMutes: ChatService['listMutes'];
  abstract reportMessage: ChatService['reportMessage'];
  abstract listReports: ChatService['listReports'];
}

export const chatContract: Contract<ChatApi> = {
  name: 'chat',
  token: ChatApi,
  proto: { package: 'aerie.chat.v1', service: 'ChatService' },
  routes: {
    listChatUsers: { http: 'GET /chat/users', access: 'optional', retry: true },
    postMessage: { http: 'POST /chat/messages', access: 'optional' },
    listMessages: { http: 'GET /chat/messages', access: 'optional', retry: true },
    deleteMessage: { http: 'DELETE /chat/messages/:seq', access: 'admin', retry: true },
    muteUser: { http: 'POST /chat/mutes', access: 'admin', retry: true },
    unmuteUser: { http: 'DELETE /chat/mutes/:name', access: 'admin', retry: true },
    listMutes: { http: 'GET /chat/mutes', access: 'admin', retry: true },
    reportMessage: { http: 'POST /chat/reports', access: 'optional', retry: true },
    listReports: { http: 'GET /chat/reports', access: 'admin', retry: true },
  },
  streams: { connect: 'optional' },
  lasting: ['connect'],
};
