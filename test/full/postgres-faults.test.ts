import { describeFaults } from '../support/postgres-faults-story.ts';

describeFaults([16, 17]); // 15 and 18: test/integration/postgres-faults.test.ts
