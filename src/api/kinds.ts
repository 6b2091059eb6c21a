// All kinds there are.
import { dataLoad } from './data-load.ts';
import { dataset } from './dataset.ts';
import { jindoRuntime } from './jindo-runtime.ts';
import { juicefsRuntime } from './juicefs-runtime.ts';
import type { Kind } from './kind.ts';

export const KINDS: readonly Kind[] = [dataset, jindoRuntime, juicefsRuntime, dataLoad];
