import { writeFileSync } from 'node:fs';
import { COLUMNS, firstMinute, ROWS, TITLE } from './recording/first-minute.ts';
import { recordingSvg } from './recording/svg.ts';

/** `npx tsx tools/record.ts`: runs the first minute anew and draws docs/first-minute.svg from it. */
writeFileSync('docs/first-minute.svg', recordingSvg(TITLE, await firstMinute(), ROWS, COLUMNS));
