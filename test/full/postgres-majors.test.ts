import { describeBoundary } from '../support/postgres-boundary.ts';

describeBoundary([16, 17]); // 15 and 18: test/integration/postgres-matrix.test.ts
