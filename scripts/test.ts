// Everything: build, check, then real mounts, one test file at a time because they share the machine's mount table.

import { step, testStep } from './steps.ts';

step('build', 'node', ['scripts/build.ts']);
step('check', 'node', ['scripts/check.ts']);
testStep('fuse tests', ['test/fuse/**/*.test.ts'], ['--test-concurrency=1']);
testStep('crash tests', ['test/crash/**/*.test.ts'], ['--test-concurrency=1']);
