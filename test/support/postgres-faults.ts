import type { Engine, Identity } from './postgres-matrix.ts';

/** A mistake in the database, who notices it, and what they must say. */
export interface Fault {
  readonly name: string;
  /** By a superuser. */
  readonly plant: string;
  readonly remove: string;
  /** verify by this login turns red and names the act; without an act it fails before it has tried anything. */
  readonly verify?: { readonly as: Identity; readonly act?: string };
  /** The audit names this person as a hole, with a line that begins so. */
  readonly audit?: { readonly who: string; readonly how: string };
  /** The first major in which the fault can be made. */
  readonly from?: number;
}

const CI = 'acme_ci_service';
const PROD = 'acme_prod_service';
const JANITOR = 'acme_janitor';

/** One of two statements, by the server's version; quotes inside are doubled. */
const byVersion = (until15: string, since16: string): string =>
  `do $version$ begin if current_setting('server_version_num')::int < 160000 then ${until15}; else ${since16}; end if; end $version$`;
const onDatabase = (statement: string): string => `do $database$ begin execute format('${statement}', current_database()); end $database$`;

/** A place that is none of the boundary's. */
const LAB = 'create schema lab; grant usage on schema lab to public';
const DROP_LAB = 'drop schema lab cascade';

/** The administrators of today are written down, as grants/90_close_prod.sql does. */
const CLOSE = `insert into acme_door.accepted (login, how) select distinct login, 'administrator' from acme_door.audit() where verdict = 'administrator'`;
const REOPEN = 'delete from acme_door.accepted';

