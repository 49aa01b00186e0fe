import type { Config } from '../config/config';

const developmentOrigins = ['http://localhost:3000', 'http://localhost:8080'];

/**
 * The origins of browsers' pages that may call: those that ALLOWED_ORIGINS names, and those one label below a
 * `https://*.studio.example` in it. In development, unless told, what runs on localhost:3000 and :8080.
 */
export function allowedOrigins(config: Config): (string | RegExp)[] {
  const unset = config.environment === 'development' && config.allowedOrigins.length === 0;
  return (unset ? developmentOrigins : config.allowedOrigins).map((origin) => {
    if (origin === '*') return /^/;
    const [scheme = '', domain] = origin.split('*');
    return domain === undefined ? origin : new RegExp(`^${escaped(scheme)}[a-z0-9-]{1,63}${escaped(domain)}$`, 'i');
  });
}

/** True when one of `allowed` is this origin, or stands for it. */
export function isAllowed(allowed: readonly (string | RegExp)[], origin: string): boolean {
  return allowed.some((one) => (typeof one === 'string' ? one === origin : one.test(origin)));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
