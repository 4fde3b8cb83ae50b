import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * A cookiecutter template that writes `files` into a folder called like the project. Every place that holds the name is
 * a variable; the rest stands between raw marks, since dbt's Jinja and GitHub's braces are not cookiecutter's.
 */
export function cookiecutterTemplate(project: string, files: Readonly<Record<string, string>>): string {
  const template = mkdtempSync(path.join(tmpdir(), 'dbt-envs-cookiecutter-'));
  chmodSync(template, 0o755);
  writeFileSync(path.join(template, 'cookiecutter.json'), JSON.stringify({ project_name: project }));
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(template, '{{ cookiecutter.project_name }}', name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, templateOf(project, text));
  }
  return template;
}

export function templateOf(project: string, text: string): string {
  if (/\{%-?\s*(?:end)?raw\b/.test(text)) throw new Error('the text has raw marks of its own');
  const raw = (piece: string): string => (piece === '' ? '' : `{% raw %}${piece}{% endraw %}`);
  return text.split(project).map(raw).join('{{ cookiecutter.project_name }}');
}
