import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../sources.mjs';

export const name = 'README.ko.md has what README.md has';

const [english, korean] = ['README.md', 'README.ko.md'];
/** The line below each title that names the other language: the one link in which the two differ. */
const pointers = { [english]: `한국어: [${korean}](${korean})`, [korean]: `English: [${english}](${english})` };

/**
 * Two languages of one document: the same headings in the same order, below each the same code, tables, list items, links and
 * names in code. What is written in between is for people to compare.
 */
export async function run(root = projectRoot) {
  if (!existsSync(join(root, english))) return [];
  if (!existsSync(join(root, korean))) return [`${korean} is missing`];
  const texts = [english, korean].map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));
  const lost = texts.filter(({ file, text }) => !hasPointer(file, text));
  if (lost.length > 0) return lost.map(({ file }) => `${file}: below its title stands "${pointers[file]}"`);
  const [ours, theirs] = texts.map(({ file, text }) => sectionsIn(text.replace(pointers[file], '')));
  if (ours.length !== theirs.length)
    return [`${korean} has ${theirs.length} headings, ${english} has ${ours.length}: ${firstOther(ours, theirs)}`];
  return ours.flatMap((section, index) => differences(section, theirs[index]));
}

function hasPointer(file, text) {
  const [title, first] = text.split('\n').filter((line) => line !== '');
  return /^# /.test(title) && first === pointers[file];
}

function firstOther(ours, theirs) {
  const at = ours.findIndex(({ level }, index) => level !== theirs[index]?.level);
  return `they part at "${(ours[at < 0 ? theirs.length : at] ?? ours.at(-1)).title}"`;
}

/** The text below each heading, taken apart. The first has what stands above all headings. */
function sectionsIn(text) {
  const sections = [{ level: 0, title: 'the beginning', lines: [] }];
  let isCode = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) isCode = !isCode;
    const [, marks, title] = (isCode ? undefined : /^(#{1,6}) (.*)$/.exec(line)) ?? [];
    if (marks) sections.push({ level: marks.length, title, lines: [] });
    else sections.at(-1).lines.push(line);
  }
  return sections.map(takenApart);
}

function takenApart({ level, title, lines }) {
  const text = lines.join('\n');
  const code = [...text.matchAll(/^```[\s\S]*?^```$/gm)].map(([block]) => block);
  const prose = code.reduce((rest, block) => rest.replace(block, ''), text);
  // A name may go on in the next line, but not beyond a paragraph.
  const names = [...prose.matchAll(/`((?:[^`\n]|\n(?!\s*\n))+)`/g)].map(([, one]) => one.replace(/\s+/g, ' '));
  return {
    ...{ level, title, code },
    parts: {
      'list items': (prose.match(/^\s*(?:[-*]|\d+\.) /gm) ?? []).length,
      'table rows': (prose.match(/^\|/gm) ?? []).length,
      links: [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, to]) => to).sort(),
      'names in code': [...new Set(names)].sort(),
    },
  };
}

function differences(ours, theirs) {
  const where = `"${ours.title}"`;
  if (ours.level !== theirs.level) return [`${korean}: ${where} is a heading of another level`];
  const found = [];
  const count = Math.max(ours.code.length, theirs.code.length);
  for (let index = 0; index < count; index += 1)
    if (ours.code[index] !== theirs.code[index])
      found.push(`${korean}: code block ${index + 1} below ${where} is another`);
  for (const [part, value] of Object.entries(ours.parts)) {
    const other = theirs.parts[part];
    if (JSON.stringify(value) === JSON.stringify(other)) continue;
    found.push(`${korean}: ${part} below ${where} differ: ${told(value, other)}`);
  }
  return found;
}

function told(value, other) {
  if (!Array.isArray(value)) return `${other} instead of ${value}`;
  const [missing, further] = [value.filter((one) => !other.includes(one)), other.filter((one) => !value.includes(one))];
  return `missing ${missing.join(', ') || 'none'}; further ${further.join(', ') || 'none'}`;
}
