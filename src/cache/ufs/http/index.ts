// cache/ufs/http: one file of a web server, or the folders it shows by directory indexes (http://, https://).
export { openHttp } from './open-http.ts';
