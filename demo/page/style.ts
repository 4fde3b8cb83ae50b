/** No font, no picture and no script from anywhere: what the page looks like is here. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --raised: #ffffff; --ink: #1d2329; --soft: #56616c; --line: #dcd8ce;
  --done: #0a5f46; --done-back: #e2f1ea; --refused: #8c2a1b; --refused-back: #fbe8e3;
  --prod: #7a4b12; --dev: #1f5f8f; --pr: #5b4a9c; --other: #7b8087;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #13171b; --raised: #1a2026; --ink: #e9e6df; --soft: #a9b3bd; --line: #343c45;
    --done: #86dcb9; --done-back: #10312a; --refused: #f6ab9a; --refused-back: #3b1e19;
    --prod: #d9a962; --dev: #7db8e6; --pr: #b5a6f0; --other: #8d949c;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: break-word; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1rem 4rem; }
h1 { font-size: clamp(1.7rem, 5vw, 2.6rem); line-height: 1.15; letter-spacing: -0.02em; margin: 0 0 0.75rem; max-width: 22ch; }
h2 { font-size: 1.4rem; line-height: 1.25; margin: 3.5rem 0 0.5rem; padding-top: 1.25rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.1rem; margin: 2rem 0 0.25rem; }
h4 { font-size: 1rem; margin: 1.75rem 0 0.25rem; }
p { margin: 0.5rem 0 1rem; max-width: 70ch; }
.lede { font-size: 1.1rem; color: var(--soft); }
a { color: inherit; text-underline-offset: 0.2em; }
code, pre, .schema { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
code { font-size: 0.9em; }
pre { font-size: 0.8rem; line-height: 1.5; margin: 0.5rem 0; padding: 0.6rem 0.75rem; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; white-space: pre-wrap; }
.answer { margin: 2rem 0 0; padding: 1.1rem 1.25rem; background: var(--done-back); color: var(--done); border-left: 5px solid var(--done); border-radius: 4px; }
.answer p { margin: 0; font-size: 1.1rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 1rem; margin: 1.5rem 0 0; padding: 0; }
.figures div { display: flex; flex-direction: column-reverse; justify-content: flex-end; padding: 0.9rem 1.1rem; background: var(--raised); border: 1px solid var(--line); border-radius: 8px; }
.figures dt { color: var(--soft); font-size: 0.9rem; }
.figures dd { margin: 0; font-size: 1.9rem; font-weight: 650; line-height: 1.2; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0; }
table { border-collapse: separate; border-spacing: 0; margin: 0.75rem 0; font-size: 0.92rem; max-width: 100%; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
th, td { padding: 0.4rem 0.7rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); font-weight: 400; }
thead th { color: var(--soft); font-size: 0.85rem; vertical-align: bottom; }
.label { display: none; color: var(--soft); font-size: 0.8rem; }
.matrix table { width: 100%; border-spacing: 3px; }
.matrix th, .matrix td { border: 0; }
.matrix thead th { text-align: center; padding: 0.2rem; }
.matrix thead th:first-child { text-align: left; padding-left: 0.7rem; }
.matrix td { padding: 0.4rem 0.3rem; }
.matrix tbody th > span:last-child { font-weight: 600; }
.matrix tbody th code { display: block; overflow-wrap: anywhere; font-weight: 400; color: var(--soft); font-size: 0.75rem; }
.matrix td { text-align: center; vertical-align: middle; border-radius: 6px; }
.done { background: var(--done-back); color: var(--done); }
.refused { background: var(--refused-back); color: var(--refused); }
.icon { width: 0.8em; height: 0.8em; margin-right: 0.35em; vertical-align: -0.02em; fill: none; stroke: currentColor; stroke-width: 2.5; }
.timeline svg { display: block; max-width: 100%; height: auto; }
.timeline .narrow { display: none; }
.timeline text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.timeline text.schema { font: 13px ui-monospace, Menlo, Consolas, monospace; }
.timeline text.number { font-weight: 650; }
.timeline text.end { fill: var(--soft); }
.grid { stroke: var(--line); stroke-dasharray: 2 4; }
.bar.prod { fill: var(--prod); } .bar.dev { fill: var(--dev); } .bar.pr { fill: var(--pr); } .bar.other { fill: var(--other); }
.gone, .stays { fill: none; stroke: var(--ink); stroke-width: 2.2; }
ol.moments { columns: 2; column-gap: 2.5rem; padding-left: 1.6rem; }
.moments li { break-inside: avoid; }
.steps { list-style: none; padding: 0; counter-reset: step; margin: 0.75rem 0 0; }
.steps > li { counter-increment: step; padding: 0.75rem 0; border-top: 1px solid var(--line); }
.steps .title { margin: 0; font-weight: 600; max-width: none; }
.steps .title::before { content: counter(step) ". "; color: var(--soft); font-weight: 400; }
.typed { display: block; margin: 0.3rem 0; color: var(--soft); font-size: 0.85rem; }
.how { display: inline-block; font-size: 0.8rem; border-radius: 99px; padding: 0.05rem 0.6rem; font-weight: 500; margin-left: 0.4rem; white-space: nowrap; }
.time { color: var(--soft); font-size: 0.85rem; font-weight: 400; margin-left: 0.4rem; white-space: nowrap; font-variant-numeric: tabular-nums; }
summary { cursor: pointer; margin: 0.4rem 0; color: var(--soft); font-size: 0.9rem; }
dl.said dt { font-weight: 600; margin-top: 0.75rem; }
dl.said dd { margin: 0; font-size: 0.9rem; }
footer { margin-top: 3rem; color: var(--soft); font-size: 0.9rem; }
@media (max-width: 58rem) {
  .timeline .wide { display: none; }
  .timeline .narrow { display: block; width: 100%; max-width: 30rem; }
}
@media screen and (max-width: 46rem) {
  main { padding: 1.5rem 1rem 3rem; }
  body { overflow-wrap: anywhere; }
  table, thead, tbody, tr, th, td { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { padding: 0.5rem 0; border-bottom: 1px solid var(--line); }
  th, td { border: 0; padding: 0.1rem 0; display: grid; grid-template-columns: 7rem 1fr; gap: 0.5rem; }
  th > span:only-child, td > span:only-child { grid-column: 1 / -1; }
  .label { display: block; }
  tbody th { font-weight: 600; }
  .matrix tbody tr { display: grid; grid-template-columns: 1fr 1fr; gap: 4px; padding: 0.75rem 0; }
  .matrix th { grid-column: 1 / -1; display: block; }
  .matrix td { display: block; text-align: left; padding: 0.35rem 0.6rem; }
  .matrix .label { color: inherit; }
  .matrix th .label { display: none; }
  ol.moments { columns: 1; }
}
@media print {
  details::details-content { content-visibility: visible; display: block; height: auto; }
  :root { color-scheme: light; --paper: #fff; --raised: #fff; --ink: #000; --soft: #444; --line: #bbb; --done: #0a5f46; --done-back: #e2f1ea; --refused: #8c2a1b; --refused-back: #fbe8e3; --prod: #7a4b12; --dev: #1f5f8f; --pr: #5b4a9c; --other: #7b8087; }
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  tr, .steps > li, .figures div, svg { break-inside: avoid; }
  h2, h3, h4 { break-after: avoid; }
  .done, .refused, .bar, .answer { print-color-adjust: exact; }
}
`;
