import type { Matrix } from '../matrix.ts';
import type { Moment } from '../moments.ts';
import type { Chapter, Step } from '../stage.ts';
import { plainTable, tableOf, text } from './html.ts';
import { inline, reportHtml } from './report.ts';
import { STYLE } from './style.ts';
import { timeline } from './timeline.ts';

export interface Story {
  readonly chapters: readonly Chapter[];
  readonly matrix: Matrix;
  readonly moments: readonly Moment[];
  /** What sweep_report.py wrote, in Markdown. */
  readonly report: string;
  readonly seconds: number;
  readonly on: Date;
}

/** What the demo has shown, as one page: no request, no script, readable on paper and on a telephone. */
export function pageOf({ chapters, matrix, moments, report, seconds, on }: Story): string {
  const answer = report.split('\n').find((line) => line.startsWith('**')) ?? '';
  const steps = chapters.reduce((sum, { steps: its }) => sum + its.length, 0);
  const day = on.toISOString().slice(0, 10);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<title>Who can write production: tried on ${day}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Who can write production: tried, not promised</h1>
<p class="lede">One dbt project, three environments, and a warehouse that refuses everything else. All of it was run on ${day}, on a PostgreSQL server with dbt, by the scripts that are in the repository: ${steps} steps in ${seconds.toFixed(0)} seconds.</p>
<div class="answer"><p>Did it happen again? ${inline(answer)}</p></div>
<dl class="figures">
${figure(String(matrix.refused), 'forbidden acts tried here, each refused by the server')}
${figure(String(matrix.done), 'acts of daily work tried beside them, each done')}
${figure(`${seconds.toFixed(0)} s`, 'for the whole story, from an empty folder')}
</dl>

<h2 id="matrix">Who may do what</h2>
<p>Each cell is one attempt, under that login, with a statement past dbt. The server answered, and the attempt was undone. The logins: ${text(matrix.roles.map(({ login, is }) => `${is} ${login}`).join(', '))}.</p>
${matrixHtml(matrix)}
<details><summary>The server's own words</summary>
<dl class="said">
${matrix.rows.map((row) => saidHtml(matrix, row)).join('\n')}
</dl></details>

<h2 id="timeline">What came, and what went</h2>
<p>The schemas that the server listed after each turn of the story. <code>pr_1</code> goes when its pull request closes; <code>pr_12</code> stays, since a whole name is meant, and goes with the sweep that finds what a hook has missed.</p>
<figure class="timeline">
${timeline(moments, 'wide')}
${timeline(moments, 'narrow')}
<figcaption><ol class="moments">${moments.map(({ title }) => `<li>${text(title)}</li>`).join('')}</ol></figcaption>
</figure>

<h2 id="steps">Step by step</h2>
${chapters.map(chapterHtml).join('\n')}

<h2 id="report">The report of the sweep</h2>
<p>This page is written with every sweep, for whoever answers for production. What is not known is called unknown.</p>
${reportHtml(report)}

<h2 id="limits">What this shows, and what it does not</h2>
<ul>
<li>The server, dbt, the grants and the scripts are the real ones. GitHub is a stand-in: its API over HTTP on the same machine.</li>
<li>Eight days did not pass: an administrator set the times in the registry back, and the stand-in for GitHub its own.</li>
<li>No grant holds a superuser, the owner of the database, or a role with CREATEROLE. The report names them.</li>
<li>It was tried here. In your database it counts as proved once every login has run <code>grants/verify.sql</code> there.</li>
</ul>
<footer>Made by <code>npm run demo -- --html</code> of generator-dbt-envs. It needs no network and no script.</footer>
</main>
</body>
</html>
`;
}

const figure = (value: string, what: string): string => `<div><dt>${text(what)}</dt><dd>${text(value)}</dd></div>`;

const ICONS = {
  done: '<svg class="icon" viewBox="0 0 12 12" aria-hidden="true"><path d="M1.5 6.5l3 3l6-7"/></svg>',
  refused: '<svg class="icon" viewBox="0 0 12 12" aria-hidden="true"><path d="M2 2l8 8M10 2l-8 8"/></svg>',
} as const;

function matrixHtml({ roles, rows }: Matrix): string {
  const table = tableOf(
    'Attempts by role; done or refused',
    ['action', ...roles.map(({ is }) => is)],
    rows.map(({ action, statement, answers }) => [
      { html: `${text(action)} <code>${text(statement)}</code>` },
      ...answers.map((answer) => {
        const kind = answer === 'done' ? 'done' : 'refused';
        return { kind, html: `${ICONS[kind]}${kind}` } as const;
      }),
    ]),
  );
  return `<figure class="matrix">${table}</figure>`;
}

function saidHtml({ roles }: Matrix, { action, statement, answers }: Matrix['rows'][number]): string {
  const said = roles.flatMap(({ login }, at) => (answers[at] === 'done' ? [] : [`${login}: ${answers[at]}`]));
  if (said.length === 0) return '';
  return `<dt>${text(action)}: <code>${text(statement)}</code></dt>${said.map((one) => `<dd>${text(one)}</dd>`).join('')}`;
}

const chapterHtml = ({ title, text: about, steps }: Chapter): string =>
  `<h3>${text(title)}</h3>\n<p>${text(about)}</p>\n${steps.length === 0 ? '' : `<ol class="steps">\n${steps.map(stepHtml).join('\n')}\n</ol>`}`;

/** So many lines stand on the page at once; more are folded. */
const AT_ONCE = 3;

function stepHtml({ title, typed, lines, table, seconds, outcome }: Step): string {
  const how = outcome === 'refused' ? `<span class="how refused">${ICONS.refused}refused, as it should be</span>` : '';
  const printed = `<pre>${lines.map(text).join('\n')}</pre>`;
  const output = lines.length > AT_ONCE ? `<details><summary>${lines.length} lines of output</summary>${printed}</details>` : lines.length > 0 ? printed : '';
  const command = typed === undefined ? '' : `<code class="typed">$ ${text(typed)}</code>`;
  return `<li><p class="title">${text(title)}${how}<span class="time">${seconds.toFixed(1)} s</span></p>${command}${output}${table ? plainTable(title, table) : ''}</li>`;
}
