import type { Audiences } from '../bus/audiences';
import type { Config } from '../config/config';
import type { ConfigError } from '../config/config.errors';
import type { Strange } from '../config/config.strange';
import type { Feature } from '../contract/feature';
import type { Databases } from '../db/databases';
import { type Finding, Patient } from '../findings/finding';
import { scrub } from '../logging/redaction';
import { lookAtBus } from './doctor.buses';
import { holderOf, lookAtDatabases } from './doctor.databases';
import { lookAtListeners } from './doctor.listeners';
import { lookAtRedis } from './doctor.redis';
import { lookAtServices } from './doctor.services';
import { lookAtSettings } from './doctor.settings';
import { lookAtVariables } from './doctor.variables';

/** What the doctor is told of the application. */
export interface Subject {
  readonly config: Config;
  /** Those that run here. */
  readonly features: readonly Feature[];
  readonly audiences: Audiences;
  /** Not connected. */
  readonly databases: Databases;
  /** The names of all migrations that this version has. */
  readonly known: ReadonlySet<string>;
  /** The variables that are set in vain. */
  readonly strange: Strange;
}

/** A word for what is looked at, and the looking. */
type Look = [what: string, look: () => Promise<readonly Finding[]>];

/** Looks at the settings and at everything that a process with them talks to. Changes nothing. Never throws. */
export async function diagnose(subject: Subject): Promise<Finding[]> {
  const { config, features, audiences, databases, known, strange } = subject;
  const kept = lookAtDatabases(config, databases, known);
  const looks: Look[] = [
    ['settings', async () => [...lookAtSettings(config), ...lookAtVariables(strange)]],
    ['database', () => kept],
    ['redis', () => lookAtRedis(config)],
    ['bus', () => lookAtBus(config.bus, features, audiences)],
    ...features.flatMap(({ contract, examine }): Look[] => (examine ? [[contract.name, () => examine(config)]] : [])),
    ['services', () => lookAtServices(config)],
    ['ports', async () => lookAtListeners(config, holderOf(databases, await kept))],
  ];
  const found = await Promise.all(
    looks.map(async ([what, look]) => {
      try {
        return await look();
      } catch (error) {
        const patient = new Patient(what, config.environment);
        patient.fail(`could not be looked at: ${scrub(String(error))}`, 'This is a fault of Aerie: please report it.');
        return patient.findings;
      }
    }),
  );
  return found.flat();
}

/** Where the settings themselves cannot be used: nothing else can be looked at. */
export function ofSettings({ variables }: ConfigError): Finding[] {
  return variables.map(({ name, reason }) => {
    const patient = new Patient('settings', name);
    patient.fail(reason, `Correct ${name}; .env.example says what it is for.`);
    return patient.findings[0] as Finding;
  });
}

const headings = ['', 'WHAT', 'WHERE', 'VERSION', 'MS', 'FOUND'];
const words = { ok: 'ok', warning: 'WARN', failed: 'FAIL' } as const;

/** A table for people: what is wrong comes last, with its remedy in a line of its own. */
export function tableOf(findings: readonly Finding[]): string {
  const order = { ok: 0, warning: 1, failed: 2 } as const;
  const sorted = [...findings].sort((a, b) => order[a.verdict] - order[b.verdict]);
  const rows = sorted.map(({ verdict, what, where, version = '', latencyMs, told = '' }) => [
    words[verdict],
    what,
    where,
    version,
    latencyMs === undefined ? '' : latencyMs.toFixed(1),
    told,
  ]);
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === cells.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  const lines = rows.flatMap((row, i) => {
    const { remedy } = sorted[i] as Finding;
    return remedy === undefined ? [line(row)] : [line(row), `      -> ${remedy}`];
  });
  return [line(headings), ...lines, '', summaryOf(findings)].join('\n');
}

function summaryOf(findings: readonly Finding[]): string {
  const count = (verdict: Finding['verdict']): number => findings.filter((one) => one.verdict === verdict).length;
  const [failed, warned] = [count('failed'), count('warning')];
  if (failed > 0) return `Aerie does not work like this: ${counted(failed, 'fault')}, ${counted(warned, 'warning')}.`;
  return warned > 0 ? `Aerie works like this; ${counted(warned, 'warning')}.` : 'All is well.';
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
