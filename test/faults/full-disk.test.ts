import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { progressionContract as progression } from '../../src/features/progression/progression.api';
import type { ReadinessReport } from '../../src/shared/health/readiness';
import { startApp } from '../support/app';
import { journalUrl } from '../support/databases';
import { eventually } from '../support/eventually';
import { refuseNobody } from '../support/fairness';
import { eventBody, signed } from '../support/signed';
import { HttpWire } from '../support/wires';

// Health does not lie: where nothing can be written any more, the process is not ready, whatever it can still read. The
// limit on the size of files stands for a full disk.

const playerId = 'disk-player';
const worth = 10;

test('with a full disk events answer 503 and the process is not ready, until there is room again; nothing is lost', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'aerie-disk-'));
  const file = `sqlite:${join(folder, 'aerie.db')}`;
  {
    await using app = await startApp({ databaseUrl: file });
    const http = new HttpWire(app.url);
    await refuseNobody(app.url);
    let sent = 0;
    const send = async (): Promise<string> => {
      sent += 1;
      const body = eventBody({ playerId, payload: { deltaXp: worth } });
      return (await http.call(gateway, 'ingest', signed(`disk-${sent}`, body))).code;
    };
    const ready = async (): Promise<[number, ReadinessReport['checks']['database']]> => {
      const { statusCode, body } = await request(`${app.url}/health/ready`);
      return [statusCode, ((await body.json()) as ReadinessReport).checks.database];
    };
    const xp = async (): Promise<unknown> => (await http.call(progression, 'getProgress', { playerId })).body.xp;
    const limit = (size: string): void => void execFileSync('prlimit', ['--pid', String(app.pid), `--fsize=${size}:`]);

    expect(await send()).toBe('ok');
    await eventually(async () => expect(await xp()).toBe(worth));
    limit(String(statSync(`${journalUrl(file).slice('sqlite:'.length)}-wal`).size));
    const during = new Set<string>();
    let accepted = 1;
    await eventually(async () => {
      const code = await send();
      during.add(code);
      if (code === 'ok') accepted += 1;
      const unhealthy = { status: 'unhealthy', reason: 'cannot be written to' };
      expect([code, ...(await ready())]).toEqual(['unavailable', 503, unhealthy]);
    });
    // Nobody writes now but workers that find nothing to do.
    for (let asked = 0; asked < 10; asked += 1) {
      await sleep(300);
      expect((await ready())[0]).toBe(503);
    }
    expect([...during].filter((code) => code !== 'ok')).toEqual(['unavailable']);
    expect((await request(`${app.url}/health/live`)).statusCode).toBe(200);
    expect(await xp()).toBeGreaterThanOrEqual(worth);

    limit('unlimited');
    await eventually(async () => expect((await ready())[0]).toBe(200));
    expect(await send()).toBe('ok');
    await eventually(async () => expect(await xp()).toBe((accepted + 1) * worth));
  }
  rmSync(folder, { recursive: true, force: true });
});
