import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { eventually } from '../../support/eventually';
import { cheat, openSale } from './happenings';
import { app, Operator, welcomeOperators } from './operators';

// The console speaks English and Korean: every word that is seen stands in its dictionaries.

const folder = join(__dirname, '../../../src/features/console');
const scripts = readdirSync(folder).filter((file) => /\.page(\.[a-z]+)?\.js$/.test(file));
const sources = scripts.map((file) => ({
  file,
  ast: ts.createSourceFile(file, readFileSync(join(folder, file), 'utf8'), ts.ScriptTarget.Latest, true),
}));

welcomeOperators(async (started) => {
  await cheat(started, 'cheater-1');
  await openSale(started, 'grand-final');
});

function nodes(): { readonly file: string; readonly node: ts.Node }[] {
  const found: { file: string; node: ts.Node }[] = [];
  for (const { file, ast } of sources) {
    const visit = (node: ts.Node): void => {
      found.push({ file, node });
      ts.forEachChild(node, visit);
    };
    visit(ast);
  }
  return found;
}

/** What stands in a template beside its values, as markup has it. */
function literalOf({ template }: ts.TaggedTemplateExpression): string {
  if (ts.isNoSubstitutionTemplateLiteral(template)) return template.text;
  return [template.head.text, ...template.templateSpans.map(({ literal }) => literal.text)].join('\uE000');
}

test('both languages have the same keys, a text for each, and the same values to be filled in', async () => {
  const one = await Operator.come();
  const { en, ko } = await one.page.evaluate<Record<'en' | 'ko', Record<string, string>>>(
    "import('/console/words.js').then(({ dictionaries }) => dictionaries)",
  );
  expect(Object.keys(ko).sort()).toEqual(Object.keys(en).sort());
  const filled = (text = ''): string[] => [...new Set(text.match(/\{\w+\}/g))].sort();
  for (const [key, text] of Object.entries(en)) {
    expect([key, text.trim(), ko[key]?.trim()]).toEqual([key, expect.stringMatching(/./), expect.stringMatching(/./)]);
    expect([key, filled(ko[key])]).toEqual([key, filled(text)]);
  }
  // Words that are asked for by name are there, and none is there for nobody.
  const asked = nodes().flatMap(({ node }) => (ts.isStringLiteral(node) ? [node.text] : []));
  const composed = nodes().flatMap(({ node }) => (ts.isTemplateExpression(node) ? [node.head.text] : []));
  const kinds = nodes().flatMap(({ node }) =>
    ts.isCallExpression(node) && /^(named|choices)$/.test(node.expression.getText())
      ? [node.arguments[0]?.getText()]
      : [],
  );
  const isAsked = (key: string): boolean =>
    asked.includes(key) ||
    composed.some((head) => head !== '' && key.startsWith(head)) ||
    kinds.includes(`'${key.split('.')[0]}'`);
  // `kind` is handed on by charts: it names these.
  const handed = /^(intake|code|feature|said|dropped|queue|window|status)\./;
  expect(Object.keys(en).filter((key) => !isAsked(key) && !handed.test(key))).toEqual([]);
  const called = nodes().flatMap(({ node }) =>
    ts.isCallExpression(node) &&
    node.expression.getText() === 't' &&
    node.arguments[0] &&
    ts.isStringLiteral(node.arguments[0])
      ? [node.arguments[0].text]
      : [],
  );
  expect(called.filter((key) => !(key in en))).toEqual([]);
});

test('no word stands in a template, nor in a property that is read out', () => {
  const found = nodes().flatMap(({ file, node }) => {
    if (!ts.isTaggedTemplateExpression(node) || node.tag.getText() !== 'html') return [];
    const literal = literalOf(node);
    const said = literal.match(/(aria-label|title|placeholder|alt|label|hint|caption|empty)="?[^"\uE000\s>]+/g) ?? [];
    const text = literal.replace(/<[^>]*>/g, ' ').match(/[\p{L}]{2,}/gu) ?? [];
    return [...said, ...text].map((word) => `${file}: ${word}`);
  });
  expect(found).toEqual([]);
});

test('the browser says which language it is, a switch says another, and views change with it', async () => {
  const korean = await Operator.come({ locale: 'ko-KR' }, `${app.url}/console#flags`);
  await korean.heading('로그인').waitFor();
  expect(await korean.page.evaluate('document.documentElement.lang')).toBe('ko');
  await korean.signIn();
  await korean.heading('의심 기록').waitFor();
  await korean.row('cheater-1').getByText('점수 급등').waitFor();
  await korean.page.getByRole('combobox', { name: '언어' }).selectOption('English');
  await korean.heading('Flags').waitFor();
  await korean.row('cheater-1').getByText('jump').waitFor();
  expect(await korean.page.evaluate('document.documentElement.lang')).toBe('en');
  expect(await korean.page.title()).toBe('Flags - Aerie console');
});

// Names of things that have no other one in Korean.
const foreign = /^(Aerie|HTTP|CPU|MiB|ID|INTERNAL_API_SECRET|UTC|XP|English|x|xx|of)$/;

test('in Korean no English is left, but what players and the server have written', async () => {
  const one = await Operator.come({ locale: 'ko-KR' });
  await one.signIn();
  const views = [
    'overview',
    'player/cheater-1',
    'flags',
    'blocks',
    'letters',
    'rules',
    'sales',
    'sales/grand-final',
    'system',
  ];
  for (const view of views) {
    await one.page.evaluate(`location.hash = ${JSON.stringify(view)}`);
    await one.page.locator(`nav [aria-current=page][href="#${view.split('/')[0]}"]`).waitFor();
    await eventually(async () => expect(await one.page.locator('[aria-busy=true]').count()).toBe(0));
    const texts = await one.page.evaluate<string[]>(`(() => {
      const walker = document.createTreeWalker(document.getElementById('console'), NodeFilter.SHOW_TEXT);
      const texts = [];
      while (walker.nextNode())
        if (!walker.currentNode.parentElement.closest('bdi, code')) texts.push(walker.currentNode.textContent);
      return texts;
    })()`);
    const words = texts.flatMap((text) => text.match(/[A-Za-z_]{2,}/g) ?? []);
    expect([view, words.filter((word) => !foreign.test(word))]).toEqual([view, []]);
    expect(texts.join(' ')).toMatch(/[가-힣]/);
  }
});
