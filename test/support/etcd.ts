import { join } from 'node:path';
import { request } from 'undici';
import { freePort } from './processes';
import { pathOf } from './programs';
import { type DatabaseServer, folderFor, OwnServer } from './servers';

/** An etcd of the tests' own: one member of a cluster of one or three. `restart` keeps its data. */
export type EtcdServer = DatabaseServer;

export interface EtcdCluster extends AsyncDisposable {
  readonly members: readonly EtcdServer[];
  /** As ETCD_ENDPOINTS names them. */
  readonly endpoints: readonly string[];
  /** Who leads, as most members that answer see it. */
  leader(): Promise<EtcdServer>;
}

/** Starts a fresh cluster; resolves when every member answers, which takes a leader. */
export async function startEtcd(size: 1 | 3, more: readonly string[] = []): Promise<EtcdCluster> {
  const names = Array.from({ length: size }, (_, i) => `member-${i}`);
  const peers = await Promise.all(names.map(async () => `http://127.0.0.1:${await freePort()}`));
  const cluster = names.map((name, i) => `${name}=${peers[i]}`).join(',');
  const members = await Promise.all(
    names.map(async (name, i) => {
      const folder = await folderFor('root', 'etcd');
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const peer = peers[i]!;
      const args = [
        ...['--name', name, '--data-dir', join(folder, 'data'), '--logger', 'zap', '--log-level', 'error'],
        ...['--listen-client-urls', url, '--advertise-client-urls', url],
        ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
        ...['--initial-cluster', cluster, '--initial-cluster-state', 'new'],
        ...more,
      ];
      const recipe = { user: 'root', program: pathOf('etcd'), args, url, answers: () => read(url) };
      return new OwnServer(recipe, folder, port);
    }),
  );
  await Promise.all(members.map((member) => member.start()));
  return {
    members,
    endpoints: members.map(({ url }) => url),
    leader: () => leaderOf(members),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
    },
  };
}

interface Status {
  readonly header: { readonly member_id: string };
  readonly leader: string;
}

async function leaderOf(members: readonly EtcdServer[]): Promise<EtcdServer> {
  const told = await Promise.allSettled(
    members.map((member) => post(`${member.url}/v3/maintenance/status`, {}) as Promise<Status>),
  );
  const heard = told.flatMap((each, i) =>
    each.status === 'fulfilled' ? [{ ...each.value, member: members[i]! }] : [],
  );
  const leader = heard.find(
    ({ header }) => heard.filter((other) => other.leader === header.member_id).length > members.length / 2,
  );
  if (!leader) throw new Error('No member leads');
  return leader.member;
}

/** A read that the leader confirms. */
function read(url: string): Promise<unknown> {
  return post(`${url}/v3/kv/range`, { key: Buffer.from('aerie').toString('base64') });
}

async function post(url: string, body: object): Promise<unknown> {
  const options = { method: 'POST', body: JSON.stringify(body), headersTimeout: 2000, bodyTimeout: 2000 } as const;
  const answer = await request(url, options);
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} ${text}`);
  return JSON.parse(text);
}
