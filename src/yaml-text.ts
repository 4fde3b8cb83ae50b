/** Words that YAML 1.1, which dbt and Python read, takes for truth values or nothing: https://yaml.org/type/bool.html */
const WORDS = /^(?:y|yes|n|no|true|false|on|off|null)$/i;

/** A value on one line of YAML: plain where every reader sees a text, in double quotes otherwise. */
export const yamlText = (value: string): string => (/^[A-Za-z][\w.@+-]*$/.test(value) && !WORDS.test(value) ? value : JSON.stringify(value));
