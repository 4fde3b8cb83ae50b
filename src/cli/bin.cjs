#!/usr/bin/env node
// Plain ES5: an old Node must get as far as the sentence below. package.json repeats the limits in "engines".
var running = process.versions.node.split('.').map(Number);
var isNewEnough = (running[0] === 20 && running[1] >= 17) || (running[0] === 22 && running[1] >= 9) || running[0] > 22;
if (isNewEnough) {
  require('./start.cjs').start();
} else {
  // biome-ignore lint/style/useTemplate: an old Node reads this line
  console.error('dbt-envs: Node ' + process.versions.node + ' is too old. Install Node 20.17 or a later 20, or 22.9 or later.');
  process.exitCode = 2;
}
