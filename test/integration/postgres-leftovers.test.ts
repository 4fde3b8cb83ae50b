import { describeLeftovers } from '../support/postgres-leftovers-story.ts';

describeLeftovers([18, 15]); // 16 and 17: test/full/postgres-leftovers.test.ts
