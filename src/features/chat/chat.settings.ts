import { z } from 'zod';
import type { Variables } from '../../shared/config/config.schema';
import { decimal, flag } from '../../shared/config/config.values';
import { settings } from '../../shared/config/settings';

const variables = {
  CHAT_PORT: decimal(0, 65_535).default(7777).describe('The TCP port of chat; 0: a free one'),
  CHAT_TCP_ENABLED: flag().default(true).describe('Whether chat listens on CHAT_PORT'),
  CHAT_AUTH: z
    .enum(['off', 'optional', 'required'], 'must be off, optional or required')
    .default('optional')
    .describe('Who may chat: off (free names) | optional (with a token the name is the account) | required (a token)'),
  CHAT_ROOMS_MAX: decimal(1, 1_000_000).default(10_000).describe('Rooms that a process knows at once'),
  CHAT_HISTORY_MAX: decimal(1000, 10_000_000)
    .default(100_000)
    .describe('Messages that a process keeps, of all rooms together; each room keeps 1000 at most'),
  CHAT_REPORT_DAYS: decimal(1, 3650).default(90).describe('Days for which reports are kept; 100,000 at most'),
};

/** The settings of chat. */
export class ChatSettings extends settings(variables, (env) => ({
  port: env.CHAT_PORT,
  tcp: env.CHAT_TCP_ENABLED,
  auth: env.CHAT_AUTH,
  maxRooms: env.CHAT_ROOMS_MAX,
  maxMessages: env.CHAT_HISTORY_MAX,
  reportDays: env.CHAT_REPORT_DAYS,
})) {}

/** The ports on which chat listens. */
export function* chatPorts(env: Variables): Generator<{ readonly variable: string; readonly port: number }> {
  const { CHAT_PORT: port, CHAT_TCP_ENABLED: enabled } = env as { CHAT_PORT?: number; CHAT_TCP_ENABLED?: boolean };
  if (enabled && port !== undefined) yield { variable: 'CHAT_PORT', port };
}
