import { describeCompany } from '../support/postgres-company-story.ts';

describeCompany([16, 17]); // 15 and 18: test/integration/postgres-company.test.ts
