export interface Write {
  /** From the project's folder, with `/`; may begin with `../` where the territory reaches further. */
  readonly path: string;
  readonly contents: string;
  /** The text that the decision was made on; undefined: there was no file. Absent: whatever is there. */
  readonly decidedOn?: { readonly text: string | undefined };
}

export interface Work {
  readonly writes: readonly Write[];
  readonly removals: readonly { readonly path: string; readonly decidedOn: { readonly text: string | undefined } }[];
  /** Written after everything else: it says that everything else is there. */
  readonly record: Write;
}
