/** What a run may cost, as a multiple of the yardstick in the same round. The only place that states the bars. */
export interface Bar {
  readonly what: string;
  readonly yardstick: string;
  /** More is a defect: `npm run bench` ends with 1. */
  readonly most: number;
  /** What we want to reach; falling short of it is reported. */
  readonly goal?: number;
}

export const bars = [
  { what: 'the bin, everything into a new folder', yardstick: 'node -e 0', most: 3, goal: 2.2 },
  { what: 'the bin, everything into a new folder', yardstick: 'bare Node, the same bytes from memory', most: 2.5 },
  { what: 'the bin, everything into a new folder', yardstick: 'cookiecutter, the same bytes', most: 0.33, goal: 0.25 },
  { what: 'the bin, everything into a new folder', yardstick: 'create-vite, its React template', most: 2, goal: 1.6 },
  { what: 'the bin, everything into a new folder', yardstick: 'projen, new node', most: 0.33, goal: 0.2 },
  { what: 'the bin, a second run that changes nothing', yardstick: 'node -e 0', most: 3 },
  { what: 'the bin, --help', yardstick: 'node -e 0', most: 1.8, goal: 1.4 },
  { what: 'the bin, a misspelt flag', yardstick: 'node -e 0', most: 1.8, goal: 1.4 },
  { what: 'the bin, 100 developers', yardstick: 'the bin, 10 developers', most: 12 },
  { what: 'the bin, 1,000 developers', yardstick: 'the bin, 100 developers', most: 12 },
  { what: 'the bin, 10,000 developers', yardstick: 'the bin, 1,000 developers', most: 12 },
  { what: 'yo, everything into a new folder', yardstick: 'yo, an empty generator', most: 1.2, goal: 1.15 },
  { what: 'yo again, 10,000 developers, each changed', yardstick: 'yo again, 1,000 developers, each changed', most: 12 },
  { what: 'yo again, 10,000 developers, each changed', yardstick: 'yo again, 10,000 developers, none changed', most: 2 },
  { what: 'yo again, 10,000 developers, shown as differences', yardstick: 'yo again, 10,000 developers, none changed', most: 2 },
  { what: 'yo again, 10,000 developers, every line edited by hand', yardstick: 'yo again, 10,000 developers, none changed', most: 2 },
] as const satisfies readonly Bar[];

/** What a run may cost in milliseconds, whatever the machine. */
export const limits = [{ what: 'the bin, 10,000 developers', most: 1000 }] as const;

export type What = (typeof bars)[number]['what' | 'yardstick'];
