import { describePeople } from '../support/postgres-people-story.ts';

describePeople([16, 17]); // 15 and 18: test/integration/postgres-people.test.ts
