import type { Warehouse } from './warehouse.ts';

/** Which schemas there were after each turn of the story, as the server listed them. */
export interface Moment {
  readonly title: string;
  readonly schemas: readonly string[];
}

export const moments: Moment[] = [];

export async function moment(warehouse: Warehouse, title: string): Promise<void> {
  moments.push({ title, schemas: await warehouse.schemas() });
}
