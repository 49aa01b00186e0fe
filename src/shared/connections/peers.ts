import { BlockList, isIP } from 'node:net';

/**
 * From where calls come, on every wire; proxies are believed only where they are named. Not @fastify/proxy-addr and not
 * ipaddr.js: the one takes "made up" or a port for the caller's address and refuses the network 0.0.0.0/0, the other takes
 * "127.1" for an address; Node's own BlockList knows networks.
 */
export class Peers {
  private readonly trusted = new BlockList();

  /** `proxies`: addresses or networks in CIDR form. */
  constructor(proxies: readonly string[]) {
    for (const proxy of proxies) {
      const [address = '', bits] = proxy.split('/');
      const family = familyOf(address);
      if (bits === undefined) this.trusted.addAddress(address, family);
      else this.trusted.addSubnet(address, Number(bits), family);
    }
  }

  /**
   * The address of the caller: of the connection, or the one that a trusted proxy at its other end names in
   * `X-Forwarded-For`, and so on. Everything left of a hop that is not trusted may be made up by that hop.
   */
  of(address: string | undefined, forwardedFor: string | undefined): string {
    let caller = bare(address ?? '');
    if (forwardedFor === undefined) return caller;
    for (const hop of forwardedFor.split(',').reverse()) {
      const before = bare(hop.trim());
      if (!this.isTrusted(caller) || isIP(before) === 0) return caller;
      caller = before;
    }
    return caller;
  }

  isTrusted(address: string): boolean {
    return isIP(address) !== 0 && this.trusted.check(address, familyOf(address));
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** Without a port, and IPv4 as such: `::ffff:192.0.2.1` and `192.0.2.1:80` are 192.0.2.1, `[::1]:80` is ::1. */
function bare(address: string): string {
  const [, bracketed] = /^\[([^\]]+)\](?::\d+)?$/.exec(address) ?? [];
  return (bracketed ?? address).replace(/^::ffff:(?=\d+\.)/i, '').replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1');
}

/** The address in what grpc-js calls a peer: `127.0.0.1:5000`, `::1:5000`. */
export function addressOf(peer: string): string {
  return peer.replace(/:\d+$/, '');
}
