import { describeBoundary } from '../support/postgres-boundary.ts';

describeBoundary([18, 15]); // 16 and 17: test/full/postgres-majors.test.ts
