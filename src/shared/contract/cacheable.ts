import { createHash } from 'node:crypto';
import { withInfo } from './answer';

// Ours can be asked whether anything has changed at the cost of the question; proxies and browsers keep the answer.
const open = 'public, no-cache';
const final = 'public, max-age=86400, immutable';

/**
 * A public answer with an ETag, which is the same as long as the answer says the same, whichever process gives it.
 * `final`: this very request has no other answer, ever, so caches need not ask again for a day. Source: RFC 9111
 */
export function cacheable<T extends object>(answer: T, isFinal: boolean): T {
  const digest = createHash('sha256').update(JSON.stringify(answer)).digest('base64url');
  return withInfo(answer, {
    headers: { etag: `"${digest.slice(0, 22)}"`, 'cache-control': isFinal ? final : open },
  });
}
