import { bigquery } from './bigquery/warehouse.ts';
import { duckdb } from './duckdb/warehouse.ts';
import { postgres } from './postgres/warehouse.ts';
import { snowflake } from './snowflake/warehouse.ts';

/** Every warehouse; the first is the default. A warehouse is one folder and one entry here. */
export const warehouses = [duckdb, postgres, snowflake, bigquery] as const;