export const faults: readonly Fault[] = [
  {
    name: 'a developer is a member of prod_service',
    plant: 'grant acme_prod_service to sam',
    remove: 'revoke acme_prod_service from sam',
    verify: { as: 'sam', act: 'act as acme_prod_service' },
    audit: { who: 'sam', how: 'may act as acme_prod_service' },
  },
  {
    name: 'membership through three roles',
    plant: 'create role a; create role b; create role c; grant acme_prod_service to a; grant a to b; grant b to c; grant c to sam',
    remove: 'drop role a, b, c',
    verify: { as: 'sam', act: 'make a table in analytics' },
    audit: { who: 'sam', how: 'may act as acme_prod_service, through c, through b, through a' },
  },
  {
    name: 'ADMIN OPTION on prod_service, and nothing else',
    plant: byVersion('grant acme_prod_service to sam with admin option', `execute 'grant acme_prod_service to sam with admin true, inherit false, set false'`),
    remove: 'revoke acme_prod_service from sam',
    verify: { as: 'sam', act: 'give itself acme_prod_service' },
    audit: { who: 'sam', how: 'may act as acme_prod_service' },
  },
  {
    name: 'ADMIN OPTION on a role that writes',
    plant: `create role loaders; grant insert on analytics.orders to loaders; ${byVersion('grant loaders to sam with admin option', `execute 'grant loaders to sam with admin true, inherit false, set false'`)}`,
    remove: 'drop owned by loaders; drop role loaders',
    audit: { who: 'sam', how: 'may change rows in analytics.orders, through loaders' },
  },
  {
    name: 'a member of the owner of the prod schemas',
    plant: 'grant acme_prod_owner to sam',
    remove: 'revoke acme_prod_owner from sam',
    verify: { as: 'sam', act: 'act as acme_prod_owner' },
    audit: { who: 'sam', how: 'may act as acme_prod_owner' },
  },
  {
    name: 'a member of the owner of the door',
    plant: 'grant acme_env_owner to sam',
    remove: 'revoke acme_env_owner from sam',
    verify: { as: 'sam', act: 'act as acme_env_owner' },
    audit: { who: 'sam', how: 'may act as acme_env_owner' },
  },
  {
    name: 'a member of ci_service',
    plant: 'grant acme_ci_service to sam',
    remove: 'revoke acme_ci_service from sam',
    verify: { as: 'sam', act: 'act as acme_ci_service' },
    audit: { who: 'sam', how: 'may act as acme_ci_service' },
  },
  {
    name: 'the door forgets what was used lately',
    plant: `alter function acme_door.used_lately(text, timestamptz) rename to used_lately_kept;
      create function acme_door.used_lately(text, timestamptz) returns boolean language sql as 'select false'`,
    remove: 'drop function acme_door.used_lately(text, timestamptz); alter function acme_door.used_lately_kept(text, timestamptz) rename to used_lately',
    verify: { as: JANITOR, act: 'drop a schema that was used lately' },
  },
  {
    name: 'a member of the janitor',
    plant: 'grant acme_janitor to looker',
    remove: 'revoke acme_janitor from looker',
    verify: { as: 'looker', act: 'act as acme_janitor' },
    audit: { who: 'looker', how: 'may act as acme_janitor' },
  },
  {
    name: 'a developer whose login another developer is a member of',
    plant: 'grant priya to sam',
    remove: 'revoke priya from sam',
    verify: { as: 'sam', act: 'act as priya' },
    audit: { who: 'sam', how: 'may act as priya' },
  },
  {
    name: 'a service that is a member of a group',
    plant: 'grant acme_developer to acme_janitor',
    remove: 'revoke acme_developer from acme_janitor',
    audit: { who: JANITOR, how: 'is a member of acme_developer' },
  },
  {
    name: 'prod_service is a member of somebody, after production was closed',
    plant: `${CLOSE}; grant pg_monitor to acme_prod_service`,
    remove: `revoke pg_monitor from acme_prod_service; ${REOPEN}`,
    audit: { who: PROD, how: 'is a member of pg_monitor' },
  },

  {
    name: 'a developer may make schemas',
    plant: onDatabase('grant create on database %I to sam'),
    remove: onDatabase('revoke create on database %I from sam'),
    verify: { as: 'sam', act: 'make a schema' },
    audit: { who: 'sam', how: 'may create schemas in this database' },
  },
  {
    name: 'prod_service may make schemas',
    plant: onDatabase('grant create on database %I to acme_prod_service'),
    remove: onDatabase('revoke create on database %I from acme_prod_service'),
    verify: { as: PROD, act: 'make a schema' },
    audit: { who: PROD, how: 'may create schemas in this database' },
  },
  {
    name: 'everybody may create in prod',
    plant: 'grant usage, create on schema analytics to public',
    remove: 'revoke usage, create on schema analytics from public',
    verify: { as: 'looker', act: 'make a table in analytics' },
    audit: { who: 'PUBLIC', how: 'may create in schema analytics' },
  },
  {
    name: 'everybody may create in public',
    plant: 'grant create on schema public to public',
    remove: 'revoke create on schema public from public',
    verify: { as: 'priya', act: 'make a table in public' },
    audit: { who: 'PUBLIC', how: 'may create in schema public, where production looks for functions' },
  },
  {
    name: 'a developer may create where prod_service looks for functions',
    plant: 'alter role acme_prod_service set search_path = product, public; grant create on schema product to sam',
    remove: 'alter role acme_prod_service reset search_path; revoke create on schema product from sam',
    audit: { who: 'sam', how: 'may create in schema product, where production looks for functions' },
  },
  {
    name: 'a prod schema has another owner',
    plant: 'alter schema staging owner to sam',
    remove: 'alter schema staging owner to acme_prod_owner',
    verify: { as: 'sam', act: 'make a table in staging' },
    audit: { who: 'sam', how: 'owns schema staging' },
  },
  {
    name: 'a table of prod has another owner',
    plant: 'alter table analytics.orders owner to sam',
    remove: 'alter table analytics.orders owner to acme_prod_service',
    verify: { as: 'sam', act: 'change any of 1 tables of analytics' },
    audit: { who: 'sam', how: 'owns analytics.orders' },
  },
  {
    name: 'a view of prod has another owner',
    plant: 'alter view analytics.v_orders owner to looker',
    remove: 'alter view analytics.v_orders owner to acme_prod_service',
    audit: { who: 'looker', how: 'owns analytics.v_orders' },
  },
  {
    name: 'a developer may change one column',
    plant: 'grant update (amount) on analytics.orders to sam',
    remove: 'revoke update (amount) on analytics.orders from sam',
    verify: { as: 'sam', act: 'change a column of analytics.orders' },
    audit: { who: 'sam', how: 'may change columns in analytics.orders (amount)' },
  },
  {
    name: 'a developer may change one column of another table',
    plant: 'create table analytics.second (i int); grant update (i) on analytics.second to sam',
    remove: 'drop table analytics.second',
    verify: { as: 'sam', act: 'change any of 2 tables of analytics' },
    audit: { who: 'sam', how: 'may change columns in analytics.second (i)' },
  },
  {
    name: 'developers may insert',
    plant: 'grant insert on analytics.orders to acme_developer',
    remove: 'revoke insert on analytics.orders from acme_developer',
    verify: { as: 'priya', act: 'insert into analytics.orders' },
    audit: { who: 'priya', how: 'may change rows in analytics.orders, through acme_developer' },
  },
  {
    name: 'a reader may delete',
    plant: 'grant delete on analytics.orders to looker',
    remove: 'revoke delete on analytics.orders from looker',
    verify: { as: 'looker', act: 'change any of 1 tables of analytics' },
    audit: { who: 'looker', how: 'may change rows in analytics.orders' },
  },
  {
    name: 'CI may truncate',
    plant: 'grant truncate on analytics.orders to acme_ci_service',
    remove: 'revoke truncate on analytics.orders from acme_ci_service',
    verify: { as: CI, act: 'truncate analytics.orders' },
    audit: { who: CI, how: 'may change rows in analytics.orders' },
  },
  {
    name: 'a developer may put triggers on prod',
    plant: 'grant trigger on analytics.orders to sam',
    remove: 'revoke trigger on analytics.orders from sam',
    verify: { as: 'sam', act: 'put a trigger on analytics.orders' },
    audit: { who: 'sam', how: 'may put triggers on analytics.orders' },
  },
  {
    name: 'a developer may put foreign keys on prod',
    plant: 'grant references on analytics.orders to sam',
    remove: 'revoke references on analytics.orders from sam',
    audit: { who: 'sam', how: 'may put foreign keys on analytics.orders' },
  },
  {
    name: 'a developer may lock and refresh prod',
    plant: 'grant maintain on analytics.orders to sam',
    remove: 'revoke maintain on analytics.orders from sam',
    verify: { as: 'sam', act: 'lock analytics.orders' },
    audit: { who: 'sam', how: 'may lock and rebuild analytics.orders' },
    from: 17,
  },
  {
    name: 'a developer may advance a sequence of prod',
    plant: 'create sequence analytics.ids; alter sequence analytics.ids owner to acme_prod_service; grant usage on sequence analytics.ids to sam',
    remove: 'drop sequence analytics.ids',
    audit: { who: 'sam', how: 'may advance analytics.ids' },
  },
  {
    name: 'a view elsewhere writes prod',
    plant:
      'create view product.v as select * from analytics.orders; alter view product.v owner to acme_prod_service; grant usage on schema product to sam; grant insert on product.v to sam',
    remove: 'drop view product.v; revoke usage on schema product from sam',
    audit: { who: 'sam', how: 'may change production through product.v' },
  },
  {
    name: 'a developer may change all data',
    plant: 'grant pg_write_all_data to sam',
    remove: 'revoke pg_write_all_data from sam',
    verify: { as: 'sam', act: 'change any of 1 tables of analytics' },
    audit: { who: 'sam', how: 'may change all data, through pg_write_all_data' },
  },
  {
    name: 'a developer may run programs on the server',
    plant: 'grant pg_execute_server_program to sam',
    remove: 'revoke pg_execute_server_program from sam',
    verify: { as: 'sam', act: 'run a program on the server' },
    audit: { who: 'sam', how: 'may run programs on the server, through pg_execute_server_program' },
  },
  {
    name: 'a reader may write files of the server',
    plant: 'grant pg_write_server_files to looker',
    remove: 'revoke pg_write_server_files from looker',
    audit: { who: 'looker', how: 'may write files of the server, through pg_write_server_files' },
  },

  {
    name: 'a definer function without search_path lends the rights of prod_service',
    plant: `create function product.backdoor() returns int language sql security definer as 'select 1'; alter function product.backdoor() owner to acme_prod_service;
            grant usage on schema product to sam`,
    remove: 'drop function product.backdoor(); revoke usage on schema product from sam',
    audit: { who: 'sam', how: 'may call product.backdoor(), which runs as acme_prod_service and pins no search_path' },
  },
  {
    name: 'everybody may call a definer function of a superuser',
    plant: `create function public.backdoor() returns int language sql security definer set search_path = pg_catalog, pg_temp as 'select 1'`,
    remove: 'drop function public.backdoor()',
    audit: { who: 'PUBLIC', how: 'may call public.backdoor(), which runs as postgres' },
  },
  {
    name: 'a trigger of prod runs a developer’s function',
    plant: `create function product.t() returns trigger language plpgsql as 'begin return new; end'; alter function product.t() owner to sam;
            create trigger t before insert on analytics.orders for each row execute function product.t()`,
    remove: 'drop trigger t on analytics.orders; drop function product.t()',
    audit: { who: 'sam', how: 'owns what production runs: product.t()' },
  },
  {
    name: 'a view of prod calls a developer’s function',
    plant: `create function product.f() returns int language sql as 'select 1'; alter function product.f() owner to sam;
            create view analytics.calls as select product.f() as f; alter view analytics.calls owner to acme_prod_service`,
    remove: 'drop view analytics.calls; drop function product.f()',
    audit: { who: 'sam', how: 'owns what production runs: product.f()' },
  },
  {
    name: 'a developer owns a source',
    plant: 'create table raw.uploads (i int); alter table raw.uploads owner to sam',
    remove: 'drop table raw.uploads',
    audit: { who: 'sam', how: 'owns what production reads in raw' },
  },

  {
    name: 'a developer may delete from the parent of a partition of prod',
    plant: `${LAB}; create table lab.all_orders (id int) partition by range (id); create table lab.half partition of lab.all_orders for values from (0) to (9) partition by range (id);
            create table analytics.orders_1 partition of lab.half for values from (0) to (9); grant delete on lab.all_orders to sam`,
    remove: DROP_LAB,
    audit: { who: 'sam', how: 'may change production through lab.all_orders' },
  },
  {
    name: 'a developer owns the parent of a table of prod',
    plant: `${LAB}; create table lab.parent (id int); alter table lab.parent owner to sam; create table analytics.child () inherits (lab.parent)`,
    remove: DROP_LAB,
    audit: { who: 'sam', how: 'owns what production changes with: lab.parent' },
  },
  {
    name: 'a developer may fill a partition of prod that lies elsewhere',
    plant: `${LAB}; create table analytics.events (i int) partition by list (i); create table lab.events_1 partition of analytics.events default; grant insert on lab.events_1 to sam`,
    remove: `drop table analytics.events; ${DROP_LAB}`,
    audit: { who: 'sam', how: 'may change production through lab.events_1' },
  },
  {
    name: 'a developer may delete what rows of prod are deleted with',
    plant: `${LAB}; create table lab.customers (id int primary key); create table analytics.items (customer int references lab.customers on delete cascade); grant delete on lab.customers to sam`,
    remove: `drop table analytics.items; ${DROP_LAB}`,
    audit: { who: 'sam', how: 'may change production through lab.customers' },
  },
  {
    name: 'a developer may update, two tables away, what rows of prod are updated with',
    plant: `${LAB}; create table lab.countries (code text primary key); create table lab.customers (country text primary key references lab.countries on update cascade);
            create table analytics.items (country text references lab.customers on update set null); grant update (code) on lab.countries to sam`,
    remove: `drop table analytics.items; ${DROP_LAB}`,
    audit: { who: 'sam', how: 'may change production through lab.countries' },
  },
  {
    name: 'a rule of a table elsewhere writes prod',
    plant: `${LAB}; create table lab.inbox (i int); create rule r as on insert to lab.inbox do also insert into analytics.orders values (new.i, 0); alter table lab.inbox owner to acme_prod_service; grant insert on lab.inbox to sam`,
    remove: DROP_LAB,
    audit: { who: 'sam', how: 'may change production through lab.inbox' },
  },
  {
    name: 'one column of a view elsewhere writes prod',
    plant: `${LAB}; create view lab.v as select * from analytics.orders; alter view lab.v owner to acme_prod_service; grant update (amount) on lab.v to sam`,
    remove: DROP_LAB,
    audit: { who: 'sam', how: 'may change production through lab.v' },
  },
  {
    name: 'a view of a view elsewhere writes prod',
    plant: `${LAB}; create view lab.v as select * from analytics.orders; create view lab.w as select * from lab.v; alter view lab.v owner to acme_prod_service; alter view lab.w owner to acme_prod_service;
            grant insert on lab.w to sam`,
    remove: DROP_LAB,
    audit: { who: 'sam', how: 'may change production through lab.w' },
  },
  {
    name: 'a trigger elsewhere lends the rights of prod_service, and nobody may call its function',
    plant: `${LAB}; create table lab.inbox (i int); grant insert on lab.inbox to sam;
            create function lab.push() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as 'begin insert into analytics.orders values (new.i, 0); return new; end';
            revoke execute on function lab.push() from public; alter function lab.push() owner to acme_prod_service; create trigger push after insert on lab.inbox for each row execute function lab.push()`,
    remove: DROP_LAB,
    audit: { who: 'sam', how: 'may fire lab.push(), which runs as acme_prod_service' },
  },
  {
    name: 'a developer owns the type of a column of prod',
    plant: `${LAB}; create type lab.state as enum ('open'); alter type lab.state owner to sam; create table analytics.typed (states lab.state[])`,
    remove: `drop table analytics.typed; ${DROP_LAB}`,
    audit: { who: 'sam', how: 'owns what production is made of: type lab.state' },
  },
  {
    name: 'a domain that prod uses checks with a function of a developer',
    plant: `${LAB}; create function lab.fits(int) returns boolean language sql as 'select true'; alter function lab.fits(int) owner to sam; create domain lab.amount as int check (lab.fits(value));
            create table analytics.typed (amount lab.amount)`,
    remove: `drop table analytics.typed; ${DROP_LAB}`,
    audit: { who: 'sam', how: 'owns what production runs: lab.fits(integer)' },
  },
  {
    name: 'a developer owns the type inside a composite type of prod',
    plant: `${LAB}; create domain lab.amount as int; alter domain lab.amount owner to sam; create type lab.pair as (a lab.amount, b int); create table analytics.typed (pair lab.pair)`,
    remove: `drop table analytics.typed; ${DROP_LAB}`,
    audit: { who: 'sam', how: 'owns what production is made of: type lab.amount' },
  },
  {
    name: 'an operator in a view of prod runs a function of a developer',
    plant: `${LAB}; create function lab.same(int, int) returns boolean language sql as 'select true'; alter function lab.same(int, int) owner to sam;
            create operator lab.=== (function = lab.same, leftarg = int, rightarg = int); create view analytics.compares as select id operator(lab.===) 1 as x from analytics.orders`,
    remove: `drop view analytics.compares; ${DROP_LAB}`,
    audit: { who: 'sam', how: 'owns what production runs: lab.same(integer,integer)' },
  },
  {
    name: 'an aggregate in a view of prod runs a function of a developer',
    plant: `${LAB}; create function lab.add(int, int) returns int language sql as 'select 1'; alter function lab.add(int, int) owner to sam; create aggregate public.total(int) (sfunc = lab.add, stype = int);
            create view analytics.totals as select public.total(id) as x from analytics.orders`,
    remove: `drop view analytics.totals; drop aggregate public.total(int); ${DROP_LAB}`,
    audit: { who: 'sam', how: 'owns what production runs: lab.add(integer,integer)' },
  },
  {
    name: 'statistics of prod run a function of a developer',
    plant: `${LAB}; create function lab.bucket(int) returns int immutable language sql as 'select 1'; alter function lab.bucket(int) owner to sam;
            create statistics analytics.buckets on lab.bucket(id), amount from analytics.orders`,
    remove: `drop statistics analytics.buckets; ${DROP_LAB}`,
    audit: { who: 'sam', how: 'owns what production runs: lab.bucket(integer)' },
  },
  {
    name: 'a developer owns a function in public that fits better than PostgreSQL’s own',
    plant: `create function public.lower(varchar) returns text language sql as 'select current_user::text'; alter function public.lower(varchar) owner to sam`,
    remove: 'drop function public.lower(varchar)',
    audit: { who: 'sam', how: 'owns what production may run by its name: public.lower(character varying)' },
  },
  {
    name: 'a developer owns the server of a foreign table of prod',
    plant:
      'create foreign data wrapper far; create server far foreign data wrapper far; alter foreign data wrapper far owner to postgres; grant usage on foreign data wrapper far to sam; alter server far owner to sam; create foreign table analytics.away (id int) server far',
    remove: 'drop foreign data wrapper far cascade',
    audit: { who: 'sam', how: 'owns what production is made of: server far' },
  },
  {
    name: 'a developer may write files through large objects',
    plant: 'grant execute on function pg_catalog.lo_export(oid, text) to sam',
    remove: 'revoke execute on function pg_catalog.lo_export(oid, text) from sam',
    audit: { who: 'sam', how: 'may reach files of the server with lo_export(oid, text)' },
  },
  {
    name: 'a developer may say how the server archives',
    plant: 'grant alter system on parameter archive_command to sam',
    remove: 'revoke alter system on parameter archive_command from sam',
    audit: { who: 'sam', how: 'may configure the server with archive_command' },
  },
  {
    name: 'a developer may load libraries',
    plant: 'grant set on parameter session_preload_libraries to sam',
    remove: 'revoke set on parameter session_preload_libraries from sam',
    audit: { who: 'sam', how: 'may load code into the server with session_preload_libraries' },
  },
  {
    name: 'a group that nobody can use yet may write',
    plant: `create role loaders; grant insert on analytics.orders to loaders; do 'begin execute $grant$grant loaders to sam with inherit false, set false$grant$; end'`,
    remove: 'drop owned by loaders; drop role loaders',
    audit: { who: 'loaders', how: 'may change rows in analytics.orders' },
    from: 16,
  },
  {
    name: 'a developer may change a column, and then it is dropped', // up to PostgreSQL 15 the grant stays in the catalogue
    plant: 'alter table analytics.orders add dropped int; grant update (dropped) on analytics.orders to sam',
    remove: 'alter table analytics.orders drop dropped',
    audit: { who: 'sam', how: 'may change columns in analytics.orders (dropped)' },
  },

  {
    name: 'a view of a pull request calls a function from elsewhere',
    plant: `${LAB}; create function lab.trap() returns int language sql as 'select 1'; alter function lab.trap() owner to looker;
            create view pr_12.trapped as select lab.trap() as i; alter view pr_12.trapped owner to acme_ci_service`,
    remove: `drop view pr_12.trapped; ${DROP_LAB}`,
    audit: { who: 'looker', how: 'owns lab.trap(), which runs as whoever reads pr_12.trapped' },
  },
  {
    name: 'a view of a pull request runs a function of a developer by an operator',
    plant: `${LAB}; create function lab.same(int, int) returns boolean language sql as 'select true'; alter function lab.same(int, int) owner to sam;
            create operator lab.=== (function = lab.same, leftarg = int, rightarg = int);
            create view pr_12.trapped as select 1 operator(lab.===) 1 as x; alter view pr_12.trapped owner to acme_ci_service`,
    remove: `drop view pr_12.trapped; ${DROP_LAB}`,
    audit: { who: 'sam', how: 'owns lab.same(integer,integer), which runs as whoever reads pr_12.trapped' },
  },
  {
    name: 'a view of a pull request calls a function of that pull request',
    plant: `create function pr_12.trap() returns int language sql as 'select 1'; alter function pr_12.trap() owner to acme_ci_service;
            create view pr_12.trapped as select pr_12.trap() as i; alter view pr_12.trapped owner to acme_ci_service`,
    remove: 'drop view pr_12.trapped; drop function pr_12.trap()',
    audit: { who: CI, how: 'owns pr_12.trap(), which runs as whoever reads pr_12.trapped' },
  },
  {
    name: 'a row policy of a pull request calls a function of a developer',
    plant: `create function dev_sam.trap() returns boolean language sql as 'select true'; alter function dev_sam.trap() owner to sam;
            create policy trap on pr_12.orders using (dev_sam.trap())`,
    remove: 'drop policy trap on pr_12.orders; drop function dev_sam.trap()',
    audit: { who: 'sam', how: 'owns dev_sam.trap(), which runs as whoever reads pr_12.orders' },
  },

  {
    name: 'readers will not read what is built next',
    plant: 'alter default privileges for role acme_prod_service in schema analytics revoke select on tables from acme_reader',
    remove: 'alter default privileges for role acme_prod_service in schema analytics grant select on tables to acme_reader',
    verify: { as: PROD, act: 'build what acme_reader reads in analytics' },
    audit: { who: 'acme_reader', how: 'will not read what acme_prod_service builds next in analytics' },
  },
  {
    name: 'everybody will read what is built next',
    plant: 'alter default privileges for role acme_prod_service in schema analytics grant select on tables to public',
    remove: 'alter default privileges for role acme_prod_service in schema analytics revoke select on tables from public',
    audit: { who: 'PUBLIC', how: 'will read what acme_prod_service builds next in analytics' },
  },
  {
    name: 'developers will not read what CI builds next',
    plant: 'alter default privileges for role acme_ci_service revoke select on tables from acme_developer',
    remove: 'alter default privileges for role acme_ci_service grant select on tables to acme_developer',
    verify: { as: CI, act: 'build what acme_developer reads' },
    audit: { who: 'acme_developer', how: 'will not read what acme_ci_service builds next' },
  },
  {
    name: 'a developer may change what is built next',
    plant: 'alter default privileges for role acme_prod_service in schema analytics grant update on tables to sam',
    remove: 'alter default privileges for role acme_prod_service in schema analytics revoke update on tables from sam',
    audit: { who: 'sam', how: 'may change what acme_prod_service will build in analytics' },
  },
  {
    name: 'somebody else’s default privilege lets a reader write what they build in prod',
    plant: 'create role shared; alter default privileges for role shared in schema analytics grant insert on tables to looker',
    remove: 'drop owned by shared; drop role shared',
    audit: { who: 'looker', how: 'may change what shared will build in analytics' },
  },
  {
    name: 'readers lost prod',
    plant: 'revoke usage on schema analytics from acme_reader',
    remove: 'grant usage on schema analytics to acme_reader',
    verify: { as: 'looker', act: 'read analytics.orders' },
    audit: { who: 'acme_reader', how: 'does not read analytics.orders, analytics.v_orders' },
  },
  {
    name: 'CI lost one view of prod',
    plant: 'revoke select on analytics.v_orders from acme_ci_service',
    remove: 'grant select on analytics.v_orders to acme_ci_service',
    audit: { who: CI, how: 'does not read analytics.v_orders' },
  },
  {
    name: 'CI reads personal data',
    plant: 'grant usage on schema raw_pii to acme_ci_service',
    remove: 'revoke usage on schema raw_pii from acme_ci_service',
    verify: { as: CI, act: 'look into raw_pii, which holds personal data' },
    audit: { who: CI, how: 'may look into schema raw_pii, which holds personal data' },
  },

  {
    name: 'a role of our name that somebody else made',
    plant: `comment on role acme_janitor is 'HR 4711'`,
    remove: `comment on role acme_janitor is 'dbt-envs: project acme'`,
    audit: { who: JANITOR, how: `is not this project's` },
  },
  {
    name: 'a group of ours may log in',
    plant: 'alter role acme_env_owner login',
    remove: 'alter role acme_env_owner nologin',
    audit: { who: 'acme_env_owner', how: 'has LOGIN' },
  },
  {
    name: 'a service passes by row policies',
    plant: 'alter role acme_ci_service bypassrls',
    remove: 'alter role acme_ci_service nobypassrls',
    audit: { who: CI, how: 'has BYPASSRLS' },
  },
  {
    name: 'CREATEROLE, which makes roles',
    plant: 'alter role sam createrole',
    remove: 'alter role sam nocreaterole',
    verify: { as: 'sam', act: 'make a role' },
  },
  {
    name: 'CREATEROLE that may set the password of prod_service',
    plant: byVersion(
      'alter role sam createrole',
      `alter role sam createrole; execute 'grant acme_prod_service to sam with admin true, inherit false, set false'`,
    ),
    remove: 'alter role sam nocreaterole; revoke acme_prod_service from sam',
    verify: { as: 'sam', act: 'set the password of acme_prod_service' },
    audit: { who: 'sam', how: 'may set the password of acme_prod_service' },
  },
  {
    name: 'a developer is a superuser',
    plant: 'alter role sam superuser',
    remove: 'alter role sam nosuperuser',
    verify: { as: 'sam' },
    audit: { who: 'sam', how: 'is a superuser' },
  },
  {
    name: 'somebody became a superuser after production was closed',
    plant: `${CLOSE}; create role carol login superuser`,
    remove: `drop role carol; ${REOPEN}`,
    audit: { who: 'carol', how: 'is a superuser' },
  },
  {
    name: 'somebody may become a superuser since then, through a role',
    plant: `${CLOSE}; create role root superuser; create role carol login; grant root to carol`,
    remove: `drop role carol; drop role root; ${REOPEN}`,
    audit: { who: 'carol', how: 'is a superuser, through root' },
  },

  {
    name: 'a developer’s schema is open to another',
    plant: 'grant usage on schema dev_priya to sam',
    remove: 'revoke usage on schema dev_priya from sam',
    verify: { as: 'sam', act: 'look into any of 2 schemas of others' },
    audit: { who: 'sam', how: 'may look into schema dev_priya' },
  },
  {
    name: 'a developer may build in pull requests',
    plant: 'grant create on schema pr_12 to sam',
    remove: 'revoke create on schema pr_12 from sam',
    verify: { as: 'sam', act: 'make a table in any of 3 schemas of pull requests' },
    audit: { who: 'sam', how: 'may create in schema pr_12' },
  },
  {
    name: 'a developer’s schema belongs to another',
    plant: 'alter schema dev_priya owner to sam',
    remove: 'alter schema dev_priya owner to acme_env_owner',
    verify: { as: 'priya', act: 'build in its own schema' },
    audit: { who: 'sam', how: 'owns schema dev_priya' },
  },
  {
    name: 'the door has another owner',
    plant: 'alter schema acme_door owner to sam',
    remove: 'alter schema acme_door owner to acme_env_owner',
    verify: { as: 'sam' },
    audit: { who: 'sam', how: 'owns schema acme_door' },
  },
  {
    name: 'a routine of the door is somebody’s',
    plant: 'alter function acme_door.demand(text, text) owner to sam',
    remove: 'alter function acme_door.demand(text, text) owner to acme_env_owner',
    verify: { as: 'sam', act: 'call an internal of the door' },
    audit: { who: 'sam', how: 'owns acme_door.demand(text, text)' },
  },
  {
    name: 'everybody may call what only the door may',
    plant: 'grant execute on function acme_door.demand(text, text) to public',
    remove: 'revoke execute on function acme_door.demand(text, text) from public',
    verify: { as: 'priya', act: 'call an internal of the door' },
    audit: { who: 'PUBLIC', how: 'may call acme_door.demand(text, text)' },
  },
  {
    name: 'a routine of the door pins no search_path',
    plant: 'alter procedure acme_door.create_schema(text) reset search_path',
    remove: 'alter procedure acme_door.create_schema(text) set search_path = pg_catalog, pg_temp',
    audit: { who: 'acme_env_owner', how: 'lends its rights to whoever calls acme_door.create_schema(text), which does not pin' },
  },
  {
    name: 'developers may write the roster',
    plant: 'grant insert on acme_door.developer to acme_developer',
    remove: 'revoke insert on acme_door.developer from acme_developer',
    verify: { as: 'priya', act: 'give itself a place on the roster' },
    audit: { who: 'priya', how: 'may change acme_door.developer, through acme_developer' },
  },
  {
    name: 'CI may write when schemas were used, one column of it',
    plant: 'grant update (last_used_at) on acme_door.environment to acme_ci_service',
    remove: 'revoke update (last_used_at) on acme_door.environment from acme_ci_service',
    verify: { as: CI, act: 'backdate the use of a schema' },
    audit: { who: CI, how: 'may change acme_door.environment' },
  },
  {
    name: 'a developer may write the proofs of others',
    plant: 'grant insert on acme_door.proof to sam',
    remove: 'revoke insert on acme_door.proof from sam',
    verify: { as: 'sam', act: 'forge a proof' },
    audit: { who: 'sam', how: 'may change acme_door.proof' },
  },
  {
    name: 'the janitor may forget what it swept',
    plant: 'grant delete on acme_door.swept to acme_janitor',
    remove: 'revoke delete on acme_door.swept from acme_janitor',
    verify: { as: 'acme_janitor', act: 'change what was swept' },
    audit: { who: 'acme_janitor', how: 'may change acme_door.swept' },
  },
  {
    name: 'CI may write the sizes of a day',
    plant: 'grant execute on procedure acme_door.note_sizes() to public; grant update on acme_door.size to acme_ci_service',
    remove: 'revoke execute on procedure acme_door.note_sizes() from public; revoke update on acme_door.size from acme_ci_service',
    verify: { as: CI, act: 'change a size of the past' },
    audit: { who: 'PUBLIC', how: 'may call acme_door.note_sizes()' },
  },
  {
    name: 'a developer may accept holes',
    plant: 'grant insert on acme_door.accepted to sam',
    remove: 'revoke insert on acme_door.accepted from sam',
    verify: { as: 'sam', act: 'accept what the audit finds' },
    audit: { who: 'sam', how: 'may change acme_door.accepted' },
  },
  {
    name: 'CI lost temporary tables, without which nothing is proved',
    plant: onDatabase('revoke temporary on database %I from public, acme_ci_service'),
    remove: onDatabase('grant temporary on database %I to public, acme_ci_service'),
    verify: { as: CI, act: 'make a table in analytics' },
  },
];

