import type { Moment } from '../moments.ts';
import { text } from './html.ts';

/** One schema's life: the first and the last moment at which the server listed it. */
export interface Life {
  readonly schema: string;
  readonly from: number;
  readonly to: number;
  /** What became of it, in words. */
  readonly end: string;
}

export function livesOf(moments: readonly Moment[]): readonly Life[] {
  const schemas = [...new Set(moments.flatMap((moment) => moment.schemas))];
  return schemas.map((schema) => {
    const there = moments.flatMap((moment, at) => (moment.schemas.includes(schema) ? [at] : []));
    const [from = 0] = there;
    const to = there.at(-1) ?? 0;
    return { schema, from, to, end: to === moments.length - 1 ? 'stays' : `gone at ${to + 2}` };
  });
}

/** The timeline as a picture, for a wide screen or for a telephone; its words are also in a list below. */
export function timeline(moments: readonly Moment[], shape: 'wide' | 'narrow'): string {
  const lives = livesOf(moments);
  const { width, left, right, lane, above } = shape === 'wide' ? WIDE : NARROW;
  const step = (width - left - right) / moments.length;
  const x = (moment: number): number => round(left + step * moment);
  const top = 34;
  const height = top + lives.length * lane + 8;
  const columns = moments.map((_, at) => {
    const middle = round(x(at) + step / 2);
    return `<line class="grid" x1="${middle}" y1="${top - 6}" x2="${middle}" y2="${height - 8}"/><text class="number" x="${middle}" y="16" text-anchor="middle">${at + 1}</text>`;
  });
  const lanes = lives.map(({ schema, from, to, end }, at) => {
    const y = top + at * lane;
    const bar = y + (above ? 22 : 8);
    const gone = end !== 'stays';
    const [start, stop] = [round(x(from) + step / 2), gone ? round(x(to + 1) + step / 2) : round(x(to + 1))];
    const name = `<text class="schema" x="${above ? left : left - 12}" y="${above ? y + 14 : y + 21}"${above ? '' : ' text-anchor="end"'}>${text(schema)}</text>`;
    const words = above
      ? `<text class="end" x="${width - 2}" y="${y + 14}" text-anchor="end">${end}</text>`
      : `<text class="end" x="${round(stop + (gone ? 14 : 6))}" y="${y + 21}">${end}</text>`;
    const mark = gone ? `<path class="gone" d="M${stop - 5} ${bar + 4}l10 10m0 -10l-10 10"/>` : `<path class="stays" d="M${stop - 7} ${bar + 3}l7 6l-7 6"/>`;
    return `${name}<rect class="bar ${kindOf(schema)}" x="${start}" y="${bar + 3}" width="${round(stop - start - (gone ? 8 : 9))}" height="12" rx="6"/>${mark}${words}`;
  });
  const described = lives.map(({ schema, from, end }) => `${schema}: there from ${from + 1}, ${end}.`).join(' ');
  return `<svg class="${shape}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="timeline-title-${shape} timeline-text-${shape}"><title id="timeline-title-${shape}">Which schemas there were at each of ${moments.length} moments</title><desc id="timeline-text-${shape}">${text(described)}</desc>
${columns.join('\n')}
${lanes.join('\n')}
</svg>`;
}

const WIDE = { width: 900, left: 270, right: 84, lane: 34, above: false } as const;
const NARROW = { width: 328, left: 2, right: 4, lane: 46, above: true } as const;

const round = (value: number): number => Math.round(value * 10) / 10;

function kindOf(schema: string): 'prod' | 'dev' | 'pr' | 'other' {
  if (/^pr_[0-9]+$/.test(schema)) return 'pr';
  if (/^dev_[a-z]+$/.test(schema)) return 'dev';
  return schema === 'analytics' ? 'prod' : 'other';
}
