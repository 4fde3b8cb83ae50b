import { exceeds, type Measured, type Result, verdict } from './results.ts';

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

/** docs/benchmarks.md: what was measured, on what, and how to measure it again. */
export function benchmarksPage(measured: Measured): string {
  const { machine, version, files, rounds, results, limited, installs } = measured;
  return `# Benchmarks

What a run costs beside others, measured with the packed package. This page is written by

\`\`\`sh
npm run bench -- --write
\`\`\`

which ends with 1 where a bar is missed. Version ${version}; ${machine}; ${rounds}. Each of a group runs once a round, so that a busy neighbour disturbs all of them. Folders are removed after the race: ext4 makes new files slowly while many were just removed. A ratio is of two runs in one round, and the median of the rounds counts; beside it the ratio of the fastest rounds. Milliseconds are of this machine; ratios travel.

\`node -e 0\` is what any program on Node costs; bare Node writes the files from memory and decides nothing. Everything is ${files} files for eight developers on PostgreSQL; cookiecutter writes the same bytes, create-vite copies 18 files and projen makes 16.

${['| run | beside | ms | ms beside | ratio | of the fastest | at most | goal | |', '|---|---|---|---|---|---|---|---|---|', ...results.map(resultRow)].join('\n')}

${limited.map((one) => `${one.what}: ${one.milliseconds.toFixed(0)} ms, at most ${one.most}${exceeds(one) ? ': MISSED' : ''}.`).join('\n')}

## From nothing

${typeof installs === 'string' ? installs : installTable(installs)}
`;
}

const resultRow = (result: Result): string => {
  const { what, yardstick, milliseconds, yardstickMilliseconds, found, best, most, goal } = result;
  return row([
    what,
    yardstick,
    milliseconds.toFixed(1),
    yardstickMilliseconds.toFixed(1),
    found.toFixed(2),
    best.toFixed(2),
    most,
    goal ?? '',
    verdict(result),
  ]);
};

const installTable = (
  installs: readonly Exclude<Measured['installs'], string>[number][],
): string => `What somebody waits for who has Node and nothing else: \`npx\` with an empty cache, to the end of the first command. The registry runs on this machine and holds every tarball already, for all of them, so that no network is in the figures.

${['| package | command | packages | MB installed | seconds |', '|---|---|---|---|---|', ...installs.map(({ what, command, packages, megabytes, seconds }) => row([what, `\`${command}\``, packages, megabytes.toFixed(1), seconds.toFixed(2)]))].join('\n')}`;
