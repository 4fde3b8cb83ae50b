import { describePeople } from '../support/postgres-people-story.ts';

describePeople([18, 15]); // 16 and 17: test/full/postgres-people.test.ts
