import { hostname } from 'node:os';
import type { EnvironmentVariables } from './config.schema';

const loopback = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;
const everywhere = ['0.0.0.0', '::'];
// Of one name each system makes what it likes.
const localhost = ['127.0.0.1', '::1', 'localhost'];

/** Where this process listens. */
export function hostOf(env: Pick<EnvironmentVariables, 'ENVIRONMENT' | 'HOST'>): string {
  return env.HOST ?? (env.ENVIRONMENT === 'development' ? '127.0.0.1' : '0.0.0.0');
}

/** True when nobody on another machine gets through to it. */
export function isLoopback(host: string): boolean {
  return loopback.test(host);
}

/** True for an address of a feature at which this process itself listens. A port 0 is known only once it listens. */
export function isOwnAddress(env: EnvironmentVariables, address: string): boolean {
  const { protocol, hostname: host, port } = new URL(address);
  const [own, usual] = protocol.startsWith('grpc')
    ? [env.GRPC_ENABLED ? env.GRPC_PORT : 0, '']
    : [env.HTTP_PORT, protocol === 'https:' ? '443' : '80'];
  return own !== 0 && own === Number(port || usual) && isOwnHost(env, host.replace(/^\[|\]$/g, '').toLowerCase());
}

function isOwnHost(env: EnvironmentVariables, host: string): boolean {
  const own = hostOf(env).toLowerCase();
  if (host === own || host === hostname().toLowerCase()) return true;
  if (everywhere.includes(own)) return isLoopback(host) || everywhere.includes(host);
  // At 127.0.0.2 somebody else listens, and at every loopback address when this process has only one of the network.
  return localhost.includes(own) && localhost.includes(host);
}