export interface Line {
  readonly login: string;
  readonly how: string;
  readonly verdict: string;
}

/** What verify reports: each act, or why it tried nothing. */
export interface Verified {
  readonly acts: readonly { readonly act: string; readonly expected: string; readonly got: string; readonly control: string; readonly ok: boolean }[];
  readonly wrong: number;
}

/** A database with the boundary, on which both gates can be read as any identity. */
export interface Bench extends Pick<Engine, 'admin'> {
  /** The rows of a query by that login, in a transaction of its own that is kept. Throws. */
  query(login: string, sql: string): Promise<readonly unknown[]>;
}

export async function audited(bench: Bench, login = 'priya'): Promise<readonly Line[]> {
  return (await bench.query(login, 'select login, how, verdict from acme_door.audit()')).map(asLine);
}

export const holes = (lines: readonly Line[]): readonly string[] =>
  lines.filter(({ verdict }) => verdict === 'HOLE').map(({ login, how }) => `${login} ${how}`);

export async function verified(bench: Bench, login: string): Promise<Verified> {
  const [row] = await bench.query(login, 'call acme_door.verify(false)');
  if (typeof row !== 'object' || row === null || !('report' in row)) throw new Error('verify reported nothing');
  return JSON.parse(String(row.report));
}

export const wrongActs = ({ acts }: Verified): readonly string[] => acts.filter(({ ok }) => !ok).map(({ act }) => act);

