import type { Part } from '../plan.ts';

/** A small project that builds at once. */
export const exampleFiles: Part = () => [];
