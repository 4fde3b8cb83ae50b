import { describeCompany } from '../support/postgres-company-story.ts';

describeCompany([18, 15]); // 16 and 17: test/full/postgres-company.test.ts
