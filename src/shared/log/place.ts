/** An event of a log. Between `afterSeq` and `seq` there is no other: numbers may stay unused. */
export interface Numbered {
  readonly seq: number;
  readonly afterSeq: number;
  readonly id: string;
}

/** The numbers behind `after` up to `to`, which is the number of the event `id`. */
export interface Stretch {
  readonly after: number;
  readonly to: number;
  readonly id: string;
}

/**
 * How far a consumer has come in a log: everything up to `seq`, which is the number of the event `id`, and the stretches
 * `ahead` of it, in order and apart from each other. Before the first event `seq` is 0 and `id` empty.
 */
export interface Place {
  readonly seq: number;
  readonly id: string;
  readonly ahead: readonly Stretch[];
}

export function hasPassed({ seq: place, ahead }: Place, seq: number): boolean {
  return seq <= place || ahead.some(({ after, to }) => seq > after && seq <= to);
}

/** The place once these events, in any order, have been passed, too. */
export function passing(place: Place, events: readonly Numbered[]): Place {
  const stretches = [...place.ahead, ...events.map(({ afterSeq, seq, id }) => ({ after: afterSeq, to: seq, id }))];
  stretches.sort((a, b) => a.after - b.after);
  let { seq, id } = place;
  const ahead: Stretch[] = [];
  for (const stretch of stretches) {
    const last = ahead.at(-1);
    if (stretch.after <= seq) {
      if (stretch.to > seq) ({ to: seq, id } = stretch);
    } else if (!last || stretch.after > last.to) ahead.push(stretch);
    else if (stretch.to > last.to) ahead[ahead.length - 1] = { ...stretch, after: last.after };
  }
  return { seq, id, ahead };
}

/** So many numbers lie ahead of the place. */
export function countAhead({ ahead }: Place): number {
  return ahead.reduce((count, { after, to }) => count + to - after, 0);
}
