import { tableOf, text } from './html.ts';

/** What sweep_report.py writes, as HTML: headings, paragraphs, lists, tables and folds. Throws on anything else. */
export function reportHtml(markdown: string): string {
  const html: string[] = [];
  const lines = markdown.split('\n');
  let title = '';
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if (line === '' || /^<!--.*-->$/.test(line)) continue;
    const heading = /^(#{3,4}) (.*)$/.exec(line);
    const fold = /^<details><summary>([^<>]*)<\/summary>$/.exec(line);
    if (heading) {
      title = heading[2] ?? '';
      html.push(`<h${heading[1]?.length}>${inline(title)}</h${heading[1]?.length}>`);
    } else if (fold) {
      title = fold[1] ?? '';
      html.push(`<details><summary>${text(title)}</summary>`);
    } else if (line === '</details>') html.push(line);
    else if (line.startsWith('|') || line.startsWith('- ')) {
      const first = at;
      while (lines[at + 1]?.startsWith(line.slice(0, 1))) at += 1;
      const block = lines.slice(first, at + 1);
      html.push(line.startsWith('|') ? table(title, block) : `<ul>${block.map((one) => `<li>${inline(one.slice(2))}</li>`).join('')}</ul>`);
    } else if (/^[<#>]/.test(line)) throw new Error(`The report has a line that the page cannot show: ${line}`);
    else html.push(`<p>${inline(line)}</p>`);
  }
  return html.join('\n');
}

function table(title: string, [head = '', , ...rows]: readonly string[]): string {
  const cells = (line: string): readonly string[] =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim());
  return tableOf(
    title.replace(/[`*]/g, ''),
    cells(head),
    rows.map((row) => cells(row).map((cell) => ({ html: cell === '' ? 'none' : inline(cell) }))),
  );
}

/** Code spans and bold; everything else stands for itself. */
export const inline = (line: string): string =>
  line
    .split(/(`[^`]*`|\*\*[^*]*\*\*)/)
    .map((part) => {
      if (part.startsWith('`')) return `<code>${text(part.slice(1, -1))}</code>`;
      return part.startsWith('**') ? `<strong>${text(part.slice(2, -2))}</strong>` : text(part);
    })
    .join('');
