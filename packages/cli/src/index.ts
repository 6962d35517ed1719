// For programs: the client of a running agent's control socket.
export { type Call, type Client, connect, type LogsAsked } from './client/client.ts';
export { Failure } from './failure.ts';
export { type SocketInput, socketPath } from './socket.ts';
