// The name of the control socket in a session's folder.
export const CONTROL_SOCKET = 'cache.sock';
