import { runBasicPlan } from './basic/run-basic-plan.ts';

runBasicPlan('oidcc-basic-certification-test-plan', 'query');
