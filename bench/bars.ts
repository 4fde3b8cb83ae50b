/** What a run may cost, as a multiple of the yardstick in the same round. The only place that states the bars. */
export const bars = [
  { what: 'the bin, everything into a new folder', yardstick: 'node -e 0', most: 3 },
  { what: 'the bin, --help', yardstick: 'node -e 0', most: 1.8 },
  { what: 'the bin, a misspelt flag', yardstick: 'node -e 0', most: 1.8 },
  { what: 'yo, everything into a new folder', yardstick: 'yo, an empty generator', most: 1.2 },
] as const;

export type What = (typeof bars)[number]['what' | 'yardstick'];
