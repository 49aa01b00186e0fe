import { type Ended, runToEnd } from '../support/app';
import { makeKeyFile } from '../support/keys';

// What the doctor's tests have in common: a system that is well, and how a fault is told.

export const secrets = {
  hmac: '6f1ed002ab5595859014ebf0951522d9a1c6f4e7b2d3c8a5',
  receipts: 'b3a8e0e1f9ab1bfe3a36f231f676f78bb30a519d2b21e6c5',
  grants: '0c1d2e3f405162738495a6b7c8d9eaf7061524334251607a',
  internal: '9b74c9897bac770ffc029102a200c5de8f14e45fceea167a',
};

/** Outside development, and well. */
export async function staging(folder: string): Promise<Record<string, string>> {
  return {
    ENVIRONMENT: 'staging',
    HOST: '127.0.0.1',
    ALLOWED_ORIGINS: 'https://studio.example',
    HMAC_SECRET: secrets.hmac,
    RECEIPT_KEYS: `a:${secrets.receipts}`,
    GRANT_KEYS: `a:${secrets.grants}`,
    INTERNAL_API_SECRET: secrets.internal,
    JWT_PRIVATE_KEY_FILE: await makeKeyFile(folder, 'doctor'),
    CONNECTIONS_MAX: '100',
    MODULES: 'users,auth,events-gateway,progression,leaderboard,fairness',
  };
}

/** What the doctor finds in a folder, with these variables; `hidden` and the secrets are nowhere in what it says. */
export async function examined(
  folder: string,
  env: Readonly<Record<string, string>>,
  hidden: readonly string[] = [],
): Promise<Ended> {
  const ended = await runToEnd(['doctor'], { cwd: folder, env });
  for (const secret of [...hidden, ...Object.values(secrets)]) expect(ended.out + ended.err).not.toContain(secret);
  return ended;
}

/** Each fault has a line that says so, and the line behind it says what to do. */
export function expectFound(
  { out }: Ended,
  found: readonly (readonly [verdict: 'FAIL' | 'WARN', told: RegExp, remedy: RegExp])[],
): void {
  const lines = out.split('\n');
  for (const [verdict, told, remedy] of found) {
    const at = lines.findIndex((line) => line.startsWith(verdict) && told.test(line));
    expect([told, at >= 0 ? lines[at + 1] : out]).toEqual([told, expect.stringMatching(remedy)]);
  }
}
