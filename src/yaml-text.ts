/** What YAML 1.1, which dbt and Python read, takes for a truth value or nothing (https://yaml.org/type/bool.html), or the package yaml for a number. */
const WORDS = /^(?:y|yes|n|no|true|false|on|off|null|e[0-9]+)$/i;

/** A value on one line of YAML: plain where every reader sees a text, in double quotes otherwise. */
export const yamlText = (value: string): string => (/^[A-Za-z][\w.@+-]*$/.test(value) && !WORDS.test(value) ? value : JSON.stringify(value));
