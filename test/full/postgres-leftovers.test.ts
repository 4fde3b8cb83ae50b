import { describeLeftovers } from '../support/postgres-leftovers-story.ts';

describeLeftovers([16, 17]); // 15 and 18: test/integration/postgres-leftovers.test.ts
