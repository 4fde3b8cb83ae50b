import { defaultOf } from '../questions.ts';
import { allOptions, commandNames, commands, type Option, shapeOf } from './options.ts';

/** docs/options.md, made from the table of flags. */
export function optionsPage(): string {
  const options = allOptions();
  return `# Options

This page is made from the table that the command itself reads; a test keeps it so.

\`\`\`
npx generator-dbt-envs [part] [flags]
yo dbt-envs[:part] [flags]
\`\`\`

## Parts

| part | what it writes, or says |
|---|---|
${commandNames.map((name) => `| \`${cell(shapeOf(name))}\` | ${commands[name]} |`).join('\n')}

\`completion\` is the bin's alone: \`yo\` completes nothing. To have it: \`source <(dbt-envs completion bash)\` in ~/.bashrc,
the same with \`zsh\` in ~/.zshrc after compinit, \`dbt-envs completion fish > ~/.config/fish/completions/dbt-envs.fish\` once.

## Answers

Every answer is a flag, a key in \`.yo-rc.json\` and in an answers file, and, where the third column says so, a question.
A flag beats an answers file, which beats \`.yo-rc.json\`. The team and the readers live in \`roster.yml\` alone.

| flag | key | asked | default | for | meaning |
|---|---|---|---|---|---|
${options.flatMap(answerRow).join('\n')}

## Flags

| flag | meaning |
|---|---|
${options.flatMap(flagRow).join('\n')}

## Exit status

| status | meaning |
|---|---|
| 0 | done |
| 1 | failed, or drift was found by \`check\` |
| 2 | a flag or an answer is wrong or missing |
| 130 | interrupted; every file is as it was before |
`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

function answerRow({ flag, value, help, question, askedBy }: Option): string[] {
  if (question === undefined) return [];
  const preset = typeof question.default === 'function' ? 'worked out' : defaultOf(question, {});
  const shownDefault = preset === undefined ? 'none: must be given' : preset === '' ? 'empty' : preset === 'worked out' ? preset : `\`${preset}\``;
  return [
    `| \`--${flag} ${cell(value ?? '')}\` | \`${question.name}\` | ${question.asked ? 'yes' : 'no'} | ${shownDefault} | ${askedBy?.join(', ') ?? 'all'} | ${cell(help)} |`,
  ];
}

function flagRow({ flag, short, value, help, question, only }: Option): string[] {
  if (question !== undefined) return [];
  const name = `\`--${flag}${value === undefined ? '' : ` ${value}`}\`${short === undefined ? '' : `, \`-${short}\``}`;
  return [`| ${name} | ${cell(help)}${only === undefined ? '' : ` Only for \`${only}\`.`} |`];
}