/** What both gates say while the fault is planted, and what they still say once it is removed. */
export interface Observation {
  readonly wrong: readonly string[];
  readonly refusal: string;
  readonly holes: readonly string[];
  readonly error: string;
  readonly wrongAfter: readonly string[];
  readonly holesAfter: readonly string[];
}

export async function observe(bench: Bench, { plant, remove, verify, audit }: Fault): Promise<Observation> {
  const seen = async (): Promise<{ wrong: readonly string[]; refusal: string }> => {
    if (verify === undefined) return { wrong: [], refusal: '' };
    return verified(bench, verify.as).then(
      (report) => ({ wrong: wrongActs(report), refusal: '' }),
      (error: Error) => ({ wrong: [], refusal: error.message }),
    );
  };
  await bench.admin(plant);
  try {
    const { wrong, refusal } = await seen();
    const found = audit === undefined ? [] : holes(await audited(bench));
    const [error] = audit === undefined ? [] : await bench.query('priya', 'select acme_door.audit_error() as error');
    await bench.admin(remove);
    const after = await seen();
    return {
      wrong,
      refusal,
      holes: found,
      error: typeof error === 'object' && error !== null ? Object.values(error).join() : '',
      wrongAfter: [...after.wrong, after.refusal].filter(Boolean),
      holesAfter: holes(await audited(bench)),
    };
  } catch (error) {
    await bench.admin(remove);
    throw error;
  }
}

