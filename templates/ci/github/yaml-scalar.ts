const NO_STRING = /^(?:true|false|yes|no|on|off|null|y|n|e[0-9]+)$/i;
const PLAIN = /^[A-Za-z][A-Za-z0-9 _./,()'"=@+-]*$/;
const EXPRESSION = /^\$\{\{(?:(?!: | #)[^\n])*\}\}$/;

/** A string as YAML reads it back: bare where nothing in it is special, quoted otherwise. A JSON string is a YAML string. */
export const yamlScalar = (text: string): string =>
  (PLAIN.test(text) && !NO_STRING.test(text) && text.trim() === text) || EXPRESSION.test(text) ? text : JSON.stringify(text);
