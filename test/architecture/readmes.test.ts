import { inspect } from './planted';

const english = `# Aerie

한국어: [README.ko.md](README.ko.md)

Words with \`name\` and a [link](a.md).

## Start

\`\`\`sh
npm start     # a comment
\`\`\`

- one
- two
`;
const korean = english
  .replace('한국어: [README.ko.md](README.ko.md)', 'English: [README.md](README.md)')
  .replace('Words with', '이름')
  .replace('and a', '그리고')
  .replace('## Start', '## 시작')
  .replace('- one', '- 하나');

test('the other language has the same code, names, links, lists and headings, and its own words', async () => {
  const trees: Record<string, string>[] = [
    { 'README.md': english, 'README.ko.md': korean },
    { 'README.md': english },
    { 'README.md': english, 'README.ko.md': korean.replace('npm start', 'npm run start') },
    { 'README.md': english, 'README.ko.md': korean.replace('# a comment', '# 설명') },
    { 'README.md': english, 'README.ko.md': korean.replace('`name`', '`nome`') },
    { 'README.md': english, 'README.ko.md': korean.replace('(a.md)', '(b.md)') },
    { 'README.md': english, 'README.ko.md': korean.replace('- two\n', '') },
    { 'README.md': english, 'README.ko.md': korean.replace('## 시작', '### 시작') },
    { 'README.md': english, 'README.ko.md': `${korean}\n## 더\n` },
  ];
  expect(await inspect('readmes', trees)).toEqual([
    [],
    [expect.stringContaining('is missing')],
    [expect.stringContaining('code block 1 below "Start"')],
    [expect.stringContaining('code block 1 below "Start"')],
    [expect.stringContaining('names in code below "Aerie" differ: missing name; further nome')],
    [expect.stringContaining('links below "Aerie" differ')],
    [expect.stringContaining('list items below "Start" differ: 1 instead of 2')],
    [expect.stringContaining('another level')],
    [expect.stringContaining('has 4 headings, README.md has 3')],
  ]);
});

test('each names the other right below its title, and nowhere does the one link stand for the other', async () => {
  const [toKorean, toEnglish] = ['한국어: [README.ko.md](README.ko.md)\n', 'English: [README.md](README.md)\n'];
  const trees: Record<string, string>[] = [
    { 'README.md': english.replace(toKorean, ''), 'README.ko.md': korean },
    { 'README.md': english, 'README.ko.md': korean.replace(toEnglish, '') },
    { 'README.md': english, 'README.ko.md': korean.replace(toEnglish, toKorean) },
    { 'README.md': english, 'README.ko.md': `${korean.replace(toEnglish, '')}${toEnglish}` },
    { 'README.md': `${english}${toKorean}`, 'README.ko.md': `${korean}${toEnglish}` },
  ];
  expect(await inspect('readmes', trees)).toEqual([
    ['README.md: below its title stands "한국어: [README.ko.md](README.ko.md)"'],
    ['README.ko.md: below its title stands "English: [README.md](README.md)"'],
    ['README.ko.md: below its title stands "English: [README.md](README.md)"'],
    ['README.ko.md: below its title stands "English: [README.md](README.md)"'],
    [expect.stringContaining('links below "Start" differ: missing README.ko.md; further README.md')],
  ]);
});

test('a name in code may go on in the next line', async () => {
  const [long, broken] = ['and `az topic\n  create`, then `name`.', '그리고 `az\n topic create`, 그다음 `name`입니다.'];
  const trees = [broken, broken.replace('create', 'delete')].map((words) => ({
    'README.md': `${english}\n${long}\n`,
    'README.ko.md': `${korean}\n${words}\n`,
  }));
  expect(await inspect('readmes', trees)).toEqual([
    [],
    [expect.stringContaining('differ: missing az topic create; further az topic delete')],
  ]);
});
