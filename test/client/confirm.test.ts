import { PassThrough } from 'node:stream';
import { confirmed } from '../../src/client/confirm';

// What cannot be undone is asked before, where somebody can answer.

const terminal = (typed: string, isTTY = true) => {
  const output = new PassThrough();
  const input = Object.assign(new PassThrough(), { isTTY });
  input.end(typed);
  return { input, output };
};

test.each([
  ['y\n', true],
  ['YES\n', true],
  ['n\n', false],
  ['\n', false],
  ['yesterday\n', false],
  ['', false],
])('%j at the terminal', async (typed, expected) => {
  const place = terminal(typed);
  expect(await confirmed('Close it?', {}, place)).toBe(expected);
  expect(String(place.output.read())).toContain('Close it? [y/N] ');
});

test('--yes is not asked; where nobody can be asked it is needed', async () => {
  const place = terminal('');
  expect(await confirmed('Close it?', { yes: true }, place)).toBe(true);
  expect(place.output.read()).toBeNull();
  await expect(confirmed('Close it?', {}, terminal('y\n', false))).rejects.toThrow('--yes: is needed');
});
