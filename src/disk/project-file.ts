import { RunError } from '../errors.ts';
import { shown } from '../names.ts';
import { yaml } from '../yaml-package.ts';

/** What we must know of a dbt_project.yml that was there before us. */
export interface ProjectFile {
  readonly name: string;
  readonly profile: string;
  readonly macroPaths: readonly string[];
}

/** Throws {@link RunError} with one line. */
export function parseProjectFile(text: string): ProjectFile {
  const [document, ...more] = yaml().parseAllDocuments(text, { version: '1.1', prettyErrors: false, logLevel: 'silent' });
  const error = document && 'errors' in document ? document.errors[0] : undefined;
  if (error) throw wrong(`cannot be read: ${shown(error.message)}`, 'Repair the YAML');
  if (!document || more.length > 0) throw wrong('is not one YAML document', 'Make it one');
  const project = asData(document);
  const name = textIn(project, 'name');
  if (name === undefined) throw wrong('has no name', "Give it one, e.g. name: 'acme'");
  return { name, profile: textIn(project, 'profile') ?? name, macroPaths: listIn(project, 'macro-paths') ?? ['macros'] };
}

/** An alias without its anchor is found only now. */
function asData(document: { toJS(): unknown }): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw wrong(`cannot be read: ${shown(error instanceof Error ? error.message : String(error))}`, 'Repair the YAML');
  }
}

const memberOf = (project: unknown, key: string): unknown =>
  typeof project === 'object' && project !== null ? Object.getOwnPropertyDescriptor(project, key)?.value : undefined;

function listIn(project: unknown, key: string): readonly string[] | undefined {
  const value = memberOf(project, key);
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : undefined;
}

function textIn(project: unknown, key: string): string | undefined {
  const value = memberOf(project, key);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || !/^[A-Za-z_][\w-]*$/.test(value)) {
    throw wrong(`has the ${key} ${shown(JSON.stringify(value))}, which is no plain name`, 'Use letters, digits, _ and -');
  }
  return value;
}

const wrong = (what: string, way: string): RunError => new RunError(`dbt_project.yml ${what}. ${way}; nothing was written.`);
