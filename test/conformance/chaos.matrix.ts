import { chaosVariable, replicasVariable } from '../support/conformance-service.ts';

// E36: the same plans while replicas come and go; this file runs in a process of its own.
process.env[replicasVariable] = '3';
process.env[chaosVariable] = 'yes';

await import('./basic-op.test.ts');
await import('./fapi-security-profile-op.matrix.ts');
