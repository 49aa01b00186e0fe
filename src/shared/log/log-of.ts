import { asInternal } from '../auth/caller';
import { AppError } from '../errors/app-error';
import type { Log, LogEvent } from './log';

/** What a feature that keeps a log answers to its consumers, here or in another process. */
export interface LogApi<Wire> {
  readEvents(request: { afterSeq: number; afterId?: string; limit?: number; consumer?: string }): Promise<{
    events: Wire[];
    redriven: { deadLetterId: string; event: Wire | undefined }[];
  }>;
  getHead(request: { consumer?: string }): Promise<{
    seq: number;
    start?: { afterSeq: number; afterId: string; inboxUpTo: number } | undefined;
  }>;
  listDeadLetters(request: { consumer?: string; pageSize?: number; pageToken?: string }): Promise<{
    deadLetters: { eventSeq: number }[];
    nextPageToken: string;
  }>;
  parkEvent(request: { consumer: string; eventId: string; reason: string }): Promise<unknown>;
  settleDeadLetter(request: { id: string; outcome: string; reason?: string }): Promise<unknown>;
}

/** The log as this consumer sees it. */
export function logOf<Wire extends { readonly seq: number }, Event extends LogEvent>(
  api: LogApi<Wire>,
  consumer: string,
  toEvent: (event: Wire, afterSeq: number) => Event,
): Log<Event> {
  return {
    async read({ seq: afterSeq, id: afterId }, limit) {
      const request = { afterSeq, limit, consumer, ...(afterId !== '' && { afterId }) };
      const { events, redriven } = await asInternal(() => api.readEvents(request));
      return {
        events: events.map((event, i) => toEvent(event, events[i - 1]?.seq ?? afterSeq)),
        redriven: redriven.flatMap(({ deadLetterId: letterId, event }) =>
          event ? [{ letterId, event: toEvent(event, event.seq - 1) }] : [],
        ),
      };
    },
    async start() {
      const { start } = await asInternal(() => api.getHead({ consumer }));
      return { seq: start?.afterSeq ?? 0, id: start?.afterId ?? '', inboxUpTo: start?.inboxUpTo ?? 0 };
    },
    async head() {
      return (await asInternal(() => api.getHead({}))).seq;
    },
    async parked() {
      const seqs: number[] = [];
      for (let pageToken: string | undefined; pageToken !== ''; ) {
        const request = { consumer, pageSize: 100, ...(pageToken !== undefined && { pageToken }) };
        const page = await asInternal(() => api.listDeadLetters(request));
        seqs.push(...page.deadLetters.map(({ eventSeq }) => eventSeq));
        pageToken = page.nextPageToken;
      }
      return seqs;
    },
    async park({ id: eventId }, reason) {
      await asInternal(() => api.parkEvent({ consumer, eventId, reason }));
    },
    async settle(id, failure) {
      const outcome = failure === undefined ? { id, outcome: 'applied' } : { id, outcome: 'failed', reason: failure };
      try {
        await asInternal(() => api.settleDeadLetter(outcome));
      } catch (error) {
        // It was settled before, and that answer was lost.
        if (!(error instanceof AppError && error.code === 'dead_letter_not_found')) throw error;
      }
    },
  };
}
