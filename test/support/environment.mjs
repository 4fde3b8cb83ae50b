// A program that runs our generator through the yeoman-environment of a folder: node environment.mjs <that folder> <our package> <options as JSON>
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [from, generator, options] = process.argv.slice(2);
const entry = createRequire(path.join(from, 'package.json')).resolve('yeoman-environment');
const { createEnv } = await import(pathToFileURL(entry).href);
const environment = createEnv();
environment.register(path.join(generator, 'generators', 'app', 'index.js'), { namespace: 'dbt-envs:app', packagePath: generator });
await environment.run(['dbt-envs:app'], JSON.parse(options));
