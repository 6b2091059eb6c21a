// filesystems/dummyfs: the smallest file system worth mounting, for test beds.
// Everything about it is a constant.
// Also the shortest example of the FileSystem interface.
export { DUMMY_CONTENT, DUMMY_NAME, DummyFs } from './dummyfs.ts';
