import { beforeEach, expect, test } from 'vitest';
import { github, newGithub, PUBLIC, setup, state, VALUES, writes } from '../support/github-setup.ts';

beforeEach(newGithub);

test('stopped at any of its writes, it is finished by the next run: the same as if it had never stopped', async () => {
  const given = { repository: PUBLIC, forks: { approval_policy: 'first_time_contributors' } };
  github(given);
  await setup(['--apply'], VALUES);
  const [whole, count] = [state(), writes().length];
  expect(count).toBe(17);
  for (const writesLeft of Array.from({ length: count }, (_, at) => at)) {
    github({ ...given, writesLeft });
    expect((await setup(['--apply'], VALUES)).code, `stopped at write ${writesLeft + 1}`).toBe(1);
    const { writesLeft: _, ...left } = state();
    expect(left).not.toEqual(whole);
    github(left);
    expect((await setup(['--apply'], VALUES)).code).toBe(0);
    expect(state()).toEqual(whole);
  }
}, 600_000);
