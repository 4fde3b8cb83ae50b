import { createPrompt, isEnterKey, makeTheme, useKeypress, usePrefix, useState } from '@inquirer/core';

interface Config {
  readonly message: string;
  readonly validate?: (answer: string) => true | string;
}

/**
 * A prompt that takes several lines, typed or pasted, and ends with an empty one. inquirer's own `input` keeps the
 * first line of what is pasted and loses the rest.
 */
export const linesPrompt = createPrompt<string, Config>(({ message, validate }, done) => {
  const [status, setStatus] = useState<'idle' | 'done'>('idle');
  const [lines, setLines] = useState<readonly string[]>([]);
  const [line, setLine] = useState('');
  const [objection, setObjection] = useState<string | undefined>(undefined);
  const prefix = usePrefix({ status, theme: makeTheme() });

  useKeypress((key, { line: typed }) => {
    if (!isEnterKey(key)) {
      setLine(typed);
      setObjection(undefined);
      return;
    }
    if (line.trim() !== '') {
      setLines([...lines, line.trim()]);
      setLine('');
      return;
    }
    const answer = lines.join('\n');
    const verdict = validate?.(answer) ?? true;
    if (verdict === true) {
      setStatus('done');
      done(answer);
    } else {
      setObjection(verdict);
      setLines([]);
    }
  });

  const head = `${prefix} ${message}`;
  if (status === 'done') return `${head} ${lines.join(', ')}`;
  return [[head, ...lines.map((one) => `  ${one}`), `> ${line}`].join('\n'), objection ?? '(an empty line ends it)'];
});
