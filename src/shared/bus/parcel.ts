import { z } from 'zod';
import type { BusMessage } from './bus';

/** Messages that travel together: a broker's price is one for each parcel. */
export interface Parcel {
  /** Bodies are as they came, not checked. Undefined: the parcel is none of ours. */
  readonly messages: readonly BusMessage<unknown>[] | undefined;
  /** By which the broker knows it. */
  readonly receipt: string;
  /** So many times it has been delivered, with this one. */
  readonly deliveries: number;
}

export interface Packing {
  readonly maxMessages: number;
  /** Of a parcel's text; a message that is longer travels alone. */
  readonly maxLength: number;
  /** Messages of one key alone in a parcel, for brokers that order parcels by it. */
  readonly byKey: boolean;
}

const wire = z.array(z.tuple([z.string().max(256), z.unknown()])).min(1);

/** A parcel to be sent: the key of its first message, and how many messages it holds. */
export interface Packed {
  readonly key: string;
  readonly text: string;
  readonly count: number;
}

/** Parcels in the order of the messages. */
export function pack(messages: readonly BusMessage<unknown>[], packing: Packing): Packed[] {
  const parcels: { key: string; texts: string[]; length: number }[] = [];
  const open = new Map<string, (typeof parcels)[number]>();
  for (const { key, body } of messages) {
    const text = JSON.stringify([key, body]);
    const slot = packing.byKey ? key : '';
    let parcel = open.get(slot);
    if (!parcel || parcel.texts.length >= packing.maxMessages || parcel.length + text.length + 1 > packing.maxLength) {
      parcel = { key, texts: [], length: 1 };
      parcels.push(parcel);
      open.set(slot, parcel);
    }
    parcel.texts.push(text);
    parcel.length += text.length + 1;
  }
  return parcels.map(({ key, texts }) => ({ key, text: `[${texts.join(',')}]`, count: texts.length }));
}

/** The messages of a parcel; undefined when it is none of ours. */
export function unpack(text: string): BusMessage<unknown>[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Whoever can write to the broker can write anything.
    return undefined;
  }
  return wire.safeParse(parsed).data?.map(([key, body]) => ({ key, body }));
}
