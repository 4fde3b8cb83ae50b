import type { Line, Run } from './screen.ts';

/** What is on the screen, and how long it stays. */
export interface Frame {
  readonly lines: readonly Line[];
  readonly seconds: number;
}

const CELL = { width: 8.4, height: 18 };
const MARGIN = { left: 16, top: 44, bottom: 14 };
const COLOURS = ['#484f58', '#ff7b72', '#7ee787', '#f2cc60', '#79c0ff', '#d2a8ff', '#76e3ea', '#c9d1d9'] as const;
const BRIGHT = ['#8b949e', '#ffa198', '#aff5b4', '#f8e3a1', '#a5d6ff', '#e2c5ff', '#b3f0ff', '#ffffff'] as const;

/**
 * The frames one after the other, over and over, in a window; for whoever wants no movement, the last one alone. A line
 * that stays is written once.
 */
export function recordingSvg(title: string, frames: readonly Frame[], rows: number, columns: number): string {
  const [width, height] = [Math.ceil(columns * CELL.width + 2 * MARGIN.left), rows * CELL.height + MARGIN.top + MARGIN.bottom];
  const drawn = new Map<string, string>();
  const idOf = (line: Line): string => {
    const text = lineText(line);
    const id = drawn.get(text) ?? `l${drawn.size}`;
    drawn.set(text, id);
    return id;
  };
  const used = frames.map(({ lines }) =>
    lines.flatMap((line, row) => (line.length === 0 ? [] : [`<use href="#${idOf(line)}" y="${MARGIN.top + (row + 1) * CELL.height - 5}"/>`])).join(''),
  );
  const total = frames.reduce((sum, { seconds }) => sum + seconds, 0);
  let start = 0;
  const timing = frames.map(({ seconds }, at) => {
    const [from, to] = [(100 * start) / total, (100 * (start + seconds)) / total];
    start += seconds;
    return `@keyframes f${at}{0%{visibility:${at === 0 ? 'visible' : 'hidden'}}${from.toFixed(2)}%{visibility:visible}${to.toFixed(2)}%{visibility:${at === frames.length - 1 ? 'visible' : 'hidden'}}}#f${at}{animation:f${at} ${total.toFixed(1)}s step-end infinite}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="t">
<title id="t">${escaped(title)}</title>
<style>
text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:14px;fill:#c9d1d9;white-space:pre}
${[...COLOURS, ...BRIGHT].map((colour, at) => `.c${at}{fill:${colour}}`).join('')}.b{font-weight:bold}.d{opacity:.65}.u{text-decoration:underline}
.f{visibility:hidden}
${timing.join('\n')}
@media (prefers-reduced-motion:reduce){.f{animation:none!important}#f${frames.length - 1}{visibility:visible}}
</style>
<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
<circle cx="20" cy="18" r="6" fill="#ff5f57"/><circle cx="40" cy="18" r="6" fill="#febc2e"/><circle cx="60" cy="18" r="6" fill="#28c840"/>
<defs>
${[...drawn].map(([text, id]) => `<text id="${id}" x="${MARGIN.left}">${text}</text>`).join('\n')}
</defs>
${used.map((uses, at) => `<g class="f" id="f${at}">${uses}</g>`).join('\n')}
</svg>
`;
}

/** Every run begins and ends where its columns are, whatever the font's widths. */
function lineText(line: Line): string {
  let column = 0;
  return line
    .map((run) => {
      const x = (MARGIN.left + column * CELL.width).toFixed(1);
      const width = [...run.text].length;
      column += width;
      return `<tspan x="${x}" textLength="${(width * CELL.width).toFixed(1)}"${classes(run)}>${escaped(run.text)}</tspan>`;
    })
    .join('');
}

function classes({ colour, bold, dim, underlined }: Run): string {
  const names = [...(colour === undefined ? [] : [`c${colour}`]), ...(bold ? ['b'] : []), ...(dim ? ['d'] : []), ...(underlined ? ['u'] : [])];
  return names.length === 0 ? '' : ` class="${names.join(' ')}"`;
}

/** What can be read in each frame of such an SVG: the lines that are not empty, in order. */
export function framesIn(svg: string): readonly (readonly string[])[] {
  const lines = new Map(
    [...svg.matchAll(/<text id="(\w+)"[^>]*>(.*)<\/text>/g)].map(([, id = '', spans = '']) => [id, unescaped(spans.replace(/<[^>]+>/g, ''))]),
  );
  return [...svg.matchAll(/<g class="f" id="f\d+">(.*)<\/g>/g)].map(([, uses = '']) =>
    [...uses.matchAll(/href="#(\w+)"/g)].map(([, id = '']) => lines.get(id) ?? `there is no ${id}`),
  );
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const unescaped = (text: string): string => text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
