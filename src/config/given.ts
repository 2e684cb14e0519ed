// What was given for each setting, and where: a flag has precedence over the environment, and the environment over the file.
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { flagOf, type ListSetting, type TextSetting, variableOf } from './names.js';
import type { Given, Place, Problems } from './problem.js';
import { SETTINGS, type SettingsFile } from './settings.js';
import { readYaml, type YamlFile } from './yaml-file.js';

/** As the command line gives them. */
export type ConfigInput = { [Name in ListSetting]?: readonly string[] | string | undefined } & {
  [Name in TextSetting]?: string | undefined;
} & {
  insecureNoAuth?: boolean | undefined;
  requireJwt?: boolean | undefined;
  /** Path of a YAML or JSON file. */
  config?: string | undefined;
};

export type Environment = Readonly<Record<string, string | undefined>>;

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

export class Settings {
  readonly #flags: ConfigInput;
  readonly #env: Environment;
  readonly #file: YamlFile<SettingsFile> | undefined;
  /** Path of the file, if there is one. */
  readonly path: string | undefined;

  constructor(flags: ConfigInput, env: Environment, problems: Problems) {
    this.#flags = flags;
    this.#env = env;
    this.path = flags.config ?? env.QMP_GATEWAY_CONFIG;
    this.#file = this.path === undefined ? undefined : readYaml(this.path, SETTINGS, problems);
  }

  one(name: TextSetting): Given<string> | undefined {
    const flag = this.#flags[name];
    if (flag !== undefined) return { value: flag, place: flagOf(name) };
    const variable = this.#env[variableOf(name)];
    if (variable !== undefined) return { value: variable, place: variableOf(name) };
    const value = this.#file?.value[name];
    return value === undefined ? undefined : { value: String(value), place: this.placeOf(name) };
  }

  /** A path; in the file it is relative to the file's folder. */
  pathOf(name: TextSetting): Given<string> | undefined {
    const given = this.one(name);
    const isOfFile = this.#flags[name] === undefined && this.#env[variableOf(name)] === undefined;
    if (!given || !isOfFile) return given;
    return { ...given, value: this.fromFile(given.value) };
  }

  /** A path that stands in the file. */
  fromFile(path: string): string {
    return this.path === undefined ? path : resolve(dirname(this.path), path);
  }

  many(name: ListSetting): Given<string>[] {
    const flag = this.#flags[name];
    if (flag !== undefined) return [flag].flat().map((value) => ({ value, place: flagOf(name) }));
    const variable = this.#env[variableOf(name)];
    if (variable !== undefined) return words(variable).map((value) => ({ value, place: variableOf(name) }));
    const value = this.#file?.value[name];
    if (value === undefined) return [];
    if (typeof value === 'string') return [{ value, place: this.placeOf(name) }];
    if (Array.isArray(value)) return value.map((each, at) => ({ value: each, place: this.placeOf(name, at) }));
    return Object.entries(value).map(([key, uri]) => ({ value: `${key}=${uri}`, place: this.placeOf(name, key) }));
  }

  isOn(name: 'insecureNoAuth' | 'requireJwt'): boolean {
    return this.#flags[name] ?? (this.#env[variableOf(name)] === '1' || this.#file?.value[name] === true);
  }

  /** What only the file has. */
  ofFile<Name extends 'certificates' | 'proxyGroups' | 'webhooks' | 'limits'>(
    name: Name,
  ): z.output<typeof SETTINGS>[Name] {
    return this.#file?.value[name];
  }

  placeOf(...path: PropertyKey[]): Place {
    return `${this.#file?.placeOf(path) ?? ''} ${String(path[0])}`;
  }
}
