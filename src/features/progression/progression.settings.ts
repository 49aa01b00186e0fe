import { decimal } from '../../shared/config/config.values';
import { settings } from '../../shared/config/settings';

const variables = {
  LEVEL_XP: decimal(100, 1_000_000_000).default(1000).describe('XP per level'),
  RECEIPT_TTL_HOURS: decimal(0, 1_000_000).default(0).describe('Hours until a receipt expires; 0: never'),
};

/** The variables that only progression reads. */
export class ProgressionSettings extends settings(variables, (env) => ({
  levelXp: env.LEVEL_XP,
  /** 0: receipts never expire. */
  receiptTtlMs: env.RECEIPT_TTL_HOURS * 3_600_000,
})) {}