/** What the gates should have said about the fault and did not, and what they still said afterwards. */
export function unseen({ verify, audit }: Fault, seen: Observation): readonly string[] {
  const named = audit === undefined || seen.holes.some((hole) => hole.startsWith(`${audit.who} ${audit.how}`));
  const tried = verify === undefined || (verify.act === undefined ? seen.refusal !== '' : seen.wrong.includes(verify.act));
  return [
    ...(named ? [] : [`the audit does not say "${audit?.who} ${audit?.how}" but ${JSON.stringify(seen.holes)}`]),
    ...(audit === undefined || seen.error.includes(`${audit.who} ${audit.how}`) ? [] : [`the audit fails with ${seen.error}`]),
    ...(tried ? [] : [`verify by ${verify?.as} does not fail at "${verify?.act}" but at ${JSON.stringify(seen.wrong)} ${seen.refusal}`]),
    ...seen.wrongAfter.map((act) => `verify still fails: ${act}`),
    ...seen.holesAfter.map((hole) => `the audit still says: ${hole}`),
  ];
}

function asLine(row: unknown): Line {
  if (typeof row !== 'object' || row === null || !('login' in row) || !('how' in row) || !('verdict' in row)) throw new Error('the audit has no such columns');
  return { login: String(row.login), how: String(row.how), verdict: String(row.verdict) };
}

