import { lookup } from 'node:dns/promises';

/** Answers the addresses that a name has now. Rejects with the resolver's error. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** As this machine resolves names; an address is its own. */
export const resolveName: Resolve = async (host) => {
  const found = await lookup(host.replace(/^\[|\]$/g, ''), { all: true });
  return found.map(({ address }) => address);
};
