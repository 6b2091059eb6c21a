// cache/ufs/local: a folder of this machine (local://) or of a claim that somebody else mounted (pvc://).
export { openLocal } from './open-local.ts';
