// Everything that can be judged without /dev/fuse.

import { step, testStep } from './steps.ts';

step('format', 'prettier', ['--check', '--log-level', 'warn', '.']);
step('lint', 'eslint', ['--max-warnings', '0', '.']);
step('types', 'tsc', ['-p', 'tsconfig.json']);
step('dependency rules', 'depcruise', ['--config', '.dependency-cruiser.cjs', 'src']);
step('generated files', 'node', ['scripts/gen.ts', '--check']);
testStep('unit tests', ['src/**/*.test.ts']);
testStep('contract and model tests', ['test/contract/**/*.test.ts', 'test/model/**/*.test.ts']);
