import type { Config } from '../config/config';

const developmentOrigins = ['http://localhost:3000', 'http://localhost:8080'];
const anyLabel = '://*.';

/**
 * Whether a browser's page of this origin may call: one that ALLOWED_ORIGINS names, or that stands one label below a
 * `https://*.studio.example` in it. In development, unless told, what runs on localhost:3000 and :8080.
 */
export function allowedOrigins(config: Config): (origin: string) => boolean {
  const named =
    config.environment === 'development' && config.allowedOrigins.length === 0
      ? developmentOrigins
      : config.allowedOrigins;
  const exact = new Set(named.filter((origin) => !origin.includes(anyLabel)));
  const below = named
    .filter((origin) => origin.includes(anyLabel))
    .map((origin) => origin.split('*') as [string, string]);
  return (origin) =>
    exact.has(origin) ||
    exact.has('*') ||
    below.some(([scheme, domain]) => {
      if (!origin.startsWith(scheme) || !origin.endsWith(domain)) return false;
      return /^[a-z0-9-]{1,63}$/i.test(origin.slice(scheme.length, -domain.length));
    });
}
