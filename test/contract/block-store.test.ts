// The block store on a disk and in memory.
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { suite } from 'node:test';
import { blockStoreContract } from './block-store.ts';

blockStoreContract('on a disk', tmpdir());
if (existsSync('/dev/shm')) blockStoreContract('in memory', '/dev/shm');
else suite('in memory', { skip: 'no tmpfs at /dev/shm' });
