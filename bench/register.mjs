import { register } from 'node:module';

// `node --import ./bench/register.mjs bench/main.ts`: see hooks.mjs.
register('./hooks.mjs', import.meta.url);
