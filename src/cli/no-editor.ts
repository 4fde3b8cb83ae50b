/** Stands in the build for inquirer's editor, which no question of ours opens. */
export const editAsync = (): never => {
  throw new Error('there is no editor prompt');
};
