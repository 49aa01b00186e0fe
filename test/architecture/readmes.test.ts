import { inspect } from './planted';

const english = `# Aerie
Words with \`name\` and a [link](a.md).

## Start

\`\`\`sh
npm start     # a comment
\`\`\`

- one
- two
`;
const korean = english
  .replace('Words with', '이름')
  .replace('and a', '그리고')
  .replace('## Start', '## 시작')
  .replace('- one', '- 하나');

test('the other language has the same code, names, links, lists and headings, and its own words', async () => {
  const trees = [
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
