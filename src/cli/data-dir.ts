import { resolve } from 'node:path';
import { Option } from 'commander';
import { readConfig } from '../config/config.js';

/** `--data-dir <folder>`, for commands that work on a server's files. */
export const dataDirOption = (): Option =>
  new Option('--data-dir <folder>', 'data folder; default: DATA_DIR, else ./data');

/** The folder it names, else the configured one; absolute. */
export const dataDirOf = ({ dataDir }: { readonly dataDir?: string }): string =>
  resolve(dataDir ?? readConfig(process.env).dataDir);
