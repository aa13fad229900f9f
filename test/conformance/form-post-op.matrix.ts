import { runBasicPlan } from './basic/run-basic-plan.ts';

runBasicPlan('oidcc-formpost-basic-certification-test-plan', 'form_post');