/** Everything that a run could leave behind, as comparable rows. */
export const CATALOGUE = `
  select 'role' as kind, rolname::text as name, row(a.*)::text as what from pg_authid a
  union all select 'member', roleid::regrole || ' ' || member::regrole, row(m.*)::text from pg_auth_members m
  union all select 'setting', setrole::text || ' ' || setdatabase::text, setconfig::text from pg_db_role_setting
  union all select 'schema', nspname, row(n.*)::text from pg_namespace n
  union all select 'relation', oid::text, row(relname, relnamespace, relowner, relkind, relacl, relhasrules, relhastriggers, relhasindex, relnatts)::text from pg_class
  union all select 'column', attrelid || '.' || attname, attacl::text from pg_attribute where attacl is not null
  union all select 'routine', oid::regprocedure::text, row(proowner, proacl, proconfig, prosrc)::text from pg_proc where oid >= 16384
  union all select 'default', oid::text, row(d.*)::text from pg_default_acl d
  union all select 'database', datname, row(datacl, datdba)::text from pg_database
  union all select 'trigger', tgname || tgrelid, '' from pg_trigger
  union all select 'publication', pubname, '' from pg_publication
  union all select 'comment', objoid::text || objsubid, description from pg_description where objoid >= 16384
  union all select 'roster', login, slug from acme_door.developer
  union all select 'environment', schema_name, row(e.*)::text from acme_door.environment e
  union all select 'accepted', login, how from acme_door.accepted
  union all select 'row', id::text, amount::text from analytics.orders
  order by 1, 2, 3`;

/** So many rights too many that most attacks succeed. */
export const EVERYTHING: Pick<Fault, 'plant' | 'remove'> = {
  plant: `grant acme_prod_service, acme_prod_owner, acme_env_owner, pg_execute_server_program, pg_read_server_files to sam; alter role sam createrole; ${onDatabase('grant create on database %I to sam')}; grant create on schema public to sam`,
  remove: `revoke acme_prod_service, acme_prod_owner, acme_env_owner, pg_execute_server_program, pg_read_server_files from sam; alter role sam nocreaterole; ${onDatabase('revoke create on database %I from sam')}; revoke create on schema public from sam`,
};
