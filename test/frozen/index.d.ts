// What the tests use of the frozen files: the types of today stand for those of then, where both have a member.
declare module '*/client-0.1.0.js' {
  export const createClient: typeof import('../../src/client/node.js').createClient;
}
declare module '*/gateway-0.1.0.js' {
  export const start: typeof import('../../src/app.js').start;
  export const readConfig: typeof import('../../src/config/index.js').readConfig;
}
