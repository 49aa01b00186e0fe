import { instant } from '../../shared/clock/time';
import { dropPoints, type EventFields, maxPoints } from './events-gateway.payloads';

// The ids of shared/contract/schemas. None of their characters has another spelling that JSON.stringify would write.
const player = '"([A-Za-z0-9_\\-.@:+=|]{1,128})"';
const item = '"([A-Za-z0-9_\\-.@:+=|/#]{1,128})"';
const whole = '([1-9][0-9]{0,6})';
const time = '"([0-9TtZz:.+-]{20,64})"';

/** One space or none after each colon and comma, as serialisers write. */
function documented(type: string, payload: string): RegExp {
  const text = `\\{"type":"${type}","playerId":${player},"occurredAt":${time},"payload":\\{${payload}\\}\\}`;
  return new RegExp(`^${text.replaceAll('":', '": ?').replaceAll(',"', ', ?"')}$`);
}

const progression = documented('progression', `"deltaXp":${whole}(?:,"activity":${item})?`);
const bossKill = documented('boss_kill', `"bossId":${item},"tier":${whole},"points":${whole}`);
const dropClaimed = documented('drop_claimed', `"dropId":${item},"weight":${whole}(?:,"source":${item})?`);

/**
 * The fields of an event whose body is spelled as the README spells it, properties in that order: by one regular expression,
 * where JSON, schema and canonical payload would cost ten times as much. Undefined for any other body, good or bad: then
 * those have the word, and a test holds both to the same verdict.
 */
export function documentedFields(body: Buffer): EventFields | undefined {
  // None of the expressions takes what is not ASCII.
  const text = body.toString('latin1');
  return (
    fieldsOf(progression.exec(text), progressionOf) ??
    fieldsOf(bossKill.exec(text), bossKillOf) ??
    fieldsOf(dropClaimed.exec(text), dropClaimedOf)
  );
}

type Found = readonly (string | undefined)[];
type Payload = Omit<EventFields, 'playerId' | 'occurredAt'>;

function fieldsOf(found: Found | null, payloadOf: (found: Found) => Payload | undefined): EventFields | undefined {
  const [, playerId = '', at = ''] = found ?? [];
  const occurredAt = found ? instant(at) : undefined;
  const payload = found && payloadOf(found);
  // URLs lose these two.
  if (occurredAt === undefined || !payload || playerId === '.' || playerId === '..') return undefined;
  return { ...payload, playerId, occurredAt };
}

function progressionOf([, , , deltaXp, activity]: Found): Payload | undefined {
  const points = Number(deltaXp);
  if (points > maxPoints) return undefined;
  const more = activity === undefined ? '' : `,"activity":"${activity}"`;
  return { type: 'progression', payload: `{"deltaXp":${deltaXp}${more}}`, points };
}

function bossKillOf([, , , bossId = '', tier, value]: Found): Payload | undefined {
  const points = Number(value);
  if (Number(tier) > 10 || points > maxPoints) return undefined;
  return { type: 'boss_kill', payload: `{"bossId":"${bossId}","tier":${tier},"points":${value}}`, points, bossId };
}

function dropClaimedOf([, , , dropId = '', weight, source]: Found): Payload | undefined {
  if (Number(weight) > 100) return undefined;
  const more = source === undefined ? '' : `,"source":"${source}"`;
  const payload = `{"dropId":"${dropId}","weight":${weight}${more}}`;
  return { type: 'drop_claimed', payload, points: Number(weight) * dropPoints, dropId };
}
