import { describeFaults } from '../support/postgres-faults-story.ts';

describeFaults([18]); // 15 to 17: test/full/postgres-faults.test.ts
