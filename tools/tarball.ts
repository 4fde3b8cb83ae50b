import { appendFileSync, copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { packedForTests } from '../test/support/package.ts';

/** `npm run tarball -- <folder>`: copies the tarball that the tests installed there, for a release, and says what it is. */
const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Where to? npm run tarball -- <folder>');
const { tarball, integrity, bytes } = packedForTests();
mkdirSync(folder, { recursive: true });
const copy = path.join(folder, path.basename(tarball));
copyFileSync(tarball, copy);
console.log(`${copy}: ${bytes} bytes, ${integrity}`);
const { GITHUB_OUTPUT } = process.env;
if (GITHUB_OUTPUT !== undefined) appendFileSync(GITHUB_OUTPUT, `integrity=${integrity}\n`);
