/** Loaded before the program (`--require`): koffi is not installed, in no thread. */
const Module = require('node:module');
const load = Module._load;
Module._load = function (request, ...rest) {
  if (request === 'koffi')
    throw Object.assign(new Error("Cannot find module 'koffi'"), { code: 'MODULE_NOT_FOUND' });
  return load.call(this, request, ...rest);
};
