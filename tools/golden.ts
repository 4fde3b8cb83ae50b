import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { GOLDEN, goldenTrees } from '../test/support/golden.ts';

/** `npm run golden`: writes the golden trees anew. Read the diff: it is what changes in the repositories that we emit. */
rmSync(GOLDEN, { recursive: true, force: true });
for (const { folder, files } of goldenTrees()) {
  for (const { path: name, contents } of files) {
    const file = path.join(GOLDEN, folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, contents);
  }
  console.log(`${folder}: ${files.length} files`);
}
