import { inspect, type Tree } from './planted';

// What checks/callbacks and checks/bounded refuse, and what they let pass.

const imports = "import { guarded, detach } from '../lifecycle/guarded';\n";

/** The lines that the check lets pass; all are looked at in one run. */
async function passing(check: string, lines: readonly string[]): Promise<string[]> {
  const found = await inspect(
    check,
    lines.map((line): Tree => ({ 'src/shared/a/a.ts': `${imports}${line}\n` })),
  );
  return lines.filter((_line, index) => found[index]?.length === 0);
}

const unguarded = [
  'setTimeout(() => work(), 5);',
  'setInterval(work, 5);',
  'setImmediate(() => void work());',
  'process.nextTick(work);',
  "socket.on('data', (chunk) => take(chunk));",
  "socket.once('close', function () { leave(); });",
  "signal.addEventListener('abort', leave, { once: true });",
  "const leave = () => work();\nsocket.on('end', leave);",
  'void work();',
  'void work().then(more);',
  'new Promise((resolve) => setTimeout(() => { resolve(); work(); }, 5));',
];
const harmless = [
  'setTimeout(guarded(() => work()), 5);',
  "const leave = guarded(() => work());\nsocket.on('end', leave);",
  'new Promise((resolve) => setTimeout(resolve, 5));',
  'new Promise((resolve, reject) => setTimeout(() => reject(late()), 5));',
  "socket.on('data', (x) => { try { take(x); } catch (error) { tell(error); } });",
  'detach(work());',
  'void work().catch(failed);',
  'keys.once(tx, call, async () => work());',
];

const costly = [
  "const a = text.normalize('NFC');",
  'for (const x of list) all = [...all, x];',
  'for (const [k, v] of list) by[k] = [...by[k], v];',
  'for (const [k, v] of list) { const before = by[k]; by[k] = [before, v].flat(); }',
  'while (more()) all = all.concat(next());',
  'for (const x of list) all = { ...all, [x]: 1 };',
  'const all = list.reduce((sum, x) => [...sum, x], []);',
  'const all = list.reduce((sum, x) => ({ ...sum, [x]: 1 }), {});',
  'const found = /(a+)+$/.exec(text);',
  'const found = /\\s+$/.exec(text);',
  'const found = /^(.*),(.*),(.*)$/.exec(text);',
];
const cheap = [
  'const all = [...list, x];',
  'for (const x of list) all.push(x);',
  'for (const x of list) { const both = [...x.a, ...x.b]; use(both); }',
  'const found = /^[a-z]{1,64}$/.exec(text);',
  'const all = list.reduce((sum, x) => sum + x, 0);',
];

test('a callback that may throw is refused; what is guarded, or only settles a promise, passes', async () => {
  expect(await passing('callbacks', [...unguarded, ...harmless])).toEqual(harmless);
});

test('a callback in the script of a page may throw: it ends no process', async () => {
  const trees = ['a.page.js', 'a.service.ts'].map((name): Tree => ({ [`src/features/a/${name}`]: unguarded[0]! }));
  expect((await inspect('callbacks', trees)).map((problems) => problems.length)).toEqual([0, 1]);
});

test('work that grows faster than its input is refused, and no other', async () => {
  expect(await passing('bounded', [...costly, ...cheap])).toEqual(cheap);
});
