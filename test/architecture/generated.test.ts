import { appendFile, cp, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectRoots, plant, temporaryFolder } from './planted';

const project = join(__dirname, '../..');
const differing = ['proto/descriptors.binpb', 'src/generated/aerie/progression/v1/progression.ts'];

describe('generated', () => {
  it('finds a file that was edited, deleted or left behind', async () => {
    await using folder = await temporaryFolder();
    const [same, edited, deleted, left] = ['same', 'edited', 'deleted', 'left'].map((name) => join(folder.path, name));
    for (const root of [same!, edited!, deleted!, left!]) {
      await cp(join(project, 'proto'), join(root, 'proto'), { recursive: true });
      await cp(join(project, 'src/generated'), join(root, 'src/generated'), { recursive: true });
      await symlink(join(project, 'node_modules'), join(root, 'node_modules'));
    }
    for (const path of differing) {
      await appendFile(join(edited!, path), '\n');
      await rm(join(deleted!, path));
    }
    await plant(left!, { 'src/generated/aerie/gone/v1/gone.ts': '' });
    expect(await inspectRoots('generated', [same!, edited!, deleted!, left!])).toEqual([
      [],
      differing.map((each) => `${each}: differs; run npm run generate`),
      differing.map((each) => `${each}: missing; run npm run generate`),
      ['src/generated/aerie/gone/v1/gone.ts: no contract makes it; run npm run generate'],
    ]);
  }, 60_000);
});
