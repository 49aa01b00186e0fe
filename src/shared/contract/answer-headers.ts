/** What an answer can have beside its body, by name. */
export const answerHeaders = {
  'X-Trace-ID': text('Of this request; every line of the log about it has it', '4bf92f3577b34da6a3ce929d0e0e4736'),
  'Retry-After': text('After how many seconds to try again', '1'),
  'Idempotent-Replayed': text('true: the effect and the answer are those of an earlier request', 'true'),
  ETag: text('Of this version of the answer, for If-None-Match, and for If-Match where a call takes it', '"1"'),
  RateLimit: text('What is left of each limit, and in how many seconds it is whole again', '"account";r=4;t=60'),
  'RateLimit-Policy': text('Each limit and its seconds', '"account";q=5;w=60'),
  'Cache-Control': text('How long caches may keep the answer', 'public, no-cache'),
} as const;

export type AnswerHeader = keyof typeof answerHeaders;

function text(description: string, example: string): object {
  return { description, example, schema: { type: 'string' } };
}
