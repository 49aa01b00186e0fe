import { request } from 'node:http';
import { guarded } from '../async/guarded';
import { loadHttpAddress, type RawEnvironment } from '../config/load-config';
import type { ReadinessReport } from '../health/readiness';
import { reachableHost } from '../http/http.address';

const limitMs = 3000;
const maxBytes = 65_536;

/** What a probe is told. */
export interface Health {
  readonly isReady: boolean;
  /** One line, for people. */
  readonly text: string;
}

/**
 * Asks the process that serves with these settings on this machine whether it is ready: the health check of a container
 * without a shell. Who does not answer is not ready. @throws ConfigError
 */
export async function askHealth(environment: RawEnvironment): Promise<Health> {
  const { host, port } = loadHttpAddress(environment);
  if (port === 0) return { isReady: false, text: 'HTTP_PORT is 0: any port, which only the process itself knows' };
  const url = `http://${reachableHost(host)}:${port}/health/ready`;
  try {
    const { status, body } = await get(url);
    const isReady = status === 200;
    return { isReady, text: isReady ? 'ready' : `not ready: ${reasons(body) || `answered ${status}`}` };
  } catch (error) {
    return { isReady: false, text: `${url} does not answer: ${(error as Error).message}` };
  }
}

function get(url: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { signal: AbortSignal.timeout(limitMs), agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on(
        'data',
        guarded((part: string) => {
          if (body.length < maxBytes) body += part;
        }),
      );
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
      answer.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** What does not do, by name. Whoever else listens there answers something else. */
function reasons(body: string): string {
  if (!body.startsWith('{')) return '';
  const { checks = {} } = JSON.parse(body) as Partial<ReadinessReport>;
  return Object.entries(checks)
    .filter(([, { status }]) => status === 'unhealthy')
    .map(([name, { reason = 'unhealthy' }]) => `${name} ${reason}`)
    .join('; ');
}
