import { describeFaults } from '../support/postgres-faults-story.ts';

describeFaults([15, 16, 17]); // 18: test/integration/postgres-faults.test.ts
