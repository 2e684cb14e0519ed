// How clients are known, from the settings: tokens, JWTs, certificates, and proxies that are trusted.
import { readFileSync } from 'node:fs';
import {
  type AccessSettings,
  JWT_ALGORITHMS,
  type JwtSettings,
  parseKey,
  TOKENS,
  type TokenEntry,
} from '../access/index.js';
import { isLoopbackName, NO_PROXY, type ProxyTrust, parseTrust } from '../gateway/index.js';
import type { Settings } from './given.js';
import type { Given, Problems } from './problem.js';
import { readYaml } from './yaml-file.js';

export function readTrust(settings: Settings, problems: Problems): { proxies: readonly string[]; trust: ProxyTrust } {
  const given = settings.many('trustProxy');
  const proxies = given.map(({ value }) => value);
  const parsed = parseTrust(proxies);
  if (parsed.ok) return { proxies, trust: parsed.trust };
  for (const problem of parsed.problems) problems.add(`${given[0]?.place ?? ''} ${problem}`);
  return { proxies: [], trust: NO_PROXY };
}

export function readAccess(settings: Settings, proxies: readonly string[], problems: Problems): AccessSettings {
  const [userHeader, groupsHeader] = [settings.one('proxyUserHeader'), settings.one('proxyGroupsHeader')];
  const certificates = settings.ofFile('certificates');
  const groups = settings.ofFile('proxyGroups');
  for (const header of [userHeader, groupsHeader])
    if (header && !/^[A-Za-z0-9-]{1,64}$/.test(header.value)) problems.of(header, 'not the name of a header');
  if (userHeader && proxies.length === 0) problems.of(userHeader, 'from which proxy? --trust-proxy names it');
  if (userHeader && !groups)
    problems.of(userHeader, 'what may its users do? proxyGroups in the file of --config says it');
  if (certificates && !settings.one('tlsClientCa'))
    problems.add(`${settings.placeOf('certificates')}: no certificate is asked for without tlsClientCa`);
  return {
    tokens: readTokens(settings.pathOf('tokens'), problems),
    jwt: readJwt(settings, problems),
    certificates,
    proxy: userHeader && groups && { userHeader: userHeader.value, groupsHeader: groupsHeader?.value, groups },
  };
}

function readTokens(path: Given<string> | undefined, problems: Problems): readonly TokenEntry[] | undefined {
  return path && (readYaml(path.value, TOKENS, problems)?.value ?? []);
}

function readJwt(settings: Settings, problems: Problems): JwtSettings | undefined {
  const [file, url] = [settings.pathOf('jwtKey'), settings.one('jwtJwks')];
  const [issuer, audience] = [settings.one('jwtIssuer'), settings.one('jwtAudience')];
  if (!file && !url) {
    for (const given of [issuer, audience])
      if (given) problems.of(given, 'whose keys? --jwt-key or --jwt-jwks says it');
    return undefined;
  }
  if (file && url) problems.of(url, 'there is a --jwt-key already');
  if (!issuer) problems.add('JWTs need --jwt-issuer: other issuers may have the same keys');
  if (!audience) problems.add('JWTs need --jwt-audience: a token for another service must not be one for this');
  const given = settings.many('jwtAlgorithms');
  for (const each of given)
    if (!JWT_ALGORITHMS.includes(each.value)) problems.of(each, `one of ${JWT_ALGORITHMS.join(' ')}`);
  const keys = file ? readKey(file, problems) : url && readUrl(url, problems);
  if (!keys || !issuer || !audience) return undefined;
  return {
    keys,
    issuer: issuer.value,
    audience: audience.value,
    algorithms: given.length > 0 ? given.map(({ value }) => value) : ['RS256', 'ES256', 'EdDSA'],
    claim: settings.one('jwtClaim')?.value ?? 'qmp',
  };
}

function readKey(file: Given<string>, problems: Problems): { text: string } | undefined {
  try {
    const text = readFileSync(file.value, 'utf8');
    parseKey(text);
    return { text };
  } catch (error) {
    problems.file(file.place, file.value, error);
    return undefined;
  }
}

/** Who can change the keys on their way can make every token. */
function readUrl(given: Given<string>, problems: Problems): { url: string } | undefined {
  const url = URL.canParse(given.value) ? new URL(given.value) : undefined;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackName(url.hostname)))
    return { url: url.href };
  problems.of(given, 'expected https://, or http:// on this host');
  return undefined;
}
