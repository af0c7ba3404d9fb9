import type { Json } from '../base/events.js';
import { chooseEntry, mergeEntry } from './cmdb.js';
import { configureTextOf, renderConfigureScript } from './configure.js';
import type { Facts } from './facts.js';
import type { Site, SiteMatch } from './site.js';

/**
 * The script that a matched machine would get now: with its layout rendered, and the CMDB entry that
 * stands next in the file. Nothing is claimed.
 * @throws StackwrightError `LayoutDoesNotFit`, `LayoutInvalid`
 */
export function previewScript(site: Site, match: SiteMatch & { profile: string }, facts: Facts): string {
  const profile = site.profiles.find(({ name }) => name === match.profile);
  if (!profile) return '';
  const entries = profile.cmdb?.entries ?? [];
  const entry = entries[chooseEntry(entries, match.variables, match.forced) ?? -1];
  const variables: Record<string, Json> = entry ? mergeEntry(entry, match.variables).entry : match.variables;
  const configureText = configureTextOf(profile, { variables, facts });
  return renderConfigureScript({ profile: profile.name, configureText, variables });
}
