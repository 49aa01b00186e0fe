/** Somebody who waits, as presence knows them. */
export interface Present {
  readonly saleId: string;
  /** SHA-256 of the ticket. */
  readonly ticketHash: string;
}

/**
 * Who is present: has asked within two polling intervals, or holds a stream. It is a hint of who is worth calling and may be
 * empty at any instant: those who poll are there again. Nothing here throws, and numbers of a sale are kept apart.
 */
export abstract class QueuePresence {
  /** Present for this long, from now. */
  abstract see(who: Present, forMs: number): void;

  /** Those of these tickets who are present. */
  abstract among(saleId: string, ticketHashes: readonly string[]): Promise<ReadonlySet<string>>;

  abstract count(saleId: string): Promise<number>;

  /** Tells other processes who was seen, where they share it. */
  abstract flush(): Promise<void>;
}
