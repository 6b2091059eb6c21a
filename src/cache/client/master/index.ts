// cache/client/master: the master as a client daemon sees it: names it can ask for, changes it is told of.
export { Changes, type ChangesConfig, type ChangesDeps, type ChangesHealth } from './changes.ts';
export { distrustNames, type Distrusting } from './distrust.ts';
export { FollowedNames } from './followed-names.ts';
export { MasterLink, type MasterHealth, type MasterLinkConfig, type MasterLinkDeps } from './master-link.ts';
export { MasterUfs, type MasterUfsConfig, type MasterUfsDeps } from './master-ufs.ts';
